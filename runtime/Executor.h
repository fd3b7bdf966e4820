// Runs the schedule of one entry point: a loop over its commands with every
// address already resolved.
#ifndef NNC_RUNTIME_EXECUTOR_H
#define NNC_RUNTIME_EXECUTOR_H

#include "runtime/LoopRun.h"
#include "runtime/Numerics.h"
#include "runtime/Trace.h"
#include "runtime/device/Device.h"

#include <vector>

namespace nnc::runtime {

/// Time spent in each command of an entry point, summed over runs, and over the
/// steps of the loop that it is in. Index i is that of EntryPoint::commands; a
/// loop has no time of its own.
struct Profile {
  std::vector<double> seconds;
  int64_t runs = 0;
  /// What ran when is added to it; null: to none. It has the session's threads.
  Trace *trace = nullptr;
};

/// Where the regions of a session start.
struct Regions {
  char *state = nullptr;
  char *arena = nullptr;
  char *constants = nullptr;
};

class Executor {
public:
  /// `entry` and `device` outlive the executor.
  Executor(const EntryPoint &entry, const Regions &regions, Device &device);

  /// Runs all commands. `batch` is from 1 to the plan's maximum. Times each
  /// command into `profile` unless null, and looks at all that is written, for
  /// `numerics`, unless null: on a device that shares the host's memory.
  Status run(const RunInputs &inputs, int64_t batch, Profile *profile,
             Numerics *numerics = nullptr);

  /// Where the device had each input of the last run.
  const std::vector<void *> &inputAddresses() const { return inputBases; }

  /// Whether the last run failed after its first command began: what the
  /// commands write may be half written.
  bool hasFailedHalfway() const { return failedHalfway; }

private:
  struct Step {
    const Command *command;
    size_t firstAddress;
    size_t firstSlot;
  };
  /// An address that is known only when inputs are passed.
  struct InputAddress {
    size_t address;
    int32_t input;
    int64_t offsetBytes;
    /// Which of the slots it is in.
    size_t slot;
  };
  static constexpr size_t noSlot = SIZE_MAX;

  void addStep(const Command &command, const Regions &regions);
  void bindInputs();
  void bindSlots(int64_t batch);
  void runStep(size_t index, int64_t batch);
  void runLoop(size_t index, int64_t batch);
  void shareLoop(size_t index, int64_t batch);
  void issue(int64_t batch, Profile *profile);
  void look(size_t index, int64_t batch);
  void lookAtLoop(size_t index, int64_t batch);

  const EntryPoint &entry;
  Device &device;
  std::vector<Step> steps;
  std::vector<void *> addresses;
  std::vector<InputAddress> inputsToBind;
  /// In the order of the commands. Their bases are bound at each run.
  std::vector<SlotAddress> slots;
  /// Those of the loop that is shared out; kept for its memory.
  std::vector<SlotAddress> loopSlots;
  /// Of the run under way, or null.
  Profile *times = nullptr;
  Numerics *found = nullptr;
  /// Where each input is, as the device says.
  std::vector<void *> inputBases;
  bool failedHalfway = false;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_EXECUTOR_H
