// Replaces nnc.optimize by what it stands for: clipping, the learning rate's
// schedule, an optimizer op for each parameter, and the assignments of the new
// parameters and of the optimizer's state.
#include "passes/EntryPoints.h"
#include "passes/Passes.h"

#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_ADDOPTIMIZERPASS
#include "passes/Passes.h.inc"

namespace {
/// The module's symbols and what a step has read of them: looked up by name,
/// for models of thousands of parameters.
class State {
public:
  explicit State(func::FuncOp function)
      : symbols(function->getParentOfType<ModuleOp>()), function(function) {
    for (ReadOp read : function.getOps<ReadOp>())
      reads.try_emplace(read.getParameterAttr(), read.getResult());
  }

  /// The value of `symbol` before the step: its read at the top.
  Value read(FlatSymbolRefAttr symbol, Type type) {
    Value &value = reads[symbol];
    if (!value) {
      OpBuilder b = OpBuilder::atBlockBegin(&function.front());
      value = ReadOp::create(b, function.getLoc(), type, symbol);
    }
    return value;
  }

  Value readScalar(StringRef name, Type element) {
    return read(FlatSymbolRefAttr::get(element.getContext(), name),
                RankedTensorType::get({}, element));
  }

  SymbolTable symbols;
  /// Where each parameter is updated.
  DenseMap<Operation *, Location> updates;

private:
  func::FuncOp function;
  DenseMap<Attribute, Value> reads;
};
} // namespace

static StringRef counterOf(OptimizeOp op) {
  return op.getCounter().value_or(kStepName);
}

static StringRef rateOf(OptimizeOp op) {
  return op.getRate().value_or(kLearningRateName);
}

/// Nothing where the rate stays what it is set to.
static std::optional<NamedCall> getSchedule(OptimizeOp op) {
  std::optional<LearningRate> rate = op.getRecipe().getLearningRate();
  return rate ? rate->schedule : std::nullopt;
}

/// The learning rate of this step, or of the one before: what the update's
/// scalar holds, on the schedule that its recipe may name.
static FailureOr<Value> buildLearningRate(OptimizeOp op, State &state,
                                          bool isOfStepBefore, OpBuilder &b) {
  auto declared = state.symbols.lookup<ParameterOp>(rateOf(op));
  Type type = declared ? getElementTypeOrSelf(declared.getType())
                       : Type(b.getF32Type());
  Value base = state.readScalar(rateOf(op), type);
  std::optional<NamedCall> schedule = getSchedule(op);
  if (!schedule)
    return base;
  Value step = state.readScalar(counterOf(op), b.getI64Type());
  // The counter has the steps that are done, and schedules count from 0.
  if (isOfStepBefore) {
    ImplicitLocOpBuilder located(op.getLoc(), b);
    step = maximum(Expr(located, step) - 1.0, 0.0);
  }
  FailureOr<Operation *> built = createByName(
      b, op.getLoc(), schedule->name, {base, step}, schedule->attributes);
  if (failed(built))
    return failure();
  return (*built)->getResult(0);
}

/// Adds the entry point that gives the rates of the step before, one a
/// scheduled update, by their scalars' names: a step itself does not pay for
/// what is asked for once in a while.
static LogicalResult addScheduledRates(ArrayRef<OptimizeOp> scheduled,
                                       ModuleOp module) {
  if (scheduled.empty() || module.lookupSymbol(kScheduledRateName))
    return success();
  Location loc = scheduled.front()->getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, loc, kScheduledRateName,
                                       builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  auto end = func::ReturnOp::create(builder, loc);
  builder.setInsertionPoint(end);
  State state(function);
  SmallVector<Value> rates;
  for (OptimizeOp op : scheduled) {
    FailureOr<Value> rate =
        buildLearningRate(op, state, /*isOfStepBefore=*/true, builder);
    if (failed(rate))
      return failure();
    rates.push_back(*rate);
  }
  end->setOperands(rates);
  function.setType(builder.getFunctionType({}, ValueRange(rates).getTypes()));
  for (auto [index, op] : llvm::enumerate(scheduled)) {
    function.setResultAttr(index, kNameAttr, builder.getStringAttr(rateOf(op)));
    function.setResultAttr(index, kResultAttr,
                           builder.getStringAttr(kMetricKind));
  }
  return success();
}

/// `limit`, or the largest number of the type: what is beyond limits nothing.
static double limitIn(Type element, double limit) {
  llvm::APFloat largest =
      llvm::APFloat::getLargest(cast<FloatType>(element).getFloatSemantics());
  bool losesInfo;
  largest.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return std::min(limit, largest.convertToDouble());
}

/// Limits each element of `gradients` to [-limit, limit].
static void clipValues(MutableArrayRef<Expr> gradients, double limit) {
  for (Expr &gradient : gradients) {
    double most = limitIn(gradient.elementType(), limit);
    gradient = clamp(gradient, -most, most);
  }
}

