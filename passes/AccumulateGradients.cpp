// Gradients that wait for an update: their sums over samples are state.
#include "passes/AccumulateGradients.h"

#include "passes/EntryPoints.h"
#include "passes/StepState.h"

#include "ir/Expr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

namespace {
/// One of the two entry points, at its end.
class Step {
public:
  Step(func::FuncOp function, SymbolTable &symbols)
      : function(function), symbols(symbols),
        builder(function.front().getTerminator()),
        b(function.getLoc(), builder) {}

  LogicalResult addGradients(OptimizeOp op, bool updates);
  void count(bool updates);
  void drawByBatches();

private:
  /// Before anything is assigned.
  Expr read(StringRef name, Type type) {
    OpBuilder atBegin = OpBuilder::atBlockBegin(&function.front());
    return Expr(b, ReadOp::create(atBegin, b.getLoc(), type, name));
  }
  Expr readCount(StringRef name) {
    return read(name, RankedTensorType::get({}, b.getI64Type()));
  }
  void assign(StringRef name, Expr value) {
    AssignOp::create(b, FlatSymbolRefAttr::get(b.getContext(), name), value);
  }
  Expr numSamples();

  func::FuncOp function;
  SymbolTable &symbols;
  OpBuilder builder;
  ImplicitLocOpBuilder b;
};
} // namespace

/// How many samples the batch has, in f32; 1 where nothing comes in batches.
Expr Step::numSamples() {
  bool hasBatch = llvm::any_of(function.getArgumentTypes(), [](Type type) {
    return !cast<RankedTensorType>(type).hasStaticShape();
  });
  Expr one = constant(b, 1.0, b.getF32Type());
  return hasBatch ? size(broadcast(one, {-1}), {0}) : one;
}

/// Adds the gradients of `op` to those that wait: for the update, which then
/// takes their mean, or to go on waiting.
LogicalResult Step::addGradients(OptimizeOp op, bool updates) {
  OpBuilder::InsertionGuard guard(builder);
  b.setInsertionPoint(op);
  Expr samples = numSamples();
  Expr all = cast(readCount(kWaitingSamplesName), b.getF32Type()) + samples;
  for (auto [index, symbol] :
       llvm::enumerate(op.getParameters().getAsRange<FlatSymbolRefAttr>())) {
    auto parameter = symbols.lookup<ParameterOp>(symbol.getAttr());
    auto type = cast<RankedTensorType>(parameter.getType());
    std::string name = (symbol.getValue() + ".gradient").str();
    if (!symbols.lookup(name) &&
        failed(declareZeros(parameter, name, type, Role::optimizer_state,
                            symbols)))
      return failure();
    Expr gradient(b, op.getGradients()[index]);
    Expr sum =
        read(name, type) + gradient * cast(samples, type.getElementType());
    if (updates)
      op.getGradientsMutable()[index].set(
          sum * cast(1.0 / all, type.getElementType()));
    assign(name, updates ? broadcast(scalar(sum, 0.0), sum.dims()) : sum);
  }
  return success();
}

void Step::count(bool updates) {
  b.setInsertionPoint(function.front().getTerminator());
  assign(kBatchesName, readCount(kBatchesName) + 1.0);
  Expr none = constant(b, 0.0, b.getI64Type());
  assign(kWaitingBatchesName,
         updates ? none : readCount(kWaitingBatchesName) + 1.0);
  assign(kWaitingSamplesName, updates ? none
                                      : readCount(kWaitingSamplesName) +
                                            cast(numSamples(), b.getI64Type()));
}

/// The batches of one update would else draw the same numbers.
void Step::drawByBatches() {
  for (ReadOp read : function.getOps<ReadOp>())
    if (read.getParameter() == kStepName)
      read.setParameter(kBatchesName);
}

static LogicalResult declareCounts(func::FuncOp train, SymbolTable &symbols) {
  auto step = symbols.lookup<ParameterOp>(kStepName);
  auto type =
      RankedTensorType::get({}, IntegerType::get(train.getContext(), 64));
  for (StringRef name :
       {kWaitingSamplesName, kWaitingBatchesName, kBatchesName})
    if (failed(declareZeros(step, name, type, Role::scalar, symbols)))
      return failure();
  return success();
}

LogicalResult accumulateGradients(ModelOp model) {
  if (model.getRecipe().getInteger("accumulate").value_or(1) == 1)
    return success();
  auto module = model->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  auto train = symbols.lookup<func::FuncOp>(kTrainStepName);
  if (!train) {
    bool isTrained =
        llvm::any_of(module.getOps<func::FuncOp>(), [](func::FuncOp function) {
          return !function.getOps<OptimizeOp>().empty();
        });
    if (isTrained)
      return emitError(model.getLoc()) << "'accumulate' is of models with one "
                                          "training step, which has no "
                                          "name of its own";
    return success();
  }
  if (Operation *other = symbols.lookup(kAccumulateStepName))
    return emitError(other->getLoc())
           << "the name '" << kAccumulateStepName
           << "' belongs to the training step; choose another";
  if (failed(declareCounts(train, symbols)))
    return failure();
  func::FuncOp accumulate = train.clone();
  accumulate.setName(kAccumulateStepName);
  symbols.insert(accumulate, std::next(Block::iterator(train)));
  for (func::FuncOp function : {accumulate, train}) {
    bool updates = function == train;
    Step step(function, symbols);
    step.drawByBatches();
    for (OptimizeOp op :
         llvm::make_early_inc_range(function.getOps<OptimizeOp>())) {
      if (failed(step.addGradients(op, updates)))
        return failure();
      if (!updates)
        op.erase();
    }
    step.count(updates);
  }
  return success();
}

} // namespace nnc
