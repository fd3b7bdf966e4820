// The state that a training run begins with: a checkpoint's, other weights, or
// the initial values.
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include <algorithm>
#include <cmath>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

/// Takes what was best until then, where a metric is watched.
static Status takeBest(TrainRun &run, const SafetensorsFile &checkpoint) {
  RunPosition &position = run.position;
  if (run.rule.metric.empty())
    return {};
  if (position.bestMetric.empty()) {
    // Nothing was watched: what comes is measured against nothing.
    position.bestMetric = run.rule.metric;
    position.best = {position.epoch - 1, run.rule.worst()};
    return {};
  }
  if (position.bestMetric != run.rule.metric)
    return {Code::InvalidArgument,
            concat("the run watched ", quote(position.bestMetric),
                   ", and is now to watch ", quote(run.rule.metric))};
  const bool hasKept =
      std::any_of(checkpoint.tensors().begin(), checkpoint.tensors().end(),
                  [](const SavedTensor &tensor) {
                    return startsWith(tensor.name, keptPrefix);
                  });
  const bool hasNone =
      position.best.epoch == 0 || std::isinf(position.best.value);
  if (hasKept || hasNone)
    return hasKept ? run.best.load(run.plan, checkpoint) : Status();
  if (!run.rule.keepsBest)
    return {};
  return {Code::InvalidArgument,
          concat("it does not have the weights of its best epoch, ",
                 position.best.epoch, ": --keep last goes on without them")};
}

/// Takes the state and the position from the checkpoint. All that differs from
/// this run is said at once.
static Status continueFrom(TrainRun &run, const SafetensorsFile &checkpoint) {
  const std::string &path = run.options.checkpoint;
  StatusOr<RunPosition> position =
      findPosition(checkpoint.metadata(), run.identity, roundOf(run.plan));
  Status loaded = run.session.load(path, SaveKind::Checkpoint);
  if (!position.isOk())
    return {position.status().code(),
            path + ": " + position.status().message() +
                (loaded.isOk() ? "" : "\n" + loaded.message())};
  if (!loaded.isOk())
    return loaded;
  if (!run.plateaus.restore(checkpoint.metadata()))
    return {Code::InvalidFile,
            path + ": damaged: its metadata says nothing of the plateaus"};
  run.position = std::move(*position);
  run.isSaved = true;
  if (Status status = takeBest(run, checkpoint); !status.isOk())
    return {status.code(), concat(path, ": ", status.message())};
  if (run.options.isQuiet)
    return {};
  const bool isFinished = run.position.epoch > run.epochs;
  std::cerr << "note: goes on from " << path << ": ";
  if (isFinished)
    std::cerr << "its " << run.position.epoch - 1
              << " epochs are done; --epochs asks for more\n";
  else
    std::cerr << "epoch " << run.position.epoch << ", " << run.position.batches
              << " of " << run.identity.stepsPerEpoch << " steps done\n";
  return {};
}

Status beginOrContinue(TrainRun &run) {
  const TrainOptions &options = run.options;
  if (!options.checkpoint.empty()) {
    StatusOr<SafetensorsFile> file = SafetensorsFile::open(options.checkpoint);
    const bool exists = file.status().code() != Code::NotFound;
    if (options.resume && exists)
      return file.isOk() ? continueFrom(run, *file) : file.status();
    if (options.resume && !options.isQuiet)
      std::cerr << "note: no checkpoint " << options.checkpoint
                << " yet: begins with the first epoch\n";
    else if (exists && !options.isQuiet)
      std::cerr << "note: " << options.checkpoint
                << " will be replaced; --resume would go on from it\n";
  }
  if (options.initialWeights.empty())
    return {};
  LoadReport report;
  Status status = run.session.load(
      options.initialWeights, SaveKind::Weights,
      {options.allowMissing ? Matching::AllowMissing : Matching::Exact,
       options.order, options.names},
      &report);
  if (!status.isOk() || options.isQuiet)
    return status;
  for (const std::string &name : report.missing)
    std::cerr << "note: " << options.initialWeights << " has no " << quote(name)
              << ": it keeps its initial value\n";
  for (const std::string &name : report.extra)
    std::cerr << "note: " << options.initialWeights << ": " << quote(name)
              << " is not in the model: passed over\n";
  return {};
}

/// Whether the training step makes the update that is called `update`: it reads
/// the rate of that.
static bool makes(const Plan &plan, const TrainingStep &step,
                  const std::string &update) {
  const StateTensor *rate = plan.findState(update + ".learning_rate");
  return rate && plan.stateReadBy(*plan.findEntryPoint(
                     step.entryPoint))[size_t(rate - plan.state.data())];
}

/// How many updates the counter before `scalar` counts in an epoch: those of a
/// training step of a name, or of all batches.
static int64_t updatesPerEpoch(const TrainRun &run, const std::string &scalar) {
  int64_t runs = run.identity.stepsPerEpoch;
  const size_t dot = scalar.rfind('.');
  if (dot != std::string::npos && hasNamedSteps(run.plan))
    for (const TrainingStep &step : run.plan.recipe.steps)
      if (makes(run.plan, step, scalar.substr(0, dot))) {
        runs = runsPerEpoch(roundOf(run.plan), step.entryPoint, runs);
        break;
      }
  const int64_t accumulated = run.plan.recipe.accumulate();
  return (runs + accumulated - 1) / accumulated;
}

/// Whether `name` is `scalar`, or that of an update of a name.
static bool isOfName(const std::string &name, const std::string &scalar) {
  const std::string ofUpdate = "." + scalar;
  return name == scalar || (name.size() > ofUpdate.size() &&
                            name.compare(name.size() - ofUpdate.size(),
                                         ofUpdate.size(), ofUpdate) == 0);
}

/// Tells schedules that ask for it how long this run is, whatever a checkpoint
/// was told.
static Status setRunLength(TrainRun &run) {
  for (const StateTensor &tensor : run.plan.state) {
    const bool isOfRun = isOfName(tensor.name, "run_steps");
    if (tensor.role != Role::Scalar ||
        (!isOfRun && !isOfName(tensor.name, "steps_per_epoch")))
      continue;
    const int64_t updates = updatesPerEpoch(run, tensor.name);
    if (Status status = run.session.setScalar(
            tensor.name, double(isOfRun ? updates * run.epochs : updates));
        !status.isOk())
      return status;
  }
  return {};
}

Status begin(TrainRun &run) {
  const bool isValidated = run.validationBatches->numSamples() > 0;
  if (Status status = run.plateaus.begin(run.plan, isValidated); !status.isOk())
    return status;
  run.position.bestMetric = run.rule.metric;
  if (Status status = beginOrContinue(run); !status.isOk())
    return status;
  return setRunLength(run);
}

} // namespace nnc::tools
