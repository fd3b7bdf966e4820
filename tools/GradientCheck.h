// Gradients that a plan computes against central differences of its loss.
#ifndef NNC_TOOLS_GRADIENTCHECK_H
#define NNC_TOOLS_GRADIENTCHECK_H

#include "runtime/Session.h"
#include "tools/Data.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// What was found for one tensor.
struct Verdict {
  std::string name;
  int64_t checked = 0, kinks = 0, wrong = 0;
  double worst = 0; // relative error
};

/// Compares the outputs of kind "gradient" (of parameters) and "input_gradient"
/// of `entry`, each named as the f64 state tensor or input that it is for, with
/// central differences of its outputs of kind "loss". At most `limit` elements
/// of a tensor, evenly spread; 0: all.
runtime::Status checkGradients(runtime::Session &session,
                               const runtime::EntryPoint &entry,
                               Columns &columns, int64_t batch, int64_t limit,
                               std::vector<Verdict> &verdicts);

/// Whether a verdict says that the gradient is right: a tensor of which no
/// element could be checked has not been checked.
bool isGood(const Verdict &verdict);

} // namespace nnc::tools

#endif // NNC_TOOLS_GRADIENTCHECK_H
