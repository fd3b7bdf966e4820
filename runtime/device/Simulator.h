// Runs kernels written for a GPU on the host, a fiber for each thread of a
// block, and finds what a GPU would punish. docs/cuda.md, "The simulator".
#ifndef NNC_RUNTIME_DEVICE_SIMULATOR_H
#define NNC_RUNTIME_DEVICE_SIMULATOR_H

#include "runtime/device/SimInterface.h"

#include <atomic>
#include <mutex>
#include <string>

namespace nnc::runtime {

/// The first thing that went wrong, on whichever thread of the machine.
class SimFaults {
public:
  bool any() const { return found; }
  void report(const std::string &message);
  /// What was reported since the last call; empty if nothing was.
  std::string take();

private:
  std::atomic<bool> found{false};
  std::mutex mutex;
  std::string first;
};

/// What a loaded kernel is given by nnc_sim_attach.
const sim::Simulator &simulator();

/// Where kernels that this thread of the machine runs from now on report what
/// goes wrong, and the seed of the order in which they run threads; 0: by their
/// numbers. A kernel with a fault does not run to its end.
void prepareToSimulate(SimFaults &faults, uint64_t seed);

/// Before a launch: fills what nothing has written yet with a pattern that is
/// NaN in every type of floats. Checked kernels may not read it; what reads it
/// elsewhere shows it.
void poisonFresh(const sim::Kernel &kernel, void *const *buffers,
                 long long batch);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SIMULATOR_H
