// A loop of an entry point as a device runs it: commands with their addresses,
// and those addresses that follow the steps.
#ifndef NNC_RUNTIME_LOOPRUN_H
#define NNC_RUNTIME_LOOPRUN_H

#include "runtime/Plan.h"
#include "runtime/Trace.h"

namespace nnc::runtime {

/// The address of a buffer that lies in slots.
struct SlotAddress {
  const Slot *slot;
  /// Which of the run's addresses.
  size_t address;
  /// Slot 0, and the bytes from one to the next at the run's batch.
  char *base;
  int64_t strideBytes;

  void *at(int64_t step) const { return base + slot->at(step) * strideBytes; }
};

struct LoopRun {
  const Loop &loop;
  /// The body: loop.length commands.
  const Command *commands;
  /// Of all the body's buffers, one command after another. Those in
  /// Region::Thread are offsets from a thread's scratch.
  void *const *addresses;
  size_t numAddresses;
  /// Those that move; indices into `addresses`.
  const SlotAddress *slots;
  size_t numSlots;
  int64_t batch;
  /// One a command of the body, to which its time is added; null: none.
  double *seconds;
  /// What each thread did when is added to it; null: to none.
  Trace *trace = nullptr;
  /// Index of the body's first command in its entry point.
  size_t firstCommand = 0;
};

/// Number `index` of a loop's steps, in the order in which they are run.
inline int64_t stepAt(const Loop &loop, int64_t index) {
  return loop.reverse ? loop.steps - 1 - index : index;
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_LOOPRUN_H
