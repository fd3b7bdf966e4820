// How a plan comes into memory, and what is asked of it there.
#include "runtime/Plan.h"

#include "runtime/Log.h"
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
    int64_t sizeBytes = 0;
    StatusOr<OpenFile> file = openToRead(path, sizeBytes);
    if (!file.isOk())
      return file.status();
    // Before there is memory for the rest: a file with holes is large for free.
    uint8_t start[PlanReader::startBytes] = {};
    Status status = readAt(*file, path, start,
                           std::min<int64_t>(sizeBytes, sizeof start), 0);
    if (!status.isOk())
      return status;
    status = PlanReader::checkStart(start, sizeBytes);
    if (!status.isOk())
      return Status(status.code(), concat(path, ": ", status.message()));
    AlignedBytes content(sizeBytes);
    status = readAt(*file, path, content.data(), sizeBytes, 0);
    if (!status.isOk())
      return status;
    return readOwned(std::move(content), path);
  });
}

StatusOr<std::shared_ptr<const Plan>>
Plan::fromMemory(const void *data, size_t sizeBytes,
                 const std::string &origin) {
  return guardMemory([&]() -> StatusOr<std::shared_ptr<const Plan>> {
    AlignedBytes content(sizeBytes);
    if (sizeBytes)
      std::memcpy(content.data(), data, sizeBytes);
    return readOwned(std::move(content), origin);
  });
}

StatusOr<std::shared_ptr<const Plan>>
Plan::fromStatic(const void *data, size_t sizeBytes,
                 const std::string &origin) {
  return guardMemory([&]() -> StatusOr<std::shared_ptr<const Plan>> {
    if (reinterpret_cast<uintptr_t>(data) % NNC_ALIGNMENT_BYTES != 0)
      return Status(Code::InvalidArgument,
                    concat(origin, ": is at an address that is no multiple of ",
                           NNC_ALIGNMENT_BYTES));
    return read(static_cast<const uint8_t *>(data), sizeBytes, {}, origin);
  });
}

static void logOpened(const Plan &plan, const std::string &origin) {
  log(LogLevel::Info, origin, ": plan of model ", quote(plan.model), " by ",
      quote(plan.producer), " for target ", quote(plan.code.target),
      ", batch 1 to ", plan.maxBatch);
}

StatusOr<std::shared_ptr<const Plan>>
Plan::readOwned(AlignedBytes content, const std::string &origin) {
  const uint8_t *data = content.data();
  size_t sizeBytes = content.size();
  return read(data, sizeBytes, std::move(content), origin);
}

StatusOr<std::shared_ptr<const Plan>> Plan::read(const uint8_t *data,
                                                 size_t sizeBytes,
                                                 AlignedBytes content,
                                                 const std::string &origin) {
  std::shared_ptr<Plan> plan(new Plan);
  plan->content = std::move(content);
  Status status = PlanReader(data, sizeBytes, *plan).read();
  if (!status.isOk())
    return Status(status.code(), concat(origin, ": ", status.message()));
  logOpened(*plan, origin);
  return std::shared_ptr<const Plan>(std::move(plan));
}

template <typename T>
static const T *find(const std::vector<T> &table, std::string_view name) {
  for (const T &entry : table)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

bool isSameInput(const TensorInfo &one, const TensorInfo &other) {
  return one.name == other.name && one.elementType == other.elementType &&
         one.shape == other.shape;
}

const EntryPoint *Plan::findEntryPoint(std::string_view name) const {
  return find(entryPoints, name);
}

int64_t Recipe::accumulate() const {
  for (const Setting &setting : settings)
    if (setting.name == "accumulate")
      return setting.integer;
  return 1;
}

const StateTensor *Plan::findState(std::string_view name) const {
  return find(state, name);
}

const EntryPoint *Plan::findTrainingStep(std::string_view name) const {
  for (const TrainingStep &step : recipe.steps)
    if (step.entryPoint == name)
      return findEntryPoint(name);
  return nullptr;
}

std::vector<const EntryPoint *>
Plan::shortFormsOf(const EntryPoint &entry) const {
  std::vector<const EntryPoint *> forms;
  for (const EntryPoint &other : entryPoints)
    if (other.shortOf == entry.name)
      forms.push_back(&other);
  return forms;
}

std::string Plan::scopeOf(std::string_view name) {
  return name == "train_step" ? "" : concat(name, ".");
}

const EntryPoint *Plan::findAccumulating(std::string_view name) const {
  return findEntryPoint(concat(scopeOf(name), "accumulate_step"));
}

std::vector<bool> Plan::stateReadBy(const EntryPoint &entry) const {
  std::vector<bool> isRead(state.size(), false);
  auto mark = [&](const BufferRef &buffer) {
    if (buffer.region != Region::State)
      return;
    const int64_t end = buffer.offsetBytes + buffer.sizeBytes.at(maxBatch);
    for (size_t i = 0; i < state.size(); ++i)
      if (state[i].offsetBytes < end &&
          buffer.offsetBytes < state[i].offsetBytes + state[i].sizeBytes())
        isRead[i] = true;
  };
  for (const Command &command : entry.commands)
    for (const BufferRef &buffer : command.buffers)
      mark(buffer);
  for (const TensorInfo &output : entry.outputs)
    mark(output.buffer);
  for (size_t i = 0; i < state.size(); ++i)
    if (isRead[i] && state[i].roundedFrom >= 0)
      isRead[state[i].roundedFrom] = true;
  return isRead;
}

static const std::string copyText = "copy", loopText = "loop",
                         contractionText = "contraction";

const std::string &Plan::nameOf(const Command &command) const {
  switch (command.kind) {
  case Command::Kind::Launch:
    return code.kernels[command.kernel].name;
  case Command::Kind::Matmul:
    return command.matmul.name;
  case Command::Kind::Loop:
    return loopText;
  case Command::Kind::Copy:
    return copyText;
  }
  return copyText;
}

const std::string &Plan::refusalOf(const Command &command) const {
  static const std::string none;
  return command.kind == Command::Kind::Launch
             ? code.kernels[command.kernel].refusal
             : none;
}

const std::string &Plan::kindOf(const Command &command) const {
  switch (command.kind) {
  case Command::Kind::Launch:
    return code.kernels[command.kernel].kind;
  case Command::Kind::Matmul:
    return contractionText;
  case Command::Kind::Loop:
    return loopText;
  case Command::Kind::Copy:
    return copyText;
  }
  return copyText;
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
