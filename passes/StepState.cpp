// Scalars of state, random ops' counters, and @init.
#include "passes/StepState.h"

#include "passes/DeclaredParts.h"
#include "passes/EntryPoints.h"

#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/SampleNumbers.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

/// The type of the learning rate: f64 where it is to scale a parameter of f64,
/// for which f32 would have rounded it.
static Type getRateType(ModelOp model) {
  Builder b(model.getContext());
  auto module = model->getParentOfType<ModuleOp>();
  bool hasDoubles =
      llvm::any_of(module.getOps<ParameterOp>(), [](ParameterOp parameter) {
        return getElementTypeOrSelf(parameter.getType()).isF64();
      });
  return hasDoubles ? b.getF64Type() : b.getF32Type();
}

/// Whether `op` draws numbers for each sample, in evaluation as in training.
static bool drawsForSamples(Operation &op) {
  if (!op.hasAttr("stream"))
    return false;
  auto shape = op.getAttrOfType<DenseI64ArrayAttr>("shape");
  return shape && llvm::is_contained(shape.asArrayRef(), -1);
}

namespace {
/// A scalar of state and what it begins with.
struct Scalar {
  std::string name;
  Type elementType;
  double value;
};
} // namespace

bool trains(func::FuncOp function) {
  return function->hasAttr(kTrainingAttr) &&
         !function->hasAttr(kStateStaysAttr);
}

std::string counterNameOf(const RecipeUpdate &update) {
  return update.name.empty() ? kStepName.str()
                             : (update.name + "." + kStepName).str();
}

std::string rateNameOf(const RecipeUpdate &update) {
  return update.name.empty() ? kLearningRateName.str()
                             : (update.name + "." + kLearningRateName).str();
}

static std::string besideCounter(StringRef counter, StringRef scalar) {
  counter.consume_back(kStepName);
  return (counter + scalar).str();
}

std::string runScalarNameOf(StringRef counter, StringRef scalar,
                            const SymbolTable &symbols) {
  std::string own = besideCounter(counter, scalar);
  return symbols.lookup(own) ? own : scalar.str();
}

/// The counters and rates of the recipe's updates. A model that is not trained
/// has a rate too: sessions have always had it.
static FailureOr<SmallVector<Scalar>> listUpdateScalars(ModelOp model) {
  Builder b(model.getContext());
  auto rateType = llvm::cast<FloatType>(getRateType(model));
  SmallVector<RecipeUpdate> updates = listUpdates(model);
  SmallVector<Scalar> scalars = {{kStepName.str(), b.getI64Type(), 0}};
  if (updates.empty())
    scalars.push_back({kLearningRateName.str(), rateType, 0});
  auto addRunScalars = [&](StringRef counter) {
    if (asksForRun(model.getRecipe()))
      for (StringRef name : {kStepsPerEpochName, kRunStepsName})
        scalars.push_back({besideCounter(counter, name), b.getI64Type(), 0});
  };
  addRunScalars(kStepName);
  for (const RecipeUpdate &update : updates) {
    auto recipe = RecipeAttr::get(b.getContext(), update.settings);
    double rate = recipe.getLearningRate()->base;
    if (!fitsIn(rate, rateType))
      return emitError(model.getLoc())
             << "the learning rate is " << printNumber(rate)
             << ": it does not fit in " << printElementType(rateType);
    if (!update.name.empty()) {
      scalars.push_back({counterNameOf(update), b.getI64Type(), 0});
      // A training step of a name need not run once a batch.
      if (!update.step.empty())
        addRunScalars(counterNameOf(update));
    }
    scalars.push_back({rateNameOf(update), rateType, rate});
  }
  return scalars;
}

