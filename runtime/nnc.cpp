// The C interface: checks arguments, and translates to and from the C++ inside.
#include "runtime/nnc.h"

#include "runtime/Log.h"
#include "runtime/Session.h"
#include "runtime/device/CpuFeatures.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>

using namespace nnc::runtime;

struct nnc_plan_t {
  std::shared_ptr<const Plan> plan;
};

namespace {
/// A LoadReport as C sees it: the arrays point into `owner`.
struct CLoadReport {
  LoadReport owner;
  std::vector<nnc_metadata_t> metadata;
  std::vector<const char *> missing, extra;
  nnc_load_report_t view = {};
};
} // namespace

struct nnc_session_t {
  std::unique_ptr<Session> session;
  /// A call is under way.
  std::atomic<bool> inUse{false};
  /// Of the run under way; kept so that a step allocates nothing.
  std::vector<const void *> inputs = {};
  /// Shapes handed out by nnc_session_output.
  std::map<const TensorInfo *, Shape> shapes = {};
  /// What nnc_session_last_load hands out.
  CLoadReport lastLoad = {};
};

// Copied, so that a message needs no memory when there is none left.
static nnc_status_t report(const Status &status) {
  thread_local char message[4096];
  if (status.isOk())
    return {NNC_OK, ""};
  size_t length = std::min(status.message().size(), sizeof message - 1);
  std::memcpy(message, status.message().data(), length);
  message[length] = '\0';
  return {static_cast<nnc_code_t>(status.code()), message};
}

template <typename Body> static nnc_status_t call(Body &&body) {
  return report(guardMemory([&]() -> Status { return body(); }));
}

static Status nullArgument(const char *name) {
  return {Code::InvalidArgument, concat("argument '", name, "' is null")};
}

namespace {
/// Marks a session as being in a call, unless it is already.
class Use {
public:
  explicit Use(nnc_session_t &session)
      : session(session), alone(!session.inUse.exchange(true)) {}
  ~Use() {
    if (alone)
      session.inUse = false;
  }
  bool isAlone() const { return alone; }

private:
  nnc_session_t &session;
  bool alone;
};
} // namespace

/// Every call on a session goes through here.
template <typename Body>
static nnc_status_t callOn(nnc_session_t *session, Body &&body) {
  return call([&]() -> Status {
    if (!session)
      return nullArgument("session");
    Use use(*session);
    if (!use.isAlone())
      return {Code::InvalidArgument,
              "another call on this session is under way: a session is for one "
              "thread at a time"};
    return body();
  });
}

static Status noEntryPoint(const Plan &plan, const char *name) {
  std::string known;
  for (const EntryPoint &entry : plan.entryPoints)
    known += concat(known.empty() ? "" : ", ", quote(entry.name));
  return {Code::NotFound, concat("the plan has no entry point ", quote(name),
                                 ", it has: ", known)};
}

uint32_t nnc_abi_version(void) { return NNC_ABI_VERSION; }

const char *nnc_version(void) { return NNC_VERSION; }

static bool isElementType(nnc_element_type_t type) {
  return static_cast<int>(type) >= 0 &&
         static_cast<int>(type) < numElementTypes;
}

size_t nnc_element_size(nnc_element_type_t element_type) {
  if (!isElementType(element_type))
    return 0;
  return sizeBytes(static_cast<ElementType>(element_type));
}

nnc_status_t nnc_set_log(nnc_log_fn log, void *context, nnc_log_level_t most) {
  return call([&]() -> Status {
    if (most < NNC_LOG_OFF || most > NNC_LOG_DEBUG)
      return {Code::InvalidArgument,
              concat("log level is ", static_cast<int>(most),
                     ", expected 0 to ", static_cast<int>(NNC_LOG_DEBUG))};
    return setLog(log, context, static_cast<LogLevel>(most));
  });
}

