// What a round of training runs: the training steps of a plan in their order.
#ifndef NNC_TOOLS_TRAIN_ROUND_H
#define NNC_TOOLS_TRAIN_ROUND_H

#include "tools/Training.h"

#include <map>
#include <string>
#include <vector>

namespace nnc::tools {

/// The runs of a round, on batches with the columns of "eval_step", which reads
/// what all steps read. A step that runs more than once in its turn takes
/// another batch each further time.
std::vector<RoundRun> roundOf(const runtime::Plan &plan);

/// How many of the runs of `step` an epoch of so many batches has.
int64_t runsPerEpoch(const std::vector<RoundRun> &round,
                     const std::string &step, int64_t batches);

/// Which runs of an epoch end an update, where gradients of several make one
/// up: every so many of a training step, and its last, so that none waits
/// beyond its epoch.
class Updates {
public:
  /// Of an epoch of `batches`, so many of which are done.
  Updates(const runtime::Plan &plan, const std::vector<RoundRun> &round,
          int64_t batches, int64_t done);

  /// Whether the next run, which is `run`, ends one.
  bool next(const RoundRun &run);

private:
  struct Runs {
    int64_t done, all;
  };
  int64_t accumulated;
  /// By the name of the step.
  std::map<std::string, Runs> runs;
};

/// What a run is that ends an update, or only adds to the gradients that wait.
const runtime::EntryPoint *entryOf(const runtime::Plan &plan,
                                   const RoundRun &run, bool updates);

/// How many batches a round takes where it has enough.
int64_t batchesPerRound(const std::vector<RoundRun> &round);

/// Whether training steps have names: several, or one that the model names.
bool hasNamedSteps(const runtime::Plan &plan);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_ROUND_H
