// Makes sessions, gives state its first values, and reads and writes it. Runs
// are in SessionRuns.cpp, outputs in SessionOutputs.cpp, files of state in
// SessionFiles.cpp.
#include "runtime/Session.h"

#include "runtime/Log.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstring>
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

/// That a device with memory of its own has what the plan takes, before any of
/// it is taken.
Status Session::checkRoom() const {
  if (device->sharesHostMemory())
    return {};
  StatusOr<int64_t> free = device->freeBytes();
  if (!free.isOk())
    return free.status();
  const int64_t wanted = openPlan->stateBytes + openPlan->arenaBytes() +
                         openPlan->constants.sizeBytes;
  if (wanted <= *free)
    return {};
  return {Code::OutOfMemory,
          concat("out of memory of the GPU: the plan takes ", wanted,
                 " bytes (parameters and state ", openPlan->stateBytes,
                 ", working memory ", openPlan->arenaBytes(), ", constants ",
                 openPlan->constants.sizeBytes, "), and ", *free,
                 " are free; a smaller batch or a memory budget needs less")};
}

Status Session::allocate(SessionOptions &options) {
  int processors = std::max(1u, std::thread::hardware_concurrency());
  threads =
      options.threads ? options.threads : std::min(processors, mostThreads);
  device = std::move(options.device);
  if (!device) {
    auto created =
        createDevice(openPlan->code.target, {threads, options.deviceIndex});
    if (!created.isOk())
      return created.status();
    device = std::move(*created);
  }
  Status status = device->load(*openPlan);
  if (!status.isOk())
    return status;

  if (status = checkRoom(); !status.isOk())
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
    status = device->upload({constants.data(), openPlan->constants.data,
                             openPlan->constants.sizeBytes});
  if (!status.isOk())
    return status;

  for (const EntryPoint &entry : openPlan->entryPoints)
    executors.emplace_back(
        entry, Regions{state.data(), arena.data(), constants.data()}, *device);
  profiles.resize(executors.size());
  return {};
}

Status Session::checkProcess() const {
  if (process.isHere())
    return {};
  return {Code::InvalidArgument,
          "the session was made before a fork, and its threads are the "
          "parent's: a child makes a session of its own"};
}

Status Session::init(int64_t seed) {
  return guardMemory([&]() -> Status {
    if (Status status = checkProcess(); !status.isOk())
      return status;
    forgetOutputs();
    Status status;
    if (state.data())
      status = device->zero(state.data(), state.sizeBytes());
    const StateTensor *tensor = openPlan->findState("seed");
    if (status.isOk() && tensor)
      status = device->upload({stateData(*tensor), &seed, sizeof seed});
    if (!status.isOk())
      return status;
    torn = {};
    log(LogLevel::Debug, "initialised with seed ", seed);
    const EntryPoint *entry = openPlan->findEntryPoint("init");
    if (!entry)
      return {};
    if (!entry->inputs.empty())
      return {Code::InvalidFile, "the plan's 'init' wants inputs"};
    return run(*entry, nullptr, 1);
  });
}

size_t Session::indexOf(const EntryPoint &entry) const {
  size_t index = &entry - openPlan->entryPoints.data();
  assert(index < executors.size() && "the entry point is of this plan");
  return index;
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
    if (!torn.isOk())
      return torn;
    if (!sizeBytes)
      return {};
    return device->download({{data, stateData(*tensor), tensor->sizeBytes()}});
  });
}

Status Session::store(const StateTensor &tensor, const void *data) {
  Status status = device->upload({stateData(tensor), data, tensor.sizeBytes()});
  if (!status.isOk() || tensor.rounded < 0)
    return status;
  const StateTensor &copy = openPlan->state[tensor.rounded];
  std::vector<char> rounded(copy.sizeBytes());
  roundElements(tensor.elementType, data, tensor.numElements(),
                copy.elementType, rounded.data());
  return device->upload({stateData(copy), rounded.data(), copy.sizeBytes()});
}