/// Declares `scalar` before the model, in whose program no other may be called
/// so.
static LogicalResult declare(const Scalar &scalar, ModelOp model) {
  auto module = model->getParentOfType<ModuleOp>();
  if (Operation *other = module.lookupSymbol(scalar.name))
    return emitError(other->getLoc())
           << "the name '" << scalar.name
           << "' belongs to the training step; choose another";
  OpBuilder b(model);
  ParameterOp::create(
      b, model.getLoc(), b.getStringAttr(scalar.name),
      TypeAttr::get(RankedTensorType::get({}, scalar.elementType)),
      makeInitializer(b.getContext(), "constant", {{"value", scalar.value}}),
      RoleAttr::get(b.getContext(), Role::scalar));
  return success();
}

LogicalResult declareScalars(ModelOp model) {
  Type i64 = IntegerType::get(model.getContext(), 64);
  double seed = double(model.getRecipe().getInteger("seed").value_or(0));
  FailureOr<SmallVector<Scalar>> ofUpdates = listUpdateScalars(model);
  if (failed(ofUpdates))
    return failure();
  SmallVector<Scalar> scalars = {{kSeedName.str(), i64, seed}};
  llvm::append_range(scalars, *ofUpdates);
  if (llvm::any_of(model.getBody().front(), drawsForSamples))
    scalars.push_back({kFirstSampleName.str(), i64, 0});
  for (const Scalar &scalar : scalars)
    if (failed(declare(scalar, model)))
      return failure();
  return success();
}

/// Assigns zeros to `state` at the end of @init, where there is one.
static void initializeWithZeros(ParameterOp state, const SymbolTable &symbols) {
  auto init = symbols.lookup<func::FuncOp>(kInitName);
  if (!init)
    return;
  OpBuilder builder(init.front().getTerminator());
  ImplicitLocOpBuilder b(state.getLoc(), builder);
  auto type = llvm::cast<RankedTensorType>(state.getType());
  Expr zeros = broadcast(constant(b, 0.0, type.getElementType()),
                         toDims(type.getShape()));
  AssignOp::create(b, FlatSymbolRefAttr::get(state), zeros);
}

FailureOr<ParameterOp> declareZeros(ParameterOp after, StringRef name,
                                    RankedTensorType type, Role role,
                                    SymbolTable &symbols) {
  if (Operation *other = symbols.lookup(name)) {
    InFlightDiagnostic diagnostic = emitError(after.getLoc())
                                    << "the optimizer needs the name '" << name
                                    << "' for its state";
    diagnostic.attachNote(other->getLoc()) << "which is declared here";
    return failure();
  }
  OpBuilder b(after->getContext());
  b.setInsertionPointAfter(after);
  auto state = ParameterOp::create(
      b, after.getLoc(), b.getStringAttr(name), TypeAttr::get(type),
      InitializerAttr::get(b.getContext(), b.getStringAttr("zeros"),
                           b.getDictionaryAttr({})),
      RoleAttr::get(b.getContext(), role));
  symbols.insert(state);
  initializeWithZeros(state, symbols);
  return state;
}

static Value readScalar(ImplicitLocOpBuilder &b, StringRef name) {
  return ReadOp::create(b, RankedTensorType::get({}, b.getI64Type()), name);
}

/// The place of the operand `counter` of a random op that has none yet.
static std::optional<unsigned> findMissingCounter(Operation *op) {
  auto described = dyn_cast<Described>(op);
  if (!described || !op->hasAttr("stream"))
    return std::nullopt;
  const Signature &signature = described.getSignature();
  SmallVector<int32_t> counts = operandCounts(op, signature);
  for (auto [index, operand] : llvm::enumerate(signature.operands))
    if (operand.name == "counter" && counts[index] == 0)
      return index;
  return std::nullopt;
}

/// Whether it drops elements with probability 0.
static bool dropsNothing(Operation *op) {
  return llvm::any_of(ArrayRef<StringRef>{"rate", "dropout"},
                      [&](StringRef name) {
                        auto share = op->getAttrOfType<FloatAttr>(name);
                        return share && share.getValue().isZero();
                      });
}

