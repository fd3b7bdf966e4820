#include "runtime/Session.h"

#include "runtime/Log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>
#include <thread>

namespace nnc::runtime {

// More would only wait for each other; it also bounds the scratch memory.
static constexpr int mostThreads = 1024;

StatusOr<std::unique_ptr<Session>>
Session::create(std::shared_ptr<const Plan> plan, SessionOptions options) {
  return guardMemory([&]() -> StatusOr<std::unique_ptr<Session>> {
    if (options.threads < 0 || options.threads > mostThreads)
      return Status(Code::InvalidArgument,
                    concat("threads is ", options.threads, ", expected 0 to ",
                           mostThreads));
    std::unique_ptr<Session> session(new Session);
    session->openPlan = std::move(plan);
    Status status = session->allocate(options);
    if (status.isOk())
      status = session->init(options.seed);
    if (!status.isOk())
      return status;
    log(LogLevel::Info, "session of model ", quote(session->openPlan->model),
        ": ", session->threads, " threads, ",
        session->openPlan->plannedBytes(session->threads), " bytes, of which ",
        session->openPlan->stateBytes, " are parameters and state");
    return session;
  });
}

Status Session::allocate(SessionOptions &options) {
  int processors = std::max(1u, std::thread::hardware_concurrency());
  threads =
      options.threads ? options.threads : std::min(processors, mostThreads);
  device = std::move(options.device);
  if (!device) {
    auto created = createDevice(openPlan->code.target, threads);
    if (!created.isOk())
      return created.status();
    device = std::move(*created);
  }
  Status status = device->load(openPlan->code, openPlan->scratchBytes());
  if (!status.isOk())
    return status;

  const struct {
    DeviceMemory &memory;
    int64_t sizeBytes;
    const char *what;
  } regions[] = {{state, openPlan->stateBytes, "parameters and state"},
                 {arena, openPlan->arenaBytes(), "working memory"},
                 {constants, openPlan->constants.sizeBytes, "constants"}};
  for (const auto &region : regions) {
    auto memory = device->allocate(region.sizeBytes, region.what);
    if (!memory.isOk())
      return memory.status();
    region.memory = std::move(*memory);
  }
  if (constants.data())
    device->copy(constants.data(), openPlan->constants.data,
                 openPlan->constants.sizeBytes);

  for (const EntryPoint &entry : openPlan->entryPoints)
    executors.emplace_back(
        entry, Regions{state.data(), arena.data(), constants.data()}, *device);
  profiles.resize(executors.size());
  return {};
}

Status Session::init(int64_t seed) {
  return guardMemory([&]() -> Status {
    if (state.data())
      std::memset(state.data(), 0, state.sizeBytes());
    if (const StateTensor *tensor = openPlan->findState("seed"))
      std::memcpy(stateData(*tensor), &seed, sizeof seed);
    log(LogLevel::Debug, "initialised with seed ", seed);
    const EntryPoint *entry = openPlan->findEntryPoint("init");
    if (!entry)
      return {};
    if (!entry->inputs.empty())
      return {Code::InvalidFile, "the plan's 'init' wants inputs"};
    return run(*entry, nullptr, 1);
  });
}

template <typename T>
static Status checkIndices(const TensorInfo &input, const void *data,
                           int64_t batch) {
  const T *values = static_cast<const T *>(data);
  int64_t count = input.numElements(batch);
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = static_cast<int64_t>(values[i]);
    if (value >= 0 && value < input.indexLimit)
      continue;
    int64_t perSample = count / batch;
    return {Code::InvalidArgument,
            concat("input ", quote(input.name), " has ", value, " in sample ",
                   perSample ? i / perSample : 0,
                   " of the batch, expected 0 to ", input.indexLimit - 1)};
  }
  return {};
}

static Status checkIndices(const TensorInfo &input, const void *data,
                           int64_t batch) {
  switch (input.elementType) {
  case ElementType::U8:
    // 255 is the largest there is.
    return input.indexLimit > 255 ? Status()
                                  : checkIndices<uint8_t>(input, data, batch);
  case ElementType::I32:
    return checkIndices<int32_t>(input, data, batch);
  case ElementType::U32:
    return checkIndices<uint32_t>(input, data, batch);
  case ElementType::I64:
    return checkIndices<int64_t>(input, data, batch);
  default:
    return {};
  }
}

