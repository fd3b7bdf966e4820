// Makes the functions that a plan runs out of the model: init, train_step,
// eval_step and predict.
//
// The model is first completed in place (penalties, the sum of the losses, the
// confusion matrix); each function is then the part of it that its results
// need.
#include "passes/EntryPoints.h"
#include "passes/Passes.h"

#include "ir/Expr.h"
#include "ir/Freezing.h"
#include "ir/Initializer.h"
#include "ir/Ops.h"
#include "ir/SampleNumbers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_BUILDENTRYPOINTSPASS
#include "passes/Passes.h.inc"

namespace {

/// A result of an entry point.
struct Result {
  Value value;
  StringRef name;
  StringRef kind;
};

/// What the model declares that it computes.
struct Declared {
  SmallVector<LossOp> losses;
  SmallVector<MetricOp> metrics;
  SmallVector<OutputOp> outputs;
};

} // namespace

static Block &getBody(ModelOp model) { return model.getBody().front(); }

static Declared collectDeclared(ModelOp model) {
  Declared declared;
  for (Operation &op : getBody(model)) {
    if (auto loss = dyn_cast<LossOp>(op))
      declared.losses.push_back(loss);
    else if (auto metric = dyn_cast<MetricOp>(op))
      declared.metrics.push_back(metric);
    else if (auto output = dyn_cast<OutputOp>(op))
      declared.outputs.push_back(output);
  }
  return declared;
}

//===----------------------------------------------------------------------===//
// Completing the model
//===----------------------------------------------------------------------===//

/// One read per parameter, before everything else: reads are then values that
/// any pass may move, since assignments come last.
static void shareReads(ModelOp model) {
  llvm::MapVector<StringRef, ReadOp> first;
  SmallVector<ReadOp> reads(getBody(model).getOps<ReadOp>());
  for (ReadOp read : reads) {
    auto [entry, isNew] = first.insert({read.getParameter(), read});
    if (isNew)
      continue;
    read.replaceAllUsesWith(entry->second.getResult());
    read.erase();
  }
  Block &body = getBody(model);
  for (auto &entry : llvm::reverse(first))
    entry.second->moveBefore(&body, body.begin());
}

/// The ops in `block` that `values` are computed from, in no order.
static llvm::DenseSet<Operation *> findProducers(ArrayRef<Value> values) {
  llvm::DenseSet<Operation *> producers;
  SmallVector<Value> worklist(values);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && producers.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return producers;
}

/// The parameters among `producers` that training changes, in program order.
static SmallVector<ReadOp>
findTrainable(ModelOp model, const llvm::DenseSet<Operation *> &producers) {
  SymbolTableCollection symbols;
  SmallVector<ReadOp> trainable;
  for (ReadOp read : getBody(model).getOps<ReadOp>()) {
    auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
        read, read.getParameterAttr());
    if (parameter && parameter.isTrained() && producers.contains(read))
      trainable.push_back(read);
  }
  return trainable;
}

/// Marks what the program's patterns and `patterns` match.
static LogicalResult freeze(ModelOp model, ArrayRef<std::string> patterns) {
  SmallVector<StringRef> all(patterns.begin(), patterns.end());
  if (auto written =
          dyn_cast_or_null<ArrayAttr>(model.getRecipe().get(kFreezeAttr)))
    for (StringAttr pattern : written.getAsRange<StringAttr>())
      all.push_back(pattern);
  SmallVector<ParameterOp> frozen;
  bool isValid = true;
  for (StringRef pattern : all) {
    std::string problem =
        matchParameters(model->getParentOfType<ModuleOp>(), pattern, frozen);
    if (problem.empty())
      continue;
    emitError(model.getLoc()) << "freeze: " << problem;
    isValid = false;
  }
  for (ParameterOp parameter : frozen)
    parameter.setFrozen();
  return success(isValid);
}

