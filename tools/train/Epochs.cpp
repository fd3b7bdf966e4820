// Epochs of `nnc train`: steps over the training data, the validation after
// them, and what observers are told of each; then the test split.
#include "tools/ClassNames.h"
#include "tools/StopSignal.h"
#include "tools/train/Records.h"
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include <algorithm>
#include <chrono>

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

/// Whether a further step may begin: nobody asks to stop, and there is time.
static bool goesOn(const TrainRun &run) {
  return stopSignal() == 0 && !(run.deadline && Clock::now() >= *run.deadline);
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
          run.session.save(run.options.checkpoint, SaveKind::Checkpoint, notes,
                           run.best.toSave(run.plan));
      !status.isOk())
    return status;
  run.isSaved = true;
  return {};
}

namespace {
/// Tells observers of steps, with their rates.
class StepTeller {
public:
  explicit StepTeller(TrainRun &run) : run(run) {
    for (auto &observer : run.observers)
      if (observer->wantsSteps() && !rates)
        rates.emplace(run.session);
  }

  /// Null where nobody wants to know.
  RateReader *reader() { return rates ? &*rates : nullptr; }

  void tell(const RoundRun &done, double loss, const RunOutputs *taken) {
    if (!rates)
      return;
    const bool isTaken = taken || !rates->hasSchedule();
    const StepRecord record{
        *run.stepsTold, loss,
        isTaken ? rates->read(taken) : learningRates(run.session), done.step};
    for (auto &observer : run.observers)
      if (observer->wantsSteps())
        observer->step(record);
  }

private:
  TrainRun &run;
  std::optional<RateReader> rates;
};
} // namespace

/// "rate 0.001  ", of the first optimizer.
static std::string describeRate(const TrainRun &run) {
  const Rates rates = learningRates(run.session);
  char text[32] = "";
  if (!rates.empty())
    std::snprintf(text, sizeof text, "rate %.3g  ", rates.front().second);
  return text;
}

/// Whether a checkpoint is due between two numbers of steps: a round may have
/// several.
static bool isDue(const TrainRun &run, int64_t before, int64_t after) {
  const std::optional<int64_t> every = run.options.every;
  return every && after / *every != before / *every;
}

/// After a round, with as many batches done.
static Status endRound(TrainRun &run, int64_t batches, int64_t stepsBefore) {
  run.position.batches = batches;
  run.isSaved = false;
  // Before it spreads: a parameter may be the first to be wrong.
  if (run.found.firstInfinity || run.found.firstNan)
    if (Status status = run.session.checkFinite(); !status.isOk())
      return status;
  run.found = {};
  return isDue(run, stepsBefore, *run.stepsTold) ? saveCheckpoint(run)
                                                 : Status();
}

/// The part of an epoch that is left, as far as the run goes on.
static Status runSteps(TrainRun &run, Progress &progress) {
  RunPosition &position = run.position;
  const double secondsBefore = position.seconds;
  Clock::time_point begin = Clock::now();
  run.stepsTold = stepsOf(run);
  int64_t stepsBegun = *run.stepsTold, stepsBefore = stepsBegun;
  StepTeller teller(run);
  Pass pass{run.session, roundOf(run.plan), *run.trainingBatches,
            position.averages, progress};
  pass.held = heldOf(run, *run.trainingBatches);
  pass.firstBatch = position.batches;
  pass.endBatch = run.identity.stepsPerEpoch;
  Updates begun(run.plan, pass.round, pass.endBatch, pass.firstBatch);
  Updates done = begun;
  const EntryPoint *lastBegun = nullptr;
  pass.entryOf = [&](const RoundRun &one) {
    const bool updates = begun.next(one);
    stepsBegun += updates;
    return lastBegun = entryOf(run.plan, one, updates);
  };
  pass.isAwaited = [&] { return isDue(run, stepsBefore, stepsBegun); };
  pass.rates = teller.reader();
  pass.note = [&] { return describeRate(run); };
  pass.afterRun = [&](const RoundRun &one, double loss,
                      const RunOutputs *rates) {
    if (!run.found.firstInfinity && !run.found.firstNan) {
      run.found = run.numerics;
      run.foundIn = lastBegun;
    }
    if (!done.next(one))
      return;
    ++*run.stepsTold;
    teller.tell(one, loss, rates);
  };
  pass.afterBatch = [&](int64_t batches) -> StatusOr<bool> {
    position.seconds = secondsBefore + secondsSince(begin);
    Status status = endRound(run, batches, stepsBefore);
    stepsBefore = *run.stepsTold;
    return status.isOk() ? StatusOr<bool>(goesOn(run)) : status;
  };
  Status status = tools::run(pass);
  if (status.isOk())
    run.stepsTold.reset();
  return status;
}