/// Whether this machine can run `code`; without kernels, any of its target.
static Status checkDevice(const MachineCode &code) {
  auto device = createDevice(code.target, {});
  return device.isOk() ? (*device)->check(code) : device.status();
}

size_t nnc_num_targets(void) { return numTargets(); }

const char *nnc_target(size_t index) { return targetName(index); }

nnc_status_t nnc_target_check(const char *target) {
  return call([&]() -> Status {
    if (!target)
      return nullArgument("target");
    MachineCode none;
    none.target = target;
    return checkDevice(none);
  });
}

size_t nnc_num_cpu_features(void) { return numCpuFeatures(); }

const char *nnc_cpu_feature(size_t index) { return cpuFeature(index); }

static Status handOver(StatusOr<std::shared_ptr<const Plan>> opened,
                       nnc_plan_t **plan) {
  if (!opened.isOk())
    return opened.status();
  *plan = new nnc_plan_t{std::move(*opened)};
  return {};
}

nnc_status_t nnc_plan_open(const char *path, nnc_plan_t **plan) {
  return call([&]() -> Status {
    if (!plan)
      return nullArgument("plan");
    *plan = nullptr;
    if (!path)
      return nullArgument("path");
    return handOver(Plan::open(path), plan);
  });
}

nnc_status_t nnc_plan_open_memory(const void *data, size_t size_bytes,
                                  nnc_plan_t **plan) {
  return call([&]() -> Status {
    if (!plan)
      return nullArgument("plan");
    *plan = nullptr;
    if (!data)
      return nullArgument("data");
    return handOver(Plan::fromMemory(data, size_bytes), plan);
  });
}

nnc_status_t nnc_plan_open_static(const void *data, size_t size_bytes,
                                  nnc_plan_t **plan) {
  return call([&]() -> Status {
    if (!plan)
      return nullArgument("plan");
    *plan = nullptr;
    if (!data)
      return nullArgument("data");
    return handOver(Plan::fromStatic(data, size_bytes), plan);
  });
}

void nnc_plan_close(nnc_plan_t *plan) { delete plan; }

const char *nnc_plan_model(const nnc_plan_t *plan) {
  return plan ? plan->plan->model.c_str() : "";
}

int64_t nnc_plan_max_batch(const nnc_plan_t *plan) {
  return plan ? plan->plan->maxBatch : 0;
}

nnc_status_t nnc_plan_recipe(const nnc_plan_t *plan, nnc_recipe_t *recipe) {
  return call([&]() -> Status {
    if (!plan || !recipe)
      return nullArgument(!plan ? "plan" : "recipe");
    const Recipe &from = plan->plan->recipe;
    *recipe = {from.batch, from.epochs, from.seed, from.validation, {}};
    return {};
  });
}

const char *nnc_plan_target(const nnc_plan_t *plan) {
  return plan ? plan->plan->code.target.c_str() : "";
}

size_t nnc_plan_num_features(const nnc_plan_t *plan) {
  return plan ? plan->plan->code.features.size() : 0;
}

const char *nnc_plan_feature(const nnc_plan_t *plan, size_t index) {
  if (index >= nnc_plan_num_features(plan))
    return nullptr;
  return plan->plan->code.features[index].c_str();
}

nnc_status_t nnc_plan_check(const nnc_plan_t *plan) {
  return call([&]() -> Status {
    if (!plan)
      return nullArgument("plan");
    return checkDevice(plan->plan->code);
  });
}

int64_t nnc_plan_planned_bytes(const nnc_plan_t *plan, int threads) {
  return plan ? plan->plan->plannedBytes(std::clamp(threads, 1, 1024)) : 0;
}

size_t nnc_plan_num_entry_points(const nnc_plan_t *plan) {
  return plan ? plan->plan->entryPoints.size() : 0;
}

const char *nnc_plan_entry_point(const nnc_plan_t *plan, size_t index) {
  if (index >= nnc_plan_num_entry_points(plan))
    return nullptr;
  return plan->plan->entryPoints[index].name.c_str();
}

