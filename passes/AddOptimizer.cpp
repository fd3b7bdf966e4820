// Replaces nnc.optimize by what it stands for: clipping, the learning rate's
// schedule, an optimizer op for each parameter, and the assignments of the new
// parameters and of the optimizer's state.
#include "passes/EntryPoints.h"
#include "passes/ParameterGroups.h"
#include "passes/Passes.h"
#include "passes/StepState.h"

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
  SmallVector<Value> operands = {base, step};
  if (asksForRun(b.getContext(), *schedule))
    for (StringRef name : {kStepsPerEpochName, kRunStepsName})
      operands.push_back(state.readScalar(
          runScalarNameOf(counterOf(op), name, state.symbols), b.getI64Type()));
  FailureOr<Operation *> built = createByName(b, op.getLoc(), schedule->name,
                                              operands, schedule->attributes);
  if (failed(built))
    return failure();
  return (*built)->getResult(0);
}

namespace {
/// A learning rate of the step before, as it is reported.
struct ReportedRate {
  StringAttr name;
  Value value;
};
} // namespace

/// The rate of `op` where a schedule makes it, and those of its groups: an
/// update's is called as its scalar, a group's after its patterns before that.
static FailureOr<SmallVector<ReportedRate>>
buildReportedRates(OptimizeOp op, State &state, OpBuilder &builder) {
  FailureOr<Value> rate =
      buildLearningRate(op, state, /*isOfStepBefore=*/true, builder);
  if (failed(rate))
    return failure();
  SmallVector<ReportedRate> rates;
  if (getSchedule(op))
    rates.push_back({builder.getStringAttr(rateOf(op)), *rate});
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  for (const GroupRate &group : listGroupRates(op)) {
    StringRef scalar = rateOf(op);
    StringRef update = scalar.drop_back(kLearningRateName.size());
    auto name =
        builder.getStringAttr(update + group.name + "." + kLearningRateName);
    rates.push_back({name, Expr(b, *rate) * group.factor});
  }
  return rates;
}

/// Adds the entry point that gives the rates of the step before which no scalar
/// holds: a step itself does not pay for what is asked for once in a while.
static LogicalResult addScheduledRates(ArrayRef<OptimizeOp> updates,
                                       ModuleOp module) {
  if (updates.empty() || module.lookupSymbol(kScheduledRateName))
    return success();
  Location loc = updates.front()->getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, loc, kScheduledRateName,
                                       builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  auto end = func::ReturnOp::create(builder, loc);
  builder.setInsertionPoint(end);
  State state(function);
  llvm::MapVector<StringAttr, Value> rates;
  for (OptimizeOp op : updates) {
    FailureOr<SmallVector<ReportedRate>> ofUpdate =
        buildReportedRates(op, state, builder);
    if (failed(ofUpdate))
      return failure();
    for (const ReportedRate &rate : *ofUpdate)
      rates.insert({rate.name, rate.value});
  }
  SmallVector<Value> values =
      llvm::map_to_vector(rates, [](const auto &rate) { return rate.second; });
  end->setOperands(values);
  function.setType(builder.getFunctionType({}, ValueRange(values).getTypes()));
  for (auto [index, rate] : llvm::enumerate(rates)) {
    function.setResultAttr(index, kNameAttr, rate.first);
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

namespace {
/// A part of an optimizer's state of one parameter.
struct Slot {
  StringRef name;
  RankedTensorType type;
};

/// What the updates of all parameters share.
struct Update {
  ParameterGroups groups;
  Value learningRate, step;
  State &state;
};
} // namespace

/// The recipe's verifier has found an optimizer of that name.
static SmallVector<Slot> getSlots(ParameterOp parameter,
                                  const NamedCall &optimizer) {
  MLIRContext *context = parameter->getContext();
  auto *op =
      RegisteredOperationName::lookup(operationName(optimizer.name), context)
          ->getInterface<Optimizer>();
  SmallVector<Slot> slots;
  for (auto [name, type] :
       llvm::zip_equal(op->getSlots(),
                       op->getSlotTypes(
                           cast<RankedTensorType>(parameter.getType()),
                           DictionaryAttr::get(context, optimizer.attributes))))
    if (type)
      slots.push_back({name, type});
  return slots;
}

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
  ParameterUpdate own = update.groups.updateOf(parameter);
  Type type = parameter.getType();
  Expr rate(b, update.learningRate);
  if (own.rate != 1.0)
    rate = rate * own.rate;
  SmallVector<FlatSymbolRefAttr> targets = {FlatSymbolRefAttr::get(parameter)};
  State &state = update.state;
  SmallVector<Value> operands = {state.read(targets[0], type), gradient,
                                 cast(rate, getElementTypeOrSelf(type)),
                                 update.step};
  for (const Slot &slot : getSlots(parameter, own.optimizer)) {
    std::string name = nameSlot(op, parameter, slot.name, state.symbols);
    FailureOr<ParameterOp> declared = declareZeros(
        parameter, name, slot.type, Role::optimizer_state, state.symbols);
    if (failed(declared))
      return failure();
    targets.push_back(FlatSymbolRefAttr::get(*declared));
    operands.push_back(state.read(targets.back(), slot.type));
  }
  FailureOr<Operation *> built = createByName(
      b, op.getLoc(), own.optimizer.name, operands, own.optimizer.attributes);
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
  FailureOr<ParameterGroups> groups = ParameterGroups::create(op, *optimizer);
  if (failed(groups))
    return failure();
  Update update{std::move(*groups), *learningRate,
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
    SmallVector<OptimizeOp> reported;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      for (OptimizeOp update : function.getOps<OptimizeOp>()) {
        updates[function].push_back(update);
        if (getSchedule(update) || !listGroupRates(update).empty())
          reported.push_back(update);
      }
    if (failed(addScheduledRates(reported, getOperation())))
      return signalPassFailure();
    for (auto &[function, ofFunction] : updates)
      if (failed(replaceUpdates(cast<func::FuncOp>(function), ofFunction)))
        return signalPassFailure();
  }
};
} // namespace

} // namespace nnc
