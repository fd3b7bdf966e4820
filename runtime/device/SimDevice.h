// The simulator as a device: plans for the target sim carry kernels that were
// written for a GPU and compiled for the host.
#ifndef NNC_RUNTIME_DEVICE_SIMDEVICE_H
#define NNC_RUNTIME_DEVICE_SIMDEVICE_H

#include "runtime/device/CpuDevice.h"
#include "runtime/device/SharedLibrary.h"
#include "runtime/device/Simulator.h"

namespace nnc::runtime {

class SimDevice : public CpuDevice {
public:
  explicit SimDevice(int numThreads);
  ~SimDevice() override;

  Status load(const Plan &plan) override;
  /// What `load` does, for code alone.
  Status open(const MachineCode &code);
  Status endRun() override;
  void launch(const Command &command, void *const *buffers,
              int64_t batch) override;

private:
  Status openImage(const Bytes &image);

  SimFaults faults;
  /// What each kernel says of itself, indexed like MachineCode::kernels.
  std::vector<const sim::Kernel *> described;
  /// NNC_SIM_SEED: of the order in which the threads of a block run.
  uint64_t seed = 0;
  int imageFile = -1;
  SharedLibrary library;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SIMDEVICE_H