static const char *nameOf(Role role) {
  static const char *const names[] = {"parameter", "buffer", "optimizer_state",
                                      "scalar"};
  return names[static_cast<int>(role)];
}

static void describeTensor(const TensorInfo &tensor, nnc_tensor_info_t *info) {
  *info = {tensor.name.c_str(),
           static_cast<nnc_element_type_t>(tensor.elementType),
           static_cast<int32_t>(tensor.shape.size()),
           tensor.shape.data(),
           tensor.kind.empty() ? "input" : tensor.kind.c_str(),
           tensor.indexLimit,
           {}};
}

static const std::vector<TensorInfo> *
findTensors(const nnc_plan_t *plan, const char *entryPoint,
            std::vector<TensorInfo> EntryPoint::*tensors) {
  if (!plan || !entryPoint)
    return nullptr;
  const EntryPoint *entry = plan->plan->findEntryPoint(entryPoint);
  return entry ? &(entry->*tensors) : nullptr;
}

static Status describeTensor(const nnc_plan_t *plan, const char *entryPoint,
                             size_t index, nnc_tensor_info_t *info,
                             std::vector<TensorInfo> EntryPoint::*tensors) {
  if (!plan || !entryPoint || !info)
    return nullArgument(!plan ? "plan" : !entryPoint ? "entry_point" : "info");
  const auto *found = findTensors(plan, entryPoint, tensors);
  if (!found)
    return noEntryPoint(*plan->plan, entryPoint);
  if (index >= found->size())
    return {Code::NotFound, concat("index ", index, " of ", found->size())};
  describeTensor((*found)[index], info);
  return {};
}

size_t nnc_plan_num_inputs(const nnc_plan_t *plan, const char *entry_point) {
  const auto *found = findTensors(plan, entry_point, &EntryPoint::inputs);
  return found ? found->size() : 0;
}

nnc_status_t nnc_plan_input(const nnc_plan_t *plan, const char *entry_point,
                            size_t index, nnc_tensor_info_t *info) {
  return call([&] {
    return describeTensor(plan, entry_point, index, info, &EntryPoint::inputs);
  });
}

size_t nnc_plan_num_outputs(const nnc_plan_t *plan, const char *entry_point) {
  const auto *found = findTensors(plan, entry_point, &EntryPoint::outputs);
  return found ? found->size() : 0;
}

nnc_status_t nnc_plan_output(const nnc_plan_t *plan, const char *entry_point,
                             size_t index, nnc_tensor_info_t *info) {
  return call([&] {
    return describeTensor(plan, entry_point, index, info, &EntryPoint::outputs);
  });
}

size_t nnc_plan_num_state_tensors(const nnc_plan_t *plan) {
  return plan ? plan->plan->state.size() : 0;
}

nnc_status_t nnc_plan_state_tensor(const nnc_plan_t *plan, size_t index,
                                   nnc_tensor_info_t *info) {
  return call([&]() -> Status {
    if (!plan || !info)
      return nullArgument(!plan ? "plan" : "info");
    if (index >= plan->plan->state.size())
      return {Code::NotFound,
              concat("index ", index, " of ", plan->plan->state.size())};
    const StateTensor &tensor = plan->plan->state[index];
    *info = {tensor.name.c_str(),
             static_cast<nnc_element_type_t>(tensor.elementType),
             static_cast<int32_t>(tensor.shape.size()),
             tensor.shape.data(),
             nameOf(tensor.role),
             0,
             {}};
    return {};
  });
}

