// What a target must provide for its plans to run. A new target implements this
// and adds a line to the list in Device.cpp.
#ifndef NNC_RUNTIME_DEVICE_DEVICE_H
#define NNC_RUNTIME_DEVICE_DEVICE_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace nnc::runtime {

/// Memory of a device, released with this object.
class DeviceMemory {
public:
  using Release = std::function<void(void *data, int64_t sizeBytes)>;

  DeviceMemory() = default;
  DeviceMemory(void *data, int64_t sizeBytes, Release release)
      : base(data), length(sizeBytes), release(std::move(release)) {}
  DeviceMemory(DeviceMemory &&other) noexcept { *this = std::move(other); }
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(base, other.base);
    std::swap(length, other.length);
    std::swap(release, other.release);
    return *this;
  }
  ~DeviceMemory() {
    if (base)
      release(base, length);
  }

  char *data() const { return static_cast<char *>(base); }
  int64_t sizeBytes() const { return length; }

private:
  void *base = nullptr;
  int64_t length = 0;
  Release release;
};

class Device {
public:
  virtual ~Device() = default;

  /// Unsupported if this machine cannot run `code`, saying what it lacks.
  virtual Status check(const MachineCode &code) const { return {}; }

  /// Makes the kernels of `code` ready to launch, each with `scratchBytes` of
  /// scratch per thread. Fails as check() does.
  virtual Status load(const MachineCode &code, int64_t scratchBytes) = 0;

  /// Zeroed memory on a NNC_ALIGNMENT_BYTES boundary; `what` names it in the
  /// message if there is not enough.
  virtual StatusOr<DeviceMemory> allocate(int64_t sizeBytes,
                                          const char *what) = 0;

  /// Brackets the commands of one run; endRun tells what went wrong in any.
  virtual void beginRun() {}
  virtual Status endRun() { return {}; }

  /// Runs one kernel over [0, extent): indices on a CPU, blocks on a GPU.
  virtual void launch(uint32_t kernel, void *const *buffers, int64_t batch,
                      int64_t extent, int64_t grain) = 0;

  /// Computes a product by the device's library; `buffers` as in Command.
  virtual void matmul(const Matmul &matmul, void *const *buffers,
                      int64_t batch) = 0;

  /// Copies between memory of the device, or it and the host's.
  virtual void copy(void *to, const void *from, int64_t sizeBytes) = 0;
};

/// The device for a plan's target. Unsupported, naming the targets that there
/// are, for an unknown one. `numThreads` is for targets that compute on the
/// host; at least 1.
StatusOr<std::unique_ptr<Device>> createDevice(const std::string &target,
                                               int numThreads);

/// The targets that there are, by index; null beyond the last.
size_t numTargets();
const char *targetName(size_t index);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_DEVICE_H