static Status validate(TrainRun &run, Progress &progress,
                       Averages &validation) {
  Pass pass{run.session,
            {{run.plan.findEntryPoint("eval_step")}},
            *run.validationBatches,
            validation,
            progress};
  pass.held = heldOf(run, *run.validationBatches);
  pass.afterBatch = [&](int64_t) -> StatusOr<bool> { return goesOn(run); };
  return tools::run(pass);
}

/// How long the steps of this epoch have waited for data.
static std::optional<double> takeWaiting(TrainRun &run) {
  if (!run.trainingBatches->mayWait())
    return std::nullopt;
  const double waited = run.trainingBatches->waitedSeconds() +
                        run.validationBatches->waitedSeconds() -
                        run.waitedBefore;
  run.waitedBefore += waited;
  return waited;
}

/// Whether the epoch is better than those before, by what is watched; its
/// weights are kept then.
static Status judge(TrainRun &run, const EpochRecord &record) {
  if (run.rule.metric.empty())
    return {};
  RunPosition &position = run.position;
  const double value = valueOf(record, run.rule.metric);
  const bool isFirst = position.best.epoch == 0;
  if (!run.rule.isBetter(value,
                         isFirst ? run.rule.worst() : position.best.value))
    return {};
  position.best = {position.epoch, value};
  return run.rule.keepsBest ? run.best.take(run.session) : Status();
}

static Status endEpoch(TrainRun &run, const Averages &validation,
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
                           takeWaiting(run),
                           run.options.split.fold};
  for (auto &observer : run.observers)
    observer->epoch(record);
  if (Status status = run.plateaus.epoch(record, run.session); !status.isOk())
    return status;
  return judge(run, record);
}

/// Does what is left of the epoch under way, and goes on to the next if it is
/// done.
static Status trainEpoch(TrainRun &run) {
  RunPosition &position = run.position;
  Batches &batches = *run.trainingBatches;
  Progress progress(
      epochLabel(position.epoch, run.epochs),
      std::min(batches.numSamples(), run.identity.stepsPerEpoch * run.batch),
      !run.options.isQuiet, position.averages.samples());
  if (!run.options.keepOrder)
    batches.shuffle(run.seed, position.epoch, windowOf(run.plan.recipe));
  batches.draw(run.seed, position.epoch);
  Status steps = runSteps(run, progress);
  if (!steps.isOk() || !goesOn(run))
    return steps;
  Clock::time_point begin = Clock::now();
  Averages validation;
  Status validated = validate(run, progress, validation);
  if (!validated.isOk() || !goesOn(run))
    return validated;
  progress.clear();
  if (Status status =
          endEpoch(run, validation, position.seconds + secondsSince(begin));
      !status.isOk())
    return status;
  position.beginNextEpoch();
  run.isSaved = false;
  return run.options.every ? Status() : saveCheckpoint(run);
}

/// Whether there is no epoch left.
static bool isOver(const TrainRun &run) {
  return run.position.epoch > run.epochs ||
         isRested(run.rule, run.position.best, run.position.epoch - 1);
}

static Ending endingOf(const TrainRun &run) {
  if (stopSignal() != 0)
    return Ending::Signal;
  if (run.position.epoch > run.epochs)
    return Ending::Epochs;
  return isOver(run) ? Ending::Rested : Ending::Time;
}

Status trainEpochs(TrainRun &run) {
  catchStopSignals();
  // What nobody waits for would not fit into the clock.
  constexpr double mostSeconds = 1e9;
  const std::optional<double> limit = run.options.stop.secondsLimit;
  if (limit && *limit < mostSeconds && !run.deadline)
    run.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(*limit));
  while (!isOver(run) && goesOn(run))
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
  run.ending = endingOf(run);
  return saveCheckpoint(run);
}

Status testAtEnd(TrainRun &run) {
  Averages averages;
  if (Status status =
          evaluate(run.session, *run.plan.findEntryPoint("eval_step"), run.test,
                   run.batch, !run.options.isQuiet, averages);
      !status.isOk() || stopSignal() != 0)
    return status;
  TestRecord record{resultEpoch(run), averages};
  for (const ClassCounts &classes : averages.confusions())
    record.classes.push_back(classNames(run.plan, run.facts, classes));
  for (auto &observer : run.observers)
    observer->test(record);
  return {};
}

} // namespace nnc::tools
