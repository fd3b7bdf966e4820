// Runs the schedule of one entry point: a loop over its commands with every
// address already resolved.
#ifndef NNC_RUNTIME_EXECUTOR_H
#define NNC_RUNTIME_EXECUTOR_H

#include "runtime/Plan.h"
#include "runtime/device/Device.h"

#include <vector>

namespace nnc::runtime {

/// Time spent in each command of an entry point, summed over runs. Index i is
/// that of EntryPoint::commands.
struct Profile {
  std::vector<double> seconds;
  int64_t runs = 0;
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

  /// Runs all commands. `inputs` holds one pointer per input; `batch` is from 1
  /// to the plan's maximum. Times each command into `profile` unless null.
  Status run(const void *const *inputs, int64_t batch, Profile *profile);

  /// Whether the last run failed after its first command began: what the
  /// commands write may be half written.
  bool hasFailedHalfway() const { return failedHalfway; }

private:
  struct Step {
    const Command *command;
    size_t firstAddress;
  };
  /// An address that is known only when inputs are passed.
  struct InputAddress {
    size_t address;
    int32_t input;
    int64_t offsetBytes;
  };

  void bindInputs();
  void runStep(const Step &step, int64_t batch);
  void issue(int64_t batch, Profile *profile);
  void runProfiled(int64_t batch, Profile &profile);

  const EntryPoint &entry;
  Device &device;
  std::vector<Step> steps;
  std::vector<void *> addresses;
  std::vector<InputAddress> inputAddresses;
  /// Where each input is, as the device says.
  std::vector<void *> inputBases;
  bool failedHalfway = false;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_EXECUTOR_H