nnc_status_t nnc_session_create(const nnc_plan_t *plan,
                                const nnc_session_options_t *options,
                                nnc_session_t **session) {
  return call([&]() -> Status {
    if (!session)
      return nullArgument("session");
    *session = nullptr;
    if (!plan)
      return nullArgument("plan");
    if (options &&
        std::any_of(std::begin(options->reserved), std::end(options->reserved),
                    [](int64_t field) { return field != 0; }))
      return {Code::InvalidArgument,
              "the options have a field that this version of the library does "
              "not know: start from zeros"};
    SessionOptions chosen;
    chosen.threads = options ? options->threads : 0;
    chosen.seed = options ? options->seed : plan->plan->recipe.seed;
    // Beyond an int there is no device either.
    chosen.deviceIndex = options ? static_cast<int>(std::clamp<int64_t>(
                                       options->device, -1, INT32_MAX))
                                 : 0;
    auto created = Session::create(plan->plan, std::move(chosen));
    if (!created.isOk())
      return created.status();
    *session = new nnc_session_t{std::move(*created)};
    return {};
  });
}

void nnc_session_destroy(nnc_session_t *session) { delete session; }

nnc_status_t nnc_session_init(nnc_session_t *session, int64_t seed) {
  return callOn(session,
                [&]() -> Status { return session->session->init(seed); });
}

// Checks type and shape, and takes the batch from them: 0 means not known yet.
static Status checkTensor(const TensorInfo &expected, const nnc_tensor_t &given,
                          int64_t &batch) {
  bool isType = static_cast<int>(given.element_type) ==
                static_cast<int>(expected.elementType);
  bool isShape = given.rank == static_cast<int32_t>(expected.shape.size()) &&
                 (given.shape || given.rank == 0);
  for (int32_t i = 0; isShape && i < given.rank; ++i) {
    int64_t size = expected.shape[i];
    if (size == -1 && batch == 0)
      batch = given.shape[i];
    isShape = given.shape[i] == (size == -1 ? batch : size);
  }
  if (isType && isShape)
    return {};
  Shape shape;
  if (given.shape && given.rank > 0)
    shape.assign(given.shape, given.shape + std::min(given.rank, 16));
  std::string found =
      isElementType(given.element_type)
          ? describe(static_cast<ElementType>(given.element_type), shape)
          : concat("element type ", static_cast<int>(given.element_type));
  return {Code::InvalidArgument,
          concat("input ", quote(expected.name), " is ",
                 describe(expected.elementType, expected.shape),
                 batch > 0 ? concat(" with batch ", batch) : "",
                 ", the call gives ", found)};
}

static Status run(nnc_session_t *session, const char *entryPoint,
                  const nnc_tensor_t *inputs, size_t numInputs) {
  if (!entryPoint)
    return nullArgument("entry_point");
  const Plan &plan = session->session->plan();
  const EntryPoint *entry = plan.findEntryPoint(entryPoint);
  if (!entry)
    return noEntryPoint(plan, entryPoint);
  if (numInputs != entry->inputs.size())
    return {Code::InvalidArgument,
            concat("entry point ", quote(entryPoint), " takes ",
                   entry->inputs.size(), " inputs, the call gives ",
                   numInputs)};
  if (!inputs && numInputs)
    return nullArgument("inputs");
  int64_t batch = 0;
  session->inputs.clear();
  for (size_t i = 0; i < numInputs; ++i) {
    Status status = checkTensor(entry->inputs[i], inputs[i], batch);
    if (!status.isOk())
      return status;
    session->inputs.push_back(inputs[i].data);
  }
  bool hasBatch = std::any_of(
      entry->inputs.begin(), entry->inputs.end(), [](const TensorInfo &input) {
        return std::count(input.shape.begin(), input.shape.end(), -1) > 0;
      });
  return session->session->run(*entry, session->inputs.data(),
                               hasBatch ? batch : 1);
}

nnc_status_t nnc_session_run(nnc_session_t *session, const char *entry_point,
                             const nnc_tensor_t *inputs, size_t num_inputs) {
  return callOn(session,
                [&] { return run(session, entry_point, inputs, num_inputs); });
}

