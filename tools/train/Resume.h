// Where a training run is, and which run it is: the notes in a checkpoint that
// `nnc train --resume` goes by.
#ifndef NNC_TOOLS_TRAIN_RESUME_H
#define NNC_TOOLS_TRAIN_RESUME_H

#include "tools/Training.h"
#include "tools/train/Stopping.h"

#include <string>

namespace nnc::tools {

/// What must be equal for a resumed run to end in the bits of an unbroken one.
struct RunIdentity {
  std::string model;
  /// Of names, roles, shapes and types of the state.
  std::string stateLayout;
  int64_t seed = 0;
  int64_t batch = 0;
  int64_t trainingSamples = 0;
  int64_t validationSamples = 0;
  int64_t stepsPerEpoch = 0;
  /// "shuffled" or "kept".
  std::string order;
  /// Which samples are held out, in words.
  std::string split;
};

/// Where the next step is.
struct RunPosition {
  /// Under way, from 1 on; one beyond the last when all are done.
  int64_t epoch = 1;
  /// Of that epoch, those that are done, and what they gave.
  int64_t batches = 0;
  Averages averages = {};
  double seconds = 0;
  /// What was best so far, and the metric that is watched; empty: none is.
  Best best = {};
  std::string bestMetric = {};

  void beginNextEpoch() {
    *this = {epoch + 1, 0, {}, 0, best, std::move(bestMetric)};
  }
};

/// A number for the layout of a plan's state: 16 hexadecimal digits.
std::string stateLayout(const runtime::Plan &plan);

runtime::Metadata describe(const RunIdentity &run, const RunPosition &position);

/// Reads the position from a checkpoint's notes. InvalidArgument if the
/// checkpoint is of another run, naming each difference; InvalidFile if it is
/// not one of `nnc train`.
runtime::StatusOr<RunPosition> findPosition(const runtime::Metadata &notes,
                                            const RunIdentity &run,
                                            const std::vector<RoundRun> &round);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RESUME_H
