// Writes the notes as text, and compares them with the run that is asked for.
#include "tools/train/Resume.h"

#include "tools/Program.h"

#include "runtime/Fingerprint.h"

#include <cstdlib>

namespace nnc::tools {

using namespace runtime;

std::string stateLayout(const Plan &plan) {
  std::string layout;
  for (const StateTensor &tensor : plan.state) {
    // Made of a parameter, on some targets.
    if (tensor.roundedFrom >= 0)
      continue;
    // What is frozen counted as a buffer before it was marked.
    const int role = int(tensor.frozen ? Role::Buffer : tensor.role);
    layout += concat(tensor.name, "\n", role, "\n",
                     runtime::describe(tensor.elementType, tensor.shape), "\n");
  }
  return fingerprint(layout);
}

namespace {
/// One fact of a run: its key in the notes, and its name in a message.
struct Fact {
  const char *key, *name;
  std::string value;
  /// What a checkpoint says that was written before there was the key; null:
  /// every checkpoint has it.
  const char *before = nullptr;
};
} // namespace

static std::vector<Fact> factsOf(const RunIdentity &run) {
  auto number = [](int64_t value) { return std::to_string(value); };
  return {{"nnc.model", "the model", run.model},
          {"nnc.state_layout", "the layout of the state", run.stateLayout},
          {seedNote, "the seed", number(run.seed)},
          {"nnc.batch_size", "the batch size", number(run.batch)},
          {"nnc.training_samples", "the number of training samples",
           number(run.trainingSamples)},
          {"nnc.validation_samples", "the number of validation samples",
           number(run.validationSamples)},
          {"nnc.steps_per_epoch", "the number of steps an epoch",
           number(run.stepsPerEpoch)},
          {"nnc.order", "the order of the samples", run.order},
          {"nnc.split", "the choice of the validation samples", run.split,
           run.validationSamples ? "by the seed" : run.split.c_str()}};
}

static constexpr const char *epochKey = "nnc.epoch";
static constexpr const char *batchKey = "nnc.batch";
static constexpr const char *secondsKey = "nnc.epoch_seconds";
static constexpr const char *bestMetricKey = "nnc.best_metric";
static constexpr const char *bestEpochKey = "nnc.best_epoch";
static constexpr const char *bestValueKey = "nnc.best_value";

Metadata describe(const RunIdentity &run, const RunPosition &position) {
  Metadata notes;
  for (const Fact &fact : factsOf(run))
    notes[fact.key] = fact.value;
  notes[epochKey] = std::to_string(position.epoch);
  notes[batchKey] = std::to_string(position.batches);
  notes[secondsKey] = std::to_string(position.seconds);
  position.averages.save(notes);
  if (position.bestMetric.empty())
    return notes;
  notes[bestMetricKey] = position.bestMetric;
  notes[bestEpochKey] = std::to_string(position.best.epoch);
  notes[bestValueKey] = toHex(position.best.value);
  return notes;
}

static Status compare(const Metadata &notes, const RunIdentity &run) {
  std::string differences;
  for (const Fact &fact : factsOf(run)) {
    auto found = notes.find(fact.key);
    if (found == notes.end() && !fact.before)
      return {Code::InvalidFile,
              concat("not a checkpoint of nnc train: its metadata has no '",
                     fact.key, "'")};
    const std::string had = found == notes.end() ? fact.before : found->second;
    if (had != fact.value)
      differences += concat(differences.empty() ? "" : "; ", fact.name, " is ",
                            fact.value, ", the checkpoint has ", quote(had));
  }
  if (differences.empty())
    return {};
  return {Code::InvalidArgument,
          "the checkpoint is of another run: " + differences};
}

static bool readNumber(const Metadata &notes, const char *key,
                       int64_t &number) {
  auto found = notes.find(key);
  return found != notes.end() && parseNumber(found->second, number);
}

static bool restore(Averages &averages, const Metadata &notes,
                    const std::vector<RoundRun> &round) {
  for (const RoundRun &run : round)
    if (!averages.restore(notes, *run.entry, run.step))
      return false;
  return true;
}

/// Nothing where the run watched no metric; false for what no run writes.
static bool readBest(const Metadata &notes, RunPosition &position) {
  auto metric = notes.find(bestMetricKey), value = notes.find(bestValueKey);
  if (metric == notes.end())
    return true;
  position.bestMetric = metric->second;
  return value != notes.end() && fromHex(value->second, position.best.value) &&
         readNumber(notes, bestEpochKey, position.best.epoch) &&
         position.best.epoch >= 0 && position.best.epoch < position.epoch;
}

StatusOr<RunPosition> findPosition(const Metadata &notes,
                                   const RunIdentity &run,
                                   const std::vector<RoundRun> &round) {
  if (Status status = compare(notes, run); !status.isOk())
    return status;
  RunPosition position;
  if (!readNumber(notes, epochKey, position.epoch) || position.epoch < 1 ||
      !readNumber(notes, batchKey, position.batches) || position.batches < 0 ||
      position.batches > run.stepsPerEpoch ||
      !restore(position.averages, notes, round) || !readBest(notes, position))
    return Status(Code::InvalidFile,
                  "damaged: its metadata gives no place in the data");
  if (auto found = notes.find(secondsKey); found != notes.end())
    position.seconds = std::atof(found->second.c_str());
  return position;
}

} // namespace nnc::tools
