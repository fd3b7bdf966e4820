// What the CUDA device has in its context, and how its calls go there.
#ifndef NNC_RUNTIME_DEVICE_CUDARESOURCES_H
#define NNC_RUNTIME_DEVICE_CUDARESOURCES_H

#include "runtime/device/CublasLt.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/CudaGraphs.h"
#include "runtime/device/CudaInputs.h"
#include "runtime/device/CudaOutputs.h"

namespace nnc::runtime {

// Sixteen batch sizes, each with its inputs in either place. A graph of a
// hundred commands takes the driver some 100 KB.
inline constexpr size_t mostGraphs = 32;

struct CudaDevice::Resources {
  explicit Resources(const CudaDriver &driver)
      : driver(driver), inputs(driver), outputs(driver),
        graphs(driver, mostGraphs) {}
  ~Resources() {
    if (landing)
      driver.hostFree.get()(landing);
  }

  const CudaDriver &driver;
  CudaHandle<CudaStream> stream = noCudaHandle<CudaStream>();
  std::vector<CudaHandle<CudaModule>> modules;
  /// Indexed like MachineCode::kernels.
  std::vector<CudaFunction *> functions;
  CudaInputs inputs;
  CudaOutputs outputs;
  CudaGraphs graphs;
  std::unique_ptr<CublasLt> products;
  /// Pinned.
  void *landing = nullptr;
  /// Between the commands of a profiled run, with the number that are in use.
  std::vector<CudaHandle<CudaEvent>> marks;
  size_t numMarks = 0;
  /// Whose time ends at each.
  std::vector<int64_t> markedCommands;
  /// Of one launch.
  std::vector<void *> parameters;
};

inline CudaAddress address(const void *memory) {
  return reinterpret_cast<CudaAddress>(memory);
}

/// Runs `body` with the context current on this thread.
template <typename Body> Status CudaDevice::inContext(Body &&body) const {
  if (!lost.isOk())
    return lost;
  if (!process.isHere())
    return {Code::DeviceError, "the GPU is used by the process that forked "
                               "this one, which cannot reach what is there"};
  CudaScope scope(driver, context);
  return scope.status().isOk() ? body() : scope.status();
}

/// The same with all that was begun done before. An error in it is the first
/// that is heard of what failed on the device, and nothing works after that.
template <typename Body> Status CudaDevice::waiting(Body &&body) {
  return inContext([&]() -> Status {
    Status status = driver.streamSynchronize(resources->stream.get());
    if (status.isOk())
      status = body();
    if (status.isOk())
      status = driver.streamSynchronize(resources->stream.get());
    return loseOn(status);
  });
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDARESOURCES_H
