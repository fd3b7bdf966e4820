// Makes the functions that a plan runs out of the model: init, train_step or
// each of several training steps, eval_step, predict and each group of outputs;
// on request, gradients, explain and generate.
//
// The model is first completed in place (CompleteModel.h) and its scalars of
// state are declared (StepState.h); each function is then the part of it that
// its results need.
#include "passes/AccumulateGradients.h"
#include "passes/AverageWeights.h"
#include "passes/CompleteModel.h"
#include "passes/DeclaredParts.h"
#include "passes/EntryPoints.h"
#include "passes/ExplainEntry.h"
#include "passes/GenerateEntry.h"
#include "passes/Pairings.h"
#include "passes/Passes.h"
#include "passes/StepState.h"
#include "passes/TrainingEntry.h"

#include "ir/Watching.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_BUILDENTRYPOINTSPASS
#include "passes/Passes.h.inc"

/// `name` behind `step` and a dot, or as it is where the step has no name.
static StringRef nameIn(StringRef step, const Twine &name, Builder &b) {
  return b.getStringAttr(step.empty() ? name : step + "." + name).getValue();
}

/// Adds to `results` the value of a metric, called `name`, and what it is read
/// from over a set if that is no mean of batches. What is read from the order
/// of a whole set has no value of a batch, and is gathered where nothing is
/// trained meanwhile.
static LogicalResult addMetric(MetricOp metric, StringRef name, bool training,
                               SmallVectorImpl<EntryResult> &results) {
  Operation *op = metric.getValue().getDefiningOp();
  OpBuilder b(metric);
  auto add = [&](FailureOr<Value> value, StringRef suffix, StringRef kind) {
    if (failed(value))
      return failure();
    if (*value)
      results.push_back({*value, nameIn("", name + suffix, b), kind});
    return success();
  };
  if (auto gathered = dyn_cast_or_null<Gathered>(op))
    return training ? success()
                    : LogicalResult(add(gathered.buildScores(b), kScoresSuffix,
                                        gathered.getReading()));
  results.push_back({metric.getValue(), name, kMetricKind});
  auto summed = dyn_cast_or_null<Summed>(op);
  return summed ? LogicalResult(add(summed.buildSums(b), kSumsSuffix,
                                    summed.getReading()))
                : success();
}

/// Names are what training reports by.
static LogicalResult checkReportedNames(const DeclaredStep &step) {
  llvm::StringMap<Location> places;
  auto add = [&](StringRef name, Location location) -> LogicalResult {
    auto [first, isNew] = places.try_emplace(name, location);
    if (isNew)
      return success();
    InFlightDiagnostic diagnostic =
        emitError(location)
        << '\'' << name
        << "' is the name of another loss or metric; choose another";
    diagnostic.attachNote(first->second) << "the other is here";
    return diagnostic;
  };
  for (LossOp loss : step.losses)
    if (loss.getName() && failed(add(*loss.getName(), loss.getLoc())))
      return failure();
  for (MetricOp metric : step.metrics)
    if (failed(add(metric.getName(), metric.getLoc())))
      return failure();
  return success();
}

/// Adds to `results` the losses of `step` that have names, and its metrics,
/// each behind `scope`.
static LogicalResult addReported(const DeclaredStep &step, StringRef scope,
                                 bool training,
                                 SmallVectorImpl<EntryResult> &results) {
  for (LossOp loss : step.losses) {
    Builder b(loss.getContext());
    if (std::optional<StringRef> name = loss.getName())
      results.push_back({loss.getValue(), nameIn(scope, *name, b), kMetricKind,
                         "", kSmallerIsBetter});
  }
  for (MetricOp metric : step.metrics) {
    Builder b(metric.getContext());
    if (failed(addMetric(metric, nameIn(scope, metric.getName(), b), training,
                         results)))
      return failure();
  }
  return success();
}

namespace {
/// A training step, and the sum of its losses.
struct SummedStep {
  DeclaredStep step;
  Value total;
};
} // namespace

/// The steps that have a loss. Fails after a diagnostic where a step of a name
/// has none, or names two things alike.
static FailureOr<SmallVector<SummedStep>>
sumLosses(ModelOp model, ArrayRef<DeclaredStep> steps) {
  SmallVector<SummedStep> summed;
  for (const DeclaredStep &step : steps) {
    if (failed(checkReportedNames(step)))
      return failure();
    if (Value total = buildTotalLoss(model, step.losses))
      summed.push_back({step, total});
    else if (!step.name.empty())
      return emitError(step.metrics.front()->getLoc())
             << "step '" << step.name << "' has no loss";
  }
  return summed;
}

