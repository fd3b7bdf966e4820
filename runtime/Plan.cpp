#include "runtime/Plan.h"

#include "runtime/PlanReader.h"
#include "runtime/abi.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

int64_t TensorInfo::numElements(int64_t batch) const {
  return *runtime::numElements(shape, batch);
}

int64_t TensorInfo::sizeBytes(int64_t batch) const {
  return numElements(batch) * runtime::sizeBytes(elementType);
}

int64_t StateTensor::numElements() const {
  return *runtime::numElements(shape);
}

int64_t StateTensor::sizeBytes() const {
  return numElements() * runtime::sizeBytes(elementType);
}

StatusOr<std::shared_ptr<const Plan>> Plan::open(const std::string &path) {
  return guardMemory([&]() -> StatusOr<std::shared_ptr<const Plan>> {
    StatusOr<AlignedBytes> content = readFile(path);
    if (!content.isOk())
      return content.status();
    return read(std::move(*content), path);
  });
}

StatusOr<std::shared_ptr<const Plan>>
Plan::fromMemory(const void *data, size_t sizeBytes,
                 const std::string &origin) {
  return guardMemory([&]() -> StatusOr<std::shared_ptr<const Plan>> {
    AlignedBytes content(sizeBytes);
    if (sizeBytes)
      std::memcpy(content.data(), data, sizeBytes);
    return read(std::move(content), origin);
  });
}

StatusOr<std::shared_ptr<const Plan>> Plan::read(AlignedBytes content,
                                                 const std::string &origin) {
  std::shared_ptr<Plan> plan(new Plan);
  plan->content = std::move(content);
  PlanReader reader(plan->content.data(), plan->content.size(), *plan);
  Status status = reader.read();
  if (!status.isOk())
    return Status(status.code(), concat(origin, ": ", status.message()));
  return std::shared_ptr<const Plan>(std::move(plan));
}

template <typename T>
static const T *find(const std::vector<T> &table, std::string_view name) {
  for (const T &entry : table)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

const EntryPoint *Plan::findEntryPoint(std::string_view name) const {
  return find(entryPoints, name);
}

const StateTensor *Plan::findState(std::string_view name) const {
  return find(state, name);
}

int64_t Plan::arenaBytes() const {
  int64_t largest = 0;
  for (const EntryPoint &entry : entryPoints)
    largest = std::max(largest, entry.arenaBytes);
  return largest;
}

int64_t Plan::scratchBytes() const {
  int64_t largest = 0;
  for (const EntryPoint &entry : entryPoints)
    largest = std::max(largest, entry.scratchBytes);
  return largest;
}

int64_t Plan::plannedBytes(int numThreads) const {
  constexpr int64_t line = NNC_ALIGNMENT_BYTES;
  int64_t scratch = (scratchBytes() + line - 1) / line * line;
  return stateBytes + arenaBytes() + constants.sizeBytes + scratch * numThreads;
}

} // namespace nnc::runtime
