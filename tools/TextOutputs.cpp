// Looks among the vocabularies that come with the weights.
#include "tools/TextOutputs.h"

#include "runtime/data/TextTokenizer.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

static bool reads(const EntryPoint &entry, const std::string &input) {
  return std::any_of(
      entry.inputs.begin(), entry.inputs.end(),
      [&](const TensorInfo &info) { return info.name == input; });
}

/// An input with the one vocabulary that there is among those that are read by
/// `entry`, or are not; empty where there are none or several.
static std::string findInput(const EntryPoint &entry, const DataFacts &facts,
                             bool areRead) {
  std::string found;
  for (const auto &[input, vocabulary] : facts.vocabularies) {
    if (reads(entry, input) != areRead)
      continue;
    if (!found.empty() && facts.vocabularies.at(found) != vocabulary)
      return "";
    found = input;
  }
  return found;
}

StatusOr<TokenizerPointer> tokenizerOfOutput(const Plan &plan,
                                             const EntryPoint &entry,
                                             const TensorInfo &output,
                                             const DataFacts &facts,
                                             const ReadOptions &options) {
  const bool mayBeIds = isInteger(output.elementType) &&
                        output.shape.size() == 2 && output.shape[0] == -1;
  if (!mayBeIds)
    return TokenizerPointer();
  const bool hasOthers = std::any_of(
      facts.vocabularies.begin(), facts.vocabularies.end(),
      [&](const auto &known) { return !reads(entry, known.first); });
  const std::string input = findInput(entry, facts, !hasOthers);
  if (input.empty())
    return TokenizerPointer();
  return tokenizerOf(plan.recipe, input, facts, options);
}

} // namespace nnc::tools
