// Finds the driver's functions, and makes statuses of its errors.
#include "runtime/device/CudaDriver.h"

#include <cstring>
#include <mutex>

namespace nnc::runtime {

namespace {
/// These return what no status can be made of.
struct ErrorTexts {
  int (*name)(int error, const char **text) = nullptr;
  int (*description)(int error, const char **text) = nullptr;
};
} // namespace

static ErrorTexts errorTexts;

static const char *textOf(int (*find)(int, const char **), int error) {
  const char *text = nullptr;
  if (!find || find(error, &text) != 0 || !text)
    return "unknown error";
  return text;
}

static constexpr int outOfMemory = 2, stubLibrary = 34, noDevice = 100;

Status describeCudaError(const char *call, int error) {
  Code code = error == outOfMemory                        ? Code::OutOfMemory
              : error == noDevice || error == stubLibrary ? Code::Unsupported
                                                          : Code::DeviceError;
  return {code, concat(call, ": ", textOf(errorTexts.description, error), " (",
                       textOf(errorTexts.name, error), ", ", error, ")")};
}

Status CudaDriver::load() {
  StatusOr<SharedLibrary> library = SharedLibrary::open(
      "the driver of NVIDIA's GPUs (libcuda.so.1)", {"libcuda.so.1"});
  if (!library.isOk())
    return library.status();
  void *name = library->find("cuGetErrorName"),
       *description = library->find("cuGetErrorString");
  std::memcpy(&errorTexts.name, &name, sizeof name);
  std::memcpy(&errorTexts.description, &description, sizeof description);
  Status status =
      findCalls(*library, init, driverGetVersion, deviceGetCount, deviceGet,
                deviceGetName, deviceGetAttribute, primaryContextRetain,
                primaryContextRelease, contextPush, contextPop, moduleLoad,
                moduleUnload, moduleGetFunction, memoryAllocate, memoryFree,
                memoryGetInfo, pointerGetAttribute, hostAllocate, hostFree,
                copyToDevice, copyToHost, copyOnDevice, fill, streamCreate,
                streamDestroy, streamSynchronize, streamWaitEvent,
                streamBeginCapture, streamEndCapture, eventCreate, eventDestroy,
                eventRecord, eventSynchronize, eventElapsed, graphInstantiate,
                graphLaunch, graphExecDestroy, graphDestroy, launchKernel);
  if (status.isOk())
    status = init(0);
  if (status.isOk())
    status = driverGetVersion(&version);
  return status;
}

StatusOr<const CudaDriver *> CudaDriver::get() {
  static std::mutex mutex;
  static const CudaDriver *loaded = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  if (loaded)
    return static_cast<const CudaDriver *>(loaded);
  std::unique_ptr<CudaDriver> driver(new CudaDriver);
  Status status = driver->load();
  if (!status.isOk())
    return status;
  // Never given back: the library stays open, too.
  loaded = driver.release();
  return static_cast<const CudaDriver *>(loaded);
}

} // namespace nnc::runtime
