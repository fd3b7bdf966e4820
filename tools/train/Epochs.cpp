// Epochs of `nnc train`: steps over the training data, the validation after
// them, and what observers are told of each; then the test split.
#include "tools/StopSignal.h"
#include "tools/train/Records.h"
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace nnc::tools {

using namespace runtime;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int64_t stepsOf(const TrainRun &run) {
  StatusOr<double> step = run.session.scalar("step");
  return step.isOk() ? int64_t(*step) : 0;
}

int64_t updatesPerEpoch(const TrainRun &run) {
  const int64_t batches = run.plan.recipe.accumulate();
  return (run.identity.stepsPerEpoch + batches - 1) / batches;
}

/// Whether the batch with so many before it in the epoch ends an update: the
/// last does, so that none waits beyond its epoch.
static bool updates(const TrainRun &run, int64_t batchesBefore) {
  return (batchesBefore + 1) % run.plan.recipe.accumulate() == 0 ||
         batchesBefore + 1 == run.identity.stepsPerEpoch;
}

Status explain(const TrainRun &run, const Status &status) {
  if (status.code() != Code::NotFinite)
    return status;
  std::string text = concat("step ", stepsOf(run), ": ", status.message());
  if (Status state = run.session.checkFinite();
      !state.isOk() && state.message() != status.message())
    text += "; " + state.message();
  for (const Column &given : run.training) {
    // Pictures of files are finite, and so are numbers of tokens.
    const Column *array = given.isInMemory() ? &given
                          : given.samples    ? given.samples->array()
                                             : nullptr;
    if (!array)
      continue;
    const Column &column = *array;
    const int64_t elements = *numElements(column.sampleShape);
    int64_t sample = 0;
    while (sample < column.numSamples &&
           !countNonFinite(column.elementType,
                           column.data.data() + sample * column.sampleBytes(),
                           elements))
      ++sample;
    if (sample < column.numSamples)
      return {Code::NotFinite,
              concat(text, "; the data of input ", quote(column.name),
                     " are not finite themselves, first in sample ", sample)};
  }
  return {Code::NotFinite,
          text + "; a smaller learning rate or clip_norm may help"};
}

static Status saveCheckpoint(TrainRun &run) {
  if (run.options.checkpoint.empty() || run.isSaved)
    return {};
  // What was good stays.
  if (Status status = run.session.checkFinite(); !status.isOk())
    return status;
  // Before the checkpoint: what it has behind it is in the log then.
  for (auto &observer : run.observers)
    if (Status status = observer->flush(); !status.isOk())
      return status;
  Metadata notes = describe(run.identity, run.position);
  notes["nnc.version"] = NNC_TOOLS_VERSION;
  run.facts.save(notes);
  run.plateaus.save(notes);
  if (Status status =
          run.session.save(run.options.checkpoint, SaveKind::Checkpoint, notes);
      !status.isOk())
    return status;
  run.isSaved = true;
  return {};
}

static void tellStep(TrainRun &run, const RoundRun &done, double loss) {
  std::optional<StepRecord> record;
  for (auto &observer : run.observers) {
    if (!observer->wantsSteps())
      continue;
    if (!record)
      record = {stepsOf(run), loss, learningRates(run.session), done.step};
    observer->step(*record);
  }
}

/// The part of an epoch that is left; it ends early if a signal asks to stop.
static Status runSteps(TrainRun &run, Progress &progress) {
  RunPosition &position = run.position;
  const double secondsBefore = position.seconds;
  Clock::time_point begin = Clock::now();
  int64_t stepsBefore = stepsOf(run);
  Pass pass{run.session, roundOf(run.plan), *run.trainingBatches,
            position.averages, progress};
  pass.firstBatch = position.batches;
  pass.endBatch = run.identity.stepsPerEpoch;
  const EntryPoint *accumulate = run.plan.findEntryPoint("accumulate_step");
  pass.entryOf = [&run, accumulate](const RoundRun &one, int64_t batch) {
    return accumulate && !updates(run, batch) ? accumulate : one.entry;
  };
  pass.afterRun = [&](const RoundRun &done, double loss) {
    if (updates(run, position.batches))
      tellStep(run, done, loss);
  };
  pass.afterBatch = [&](int64_t batches) -> StatusOr<bool> {
    position.batches = batches;
    position.seconds = secondsBefore + secondsSince(begin);
    run.isSaved = false;
    const int64_t before = std::exchange(stepsBefore, stepsOf(run));
    // A round may have several steps.
    if (run.options.every &&
        stepsBefore / *run.options.every != before / *run.options.every)
      if (Status status = saveCheckpoint(run); !status.isOk())
        return status;
    return stopSignal() == 0;
  };
  return tools::run(pass);
}

static Status validate(TrainRun &run, Progress &progress,
                       Averages &validation) {
  Pass pass{run.session,
            {{run.plan.findEntryPoint("eval_step")}},
            *run.validationBatches,
            validation,
            progress};
  pass.afterBatch = [](int64_t) -> StatusOr<bool> { return stopSignal() == 0; };
  return tools::run(pass);
}

/// How long the steps of this epoch have waited for data.
static std::optional<double> takeWaiting(TrainRun &run) {
  if (!run.trainingBatches->isPrepared())
    return std::nullopt;
  const double waited = run.trainingBatches->waitedSeconds() +
                        run.validationBatches->waitedSeconds() -
                        run.waitedBefore;
  run.waitedBefore += waited;
  return waited;
}

static Status tellEpoch(TrainRun &run, const Averages &validation,
                        double seconds) {
  const RunPosition &position = run.position;
  const bool isValidated = run.validationBatches->numSamples() > 0;
  const EpochRecord record{position.epoch,
                           run.epochs,
                           stepsOf(run),
                           position.averages,
                           isValidated ? &validation : nullptr,
                           learningRates(run.session),
                           seconds,
                           takeWaiting(run)};
  for (auto &observer : run.observers)
    observer->epoch(record);
  return run.plateaus.epoch(record, run.session);
}

/// Does what is left of the epoch under way and goes on to the next, unless a
/// signal asks to stop.
static Status trainEpoch(TrainRun &run) {
  RunPosition &position = run.position;
  Batches &batches = *run.trainingBatches;
  Progress progress(
      epochLabel(position.epoch, run.epochs),
      std::min(batches.numSamples(), run.identity.stepsPerEpoch * run.batch),
      !run.options.isQuiet);
  if (!run.options.keepOrder)
    batches.shuffle(run.seed, position.epoch, windowOf(run.plan.recipe));
  batches.draw(run.seed, position.epoch);
  if (Status status = runSteps(run, progress);
      !status.isOk() || stopSignal() != 0)
    return status;
  Clock::time_point begin = Clock::now();
  Averages validation;
  if (Status status = validate(run, progress, validation);
      !status.isOk() || stopSignal() != 0)
    return status;
  progress.clear();
  if (Status status =
          tellEpoch(run, validation, position.seconds + secondsSince(begin));
      !status.isOk())
    return status;
  position = {position.epoch + 1};
  run.isSaved = false;
  return run.options.every ? Status() : saveCheckpoint(run);
}

Status trainEpochs(TrainRun &run) {
  if (!run.options.checkpoint.empty())
    catchStopSignals();
  while (run.position.epoch <= run.epochs && stopSignal() == 0)
    if (Status status = trainEpoch(run); !status.isOk()) {
      const bool isOfData = status.code() == Code::InvalidFile ||
                            status.code() == Code::IoError ||
                            status.code() == Code::NotFound;
      if (!isOfData)
        return status;
      // The steps before are sound, and whoever mends the file goes on.
      Status saved = saveCheckpoint(run);
      return saved.isOk() ? status : saved;
    }
  return saveCheckpoint(run);
}

Status testAtEnd(TrainRun &run) {
  Averages averages;
  if (Status status =
          evaluate(run.session, *run.plan.findEntryPoint("eval_step"), run.test,
                   run.batch, !run.options.isQuiet, averages);
      !status.isOk() || stopSignal() != 0)
    return status;
  const TestRecord record{run.epochs, averages,
                          run.facts.classesOf(averages.confusion().size())};
  for (auto &observer : run.observers)
    observer->test(record);
  return {};
}

} // namespace nnc::tools
