// Makes the functions that a plan runs out of the model: init, train_step,
// eval_step and predict; on request, gradients, explain and generate.
//
// The model is first completed in place (CompleteModel.h) and its scalars of
// state are declared (StepState.h); each function is then the part of it that
// its results need.
#include "passes/CompleteModel.h"
#include "passes/EntryPoints.h"
#include "passes/ExplainEntry.h"
#include "passes/GenerateEntry.h"
#include "passes/Pairings.h"
#include "passes/Passes.h"
#include "passes/StepState.h"

#include "ir/Freezing.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

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
    function.setResultAttr(index, kResultAttr, b.getStringAttr(result.kind));
  }
  SmallVector<Value> returned = llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookup(value); });
  func::ReturnOp::create(b, model.getLoc(), returned);
  return function;
}

/// Adds to `results` the metric's value, and what it is read from over a set if
/// that is no mean of batches. What is read from the order of a whole set has
/// no value of a batch, and is gathered where nothing is trained meanwhile.
static LogicalResult addMetric(MetricOp metric, bool training,
                               SmallVectorImpl<Result> &results) {
  Operation *op = metric.getValue().getDefiningOp();
  auto add = [&](FailureOr<Value> value, StringRef suffix, StringRef kind) {
    if (failed(value))
      return failure();
    if (*value)
      results.push_back(
          {*value,
           StringAttr::get(metric.getContext(), metric.getName() + suffix)
               .getValue(),
           kind});
    return success();
  };
  OpBuilder b(metric);
  if (auto gathered = dyn_cast_or_null<Gathered>(op))
    return training ? success()
                    : LogicalResult(add(gathered.buildScores(b), kScoresSuffix,
                                        gathered.getReading()));
  results.push_back({metric.getValue(), metric.getName(), kMetricKind});
  auto summed = dyn_cast_or_null<Summed>(op);
  return summed ? LogicalResult(add(summed.buildSums(b), kSumsSuffix,
                                    summed.getReading()))
                : success();
}

