// NVIDIA's driver, libcuda.so.1, by hand: what the CUDA device calls of it, as
// cuda.h of CUDA 11.4 and later declares it. Needs neither the toolkit to build
// nor a GPU to start.
#ifndef NNC_RUNTIME_DEVICE_CUDADRIVER_H
#define NNC_RUNTIME_DEVICE_CUDADRIVER_H

#include "runtime/device/SharedLibrary.h"

#include <cstdint>
#include <memory>

namespace nnc::runtime {

/// "cuMemAlloc: out of memory (CUDA_ERROR_OUT_OF_MEMORY)". OutOfMemory for
/// that error, Unsupported where there is no device, else DeviceError.
Status describeCudaError(const char *call, int error);

struct CudaContext;
struct CudaModule;
struct CudaFunction;
struct CudaStream;
struct CudaEvent;
struct CudaGraph;
struct CudaGraphExec;
/// CUdeviceptr.
using CudaAddress = unsigned long long;

struct CudaDriver {
  template <typename... Arguments>
  using Call = LibraryCall<describeCudaError, Arguments...>;

  /// The driver, opened and initialised on the first call that succeeds.
  /// Unsupported if it is missing or finds no GPU.
  static StatusOr<const CudaDriver *> get();

  /// The newest CUDA that it supports: 13000 for 13.0.
  int version = 0;

  Call<unsigned> init{"cuInit"};
  Call<int *> driverGetVersion{"cuDriverGetVersion"};
  Call<int *> deviceGetCount{"cuDeviceGetCount"};
  Call<int *, int> deviceGet{"cuDeviceGet"};
  Call<char *, int, int> deviceGetName{"cuDeviceGetName"};
  Call<int *, int, int> deviceGetAttribute{"cuDeviceGetAttribute"};

  Call<CudaContext **, int> primaryContextRetain{"cuDevicePrimaryCtxRetain"};
  Call<int> primaryContextRelease{"cuDevicePrimaryCtxRelease_v2"};
  Call<CudaContext *> contextPush{"cuCtxPushCurrent_v2"};
  Call<CudaContext **> contextPop{"cuCtxPopCurrent_v2"};

  Call<CudaModule **, const void *, unsigned, int *, void **> moduleLoad{
      "cuModuleLoadDataEx"};
  Call<CudaModule *> moduleUnload{"cuModuleUnload"};
  Call<CudaFunction **, CudaModule *, const char *> moduleGetFunction{
      "cuModuleGetFunction"};

  Call<CudaAddress *, size_t> memoryAllocate{"cuMemAlloc_v2"};
  Call<CudaAddress> memoryFree{"cuMemFree_v2"};
  Call<size_t *, size_t *> memoryGetInfo{"cuMemGetInfo_v2"};
  Call<void *, int, CudaAddress> pointerGetAttribute{"cuPointerGetAttribute"};
  Call<void **, size_t, unsigned> hostAllocate{"cuMemHostAlloc"};
  Call<void *> hostFree{"cuMemFreeHost"};
  Call<CudaAddress, const void *, size_t, CudaStream *> copyToDevice{
      "cuMemcpyHtoDAsync_v2"};
  Call<void *, CudaAddress, size_t, CudaStream *> copyToHost{
      "cuMemcpyDtoHAsync_v2"};
  Call<CudaAddress, CudaAddress, size_t, CudaStream *> copyOnDevice{
      "cuMemcpyDtoDAsync_v2"};
  Call<CudaAddress, unsigned char, size_t, CudaStream *> fill{
      "cuMemsetD8Async"};

  Call<CudaStream **, unsigned> streamCreate{"cuStreamCreate"};
  Call<CudaStream *> streamDestroy{"cuStreamDestroy_v2"};
  Call<CudaStream *> streamSynchronize{"cuStreamSynchronize"};
  Call<CudaStream *, CudaEvent *, unsigned> streamWaitEvent{
      "cuStreamWaitEvent"};
  Call<CudaStream *, int> streamBeginCapture{"cuStreamBeginCapture_v2"};
  Call<CudaStream *, CudaGraph **> streamEndCapture{"cuStreamEndCapture"};

  Call<CudaEvent **, unsigned> eventCreate{"cuEventCreate"};
  Call<CudaEvent *> eventDestroy{"cuEventDestroy_v2"};
  Call<CudaEvent *, CudaStream *> eventRecord{"cuEventRecord"};
  Call<CudaEvent *> eventSynchronize{"cuEventSynchronize"};
  Call<float *, CudaEvent *, CudaEvent *> eventElapsed{"cuEventElapsedTime"};

  Call<CudaGraphExec **, CudaGraph *, unsigned long long> graphInstantiate{
      "cuGraphInstantiateWithFlags"};
  Call<CudaGraphExec *, CudaStream *> graphLaunch{"cuGraphLaunch"};
  Call<CudaGraphExec *> graphExecDestroy{"cuGraphExecDestroy"};
  Call<CudaGraph *> graphDestroy{"cuGraphDestroy"};

  /// Grid, then block, x y z each; shared bytes; stream; parameters; null.
  Call<CudaFunction *, unsigned, unsigned, unsigned, unsigned, unsigned,
       unsigned, unsigned, CudaStream *, void **, void **>
      launchKernel{"cuLaunchKernel"};

  /// Values of the enumerations of cuda.h.
  static constexpr int capabilityMajor = 75, capabilityMinor = 76;
  static constexpr int jitErrorLog = 5, jitErrorLogBytes = 6;
  static constexpr unsigned streamNonBlocking = 1;
  static constexpr unsigned eventDefault = 0, eventWithoutTime = 2;
  static constexpr int captureOfThisThread = 1;
  static constexpr int pointerMemoryType = 2, pointerDevice = 9,
                       pointerRangeStart = 11, pointerRangeBytes = 12;
  static constexpr unsigned memoryTypeDevice = 2;

private:
  CudaDriver() = default;
  Status load();
};

/// Something of the driver's, given back with this object. The context that it
/// was made in is current then.
template <typename T> using CudaHandle = std::unique_ptr<T, int (*)(T *)>;

template <typename T> CudaHandle<T> noCudaHandle() {
  return {nullptr, nullptr};
}

/// Makes a context the calling thread's, and puts back what it had.
class CudaScope {
public:
  CudaScope(const CudaDriver &driver, CudaContext *context)
      : driver(driver), entered(driver.contextPush(context)) {}
  ~CudaScope() {
    CudaContext *popped;
    if (entered.isOk())
      driver.contextPop.get()(&popped);
  }
  CudaScope(const CudaScope &) = delete;
  CudaScope &operator=(const CudaScope &) = delete;

  const Status &status() const { return entered; }

private:
  const CudaDriver &driver;
  Status entered;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDADRIVER_H