Status Session::writeState(std::string_view name, const void *data,
                           size_t sizeBytes) {
  return guardMemory([&]() -> Status {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (sizeBytes != static_cast<size_t>(tensor->sizeBytes()))
      return wrongSize(*tensor, sizeBytes);
    if (tensor->roundedFrom >= 0)
      return {Code::InvalidArgument,
              concat("state tensor ", quote(name), " is ",
                     quote(openPlan->state[tensor->roundedFrom].name),
                     ", rounded: it is written with that")};
    if (!sizeBytes)
      return {};
    return store(*tensor, data);
  });
}

static constexpr size_t largestElementBytes = 8;

static Status notScalar(const StateTensor &tensor) {
  return {Code::InvalidArgument,
          concat("state tensor ", quote(tensor.name), " is ",
                 describe(tensor.elementType, tensor.shape),
                 ", expected a scalar")};
}

StatusOr<std::string> Session::nextTrainingEntry(std::string_view step) const {
  const EntryPoint *accumulates = openPlan->findAccumulating(step);
  if (!accumulates)
    return std::string(step);
  StatusOr<double> waiting =
      scalar(concat(Plan::scopeOf(step), "waiting_batches"));
  if (!waiting.isOk())
    return waiting.status();
  const bool waits = *waiting + 1 < double(openPlan->recipe.accumulate());
  return std::string(waits ? std::string_view(accumulates->name) : step);
}

StatusOr<double> Session::scalar(std::string_view name) const {
  return guardMemory([&]() -> StatusOr<double> {
    const StateTensor *tensor = openPlan->findState(name);
    if (!tensor)
      return unknownState(name);
    if (!tensor->shape.empty())
      return notScalar(*tensor);
    if (!torn.isOk())
      return torn;
    char element[largestElementBytes];
    Status status =
        device->download({{element, stateData(*tensor), tensor->sizeBytes()}});
    if (!status.isOk())
      return status;
    return toDouble(tensor->elementType, element);
  });
}

/// Six digits, where std::to_string has three hundred of 1e300.
static std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
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
              concat(shortest(value), " does not fit state tensor ",
                     quote(name), " of type ",
                     runtime::name(tensor->elementType))};
    char element[largestElementBytes];
    fromDouble(tensor->elementType, value, element);
    return store(*tensor, element);
  });
}

Status Session::setFirstSample(int64_t first) {
  return openPlan->findState(firstSampleName)
             ? writeState(firstSampleName, &first, sizeof first)
             : Status();
}

static Status checkFinite(const StateTensor &tensor, const void *data) {
  const int64_t count = tensor.numElements();
  const int64_t bad = countNonFinite(tensor.elementType, data, count);
  if (bad == 0)
    return {};
  auto *element = static_cast<const char *>(data);
  int64_t first = 0;
  while (!countNonFinite(tensor.elementType, element, 1)) {
    element += sizeBytes(tensor.elementType);
    ++first;
  }
  double value = toDouble(tensor.elementType, element);
  return {Code::NotFinite,
          concat("state tensor ", quote(tensor.name), " has ", bad, " of ",
                 count, " elements that are not finite, the first is element ",
                 first, ": ",
                 value > 0   ? "inf"
                 : value < 0 ? "-inf"
                             : "nan")};
}

Status Session::checkFinite() const {
  return guardMemory([&]() -> Status {
    if (!torn.isOk())
      return torn;
    std::vector<char> copy;
    for (const StateTensor &tensor : openPlan->state) {
      const void *data = stateData(tensor);
      if (isInteger(tensor.elementType) || tensor.sizeBytes() == 0 ||
          tensor.roundedFrom >= 0)
        continue;
      if (!device->sharesHostMemory()) {
        copy.resize(tensor.sizeBytes());
        Status status =
            device->download({{copy.data(), data, tensor.sizeBytes()}});
        if (!status.isOk())
          return status;
        data = copy.data();
      }
      if (Status status = runtime::checkFinite(tensor, data); !status.isOk())
        return status;
    }
    return {};
  });
}

Status Session::setNumerics(Numerics *to) {
  if (to && !device->sharesHostMemory())
    return {Code::Unsupported,
            concat("numbers are checked where the host computes them, and the "
                   "plan runs on ",
                   quote(openPlan->code.target),
                   ": compile for cpu, or for sim to simulate a GPU")};
  numerics = to;
  return {};
}

void Session::setProfile(const EntryPoint &entry, Profile *profile) {
  profiles[indexOf(entry)] = profile;
}

} // namespace nnc::runtime
