// Prints each line when what it says is done.
#include "tools/train/ConsoleLines.h"

#include "tools/Text.h"
#include "tools/commands/Commands.h"
#include "tools/train/Records.h"
#include "tools/train/Run.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

static std::string describeParameters(const Plan &plan) {
  int64_t parameters = 0, frozen = 0;
  for (const StateTensor &tensor : plan.state)
    if (tensor.frozen)
      frozen += tensor.numElements();
    else if (tensor.role == Role::Parameter)
      parameters += tensor.numElements();
  return concat(parameters, " parameters",
                frozen ? concat(" and ", frozen, " frozen") : std::string());
}

/// What the recipe makes of steps and of weights; empty where that is nothing.
static std::string describeUpdates(const Plan &plan) {
  std::string text;
  if (const int64_t batches = plan.recipe.accumulate(); batches > 1)
    text += concat("each step updates with the gradients of ", batches,
                   " batches\n");
  const bool isAveraged = std::any_of(
      plan.state.begin(), plan.state.end(),
      [](const StateTensor &tensor) { return tensor.average >= 0; });
  if (isAveraged)
    text += "validation, test and the saved weights are of averages over the "
            "steps\n";
  return text;
}

Status ConsoleLines::begin(const TrainRun &begun) {
  run = &begun;
  const Plan &plan = begun.plan;
  const SplitOptions &split = begun.options.split;
  if (split.fold > 0)
    std::cout << "fold " << split.fold << '/' << split.folds << "  ";
  const int threads = begun.session.numThreads();
  std::cout << printable(plan.model) << ": " << describeParameters(plan)
            << ", batch " << begun.batch << ", " << threads << " threads, "
            << sizeText(plan.plannedBytes(threads)) << " of memory planned\n";
  for (const TrainingStep &step : plan.recipe.steps)
    if (std::string again =
            describeAgain(plan, *plan.findEntryPoint(step.entryPoint));
        !again.empty())
      std::cout << again << '\n';
  std::cout << describeUpdates(plan);
  std::cout << begun.trainingBatches->numSamples() << " training samples, "
            << begun.validationBatches->numSamples() << " for validation, "
            << numSamples(begun.test) << " for test\n";
  if (!begun.dataPlace.empty())
    std::cout << printable(begun.dataPlace) << '\n';
  std::cout.flush();
  return {};
}

/// "  rate 0.001", with the name of an update or a group before it:
/// "head.rate".
static std::string describeRates(const Rates &rates) {
  std::string line;
  for (auto &[name, rate] : rates) {
    const std::string whose =
        name.substr(0, name.size() - std::strlen("learning_rate"));
    char text[64];
    std::snprintf(text, sizeof text, "rate %.3g", rate);
    line += "  " + printable(whose) + text;
  }
  return line;
}

/// Said where it is a twentieth of the epoch or more.
static std::string describeWaiting(const EpochRecord &record) {
  constexpr double leastShare = 0.05;
  const double waited = record.dataSeconds.value_or(-1);
  if (waited < leastShare * record.seconds)
    return "";
  char text[64];
  std::snprintf(text, sizeof text, ", %.0f%% of it waiting for data",
                100 * waited / record.seconds);
  return text;
}

void ConsoleLines::epoch(const EpochRecord &record) {
  std::string line =
      epochLabel(record.epoch, record.epochs) + columns("", record.training);
  if (record.validation)
    line += columns("validation_", *record.validation);
  char seconds[64];
  std::snprintf(seconds, sizeof seconds, "  %.1f s", record.seconds);
  std::cout << line << describeRates(record.rates) << seconds
            << describeWaiting(record) << std::endl;
}

void ConsoleLines::test(const TestRecord &record) {
  std::cout << "test" << columns("", record.averages) << std::endl;
}

/// Why the run is over, where that is not because all epochs are done.
static std::string describeEnding(const TrainRun &run) {
  const int64_t done = run.position.epoch - 1;
  if (run.ending == Ending::Rested)
    return concat("over     after epoch ", done, ": ", run.rule.metric,
                  " got no better in ", done - run.position.best.epoch,
                  " epochs\n");
  if (run.ending == Ending::Time)
    return concat("over     after step ", stepsOf(run), ", in epoch ",
                  run.position.epoch, ": the time limit is reached\n");
  return "";
}

static std::string describeBest(const TrainRun &run) {
  if (!hasBest(run))
    return "";
  char value[32];
  std::snprintf(value, sizeof value, "%.4f", run.position.best.value);
  return concat("best     epoch ", run.position.best.epoch, ": ",
                printable(run.rule.metric), " ", value,
                run.rule.keepsBest ? "" : ", and its weights are not kept",
                "\n");
}

Status ConsoleLines::end(const EndRecord &record) {
  std::cout << describeEnding(*run) << describeBest(*run) << "weights  "
            << record.weights << std::endl;
  return {};
}

Status JsonLines::begin(const TrainRun &begun) {
  run = &begun;
  return {};
}

/// A line only where there is something to say beside the epochs.
Status JsonLines::end(const EndRecord &record) {
  static constexpr const char *names[] = {"epochs", "rested", "time", "signal"};
  if (run->rule.metric.empty() && record.ending == Ending::Epochs)
    return {};
  nlohmann::ordered_json object = {{"ended", names[int(record.ending)]},
                                   {"step", stepsOf(*run)}};
  if (hasBest(*run)) {
    object["best_epoch"] = run->position.best.epoch;
    object["best_" + run->rule.metric] = run->position.best.value;
  }
  object["weights"] = record.weights;
  std::cout << toLine(object) << std::endl;
  return {};
}

void JsonLines::epoch(const EpochRecord &record) {
  std::cout << toLine(toJson(record)) << std::endl;
}

void JsonLines::test(const TestRecord &record) {
  std::cout << toLine(toJson(record)) << std::endl;
}

} // namespace nnc::tools