static Status giveLoss(const Session &session, float *loss) {
  if (!loss)
    return {};
  StatusOr<double> sum = session.outputSum("loss");
  if (sum.isOk())
    *loss = static_cast<float>(*sum);
  return sum.status();
}

static nnc_status_t runForLoss(nnc_session_t *session, const char *entryPoint,
                               const nnc_tensor_t *inputs, size_t numInputs,
                               float *loss) {
  return callOn(session, [&]() -> Status {
    Status status = run(session, entryPoint, inputs, numInputs);
    return status.isOk() ? giveLoss(*session->session, loss) : status;
  });
}

nnc_status_t nnc_session_train_step(nnc_session_t *session,
                                    const nnc_tensor_t *inputs,
                                    size_t num_inputs, float *loss) {
  return runForLoss(session, "train_step", inputs, num_inputs, loss);
}

nnc_status_t nnc_session_eval_step(nnc_session_t *session,
                                   const nnc_tensor_t *inputs,
                                   size_t num_inputs, float *loss) {
  return runForLoss(session, "eval_step", inputs, num_inputs, loss);
}

nnc_status_t nnc_session_gradients(nnc_session_t *session,
                                   const nnc_tensor_t *inputs,
                                   size_t num_inputs, float *loss) {
  return callOn(session, [&]() -> Status {
    if (!session->session->plan().findEntryPoint("gradients"))
      return {Code::NotFound,
              "the plan has no entry point 'gradients': compile "
              "it with --gradients"};
    Status status = run(session, "gradients", inputs, num_inputs);
    return status.isOk() ? giveLoss(*session->session, loss) : status;
  });
}

nnc_status_t nnc_session_predict(nnc_session_t *session,
                                 const nnc_tensor_t *inputs,
                                 size_t num_inputs) {
  return nnc_session_run(session, "predict", inputs, num_inputs);
}

nnc_status_t nnc_session_output(nnc_session_t *session, const char *name,
                                nnc_tensor_t *output) {
  return callOn(session, [&]() -> Status {
    if (!name || !output)
      return nullArgument(!name ? "name" : "output");
    const Session &inside = *session->session;
    if (!inside.lastRun())
      return {Code::NotFound, "nothing has run in this session"};
    for (const TensorInfo &tensor : inside.lastRun()->outputs) {
      if (tensor.name != name)
        continue;
      StatusOr<const void *> data = inside.outputData(tensor);
      if (!data.isOk())
        return data.status();
      Shape &shape = session->shapes[&tensor];
      shape = tensor.shape;
      std::replace(shape.begin(), shape.end(), int64_t(-1), inside.lastBatch());
      *output = {*data, static_cast<nnc_element_type_t>(tensor.elementType),
                 static_cast<int32_t>(shape.size()), shape.data()};
      return {};
    }
    return {Code::NotFound,
            concat("entry point ", quote(inside.lastRun()->name),
                   " has no output ", quote(name))};
  });
}

nnc_status_t nnc_session_read_state(nnc_session_t *session, const char *name,
                                    void *data, size_t size_bytes) {
  return callOn(session, [&]() -> Status {
    if (!name || (!data && size_bytes))
      return nullArgument(!name ? "name" : "data");
    return session->session->readState(name, data, size_bytes);
  });
}

nnc_status_t nnc_session_write_state(nnc_session_t *session, const char *name,
                                     const void *data, size_t size_bytes) {
  return callOn(session, [&]() -> Status {
    if (!name || (!data && size_bytes))
      return nullArgument(!name ? "name" : "data");
    return session->session->writeState(name, data, size_bytes);
  });
}

nnc_status_t nnc_session_get_scalar(nnc_session_t *session, const char *name,
                                    double *value) {
  return callOn(session, [&]() -> Status {
    if (!name || !value)
      return nullArgument(!name ? "name" : "value");
    StatusOr<double> found = session->session->scalar(name);
    if (!found.isOk())
      return found.status();
    *value = *found;
    return {};
  });
}

