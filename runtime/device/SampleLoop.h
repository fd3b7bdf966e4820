// A loop whose samples are shared out: each thread takes some of them through
// all steps, and waits for no other.
#ifndef NNC_RUNTIME_DEVICE_SAMPLELOOP_H
#define NNC_RUNTIME_DEVICE_SAMPLELOOP_H

#include "runtime/LoopRun.h"
#include "runtime/abi.h"

#include <vector>

namespace nnc::runtime {

/// What one thread runs. Used again by later loops, so that none allocates.
class SampleLoop {
public:
  /// Makes room for a loop, so that nothing after it needs any.
  void reserve(const LoopRun &run);

  /// Takes samples `begin` to `end` through all steps. `kernels` is indexed
  /// like MachineCode::kernels, `scratch` this thread's.
  void run(const LoopRun &run, int64_t begin, int64_t end,
           const std::vector<nnc_kernel_fn> &kernels, char *scratch);

  /// The time in each command of the body, of runs that are timed.
  std::vector<double> seconds;

private:
  struct Call {
    /// Null: a copy.
    nnc_kernel_fn kernel;
    size_t firstAddress;
    /// A copy's: bytes.
    int64_t extent;
  };

  void place(const LoopRun &run, int64_t begin, int64_t rows,
             const std::vector<nnc_kernel_fn> &kernels, char *scratch);
  void runCall(const Call &call, int64_t rows, char *scratch);

  std::vector<void *> addresses;
  std::vector<SlotAddress> slots;
  std::vector<Call> calls;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SAMPLELOOP_H