/// Takes the attribute `name` off `op`; zero where it has none.
static double takeNumber(Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<FloatAttr>(name);
  if (!attr)
    return 0;
  op->setAttr(name, FloatAttr::get(attr.getType(), 0.0));
  return attr.getValueAsDouble();
}

/// `loss + l1 * sum |w| + l2 * sum w^2` over the weights that the loss depends
/// on. Weights are parameters of rank 2 and more: biases and scales are not
/// penalised.
static Expr buildPenalised(Expr loss, double l1, double l2, ModelOp model) {
  Expr penalised = loss;
  for (ReadOp read : findTrainable(model, findProducers(Value(loss)))) {
    Expr weight(loss.builder(), read.getResult());
    if (weight.rank() < 2)
      continue;
    // Summed in the wider of the two types.
    Type element = loss.elementType();
    if (weight.elementType().getIntOrFloatBitWidth() <
        element.getIntOrFloatBitWidth())
      weight = cast(weight, element);
    auto add = [&](Expr penalty, double factor) {
      if (factor != 0)
        penalised = penalised + cast(penalty * factor, element);
    };
    add(sum(abs(weight)), l1);
    add(sum(weight * weight), l2);
  }
  return penalised;
}

/// Makes the attributes `l1` and `l2` of losses explicit.
static void addPenalties(ModelOp model) {
  for (Operation &op : llvm::make_early_inc_range(getBody(model))) {
    // Of the same name another op may have anything.
    auto described = dyn_cast<Described>(op);
    if (!described || described.getSignature().category != Category::Loss)
      continue;
    double l1 = takeNumber(&op, "l1"), l2 = takeNumber(&op, "l2");
    if (l1 == 0 && l2 == 0)
      continue;
    Value loss = op.getResult(0);
    SmallVector<OpOperand *> uses = llvm::map_to_vector(
        loss.getUses(), [](OpOperand &use) { return &use; });
    OpBuilder builder(op.getContext());
    builder.setInsertionPointAfter(&op);
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    Value penalised = buildPenalised(Expr(b, loss), l1, l2, model);
    for (OpOperand *use : uses)
      use->set(penalised);
  }
}

/// The sum of the model's losses, at its end, in the first one's element type;
/// null where it has none.
static Value buildTotalLoss(ModelOp model, ArrayRef<LossOp> losses) {
  if (losses.empty())
    return {};
  OpBuilder builder = OpBuilder::atBlockEnd(&getBody(model));
  LossOp first = losses.front();
  ImplicitLocOpBuilder b(first.getLoc(), builder);
  Expr total(b, first.getValue());
  for (LossOp loss : losses.drop_front())
    total = total + cast(Expr(b, loss.getValue()), total.elementType());
  return total;
}

/// The class of each row of `target`, which has integers or one-hot rows.
static Expr getClasses(Expr target, Expr prediction) {
  if (target.isFloat())
    return argmax(target);
  SmallVector<int64_t> rows = prediction.dims();
  rows.pop_back();
  return reshape(target, rows);
}

/// counts[label, prediction] of the samples behind `accuracy`; null where it
/// does not choose among classes, or among more than `maxClasses`.
static Value buildConfusion(AccuracyOp accuracy, int64_t maxClasses) {
  if (!isClassification(accuracy.getPrediction().getType(),
                        accuracy.getTarget().getType()))
    return {};
  OpBuilder builder(accuracy);
  ImplicitLocOpBuilder b(accuracy.getLoc(), builder);
  Expr prediction(b, accuracy.getPrediction());
  int64_t classes = prediction.dim(-1);
  if (classes > maxClasses)
    return {};
  Expr target = getClasses(Expr(b, accuracy.getTarget()), prediction);
  Type f32 = b.getF32Type();
  Expr labels = cast(classMask(target, classes), f32);             // [.., C]
  Expr chosen = cast(classMask(argmax(prediction), classes), f32); // [.., C]
  return matmul(labels, chosen,
                kTransposeLhs | (prediction.rank() > 2 ? kReduceBatch : 0));
}