/// The loss, the losses that have names, and the metrics.
static FailureOr<SmallVector<Result>>
collectReported(Value total, const Declared &declared, bool training) {
  SmallVector<Result> results = {{total, "loss", kLossKind}};
  for (LossOp loss : declared.losses)
    if (std::optional<StringRef> name = loss.getName())
      results.push_back({loss.getValue(), *name, kMetricKind});
  for (MetricOp metric : declared.metrics)
    if (failed(addMetric(metric, training, results)))
      return failure();
  return results;
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

/// Differentiates the first result of `function` for `variables`, before it
/// returns.
static GradientOp buildGradient(func::FuncOp function, ValueRange variables) {
  Operation *terminator = function.front().getTerminator();
  OpBuilder b(terminator);
  Value loss = terminator->getOperand(0);
  return GradientOp::create(b, loss.getLoc(), variables.getTypes(), loss,
                            variables);
}

namespace {
/// An update, the parameters that its patterns name, and those that it changes.
struct AssignedUpdate {
  RecipeUpdate update;
  llvm::StringSet<> named;
  SmallVector<ReadOp> parameters;
};
} // namespace

/// The update that is to change `parameter`: the first that names it, else the
/// one that names none; null where there is no such update.
static AssignedUpdate *findUpdate(StringRef parameter,
                                  MutableArrayRef<AssignedUpdate> updates) {
  AssignedUpdate *ofOthers = nullptr;
  for (AssignedUpdate &update : updates)
    if (update.named.contains(parameter))
      return &update;
    else if (update.update.name.empty())
      ofOthers = &update;
  return ofOthers;
}

/// Divides the parameters among the recipe's updates. Fails after a diagnostic
/// where one has no update, or an update no parameter.
static FailureOr<SmallVector<AssignedUpdate>>
assignUpdates(ModelOp model, ArrayRef<ReadOp> trained) {
  auto module = model->getParentOfType<ModuleOp>();
  SmallVector<AssignedUpdate> updates;
  for (const RecipeUpdate &update : model.getRecipe().getUpdates()) {
    SmallVector<ParameterOp> matches;
    for (StringRef pattern : update.patterns)
      if (std::string problem = matchParameters(module, pattern, matches);
          !problem.empty())
        return emitError(model.getLoc())
               << "update '" << update.name << "': " << problem;
    AssignedUpdate &assigned = updates.emplace_back();
    assigned.update = update;
    for (ParameterOp parameter : matches)
      assigned.named.insert(parameter.getSymName());
  }
  for (ReadOp read : trained) {
    AssignedUpdate *update = findUpdate(read.getParameter(), updates);
    if (!update)
      return emitError(read.getLoc()) << "no update of the recipe is for "
                                         "parameter '"
                                      << read.getParameter() << '\'';
    update->parameters.push_back(read);
  }
  for (const AssignedUpdate &update : updates)
    if (update.parameters.empty()) {
      InFlightDiagnostic diagnostic = emitError(model.getLoc());
      if (update.update.name.empty())
        return diagnostic << "the recipe's optimizer is for no parameter: each "
                             "that is trained has an update";
      return diagnostic << "update '" << update.update.name
                        << "' is for no parameter that is trained";
    }
  return updates;
}

/// Adds the update of `assigned` to the end of a training step.
static void buildUpdate(const AssignedUpdate &assigned, OpBuilder &b,
                        const IRMapping &mapping,
                        const DenseMap<Value, Value> &gradients, Location loc) {
  SmallVector<Value> values;
  SmallVector<Attribute> names;
  for (ReadOp read : assigned.parameters) {
    values.push_back(gradients.lookup(mapping.lookup(read.getResult())));
    names.push_back(read.getParameterAttr());
  }
  const RecipeUpdate &update = assigned.update;
  FlatSymbolRefAttr counter, rate;
  if (!update.name.empty()) {
    counter = FlatSymbolRefAttr::get(b.getContext(), counterNameOf(update));
    rate = FlatSymbolRefAttr::get(b.getContext(), rateNameOf(update));
  }
  auto optimize =
      OptimizeOp::create(b, loc, b.getArrayAttr(names), values, counter, rate);
  for (NamedAttribute setting : update.settings)
    optimize->setAttr(setting.getName(), setting.getValue());
}

static LogicalResult buildTrainStep(ModelOp model, ArrayRef<Result> results) {
  FailureOr<SmallVector<ReadOp>> trained =
      findTrained(model, results.front().value);
  if (failed(trained))
    return failure();
  FailureOr<SmallVector<AssignedUpdate>> updates =
      assignUpdates(model, *trained);
  if (failed(updates))
    return failure();
  IRMapping mapping;
  func::FuncOp function =
      buildFunction(model, kTrainStepName, results, mapping);
  OpBuilder b(function.front().getTerminator());
  function->setAttr(kTrainingAttr, b.getUnitAttr());

  SmallVector<Value> variables = llvm::map_to_vector(
      *trained, [&](ReadOp read) { return mapping.lookup(read.getResult()); });
  GradientOp gradient = buildGradient(function, variables);
  DenseMap<Value, Value> gradients;
  for (auto [variable, value] :
       llvm::zip_equal(variables, gradient.getGradients()))
    gradients[variable] = value;
  for (const AssignedUpdate &update : *updates)
    buildUpdate(update, b, mapping, gradients, model.getLoc());
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
  function->setAttr(kStateStaysAttr, b.getUnitAttr());

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
         b.getNamedAttr(kResultAttr, b.getStringAttr(kind))}));
  function.setAllResultAttrs(resultAttrs);
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
    warnOfPairings(model);
    shareReads(model);
    setIndexLimits(model);
    addPenalties(model);
    Declared declared = collectDeclared(model);
    if (failed(declareScalars(model)) || failed(buildInit(model)) ||
        failed(setCounters(model)))
      return failure();
    if (failed(buildSteps(model, declared)))
      return failure();
    if (failed(buildPredictions(model, declared.outputs)))
      return failure();
    keepRecipe(model);
    model.erase();
    return success();
  }

  /// Makes @train_step, @eval_step and @gradients, where there is a loss.
  LogicalResult buildSteps(ModelOp model, const Declared &declared) {
    Value total = buildTotalLoss(model, declared.losses);
    if (!total)
      return success();
    FailureOr<SmallVector<Result>> trained =
        collectReported(total, declared, /*training=*/true);
    if (failed(trained))
      return failure();
    if (trainingEntry && !model.getRecipe().getUpdates().empty() &&
        failed(buildTrainStep(model, *trained)))
      return failure();
    if (gradientsEntry && failed(buildGradientsEntry(model, trained->front())))
      return failure();
    if (!trainingEntry)
      return success();
    FailureOr<SmallVector<Result>> evaluated =
        collectReported(total, declared, /*training=*/false);
    if (failed(evaluated))
      return failure();
    if (Value counts = findConfusion(declared.metrics, confusionClasses))
      evaluated->push_back({counts, "confusion", kConfusionKind});
    IRMapping mapping;
    numberSamples(buildFunction(model, kEvalStepName, *evaluated, mapping));
    return success();
  }

  /// Makes @predict, @explain and @generate, where there is an output.
  LogicalResult buildPredictions(ModelOp model, ArrayRef<OutputOp> outputs) {
    if (outputs.empty())
      return generateSequences
                 ? LogicalResult(emitError(model.getLoc())
                                 << "the model generates nothing: it has no "
                                    "output; write 'output logits' in it")
                 : success();
    SmallVector<Result> results;
    for (OutputOp output : outputs)
      results.push_back({output.getValue(), output.getName(), kOutputKind});
    IRMapping mapping;
    numberSamples(buildFunction(model, kPredictName, results, mapping));
    if (generateSequences) {
      IRMapping copy;
      if (failed(buildGenerateEntry(
              buildFunction(model, kGenerateName, results, copy),
              {generateSequences, generateInput, generateOutput})))
        return failure();
    }
    if (!explainEntry)
      return success();
    IRMapping copy;
    func::FuncOp explain = buildFunction(model, kExplainName, results, copy);
    numberSamples(explain);
    return completeExplainEntry(explain, explainLayer);
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
