// Finds the input that classes are of.
#include "tools/ClassNames.h"

#include "tools/Predictions.h"

#include <algorithm>
#include <set>

namespace nnc::tools {

using namespace runtime;

/// The inputs whose labels are counted; none where the plan does not say.
static std::set<std::string> labelsOf(const Plan &plan) {
  std::set<std::string> labels;
  const EntryPoint *entry = plan.findEntryPoint("eval_step");
  if (entry)
    for (const TensorInfo &output : entry->outputs)
      if (!output.classesOf.empty())
        labels.insert(output.classesOf);
  return labels;
}

/// What a prediction reads is no label, and has classes of its own.
static bool isPredictedFrom(const Plan &plan, const std::string &input) {
  for (const EntryPoint &entry : plan.entryPoints)
    if (isPrediction(entry) &&
        std::any_of(entry.inputs.begin(), entry.inputs.end(),
                    [&](const TensorInfo &info) { return info.name == input; }))
      return true;
  return false;
}

const std::vector<std::string> *
classNames(const Plan &plan, const DataFacts &facts, size_t count) {
  const std::set<std::string> labels = labelsOf(plan);
  const std::vector<std::string> *found = nullptr;
  for (const auto &[input, names] : facts.classes) {
    const bool isMeant =
        labels.empty() ? !isPredictedFrom(plan, input) : labels.count(input);
    if (!isMeant || names.size() != count)
      continue;
    if (found)
      return nullptr;
    found = &names;
  }
  return found;
}

const std::vector<std::string> *classNames(const Plan &plan,
                                           const DataFacts &facts,
                                           const ClassCounts &classes) {
  if (classes.labels.empty())
    return classNames(plan, facts, classes.counts.size());
  auto found = facts.classes.find(classes.labels);
  return found != facts.classes.end() &&
                 found->second.size() == classes.counts.size()
             ? &found->second
             : nullptr;
}

const std::vector<std::string> *
classNames(const Plan &plan, const DataFacts &facts, const TensorInfo &output) {
  const bool isRow = output.shape.size() == 2 && output.shape[0] == -1;
  return isRow ? classNames(plan, facts, size_t(output.shape[1])) : nullptr;
}

} // namespace nnc::tools
