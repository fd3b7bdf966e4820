// Gradients that wait for an update: their sums over samples are state.
#include "passes/AccumulateGradients.h"

#include "passes/EntryPoints.h"
#include "passes/StepState.h"

#include "ir/Expr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace nnc {

/// What belongs to the training step `step`: behind its name and a dot, where
/// it has one.
static std::string nameIn(StringRef step, StringRef name) {
  return step.empty() ? name.str() : (step + "." + name).str();
}

namespace {
/// A training step and the state that its gradients wait in.
struct WaitingStep {
  StringRef name; ///< Empty: the model's only one.
  std::string batches, samples;
  llvm::StringMap<std::string> gradients; ///< By parameter.
};

/// One of the two entry points of a step, at its end.
class Step {
public:
  Step(func::FuncOp function, const WaitingStep &waiting, SymbolTable &symbols)
      : function(function), waiting(waiting), symbols(symbols),
        builder(function.front().getTerminator()),
        b(function.getLoc(), builder) {}

  void addGradients(OptimizeOp op, bool updates);
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
  const WaitingStep &waiting;
  SymbolTable &symbols;
  OpBuilder builder;
  ImplicitLocOpBuilder b;
};
} // namespace

/// Whether anything comes in batches: an input, or what is drawn for each
/// sample.
static bool hasBatch(func::FuncOp function) {
  auto isOfBatch = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  };
  return llvm::any_of(function.getArgumentTypes(), isOfBatch) ||
         llvm::any_of(function.getOps(), [&](Operation &op) {
           return llvm::any_of(op.getResultTypes(), isOfBatch);
         });
}

/// How many samples the batch has, in f32; 1 where nothing comes in batches.
Expr Step::numSamples() {
  Expr one = constant(b, 1.0, b.getF32Type());
  return hasBatch(function) ? size(broadcast(one, {-1}), {0}) : one;
}

/// Adds the gradients of `op` to those that wait: for the update, which then
/// takes their mean, or to go on waiting.
void Step::addGradients(OptimizeOp op, bool updates) {
  OpBuilder::InsertionGuard guard(builder);
  b.setInsertionPoint(op);
  Expr samples = numSamples();
  Expr all = cast(readCount(waiting.samples), b.getF32Type()) + samples;
  for (auto [index, symbol] :
       llvm::enumerate(op.getParameters().getAsRange<FlatSymbolRefAttr>())) {
    auto parameter = symbols.lookup<ParameterOp>(symbol.getAttr());
    auto type = cast<RankedTensorType>(parameter.getType());
    const std::string &name = waiting.gradients.at(symbol.getValue());
    Expr gradient(b, op.getGradients()[index]);
    Expr sum =
        read(name, type) + gradient * cast(samples, type.getElementType());
    if (updates)
      op.getGradientsMutable()[index].set(
          sum * cast(1.0 / all, type.getElementType()));
    assign(name, updates ? broadcast(scalar(sum, 0.0), sum.dims()) : sum);
  }
}

void Step::count(bool updates) {
  b.setInsertionPoint(function.front().getTerminator());
  assign(kBatchesName, readCount(kBatchesName) + 1.0);
  Expr none = constant(b, 0.0, b.getI64Type());
  assign(waiting.batches, updates ? none : readCount(waiting.batches) + 1.0);
  assign(waiting.samples, updates ? none
                                  : readCount(waiting.samples) +
                                        cast(numSamples(), b.getI64Type()));
}

/// The batches of one update would else draw the same numbers.
void Step::drawByBatches() {
  for (ReadOp read : function.getOps<ReadOp>())
    if (read.getParameter() == kStepName)
      read.setParameter(kBatchesName);
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

static LogicalResult declareCount(StringRef name, SymbolTable &symbols) {
  auto step = symbols.lookup<ParameterOp>(kStepName);
  auto type =
      RankedTensorType::get({}, IntegerType::get(step.getContext(), 64));
  return success(
      succeeded(declareZeros(step, name, type, Role::scalar, symbols)));
}

/// Of two steps that update a parameter, the second names its state after
/// itself.
static LogicalResult declareGradients(OptimizeOp op, WaitingStep &waiting,
                                      SymbolTable &symbols) {
  for (auto symbol : op.getParameters().getAsRange<FlatSymbolRefAttr>()) {
    auto parameter = symbols.lookup<ParameterOp>(symbol.getAttr());
    std::string name = (symbol.getValue() + ".gradient").str();
    auto other = symbols.lookup<ParameterOp>(name);
    if (other && other.getRole() == Role::optimizer_state)
      name = (symbol.getValue() + "." + nameIn(waiting.name, "gradient")).str();
    if (failed(declareZeros(parameter, name,
                            cast<RankedTensorType>(parameter.getType()),
                            Role::optimizer_state, symbols)))
      return failure();
    waiting.gradients[symbol.getValue()] = name;
  }
  return success();
}

static FailureOr<WaitingStep> declareWaiting(func::FuncOp train,
                                             SymbolTable &symbols) {
  WaitingStep waiting;
  if (train.getName() != kTrainStepName)
    waiting.name = train.getName();
  waiting.batches = nameIn(waiting.name, kWaitingBatchesName);
  waiting.samples = nameIn(waiting.name, kWaitingSamplesName);
  for (StringRef name : {waiting.samples, waiting.batches})
    if (failed(declareCount(name, symbols)))
      return failure();
  for (OptimizeOp op : train.getOps<OptimizeOp>())
    if (failed(declareGradients(op, waiting, symbols)))
      return failure();
  return waiting;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

/// Makes the other entry point of the step that is `train`.
static LogicalResult accumulate(func::FuncOp train, SymbolTable &symbols) {
  FailureOr<WaitingStep> waiting = declareWaiting(train, symbols);
  if (failed(waiting))
    return failure();
  std::string name = nameIn(waiting->name, kAccumulateStepName);
  if (Operation *other = symbols.lookup(name))
    return emitError(other->getLoc())
           << "the name '" << name
           << "' belongs to the training step; choose another";
  func::FuncOp accumulate = train.clone();
  accumulate.setName(name);
  accumulate->setAttr(kAccumulatesAttr, UnitAttr::get(train.getContext()));
  symbols.insert(accumulate, std::next(Block::iterator(train)));
  for (func::FuncOp function : {accumulate, train}) {
    bool updates = function == train;
    Step step(function, *waiting, symbols);
    step.drawByBatches();
    for (OptimizeOp op :
         llvm::make_early_inc_range(function.getOps<OptimizeOp>())) {
      step.addGradients(op, updates);
      if (!updates)
        op.erase();
    }
    step.count(updates);
  }
  return success();
}

LogicalResult accumulateGradients(ModelOp model) {
  if (model.getRecipe().getInteger("accumulate").value_or(1) == 1)
    return success();
  auto module = model->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.getOps<OptimizeOp>().empty())
      steps.push_back(function);
  for (func::FuncOp train : steps)
    if (failed(accumulate(train, symbols)))
      return failure();
  return steps.empty() ? success() : declareCount(kBatchesName, symbols);
}

} // namespace nnc
