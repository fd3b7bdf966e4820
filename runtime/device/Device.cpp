// The list of devices.
#include "runtime/device/Device.h"

#include "runtime/device/CpuDevice.h"
#ifdef NNC_TARGET_CUDA
#include "runtime/device/CudaDevice.h"
#include "runtime/device/SimDevice.h"
#endif

#include <cstring>
#include <iterator>

namespace nnc::runtime {

Status Device::zero(void *memory, int64_t sizeBytes) {
  std::memset(memory, 0, sizeBytes);
  return {};
}

Status Device::upload(const Transfer &transfer) {
  std::memcpy(transfer.to, transfer.from, transfer.sizeBytes);
  return {};
}

Status Device::download(const std::vector<Transfer> &transfers) {
  for (const Transfer &transfer : transfers)
    std::memcpy(transfer.to, transfer.from, transfer.sizeBytes);
  return {};
}

/// What a device that works in the host's memory says where it is asked for its
/// own.
static Status noMemoryOfItsOwn() {
  return {Code::Unsupported, "the session runs on the host, in its memory"};
}

StatusOr<DeviceMemory> Device::allocatePinned(int64_t) {
  return noMemoryOfItsOwn();
}

StatusOr<int64_t> Device::freeBytes() { return noMemoryOfItsOwn(); }

Status Device::checkAddress(const void *, int64_t) {
  return noMemoryOfItsOwn();
}

Status Device::letWait(void *) { return noMemoryOfItsOwn(); }

StatusOr<int64_t> Device::send(std::vector<Transfer> &) {
  return noMemoryOfItsOwn();
}

Status Device::receive(int64_t) { return {}; }

StatusOr<Commands> Device::beginRun(const Run &run, void **addresses) {
  // Those of a run that was abandoned.
  marks.clear();
  trace = run.trace;
  for (size_t i = 0; i < run.entry.inputs.size(); ++i)
    addresses[i] = const_cast<void *>(run.inputs.data[i]);
  return Commands::Issue;
}

void Device::mark(int64_t command) {
  marks.push_back({std::chrono::steady_clock::now(), command});
}

Status Device::addTimes(std::vector<double> &seconds) {
  for (size_t i = 1; i < marks.size(); ++i) {
    const int64_t command = marks[i].command;
    if (command < 0)
      continue;
    seconds[command] +=
        std::chrono::duration<double>(marks[i].time - marks[i - 1].time)
            .count();
    if (trace)
      trace->commands.push_back({nanoseconds(marks[i - 1].time),
                                 nanoseconds(marks[i].time), command});
  }
  marks.clear();
  return {};
}

namespace {
struct Target {
  const char *name;
  StatusOr<std::unique_ptr<Device>> (*create)(const DeviceOptions &options);
};
} // namespace

static StatusOr<std::unique_ptr<Device>>
createCpu(const DeviceOptions &options) {
  return std::unique_ptr<Device>(std::make_unique<CpuDevice>(options.threads));
}

#ifdef NNC_TARGET_CUDA
static StatusOr<std::unique_ptr<Device>>
createSim(const DeviceOptions &options) {
  return std::unique_ptr<Device>(std::make_unique<SimDevice>(options.threads));
}

static StatusOr<std::unique_ptr<Device>>
createCuda(const DeviceOptions &options) {
  return CudaDevice::create(options.index);
}
#endif

static constexpr Target targets[] = {
    {"cpu", createCpu},
#ifdef NNC_TARGET_CUDA
    {"cuda", createCuda},
    {"sim", createSim},
#endif
};

StatusOr<std::unique_ptr<Device>> createDevice(const std::string &target,
                                               const DeviceOptions &options) {
  std::string known;
  for (const Target &candidate : targets) {
    if (target == candidate.name)
      return candidate.create(options);
    known += concat(known.empty() ? "" : ", ", candidate.name);
  }
  return Status(Code::Unsupported, concat("this runtime has no target ",
                                          quote(target), ", it has: ", known));
}

size_t numTargets() { return std::size(targets); }

const char *targetName(size_t index) {
  return index < numTargets() ? targets[index].name : nullptr;
}

} // namespace nnc::runtime