/// The sum of the squares of all elements, in the widest type that they have,
/// and f32 at least, since squares soon leave the range of f16.
static Expr sumSquares(ArrayRef<Expr> tensors) {
  Type wide = tensors.front().builder().getF32Type();
  for (Expr tensor : tensors)
    if (tensor.elementType().getIntOrFloatBitWidth() >
        wide.getIntOrFloatBitWidth())
      wide = tensor.elementType();
  auto squares = [&](Expr tensor) {
    Type element = tensor.elementType();
    Expr x = element.getIntOrFloatBitWidth() < 32 ? cast(tensor, wide) : tensor;
    return cast(sum(x * x), wide);
  };
  Expr total = squares(tensors.front());
  for (Expr tensor : tensors.drop_front())
    total = total + squares(tensor);
  return total;
}

/// Scales `gradients` so that the norm of all of them together is at most
/// `limit`. limit / max(norm, limit) is 1 exactly where the norm is in bounds,
/// which leaves the gradients their bits.
static void clipNorm(MutableArrayRef<Expr> gradients, double limit) {
  if (gradients.empty())
    return;
  Expr squares = sumSquares(gradients);
  double most = limitIn(squares.elementType(), limit);
  Expr scale = most / maximum(sqrt(squares), most);
  for (Expr &gradient : gradients)
    gradient = gradient * cast(scale, gradient.elementType());
}

static SmallVector<Expr> buildClipped(OptimizeOp op, ImplicitLocOpBuilder &b) {
  SmallVector<Expr> gradients;
  for (Value gradient : op.getGradients())
    gradients.emplace_back(b, gradient);
  // Values first: clipping them after the norm could not raise it, but the
  // norm would then be scaled by elements that are cut anyway.
  RecipeAttr recipe = op.getRecipe();
  if (std::optional<double> limit = recipe.getNumber("clip_value"))
    clipValues(gradients, *limit);
  if (std::optional<double> limit = recipe.getNumber("clip_norm"))
    clipNorm(gradients, *limit);
  return gradients;
}

/// What the state `slot` of `parameter` is called: after both, and between them
/// after the update where another training step has state of that name.
static std::string nameSlot(OptimizeOp op, ParameterOp parameter,
                            StringRef slot, const SymbolTable &symbols) {
  std::string name = (parameter.getSymName() + "." + slot).str();
  auto other = symbols.lookup<ParameterOp>(name);
  if (!other || other.getRole() != Role::optimizer_state)
    return name;
  StringRef update = counterOf(op);
  update.consume_back(("." + kStepName).str());
  return (parameter.getSymName() + "." + update + "." + slot).str();
}

/// Declares the state `slot` of `parameter`: zeros.
static FailureOr<ParameterOp> declareSlot(OptimizeOp op, ParameterOp parameter,
                                          StringRef slot,
                                          SymbolTable &symbols) {
  std::string name = nameSlot(op, parameter, slot, symbols);
  if (Operation *other = symbols.lookup(name)) {
    InFlightDiagnostic diagnostic = emitError(parameter.getLoc())
                                    << "the optimizer needs the name '" << name
                                    << "' for its state";
    diagnostic.attachNote(other->getLoc()) << "which is declared here";
    return failure();
  }
  OpBuilder b(parameter->getContext());
  b.setInsertionPointAfter(parameter);
  auto state = ParameterOp::create(
      b, parameter.getLoc(), b.getStringAttr(name), parameter.getTypeAttr(),
      InitializerAttr::get(b.getContext(), b.getStringAttr("zeros"),
                           b.getDictionaryAttr({})),
      RoleAttr::get(b.getContext(), Role::optimizer_state));
  symbols.insert(state);
  return state;
}

/// Assigns zeros to `slot` at the end of @init, where there is one.
static void initializeSlot(ParameterOp slot, const SymbolTable &symbols) {
  auto init = symbols.lookup<func::FuncOp>(kInitName);
  if (!init)
    return;
  OpBuilder builder(init.front().getTerminator());
  ImplicitLocOpBuilder b(slot.getLoc(), builder);
  auto type = llvm::cast<RankedTensorType>(slot.getType());
  Expr zeros = broadcast(constant(b, 0.0, type.getElementType()),
                         toDims(type.getShape()));
  AssignOp::create(b, FlatSymbolRefAttr::get(slot), zeros);
}

/// The recipe's verifier has found an optimizer of that name.
static ArrayRef<StringRef> getSlots(OptimizeOp op, StringRef name) {
  auto registered =
      RegisteredOperationName::lookup(operationName(name), op->getContext());
  return registered->getInterface<Optimizer>()->getSlots();
}

namespace {
/// What the updates of all parameters share.
struct Update {
  NamedCall optimizer;
  ArrayRef<StringRef> slots;
  Value learningRate, step;
  State &state;
};
} // namespace

