// Epochs of `nnc train`: steps over the training data, the validation after
// them, and a line for each; then the test split.
#include "tools/Json.h"
#include "tools/StopSignal.h"
#include "tools/Text.h"
#include "tools/commands/TrainRun.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

static void addAverages(ordered_json &record, const std::string &prefix,
                        const Averages &averages) {
  record[prefix + "loss"] = averages.loss();
  for (auto &[name, value] : averages.metrics())
    record[prefix + name] = value;
}

/// "  loss 0.4012  accuracy 0.8571", the split's name before each.
static std::string columns(const std::string &prefix,
                           const Averages &averages) {
  std::string line;
  auto add = [&](const std::string &name, double value) {
    char text[32];
    std::snprintf(text, sizeof text, " %.4f", value);
    line += "  " + prefix + printable(name) + text;
  };
  add("loss", averages.loss());
  for (auto &[name, value] : averages.metrics())
    add(name, value);
  return line;
}

static void report(TrainRun &run, const ordered_json &record,
                   const std::string &line) {
  if (run.log.isOpen())
    run.log.addEpoch(toLine(record));
  if (run.options.isQuiet)
    return;
  if (run.options.asJson)
    std::cout << toLine(record) << std::endl;
  else
    std::cout << line << std::endl;
}

static std::string epochLabel(int64_t epoch, int64_t epochs) {
  char text[48];
  std::snprintf(text, sizeof text, "epoch %3lld/%lld", (long long)epoch,
                (long long)epochs);
  return text;
}

int64_t stepsOf(const TrainRun &run) {
  StatusOr<double> step = run.session.scalar("step");
  return step.isOk() ? int64_t(*step) : 0;
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
  if (Status status = run.log.flush(); !status.isOk())
    return status;
  Metadata notes = describe(run.identity, run.position);
  notes["nnc.version"] = NNC_TOOLS_VERSION;
  run.facts.save(notes);
  if (Status status =
          run.session.save(run.options.checkpoint, SaveKind::Checkpoint, notes);
      !status.isOk())
    return status;
  run.isSaved = true;
  return {};
}

/// The part of an epoch that is left; it ends early if a signal asks to stop.
static Status runSteps(TrainRun &run, Progress &progress) {
  RunPosition &position = run.position;
  const double secondsBefore = position.seconds;
  Clock::time_point begin = Clock::now();
  Pass pass{run.session, *run.plan.findEntryPoint("train_step"),
            *run.trainingBatches, position.averages, progress};
  pass.firstBatch = position.batches;
  pass.endBatch = run.identity.stepsPerEpoch;
  pass.afterRun = [&](double loss) {
    if (run.log.isOpen())
      run.log.addStep(stepsOf(run), loss, learningRates(run.session));
  };
  pass.afterBatch = [&](int64_t batches) -> StatusOr<bool> {
    position.batches = batches;
    position.seconds = secondsBefore + secondsSince(begin);
    run.isSaved = false;
    if (run.options.every && stepsOf(run) % *run.options.every == 0)
      if (Status status = saveCheckpoint(run); !status.isOk())
        return status;
    return stopSignal() == 0;
  };
  return tools::run(pass);
}

static Status validate(TrainRun &run, Progress &progress,
                       Averages &validation) {
  Pass pass{run.session, *run.plan.findEntryPoint("eval_step"),
            *run.validationBatches, validation, progress};
  pass.afterBatch = [](int64_t) -> StatusOr<bool> { return stopSignal() == 0; };
  return tools::run(pass);
}

static bool hasOutput(const EntryPoint &entry, const std::string &name) {
  return std::any_of(
      entry.outputs.begin(), entry.outputs.end(),
      [&](const TensorInfo &output) { return output.name == name; });
}

/// How long the steps of an epoch that took `seconds` have waited for data:
/// into the record, and into the line where it is a twentieth of them or more.
static std::string reportWaiting(TrainRun &run, double seconds,
                                 ordered_json &record) {
  if (!run.trainingBatches->isPrepared())
    return "";
  const double waited = run.trainingBatches->waitedSeconds() +
                        run.validationBatches->waitedSeconds() -
                        run.waitedBefore;
  record["data_seconds"] = waited;
  run.waitedBefore += waited;
  char text[64];
  std::snprintf(text, sizeof text, ", %.0f%% of it waiting for data",
                100 * waited / seconds);
  constexpr double leastShare = 0.05;
  return waited >= leastShare * seconds ? text : "";
}

static void reportEpoch(TrainRun &run, const Averages &validation,
                        double seconds) {
  const RunPosition &position = run.position;
  ordered_json record = {{"epoch", position.epoch}, {"step", stepsOf(run)}};
  addAverages(record, "", position.averages);
  std::string line =
      epochLabel(position.epoch, run.epochs) + columns("", position.averages);
  if (run.validationBatches->numSamples() > 0) {
    addAverages(record, "validation_", validation);
    line += columns("validation_", validation);
  }
  char text[64];
  // Rates that stay are in the model.
  const EntryPoint *scheduled = run.plan.findEntryPoint("scheduled_rate");
  for (auto &[name, rate] : learningRates(run.session)) {
    record[name] = rate;
    const std::string update =
        name.substr(0, name.size() - std::strlen("learning_rate"));
    std::snprintf(text, sizeof text, "rate %.3g", rate);
    if (scheduled && hasOutput(*scheduled, name))
      line += "  " + printable(update) + text;
  }
  record["seconds"] = seconds;
  std::snprintf(text, sizeof text, "  %.1f s", seconds);
  line += text + reportWaiting(run, seconds, record);
  report(run, record, line);
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
    batches.shuffle(run.seed, position.epoch);
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
  reportEpoch(run, validation, position.seconds + secondsSince(begin));
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
  ordered_json record = {{"epoch", run.epochs}};
  addAverages(record, "test_", averages);
  if (!averages.confusion().empty()) {
    record["confusion"] = averages.confusion();
    if (auto *names = run.facts.classesOf(averages.confusion().size()))
      record["classes"] = *names;
  }
  report(run, record, "test" + columns("", averages));
  return {};
}

} // namespace nnc::tools