Status Session::checkInputs(const EntryPoint &entry, const void *const *inputs,
                            int64_t batch) const {
  if (batch < 1 || batch > openPlan->maxBatch)
    return {Code::InvalidArgument,
            concat("batch is ", batch, ", the plan runs 1 to ",
                   openPlan->maxBatch)};
  for (size_t i = 0; i < entry.inputs.size(); ++i) {
    const TensorInfo &input = entry.inputs[i];
    auto address = reinterpret_cast<uintptr_t>(inputs[i]);
    int64_t alignment = sizeBytes(input.elementType);
    if (!address || address % alignment != 0)
      return {Code::InvalidArgument,
              concat("input ", quote(input.name), " is at ",
                     address ? "an address that is not a multiple of its "
                               "element size"
                             : "a null address")};
    if (input.indexLimit == 0)
      continue;
    Status status = checkIndices(input, inputs[i], batch);
    if (!status.isOk())
      return status;
  }
  return {};
}

size_t Session::indexOf(const EntryPoint &entry) const {
  size_t index = &entry - openPlan->entryPoints.data();
  assert(index < executors.size() && "the entry point is of this plan");
  return index;
}

Status Session::run(const EntryPoint &entry, const void *const *inputs,
                    int64_t batch) {
  return guardMemory([&]() -> Status {
    Status status = checkInputs(entry, inputs, batch);
    if (!status.isOk())
      return status;
    size_t index = indexOf(entry);
    lastEntry = &entry;
    batchOfLastRun = batch;
    lastInputs.assign(inputs, inputs + entry.inputs.size());
    return executors[index].run(inputs, batch, profiles[index]);
  });
}

const void *Session::outputData(const TensorInfo &output) const {
  const BufferRef &buffer = output.buffer;
  switch (buffer.region) {
  case Region::State:
    return state.data() + buffer.offsetBytes;
  case Region::Arena:
    return arena.data() + buffer.offsetBytes;
  case Region::Constant:
    return constants.data() + buffer.offsetBytes;
  case Region::Input:
    return static_cast<const char *>(lastInputs[buffer.index]) +
           buffer.offsetBytes;
  }
  return nullptr;
}

double Session::outputScalar(const TensorInfo &output) const {
  return toDouble(output.elementType, outputData(output));
}

double Session::outputSum(std::string_view kind) const {
  double sum = 0;
  if (lastEntry)
    for (const TensorInfo &output : lastEntry->outputs)
      if (output.kind == kind)
        sum += outputScalar(output);
  return sum;
}

void *Session::stateData(const StateTensor &tensor) const {
  return state.data() + tensor.offsetBytes;
}

static Status unknownState(std::string_view name) {
  return {Code::NotFound, concat("the plan has no state tensor ", quote(name))};
}

static Status wrongSize(const StateTensor &tensor, size_t sizeBytes) {
  return {Code::InvalidArgument,
          concat("state tensor ", quote(tensor.name), " has ",
                 tensor.sizeBytes(), " bytes, the call gives ", sizeBytes)};
}

Status Session::readState(std::string_view name, void *data,
                          size_t sizeBytes) const {
  return guardMemory([&]() -> Status {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (sizeBytes != static_cast<size_t>(tensor->sizeBytes()))
      return wrongSize(*tensor, sizeBytes);
    if (sizeBytes)
      device->copy(data, stateData(*tensor), sizeBytes);
    return {};
  });
}

Status Session::writeState(std::string_view name, const void *data,
                           size_t sizeBytes) {
  return guardMemory([&]() -> Status {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (sizeBytes != static_cast<size_t>(tensor->sizeBytes()))
      return wrongSize(*tensor, sizeBytes);
    if (sizeBytes)
      device->copy(stateData(*tensor), data, sizeBytes);
    return {};
  });
}

static Status notScalar(const StateTensor &tensor) {
  return {Code::InvalidArgument,
          concat("state tensor ", quote(tensor.name), " is ",
                 describe(tensor.elementType, tensor.shape),
                 ", expected a scalar")};
}

StatusOr<double> Session::scalar(std::string_view name) const {
  return guardMemory([&]() -> StatusOr<double> {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (!tensor->shape.empty())
      return notScalar(*tensor);
    return toDouble(tensor->elementType, stateData(*tensor));
  });
}

Status Session::setScalar(std::string_view name, double value) {
  return guardMemory([&]() -> Status {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (!tensor->shape.empty())
      return notScalar(*tensor);
    if (!fits(tensor->elementType, value))
      return {Code::InvalidArgument,
              concat(value, " does not fit state tensor ", quote(name),
                     " of type ", runtime::name(tensor->elementType))};
    fromDouble(tensor->elementType, value, stateData(*tensor));
    return {};
  });
}

static const char *nameOf(SaveKind kind) {
  return kind == SaveKind::Weights ? "weights" : "a checkpoint";
}

