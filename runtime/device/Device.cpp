#include "runtime/device/Device.h"

#include "runtime/device/CpuDevice.h"

#include <iterator>

namespace nnc::runtime {

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