static Value findConfusion(ArrayRef<MetricOp> metrics, int64_t maxClasses) {
  for (MetricOp metric : metrics)
    if (auto accuracy = metric.getValue().getDefiningOp<AccuracyOp>())
      return buildConfusion(accuracy, maxClasses);
  return {};
}

/// The argument of the model whose elements `value` holds, each of them,
/// converted or in another shape at most; null if it is computed otherwise. A
/// slice holds a part, and what limits a part says nothing of the rest.
static BlockArgument traceToArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<CastOp, ReshapeOp, TransposeOp, BroadcastOp, FlattenOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return llvm::cast<BlockArgument>(value);
}

/// Says on the model's integer arguments how many values they may take, so that
/// data out of range is found when it is read.
static void setIndexLimits(ModelOp model) {
  llvm::DenseMap<unsigned, int64_t> limits;
  for (Operation &op : getBody(model)) {
    auto limited = dyn_cast<IndexLimited>(op);
    if (!limited)
      continue;
    for (IndexLimit limit : limited.getIndexLimits()) {
      // A limit that is the batch is another for each run.
      if (ShapedType::isDynamic(limit.limit))
        continue;
      BlockArgument argument = traceToArgument(op.getOperand(limit.operand));
      if (!argument || !isa<IntegerType>(getElementTypeOrSelf(argument)))
        continue;
      auto [entry, isNew] =
          limits.insert({argument.getArgNumber(), limit.limit});
      entry->second = std::min(entry->second, limit.limit);
    }
  }
  Builder b(model.getContext());
  for (auto [index, limit] : limits)
    model.setArgAttr(index, kIndexLimitAttr, b.getI64IntegerAttr(limit));
}

//===----------------------------------------------------------------------===//
// Making functions of it
//===----------------------------------------------------------------------===//

/// Makes the function `name` of the part of `model` that computes `results`. It
/// returns them, and takes the arguments that they need. `mapping` receives
/// what became of the model's values.
static func::FuncOp buildFunction(ModelOp model, StringRef name,
                                  ArrayRef<Result> results,
                                  IRMapping &mapping) {
  SmallVector<Value> values =
      llvm::map_to_vector(results, [](const Result &r) { return r.value; });
  llvm::DenseSet<Operation *> producers = findProducers(values);

  llvm::DenseSet<Value> used(values.begin(), values.end());
  for (Operation *op : producers)
    used.insert_range(op->getOperands());
  SmallVector<BlockArgument> arguments;
  for (BlockArgument argument : getBody(model).getArguments())
    if (used.contains(argument))
      arguments.push_back(argument);

  OpBuilder b(model);
  auto function = func::FuncOp::create(
      b, model.getLoc(), name,
      b.getFunctionType(
          ValueRange(ArrayRef<Value>(llvm::to_vector_of<Value>(arguments)))
              .getTypes(),
          ValueRange(values).getTypes()));
  Block *body = function.addEntryBlock();
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    mapping.map(argument, body->getArgument(index));
    body->getArgument(index).setLoc(argument.getLoc());
    if (DictionaryAttr attrs = model.getArgAttrDict(argument.getArgNumber()))
      function.setArgAttrs(index, attrs);
  }
  b.setInsertionPointToStart(body);
  for (Operation &op : getBody(model))
    if (producers.contains(&op))
      b.clone(op, mapping);

  for (auto [index, result] : llvm::enumerate(results)) {
    function.setResultAttr(index, kNameAttr, b.getStringAttr(result.name));
    function.setResultAttr(index, kKindAttr, b.getStringAttr(result.kind));
  }
  SmallVector<Value> returned = llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookup(value); });
  func::ReturnOp::create(b, model.getLoc(), returned);
  return function;
}

