// This machine's processor: machine code mapped from the plan, loops split over
// a thread pool.
#ifndef NNC_RUNTIME_DEVICE_CPUDEVICE_H
#define NNC_RUNTIME_DEVICE_CPUDEVICE_H

#include "runtime/ThreadPool.h"
#include "runtime/abi.h"
#include "runtime/device/Device.h"
#include "runtime/device/SampleLoop.h"

namespace nnc::runtime {

class CpuDevice : public Device {
public:
  explicit CpuDevice(int numThreads) : pool(numThreads) {}

  Status check(const MachineCode &code) const override;
  Status load(const Plan &plan) override;
  StatusOr<DeviceMemory> allocate(int64_t sizeBytes, const char *what) override;
  StatusOr<Commands> beginRun(const Run &run, void **addresses) override;
  Status endRun() override;
  void abandonRun() override;
  void launch(const Command &command, void *const *buffers,
              int64_t batch) override;
  void matmul(const Command &command, void *const *buffers,
              int64_t batch) override;
  void copy(void *to, const void *from, int64_t sizeBytes) override;
  void runLoop(const LoopRun &run) override;
  ThreadPool *threads() override { return &pool; }

protected:
  /// Indexed like MachineCode::kernels. Tests put functions of their own here.
  std::vector<nnc_kernel_fn> kernels;

  Status allocateScratch(int64_t scratchBytes);

  /// Sets what kernels expect of the thread of that number, before it runs one.
  static void prepareThread(int thread);

  ThreadPool pool;

private:
  Status mapImage(const Bytes &image);
  void runShares(const LoopRun &run);
  void runShare(const LoopRun &run, int64_t begin, int64_t end, int thread);
  void runTogether(const LoopRun &run);
  void addLoopTimes(const LoopRun &run, double elapsed);
  static void runRange(void *context, int64_t begin, int64_t end, int thread);
  static void runTraced(void *context, int64_t begin, int64_t end, int thread);

  /// One a thread, from the first loop on.
  std::vector<SampleLoop> loops;
  DeviceMemory image;
  DeviceMemory scratch;
  /// Distance between two threads' scratch; whole cache lines.
  int64_t scratchStrideBytes = 0;
  uint32_t callersControlWord = 0;
  /// Of the entry point that runs.
  const Command *firstCommand = nullptr;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CPUDEVICE_H
