#include "runtime/device/Device.h"

#include "runtime/device/CpuDevice.h"
#include "runtime/device/SimDevice.h"

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

StatusOr<Commands> Device::beginRun(const Run &run, void **addresses) {
  for (size_t i = 0; i < run.entry.inputs.size(); ++i)
    addresses[i] = const_cast<void *>(run.inputs[i]);
  return Commands::Issue;
}

void Device::mark() { marks.push_back(std::chrono::steady_clock::now()); }

Status Device::addTimes(std::vector<double> &seconds) {
  for (size_t i = 0; i + 1 < marks.size(); ++i)
    seconds[i] +=
        std::chrono::duration<double>(marks[i + 1] - marks[i]).count();
  marks.clear();
  return {};
}

namespace {
struct Target {
  const char *name;
  std::unique_ptr<Device> (*create)(int numThreads);
};
} // namespace

template <typename T> static std::unique_ptr<Device> create(int numThreads) {
  return std::make_unique<T>(numThreads);
}

static constexpr Target targets[] = {
    {"cpu", create<CpuDevice>},
    {"sim", create<SimDevice>},
};

StatusOr<std::unique_ptr<Device>> createDevice(const std::string &target,
                                               int numThreads) {
  std::string known;
  for (const Target &candidate : targets) {
    if (target == candidate.name)
      return candidate.create(numThreads);
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
