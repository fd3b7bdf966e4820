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

Status ConsoleLines::begin(const TrainRun &run) {
  const Plan &plan = run.plan;
  const int threads = run.session.numThreads();
  std::cout << printable(plan.model) << ": " << describeParameters(plan)
            << ", batch " << run.batch << ", " << threads << " threads, "
            << sizeText(plan.plannedBytes(threads)) << " of memory planned\n";
  for (const TrainingStep &step : plan.recipe.steps)
    if (std::string again =
            describeAgain(plan, *plan.findEntryPoint(step.entryPoint));
        !again.empty())
      std::cout << again << '\n';
  std::cout << describeUpdates(plan);
  std::cout << run.trainingBatches->numSamples() << " training samples, "
            << run.validationBatches->numSamples() << " for validation, "
            << numSamples(run.test) << " for test" << std::endl;
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

Status ConsoleLines::end(const EndRecord &record) {
  std::cout << "weights  " << record.weights << std::endl;
  return {};
}

void JsonLines::epoch(const EpochRecord &record) {
  std::cout << toLine(toJson(record)) << std::endl;
}

void JsonLines::test(const TestRecord &record) {
  std::cout << toLine(toJson(record)) << std::endl;
}

} // namespace nnc::tools
