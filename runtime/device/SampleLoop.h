// A loop whose samples are shared out: some of them go through all steps, in
// the hands of one thread.
#ifndef NNC_RUNTIME_DEVICE_SAMPLELOOP_H
#define NNC_RUNTIME_DEVICE_SAMPLELOOP_H

#include "runtime/LoopRun.h"
#include "runtime/abi.h"

#include <chrono>
#include <vector>

namespace nnc::runtime {

/// What one thread runs. Used again by later loops, so that none allocates.
class SampleLoop {
public:
  /// In place of a thread.
  static constexpr int untraced = -1;

  struct Call {
    const Command *command;
    /// Null: a copy.
    nnc_kernel_fn kernel;
    size_t firstAddress;
    /// A copy's: bytes.
    int64_t extent;
  };

  /// Makes room for a loop, so that nothing after it needs any.
  void reserve(const LoopRun &run);

  /// Takes samples `begin` to `end` through all steps: addresses are resolved
  /// once, a step moves those that follow it, and issue(call, buffers) runs
  /// each command. `kernels` is indexed like MachineCode::kernels; the buffers
  /// of a thread's own are in `scratch`.
  /// Of a run that is traced, they are parts of `thread`, or of none.
  template <typename Issue>
  void run(const LoopRun &run, int64_t begin, int64_t end,
           const std::vector<nnc_kernel_fn> &kernels, char *scratch, int thread,
           Issue &&issue) {
    Trace *trace = thread == untraced ? nullptr : run.trace;
    place(run, begin, end - begin, kernels, scratch);
    for (int64_t i = 0; i < run.loop.steps; ++i) {
      const int64_t step = stepAt(run.loop, i);
      for (size_t j = 0; j < run.numSlots; ++j)
        addresses[slots[j].address] = slots[j].at(step);
      if (run.seconds)
        runTimed(issue, trace, thread,
                 {0, 0, int64_t(run.firstCommand), begin, end});
      else
        for (const Call &call : calls)
          issue(call, addresses.data() + call.firstAddress);
    }
  }

  /// The time in each command of the body, of runs that are timed.
  std::vector<double> seconds;

private:
  /// `part`: of the body's first command, but for the times.
  template <typename Issue>
  void runTimed(Issue &issue, Trace *trace, int thread, TraceSlice part) {
    using Clock = std::chrono::steady_clock;
    Clock::time_point before = Clock::now();
    for (size_t j = 0; j < calls.size(); ++j) {
      issue(calls[j], addresses.data() + calls[j].firstAddress);
      Clock::time_point after = Clock::now();
      seconds[j] += std::chrono::duration<double>(after - before).count();
      if (trace)
        trace->addPart(thread,
                       {nanoseconds(before), nanoseconds(after),
                        part.command + int64_t(j), part.first, part.last});
      before = after;
    }
  }

  void place(const LoopRun &run, int64_t begin, int64_t rows,
             const std::vector<nnc_kernel_fn> &kernels, char *scratch);

  std::vector<void *> addresses;
  std::vector<SlotAddress> slots;
  std::vector<Call> calls;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SAMPLELOOP_H