/// The results of @eval_step. Of several steps, each loss and metric is behind
/// its step's name and a dot, and the loss is the sum of all.
static FailureOr<SmallVector<EntryResult>>
listEvaluated(ModelOp model, ArrayRef<SummedStep> steps) {
  Builder b(model.getContext());
  SmallVector<LossOp> losses;
  for (const SummedStep &summed : steps)
    llvm::append_range(losses, summed.step.losses);
  bool hasNames = !steps.front().step.name.empty();
  Value total = hasNames ? buildTotalLoss(model, losses) : steps.front().total;
  SmallVector<EntryResult> results = {{total, "loss", kLossKind}};
  for (const auto &[step, total] : steps) {
    if (hasNames)
      results.push_back({total, nameIn(step.name, "loss", b), kMetricKind, "",
                         kSmallerIsBetter});
    if (failed(addReported(step, step.name, /*training=*/false, results)))
      return failure();
  }
  return results;
}

static SmallVector<RecipeUpdate> updatesOf(const DeclaredStep &step,
                                           ArrayRef<RecipeUpdate> updates) {
  SmallVector<RecipeUpdate> own;
  for (const RecipeUpdate &update : updates)
    if (update.step == step.name)
      own.push_back(update);
  return own;
}

/// Makes the entry point of a training step.
static LogicalResult buildTraining(ModelOp model, const SummedStep &summed,
                                   ArrayRef<RecipeUpdate> updates) {
  const DeclaredStep &step = summed.step;
  SmallVector<EntryResult> results = {{summed.total, "loss", kLossKind}};
  if (failed(addReported(step, "", /*training=*/true, results)))
    return failure();
  SmallVector<RecipeUpdate> own = updatesOf(step, updates);
  if (own.empty())
    return emitError(summed.total.getLoc())
           << "step '" << step.name
           << "' updates nothing; write 'update SCOPE with OPTIMIZER' in it, "
              "or an optimizer in 'training'";
  return buildTrainingEntry(
      model, step.name,
      step.name.empty() ? StringRef(kTrainStepName) : step.name, results, own);
}

/// Makes an entry point that gives `outputs` over a set.
static LogicalResult buildPrediction(ModelOp model, StringRef name,
                                     ArrayRef<EntryResult> outputs) {
  IRMapping mapping;
  FailureOr<func::FuncOp> function =
      buildFunction(model, name, outputs, mapping);
  if (succeeded(function))
    numberSamples(*function);
  return success(succeeded(function));
}

static SmallVector<EntryResult> listOutputs(const DeclaredGroup &group) {
  SmallVector<EntryResult> results;
  for (OutputOp output : group.outputs)
    results.push_back({output.getValue(), output.getName(), kOutputKind});
  return results;
}