/// The parameters that the loss depends on, after a warning for each other one
/// that the model reads; an error where there is none.
static FailureOr<SmallVector<ReadOp>> findTrained(ModelOp model, Value loss) {
  SmallVector<ReadOp> trained = findTrainable(model, findProducers(loss));
  if (trained.empty())
    return emitError(loss.getLoc())
           << "the loss depends on no parameter that is trained";
  llvm::DenseSet<Operation *> all;
  for (Operation &op : getBody(model))
    all.insert(&op);
  for (ReadOp read : findTrainable(model, all))
    if (!llvm::is_contained(trained, read))
      emitWarning(read.getLoc())
          << "parameter '" << read.getParameter()
          << "' is not trained: the loss does not depend on it";
  return trained;
}

/// Takes over what the recipe says of how parameters are updated.
static void setUpdateRecipe(OptimizeOp optimize, RecipeAttr recipe) {
  for (NamedAttribute setting : recipe.getSettings())
    if (lookupSetting(setting.getName())->places & kOnUpdate)
      optimize->setAttr(setting.getName(), setting.getValue());
}

/// Differentiates the first result of `function` for `variables`, before it
/// returns.
static GradientOp buildGradient(func::FuncOp function, ValueRange variables) {
  Operation *terminator = function.front().getTerminator();
  OpBuilder b(terminator);
  Value loss = terminator->getOperand(0);
  return GradientOp::create(b, loss.getLoc(), variables.getTypes(), loss,
                            variables);
}

static LogicalResult buildTrainStep(ModelOp model, ArrayRef<Result> results) {
  FailureOr<SmallVector<ReadOp>> trained =
      findTrained(model, results.front().value);
  if (failed(trained))
    return failure();
  IRMapping mapping;
  func::FuncOp function =
      buildFunction(model, kTrainStepName, results, mapping);
  OpBuilder b(function.front().getTerminator());
  function->setAttr(kTrainingAttr, b.getUnitAttr());

  SmallVector<Value> variables;
  SmallVector<Attribute> names;
  for (ReadOp read : *trained) {
    variables.push_back(mapping.lookup(read.getResult()));
    names.push_back(read.getParameterAttr());
  }
  GradientOp gradient = buildGradient(function, variables);
  auto optimize = OptimizeOp::create(
      b, gradient.getLoc(), b.getArrayAttr(names), gradient.getGradients());
  setUpdateRecipe(optimize, model.getRecipe());
  return success();
}

/// The results of @gradients are called after what they are gradients of.
static LogicalResult checkGradientNames(ModelOp model,
                                        ArrayRef<ReadOp> trained) {
  llvm::StringMap<Location> places;
  places.try_emplace("loss", model.getLoc());
  auto add = [&](StringRef name, Location location) -> LogicalResult {
    auto [first, isNew] = places.try_emplace(name, location);
    if (isNew)
      return success();
    InFlightDiagnostic diagnostic = emitError(location)
                                    << "the gradient of '" << name
                                    << "' has the name of another result of "
                                       "'gradients'; rename this";
    diagnostic.attachNote(first->second) << "the other is here";
    return diagnostic;
  };
  for (ReadOp read : trained)
    if (failed(add(read.getParameter(), read.getLoc())))
      return failure();
  for (BlockArgument argument : getBody(model).getArguments()) {
    auto name =
        model.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    bool isFloat = isa<FloatType>(getElementTypeOrSelf(argument));
    if (name && isFloat && failed(add(name, argument.getLoc())))
      return failure();
  }
  return success();
}

