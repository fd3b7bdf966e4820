// The samples of the test split that a model gives another class than their
// label.
#ifndef NNC_TOOLS_EXPLAIN_MISCLASSIFIED_H
#define NNC_TOOLS_EXPLAIN_MISCLASSIFIED_H

#include "tools/Data.h"
#include "tools/explain/Scorer.h"

#include <vector>

namespace nnc::tools {

struct Mistake {
  int64_t sample = 0;
  int64_t label = 0, predicted = 0;
  /// The output's elements of the two classes.
  double labelScore = 0, score = 0;
};

/// Of all samples of `columns`, which are the inputs of `entry`, "eval_step":
/// those whose output has its largest element elsewhere than at the label,
/// those that are wrong by most first. The label is the one input that the
/// output is not computed from: a class, or a row with one largest element.
/// InvalidArgument, saying why, where there is no such input or no classes.
runtime::StatusOr<std::vector<Mistake>>
findMistakes(Scorer &scorer, const runtime::EntryPoint &entry,
             const Columns &columns);

/// Whether `entry` takes all of the scorer's inputs.
bool hasInputs(const Scorer &scorer, const runtime::EntryPoint &entry);

/// The columns that are the scorer's inputs, in its order.
Columns takeInputs(const Scorer &scorer, Columns &&columns);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_MISCLASSIFIED_H