/// Succeeds if `parameter` may be updated, and is not yet: a step reads state
/// before it assigns any, so that one of two updates would be lost.
static LogicalResult checkUpdated(OptimizeOp op, ParameterOp parameter,
                                  State &state) {
  OpSite site(op.getLoc(), "optimize");
  if (parameter.isFrozen())
    return site.error() << "'" << parameter.getSymName() << "' is frozen";
  if (!parameter.isTrained())
    return site.error() << "'" << parameter.getSymName()
                        << "' is state of role "
                        << stringifyRole(parameter.getRole())
                        << ": expected a parameter";
  auto [first, isNew] = state.updates.try_emplace(parameter, op.getLoc());
  if (isNew)
    return success();
  InFlightDiagnostic diagnostic = site.error() << "'" << parameter.getSymName()
                                               << "' is updated already";
  diagnostic.attachNote(first->second) << "the first update is here";
  return diagnostic;
}

/// Builds the update of `parameter`, its state and the assignments.
static LogicalResult updateParameter(OptimizeOp op, ParameterOp parameter,
                                     Expr gradient, const Update &update) {
  auto function = op->getParentOfType<func::FuncOp>();
  ImplicitLocOpBuilder &b = gradient.builder();
  Type type = parameter.getType();
  Expr rate = cast(Expr(b, update.learningRate), getElementTypeOrSelf(type));
  SmallVector<FlatSymbolRefAttr> targets = {FlatSymbolRefAttr::get(parameter)};
  State &state = update.state;
  SmallVector<Value> operands = {state.read(targets[0], type), gradient, rate,
                                 update.step};
  for (StringRef slot : update.slots) {
    FailureOr<ParameterOp> declared =
        declareSlot(op, parameter, slot, state.symbols);
    if (failed(declared))
      return failure();
    initializeSlot(*declared, state.symbols);
    targets.push_back(FlatSymbolRefAttr::get(*declared));
    operands.push_back(state.read(targets.back(), type));
  }
  FailureOr<Operation *> built =
      createByName(b, op.getLoc(), update.optimizer.name, operands,
                   update.optimizer.attributes);
  if (failed(built))
    return failure();
  OpBuilder atEnd(function.front().getTerminator());
  for (auto [target, value] : llvm::zip_equal(targets, (*built)->getResults()))
    AssignOp::create(atEnd, op.getLoc(), target, value);
  return success();
}

static LogicalResult replaceOptimize(OptimizeOp op, State &state) {
  OpBuilder builder(op);
  ImplicitLocOpBuilder b(op.getLoc(), builder);

  std::optional<NamedCall> optimizer = op.getRecipe().getOptimizer();
  if (!optimizer)
    return op.emitOpError("names no optimizer");
  FailureOr<Value> learningRate =
      buildLearningRate(op, state, /*isOfStepBefore=*/false, builder);
  if (failed(learningRate))
    return failure();
  Update update{*optimizer, getSlots(op, optimizer->name), *learningRate,
                state.readScalar(counterOf(op), b.getI64Type()), state};

  for (auto [symbol, gradient] :
       llvm::zip_equal(op.getParameters().getAsRange<FlatSymbolRefAttr>(),
                       buildClipped(op, b))) {
    auto parameter = state.symbols.lookup<ParameterOp>(symbol.getAttr());
    if (failed(checkUpdated(op, parameter, state)) ||
        failed(updateParameter(op, parameter, gradient, update)))
      return failure();
  }
  op.erase();
  return success();
}

/// Ends `function` by adding one to the scalar `counter`.
static void count(func::FuncOp function, StringRef counter, State &state) {
  OpBuilder builder(function.front().getTerminator());
  ImplicitLocOpBuilder b(function.getLoc(), builder);
  Expr step(b, state.readScalar(counter, b.getI64Type()));
  AssignOp::create(b, FlatSymbolRefAttr::get(b.getContext(), counter),
                   step + 1.0);
}

/// Replaces the updates of `function`, each with its counter; @step counts what
/// they make together.
static LogicalResult replaceUpdates(func::FuncOp function,
                                    ArrayRef<OptimizeOp> updates) {
  State state(function);
  llvm::SetVector<StringRef> counters;
  counters.insert(kStepName);
  for (OptimizeOp update : updates) {
    counters.insert(counterOf(update));
    if (failed(replaceOptimize(update, state)))
      return failure();
  }
  for (StringRef counter : counters)
    count(function, counter, state);
  return success();
}

namespace {
struct AddOptimizerPass : impl::AddOptimizerPassBase<AddOptimizerPass> {
  void runOnOperation() override {
    llvm::MapVector<Operation *, SmallVector<OptimizeOp>> updates;
    SmallVector<OptimizeOp> scheduled;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      for (OptimizeOp update : function.getOps<OptimizeOp>()) {
        updates[function].push_back(update);
        if (getSchedule(update))
          scheduled.push_back(update);
      }
    if (failed(addScheduledRates(scheduled, getOperation())))
      return signalPassFailure();
    for (auto &[function, ofFunction] : updates)
      if (failed(replaceUpdates(cast<func::FuncOp>(function), ofFunction)))
        return signalPassFailure();
  }
};
} // namespace

} // namespace nnc