/// The order of a round with every training step: as the recipe says, and then
/// those that it leaves out, 0 times; each once where it says none. Null where
/// the steps have no names.
static Attribute completeOrder(ModelOp model, ArrayRef<DeclaredStep> steps) {
  if (steps.empty() || steps.front().name.empty())
    return {};
  SmallVector<OrderedStep> order = model.getRecipe().getOrder();
  const int64_t timesOfOthers = order.empty() ? 1 : 0;
  for (const DeclaredStep &step : steps)
    if (llvm::none_of(order, [&](const OrderedStep &turn) {
          return turn.step == step.name;
        }))
      order.push_back({step.name, timesOfOthers});
  Builder b(model.getContext());
  return b.getArrayAttr(llvm::map_to_vector(order, [&](OrderedStep turn) {
    return Attribute(b.getDictionaryAttr(
        {b.getNamedAttr("step", b.getStringAttr(turn.step)),
         b.getNamedAttr("times", b.getI64IntegerAttr(turn.times))}));
  }));
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
    if (std::string problem = explainAllWatched(model); !problem.empty())
      return emitError(model.getLoc()) << problem;
    // First: what is frozen is no weight to penalise either.
    if (failed(nnc::freeze(model, freeze)))
      return failure();
    warnOfPairings(model);
    shareReads(model);
    setIndexLimits(model);
    addPenalties(model);
    DeclaredParts declared = collectDeclared(model);
    if (failed(declareScalars(model)) || failed(buildInit(model)) ||
        failed(setCounters(model)))
      return failure();
    if (failed(buildSteps(model, declared.steps)) ||
        failed(buildPredictions(model, declared.groups)))
      return failure();
    // After the updates are known, and every reader of a weight.
    if (failed(accumulateGradients(model)) || failed(declareAverages(model)))
      return failure();
    keepRecipe(model, declared.steps);
    model.erase();
    return success();
  }

  /// Makes the training steps, @eval_step and gradients, where there is a loss.
  LogicalResult buildSteps(ModelOp model, ArrayRef<DeclaredStep> declared) {
    FailureOr<SmallVector<SummedStep>> steps = sumLosses(model, declared);
    if (failed(steps))
      return failure();
    if (steps->empty())
      return success();
    SmallVector<RecipeUpdate> updates = listUpdates(model);
    for (const SummedStep &step : *steps)
      if (trainingEntry && !updates.empty() &&
          failed(buildTraining(model, step, updates)))
        return failure();
    if (trainingEntry && !declared.front().name.empty())
      warnUntrained(model, updates);
    if (gradientsEntry && failed(buildGradients(model, *steps, updates)))
      return failure();
    return trainingEntry ? buildEvaluation(model, *steps) : success();
  }

  static LogicalResult buildGradients(ModelOp model, ArrayRef<SummedStep> steps,
                                      ArrayRef<RecipeUpdate> updates) {
    Builder b(model.getContext());
    for (const auto &[step, total] : steps)
      if (failed(buildGradientsEntry(
              model, step.name, nameIn(step.name, kGradientsName, b),
              {total, "loss", kLossKind}, updatesOf(step, updates))))
        return failure();
    return success();
  }

  LogicalResult buildEvaluation(ModelOp model, ArrayRef<SummedStep> steps) {
    FailureOr<SmallVector<EntryResult>> results = listEvaluated(model, steps);
    if (failed(results))
      return failure();
    Builder b(model.getContext());
    for (const auto &[step, total] : steps) {
      Confusion confusion = findConfusion(step.metrics, confusionClasses);
      if (confusion.counts)
        results->push_back({confusion.counts, nameIn(step.name, "confusion", b),
                            kConfusionKind, confusion.labels});
    }
    return buildPrediction(model, kEvalStepName, *results);
  }

  /// Makes @predict, where there are outputs of no group, and each group's
  /// entry point.
  LogicalResult buildPredictions(ModelOp model,
                                 ArrayRef<DeclaredGroup> groups) {
    for (const DeclaredGroup &group : groups) {
      SmallVector<EntryResult> results = listOutputs(group);
      if (failed(buildPrediction(
              model, group.name.empty() ? StringRef(kPredictName) : group.name,
              results)) ||
          (group.name.empty() && failed(buildExplanation(model, results))))
        return failure();
    }
    return generateSequences ? buildGeneration(model, groups) : success();
  }

  /// Makes @generate of the outputs of the group that has the logits, or else
  /// of @predict.
  LogicalResult buildGeneration(ModelOp model, ArrayRef<DeclaredGroup> groups) {
    StringRef wanted = generateOutput.empty() ? StringRef(kLogitsName)
                                              : StringRef(generateOutput);
    const DeclaredGroup *chosen = nullptr;
    for (const DeclaredGroup &group : groups) {
      bool isMeant = llvm::any_of(group.outputs, [&](OutputOp output) {
        return output.getName() == wanted;
      });
      if (isMeant || (!chosen && group.name.empty()))
        chosen = &group;
      if (isMeant)
        break;
    }
    if (!chosen)
      return emitError(model.getLoc())
             << "the model generates nothing: it has no output; write 'output "
                "logits' in it";
    SmallVector<EntryResult> outputs = listOutputs(*chosen);
    IRMapping copy;
    FailureOr<func::FuncOp> generate =
        buildFunction(model, kGenerateName, outputs, copy);
    if (failed(generate))
      return failure();
    return buildGenerateEntry(
        *generate, {generateSequences, generateInput, generateOutput});
  }

  /// Makes @explain of the outputs of @predict.
  LogicalResult buildExplanation(ModelOp model, ArrayRef<EntryResult> outputs) {
    if (!explainEntry)
      return success();
    IRMapping copy;
    FailureOr<func::FuncOp> explain =
        buildFunction(model, kExplainName, outputs, copy);
    if (failed(explain))
      return failure();
    numberSamples(*explain);
    return completeExplainEntry(*explain, explainLayer);
  }

  /// What the plan's writer needs of the model once it is gone.
  void keepRecipe(ModelOp model, ArrayRef<DeclaredStep> steps) {
    NamedAttrList recipe(model.getRecipe().getSettings());
    recipe.set("model", model.getSymNameAttr());
    recipe.erase("order");
    bool hasTraining = trainingEntry && !listUpdates(model).empty();
    if (Attribute order = completeOrder(model, steps); order && hasTraining)
      recipe.set("order", order);
    MLIRContext *context = model.getContext();
    model->getParentOfType<ModuleOp>()->setAttr(
        kRecipeAttr, RecipeAttr::get(context, recipe.getDictionary(context)));
  }
};
} // namespace

} // namespace nnc
