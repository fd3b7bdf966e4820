// Lists the runs of a round, and which columns each reads.
#include "tools/train/Round.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

bool hasNamedSteps(const Plan &plan) {
  return plan.recipe.steps.size() != 1 ||
         plan.recipe.steps.front().entryPoint != "train_step";
}

/// Where each input of `entry` is among those of `all`; nothing where they are
/// the same.
static std::vector<size_t> findColumns(const EntryPoint &entry,
                                       const EntryPoint &all) {
  std::vector<size_t> columns;
  if (entry.inputs.size() == all.inputs.size())
    return columns;
  for (const TensorInfo &input : entry.inputs)
    for (size_t i = 0; i < all.inputs.size(); ++i)
      if (all.inputs[i].name == input.name)
        columns.push_back(i);
  return columns;
}

std::vector<RoundRun> roundOf(const Plan &plan) {
  const bool hasNames = hasNamedSteps(plan);
  const EntryPoint &all = *plan.findEntryPoint("eval_step");
  std::vector<RoundRun> round;
  for (const TrainingStep &step : plan.recipe.steps) {
    const EntryPoint *entry = plan.findEntryPoint(step.entryPoint);
    for (int64_t i = 0; i < step.times; ++i)
      round.push_back({entry, hasNames ? step.entryPoint : "",
                       /*takesNext=*/i > 0, findColumns(*entry, all)});
  }
  return round;
}

/// The runs of `step` in a round for which there are so many batches.
static int64_t runsPerRound(const std::vector<RoundRun> &round,
                            const std::string &step, int64_t batches) {
  int64_t runs = 0, taken = 1;
  for (const RoundRun &run : round) {
    if (run.takesNext && taken == batches)
      continue;
    taken += run.takesNext;
    runs += run.step == step;
  }
  return runs;
}

int64_t batchesPerRound(const std::vector<RoundRun> &round) {
  return 1 + std::count_if(round.begin(), round.end(),
                           [](const RoundRun &run) { return run.takesNext; });
}

int64_t runsPerEpoch(const std::vector<RoundRun> &round,
                     const std::string &step, int64_t batches) {
  const int64_t perRound = batchesPerRound(round);
  const int64_t left = batches % perRound;
  return batches / perRound * runsPerRound(round, step, perRound) +
         (left ? runsPerRound(round, step, left) : 0);
}

Updates::Updates(const Plan &plan, const std::vector<RoundRun> &round,
                 int64_t batches, int64_t done)
    : accumulated(plan.recipe.accumulate()) {
  for (const RoundRun &run : round)
    runs[run.step] = {runsPerEpoch(round, run.step, done),
                      runsPerEpoch(round, run.step, batches)};
}

bool Updates::next(const RoundRun &run) {
  Runs &own = runs[run.step];
  ++own.done;
  return own.done % accumulated == 0 || own.done == own.all;
}

const EntryPoint *entryOf(const Plan &plan, const RoundRun &run, bool updates) {
  const EntryPoint *waits =
      updates ? nullptr : plan.findAccumulating(run.entry->name);
  return waits ? waits : run.entry;
}

} // namespace nnc::tools