/// A step of a loop has no number of its own to draw by: the same values would
/// come at each.
static LogicalResult checkNoneInLoops(ModelOp model) {
  WalkResult result = model.walk([](Operation *op) -> WalkResult {
    if (!op->getParentOfType<ScanOp>() || !findMissingCounter(op) ||
        dropsNothing(op))
      return WalkResult::advance();
    return OpSite(op->getLoc(), op->getName().stripDialect()).error()
           << ("draws random numbers in the step of a loop, which "
               "would be the same at each step; draw them before "
               "it and go over them");
  });
  return failure(result.wasInterrupted());
}

LogicalResult setCounters(ModelOp model) {
  if (failed(checkNoneInLoops(model)))
    return failure();
  auto module = model->getParentOfType<ModuleOp>();
  auto parameters = module.getOps<ParameterOp>();
  int64_t stream = llvm::count_if(parameters, [](ParameterOp parameter) {
    return parameter.getSymName() != kFirstSampleName;
  });
  OpBuilder builder = OpBuilder::atBlockBegin(&model.getBody().front());
  ImplicitLocOpBuilder b(model.getLoc(), builder);
  SmallVector<Value> counter;
  for (Operation &op : llvm::make_early_inc_range(model.getBody().front())) {
    std::optional<unsigned> place = findMissingCounter(&op);
    if (!place)
      continue;
    if (counter.empty())
      counter = {readScalar(b, kSeedName), readScalar(b, kStepName)};
    fillOperand(&op, cast<Described>(op).getSignature(), *place, counter);
    op.setAttr("stream", b.getI64IntegerAttr(stream++));
  }
  return success();
}

/// Has random ops draw as they do before the first step, so that what a set
/// comes to depends on the weights and not on how long they were trained.
static void drawWithoutStep(func::FuncOp function) {
  for (ReadOp read : llvm::make_early_inc_range(function.getOps<ReadOp>())) {
    if (read.getParameter() != kStepName)
      continue;
    OpBuilder builder(read);
    ImplicitLocOpBuilder b(read.getLoc(), builder);
    Value first = constant(b, 0.0, b.getI64Type());
    read.replaceAllUsesWith(first);
    read.erase();
  }
}

void numberSamples(func::FuncOp function) {
  drawWithoutStep(function);
  Block &body = function.front();
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (!drawsForSamples(op))
      continue;
    OpBuilder builder(&op);
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    // The operands of these ops are their counter: seed and step.
    Expr step(b, op.getOperand(1));
    Expr before(b, readScalar(b, kFirstSampleName));
    op.setOperand(1, step + before * double(int64_t(1) << kSamplesBeforeShift));
    op.setAttr(kSampleNumbersAttr, b.getUnitAttr());
  }
}

LogicalResult buildInit(ModelOp model) {
  OpBuilder builder(model);
  auto function = func::FuncOp::create(builder, model.getLoc(), kInitName,
                                       builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  ImplicitLocOpBuilder atModel(model.getLoc(), builder);
  Value seed = readScalar(atModel, kSeedName);
  Expr firstStep = constant(atModel, 0.0, builder.getI64Type());

  auto parameters = model->getParentOfType<ModuleOp>().getOps<ParameterOp>();
  for (auto [stream, parameter] : llvm::enumerate(parameters)) {
    if (parameter.getSymName() == kSeedName)
      continue;
    builder.setInsertionPointToEnd(&function.front());
    ImplicitLocOpBuilder b(parameter.getLoc(), builder);
    FailureOr<Expr> value =
        buildInitializer(b, parameter.getInitializer(),
                         llvm::cast<RankedTensorType>(parameter.getType()),
                         Counter{Expr(b, seed), Expr(b, firstStep)}, stream);
    if (failed(value))
      return failure();
    AssignOp::create(b, FlatSymbolRefAttr::get(parameter), *value);
  }
  builder.setInsertionPointToEnd(&function.front());
  func::ReturnOp::create(builder, model.getLoc());
  return success();
}

} // namespace nnc