static bool isSaved(const StateTensor &tensor, SaveKind kind) {
  return kind == SaveKind::Checkpoint || tensor.role == Role::Parameter ||
         tensor.role == Role::Buffer;
}

static std::string nameInFile(const StateTensor &tensor) {
  if (tensor.role == Role::OptimizerState)
    return concat(optimizerPrefix, tensor.name);
  if (tensor.role == Role::Scalar)
    return concat(scalarPrefix, tensor.name);
  return tensor.name;
}

Status Session::save(const std::string &path, SaveKind kind,
                     const Metadata &metadata) const {
  return guardMemory([&]() -> Status {
    std::vector<TensorToSave> tensors;
    for (const StateTensor &tensor : openPlan->state)
      if (isSaved(tensor, kind))
        tensors.push_back({nameInFile(tensor), tensor.elementType, tensor.shape,
                           stateData(tensor)});
    Metadata all = metadata;
    all[kindKey] = kind == SaveKind::Checkpoint ? "checkpoint" : "weights";
    Status status = writeSafetensors(path, tensors, all);
    if (status.isOk())
      log(LogLevel::Info, path, ": saved ", tensors.size(), " tensors, ",
          nameOf(kind));
    return status;
  });
}

namespace {
/// Which tensor of a file fills which one of the state.
struct Match {
  const SavedTensor *from;
  const StateTensor *to;
};

/// A file against a plan: what goes where, and everything that does not.
struct Comparison {
  std::vector<Match> matches;
  std::vector<std::string> missing, extra, different;
};
} // namespace

static Comparison compare(const Plan &plan, const SafetensorsFile &file,
                          SaveKind kind) {
  Comparison result;
  std::map<std::string_view, const SavedTensor *> saved;
  for (const SavedTensor &tensor : file.tensors())
    saved[tensor.name] = &tensor;
  for (const StateTensor &tensor : plan.state) {
    if (!isSaved(tensor, kind))
      continue;
    std::string name = nameInFile(tensor);
    auto found = saved.find(name);
    if (found == saved.end()) {
      result.missing.push_back(std::move(name));
      continue;
    }
    const SavedTensor &from = *found->second;
    saved.erase(found);
    if (from.elementType != tensor.elementType || from.shape != tensor.shape)
      result.different.push_back(concat(
          quote(name), " is ", describe(tensor.elementType, tensor.shape),
          ", the file has ", describe(from.elementType, from.shape)));
    result.matches.push_back({&from, &tensor});
  }
  // In the file's order, and without what only a checkpoint's reader wants.
  for (const SavedTensor &tensor : file.tensors())
    if (saved.count(tensor.name) &&
        (kind == SaveKind::Checkpoint || !isReservedName(tensor.name)))
      result.extra.push_back(tensor.name);
  return result;
}

static std::string listOf(const std::vector<std::string> &items, bool quoted) {
  std::string list;
  for (const std::string &item : items)
    list += concat(list.empty() ? "" : ", ", quoted ? quote(item) : item);
  return list;
}

/// Names all that speaks against loading; empty if nothing does.
static std::string describeProblems(const Comparison &comparison,
                                    Matching matching) {
  const bool isExact = matching == Matching::Exact;
  std::string problems;
  auto add = [&](const char *what, const std::vector<std::string> &items,
                 bool quoted) {
    if (!items.empty())
      problems +=
          concat(problems.empty() ? "" : "; ", what, listOf(items, quoted));
  };
  if (isExact || comparison.matches.empty()) {
    add("missing: ", comparison.missing, true);
    add("not in the plan: ", comparison.extra, true);
  }
  add("of another shape or type: ", comparison.different, false);
  return problems;
}

Status Session::load(const std::string &path, SaveKind kind, Matching matching,
                     LoadReport *report) {
  return guardMemory([&]() -> Status {
    StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file.isOk())
      return file.status();
    Comparison comparison = compare(*openPlan, *file, kind);
    std::string problems = describeProblems(comparison, matching);
    if (!problems.empty())
      return {Code::InvalidFile,
              concat(path, ": the tensors are not this plan's: ", problems)};
    for (const Match &match : comparison.matches) {
      Status status = file->read(*match.from, stateData(*match.to));
      if (!status.isOk())
        return status;
    }
    log(LogLevel::Info, path, ": loaded ", comparison.matches.size(),
        " tensors, ", nameOf(kind));
    if (report)
      *report = {file->metadata(), std::move(comparison.missing),
                 std::move(comparison.extra)};
    return {};
  });
}

void Session::setProfile(const EntryPoint &entry, Profile *profile) {
  profiles[indexOf(entry)] = profile;
}

} // namespace nnc::runtime