nnc_status_t nnc_session_set_scalar(nnc_session_t *session, const char *name,
                                    double value) {
  return callOn(session, [&]() -> Status {
    if (!name)
      return nullArgument("name");
    return session->session->setScalar(name, value);
  });
}

// Built beside and swapped in, so that a failed allocation leaves the last one.
static void keep(LoadReport report, CLoadReport &to) {
  auto kept = std::make_unique<CLoadReport>();
  kept->owner = std::move(report);
  for (const auto &[key, value] : kept->owner.metadata)
    kept->metadata.push_back({key.c_str(), value.c_str()});
  for (const std::string &name : kept->owner.missing)
    kept->missing.push_back(name.c_str());
  for (const std::string &name : kept->owner.extra)
    kept->extra.push_back(name.c_str());
  kept->view = {kept->metadata.size(), kept->metadata.data(),
                kept->missing.size(),  kept->missing.data(),
                kept->extra.size(),    kept->extra.data()};
  // Moving containers keeps their elements, and the pointers to them.
  to = std::move(*kept);
}

static nnc_status_t load(nnc_session_t *session, const char *path,
                         SaveKind kind, Matching matching) {
  return callOn(session, [&]() -> Status {
    if (!path)
      return nullArgument("path");
    LoadReport report;
    Status status = session->session->load(path, kind, matching, &report);
    if (status.isOk())
      keep(std::move(report), session->lastLoad);
    return status;
  });
}

static Status collect(const nnc_metadata_t *given, size_t count,
                      Metadata &metadata) {
  for (size_t i = 0; i < count; ++i) {
    if (!given[i].key || !given[i].value)
      return nullArgument(given[i].key ? "value" : "key");
    if (startsWith(given[i].key, metadataPrefix))
      return {Code::InvalidArgument,
              concat("metadata key ", quote(given[i].key),
                     " begins with 'nnc.', which is nnc's own")};
    if (!metadata.emplace(given[i].key, given[i].value).second)
      return {Code::InvalidArgument,
              concat("metadata key ", quote(given[i].key), " is given twice")};
  }
  return {};
}

nnc_status_t nnc_session_check_finite(nnc_session_t *session) {
  return callOn(session,
                [&]() -> Status { return session->session->checkFinite(); });
}

nnc_status_t nnc_session_save(nnc_session_t *session, const char *path) {
  return callOn(session, [&]() -> Status {
    if (!path)
      return nullArgument("path");
    return session->session->save(path, SaveKind::Weights);
  });
}

nnc_status_t nnc_session_save_checkpoint(nnc_session_t *session,
                                         const char *path,
                                         const nnc_metadata_t *metadata,
                                         size_t num_metadata) {
  return callOn(session, [&]() -> Status {
    if (!path || (!metadata && num_metadata))
      return nullArgument(!path ? "path" : "metadata");
    Metadata notes;
    Status status = collect(metadata, num_metadata, notes);
    if (!status.isOk())
      return status;
    return session->session->save(path, SaveKind::Checkpoint, notes);
  });
}

nnc_status_t nnc_session_load(nnc_session_t *session, const char *path) {
  return load(session, path, SaveKind::Weights, Matching::Exact);
}

nnc_status_t nnc_session_load_partial(nnc_session_t *session,
                                      const char *path) {
  return load(session, path, SaveKind::Weights, Matching::AllowMissing);
}

nnc_status_t nnc_session_load_checkpoint(nnc_session_t *session,
                                         const char *path) {
  return load(session, path, SaveKind::Checkpoint, Matching::Exact);
}

const nnc_load_report_t *nnc_session_last_load(const nnc_session_t *session) {
  if (!session)
    return nullptr;
  // A load on another thread fills it.
  Use use(*const_cast<nnc_session_t *>(session));
  return use.isAlone() ? &session->lastLoad.view : nullptr;
}
