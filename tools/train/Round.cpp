// Lists the runs of a round, and which columns each reads.
#include "tools/train/Round.h"

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

} // namespace nnc::tools
