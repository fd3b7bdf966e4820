// What a round of training runs: the training steps of a plan in their order.
#ifndef NNC_TOOLS_TRAIN_ROUND_H
#define NNC_TOOLS_TRAIN_ROUND_H

#include "tools/Training.h"

#include <vector>

namespace nnc::tools {

/// The runs of a round, on batches with the columns of "eval_step", which reads
/// what all steps read. A step that runs more than once in its turn takes
/// another batch each further time.
std::vector<RoundRun> roundOf(const runtime::Plan &plan);

/// How many of the runs of `step` an epoch of so many batches has.
int64_t runsPerEpoch(const std::vector<RoundRun> &round,
                     const std::string &step, int64_t batches);

/// Whether training steps have names: several, or one that the model names.
bool hasNamedSteps(const runtime::Plan &plan);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_ROUND_H