/// Makes @gradients: the loss, its gradient for each parameter, and for each
/// floating-point input.
static LogicalResult buildGradientsEntry(ModelOp model, Result loss) {
  FailureOr<SmallVector<ReadOp>> trained = findTrained(model, loss.value);
  if (failed(trained) || failed(checkGradientNames(model, *trained)))
    return failure();
  IRMapping mapping;
  func::FuncOp function = buildFunction(model, kGradientsName, loss, mapping);
  OpBuilder b(function.front().getTerminator());
  function->setAttr(kTrainingAttr, b.getUnitAttr());

  SmallVector<Value> variables;
  SmallVector<std::pair<Attribute, StringRef>> names;
  for (ReadOp read : *trained) {
    variables.push_back(mapping.lookup(read.getResult()));
    names.emplace_back(b.getStringAttr(read.getParameter()), kGradientKind);
  }
  for (BlockArgument argument : function.getArguments()) {
    if (!isa<FloatType>(getElementTypeOrSelf(argument)))
      continue;
    variables.push_back(argument);
    names.emplace_back(function.getArgAttr(argument.getArgNumber(), kNameAttr),
                       kInputGradientKind);
  }
  GradientOp gradient = buildGradient(function, variables);
  Operation *terminator = function.front().getTerminator();
  terminator->insertOperands(1, gradient.getGradients());
  function.setType(b.getFunctionType(function.getArgumentTypes(),
                                     terminator->getOperandTypes()));
  SmallVector<DictionaryAttr> resultAttrs;
  resultAttrs.push_back(function.getResultAttrDict(0));
  for (auto [name, kind] : names)
    resultAttrs.push_back(b.getDictionaryAttr(
        {b.getNamedAttr(kNameAttr, name),
         b.getNamedAttr(kKindAttr, b.getStringAttr(kind))}));
  function.setAllResultAttrs(resultAttrs);
  return success();
}

//===----------------------------------------------------------------------===//
// State and its initial values
//===----------------------------------------------------------------------===//

/// The learning rate that the recipe states: a number, or the base of a
/// schedule; zero where there is no optimizer.
static double getBaseLearningRate(RecipeAttr recipe) {
  return recipe.getOptimizer() ? recipe.getLearningRate()->base : 0.0;
}

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

/// Declares seed, step and learning_rate, and first_sample where it is needed.
static LogicalResult declareScalars(ModelOp model) {
  double learningRate = getBaseLearningRate(model.getRecipe());
  auto rateType = llvm::cast<FloatType>(getRateType(model));
  if (!fitsIn(learningRate, rateType))
    return emitError(model.getLoc())
           << "the learning rate is " << printNumber(learningRate)
           << ": it does not fit in " << printElementType(rateType);
  OpBuilder b(model);
  double seed = double(model.getRecipe().getInteger("seed").value_or(0));
  struct Scalar {
    StringRef name;
    Type elementType;
    double value;
  };
  SmallVector<Scalar> scalars = {{kSeedName, b.getI64Type(), seed},
                                 {kStepName, b.getI64Type(), 0},
                                 {kLearningRateName, rateType, learningRate}};
  if (llvm::any_of(getBody(model), drawsForSamples))
    scalars.push_back({kFirstSampleName, b.getI64Type(), 0});
  for (Scalar scalar : scalars) {
    auto module = model->getParentOfType<ModuleOp>();
    if (Operation *other = module.lookupSymbol(scalar.name))
      return emitError(other->getLoc())
             << "the name '" << scalar.name
             << "' belongs to the training step; choose another";
    ParameterOp::create(
        b, model.getLoc(), b.getStringAttr(scalar.name),
        TypeAttr::get(RankedTensorType::get({}, scalar.elementType)),
        makeInitializer(b.getContext(), "constant", {{"value", scalar.value}}),
        RoleAttr::get(b.getContext(), Role::scalar));
  }
  return success();
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
  for (auto [index, operand] : llvm::enumerate(signature.operands))
    if (operand.name == "counter" &&
        op->getNumOperands() < signature.operands.size())
      return index;
  return std::nullopt;
}

