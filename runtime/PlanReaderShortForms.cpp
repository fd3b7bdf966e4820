// Short forms of entry points: what they take and give.
#include "runtime/PlanReader.h"

#include <algorithm>

namespace nnc::runtime {

/// Whether `part` is `whole` but perhaps for one dimension, which is shorter
/// and not the first.
static bool isPart(const TensorInfo &part, const TensorInfo &whole) {
  if (part.name != whole.name || part.elementType != whole.elementType ||
      part.shape.size() != whole.shape.size())
    return false;
  int numShorter = 0;
  for (size_t i = 0; i < part.shape.size(); ++i) {
    if (part.shape[i] == whole.shape[i])
      continue;
    if (i == 0 || part.shape[i] < 0 || part.shape[i] > whole.shape[i])
      return false;
    ++numShorter;
  }
  const bool isLimited =
      whole.indexLimit == 0 ||
      (part.indexLimit > 0 && part.indexLimit <= whole.indexLimit);
  return numShorter <= 1 && isLimited;
}

bool PlanReader::checkShortForm(const EntryPoint &form) {
  const EntryPoint *whole = result.findEntryPoint(form.shortOf);
  if (!whole || !whole->shortOf.empty())
    return fail("is a short form of ", quote(form.shortOf),
                whole ? ", which is one itself" : ", which is not there");
  const auto isSame = [](const TensorInfo &lhs, const TensorInfo &rhs) {
    return lhs.name == rhs.name && lhs.elementType == rhs.elementType &&
           lhs.shape == rhs.shape && lhs.kind == rhs.kind;
  };
  if (!std::equal(form.inputs.begin(), form.inputs.end(), whole->inputs.begin(),
                  whole->inputs.end(), isPart) ||
      !std::equal(form.outputs.begin(), form.outputs.end(),
                  whole->outputs.begin(), whole->outputs.end(), isSame))
    return fail("is no short form of ", quote(form.shortOf),
                ": its inputs are no parts of the other's, or its outputs are "
                "others");
  return true;
}

bool PlanReader::checkShortForms() {
  for (const EntryPoint &form : result.entryPoints) {
    where = concat("entry point ", quote(form.name));
    if (!form.shortOf.empty() && !checkShortForm(form))
      return false;
  }
  where.clear();
  return true;
}

} // namespace nnc::runtime