/// Gives each random op of the model the counter (seed and step) and a stream
/// of its own. The streams before belong to the parameters' initial values.
static void setCounters(ModelOp model) {
  auto module = model->getParentOfType<ModuleOp>();
  auto parameters = module.getOps<ParameterOp>();
  int64_t stream = llvm::count_if(parameters, [](ParameterOp parameter) {
    return parameter.getSymName() != kFirstSampleName;
  });
  OpBuilder builder = OpBuilder::atBlockBegin(&getBody(model));
  ImplicitLocOpBuilder b(model.getLoc(), builder);
  SmallVector<Value> counter;
  for (Operation &op : llvm::make_early_inc_range(getBody(model))) {
    std::optional<unsigned> place = findMissingCounter(&op);
    if (!place)
      continue;
    if (counter.empty())
      counter = {readScalar(b, kSeedName), readScalar(b, kStepName)};
    op.insertOperands(*place, counter);
    op.setAttr("stream", b.getI64IntegerAttr(stream++));
  }
}

/// Has the random ops of an entry point that is run batch by batch over a set
/// number their elements over the set, so that what a sample draws depends on
/// its place there and not on the batches.
static void numberSamples(func::FuncOp function) {
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

/// Makes @init: every parameter gets its initial value, except the seed, which
/// the session sets before.
static LogicalResult buildInit(ModelOp model) {
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

namespace {
struct BuildEntryPointsPass
    : impl::BuildEntryPointsPassBase<BuildEntryPointsPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<ModelOp> models(getOperation().getOps<ModelOp>());
    if (models.empty())
      return;
    if (models.size() > 1) {
      emitError(models[1].getLoc()) << "there is more than one model";
      return signalPassFailure();
    }
    if (failed(replaceModel(models.front())))
      signalPassFailure();
  }

private:
  LogicalResult replaceModel(ModelOp model) {
    // First: what is frozen is no weight to penalise either.
    if (failed(nnc::freeze(model, freeze)))
      return failure();
    shareReads(model);
    setIndexLimits(model);
    addPenalties(model);
    Declared declared = collectDeclared(model);
    if (failed(declareScalars(model)) || failed(buildInit(model)))
      return failure();
    setCounters(model);
    if (failed(buildSteps(model, declared)))
      return failure();
    if (!declared.outputs.empty())
      buildPredict(model, declared.outputs);
    keepRecipe(model);
    model.erase();
    return success();
  }

  /// Makes @train_step, @eval_step and @gradients, where there is a loss.
  LogicalResult buildSteps(ModelOp model, const Declared &declared) {
    Value total = buildTotalLoss(model, declared.losses);
    if (!total)
      return success();
    SmallVector<Result> results = {{total, "loss", kLossKind}};
    for (MetricOp metric : declared.metrics)
      results.push_back({metric.getValue(), metric.getName(), kMetricKind});
    if (model.getRecipe().getOptimizer() &&
        failed(buildTrainStep(model, results)))
      return failure();
    if (gradientsEntry && failed(buildGradientsEntry(model, results.front())))
      return failure();
    if (Value counts = findConfusion(declared.metrics, confusionClasses))
      results.push_back({counts, "confusion", kConfusionKind});
    IRMapping mapping;
    numberSamples(buildFunction(model, kEvalStepName, results, mapping));
    return success();
  }

  static void buildPredict(ModelOp model, ArrayRef<OutputOp> outputs) {
    SmallVector<Result> results;
    for (OutputOp output : outputs)
      results.push_back({output.getValue(), output.getName(), kOutputKind});
    IRMapping mapping;
    numberSamples(buildFunction(model, kPredictName, results, mapping));
  }

  /// What the plan's writer needs of the model once it is gone.
  static void keepRecipe(ModelOp model) {
    NamedAttrList recipe(model.getRecipe().getSettings());
    recipe.set("model", model.getSymNameAttr());
    MLIRContext *context = model.getContext();
    model->getParentOfType<ModuleOp>()->setAttr(
        kRecipeAttr, RecipeAttr::get(context, recipe.getDictionary(context)));
  }
};
} // namespace

} // namespace nnc
