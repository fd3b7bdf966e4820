// The C interface of plans, and of the library itself: checks arguments, and
// translates to and from the C++ inside.
#include "runtime/Interface.h"

#include "runtime/Log.h"
#include "runtime/device/CpuFeatures.h"
#include "runtime/device/Device.h"

#include <algorithm>
#include <cstring>

using namespace nnc::runtime;

// Copied, so that a message needs no memory when there is none left.
nnc_status_t nnc::runtime::report(const Status &status) {
  thread_local char message[4096];
  if (status.isOk())
    return {NNC_OK, ""};
  size_t length = std::min(status.message().size(), sizeof message - 1);
  std::memcpy(message, status.message().data(), length);
  message[length] = '\0';
  return {static_cast<nnc_code_t>(status.code()), message};
}

Status nnc::runtime::nullArgument(const char *name) {
  return {Code::InvalidArgument, concat("argument '", name, "' is null")};
}

Status nnc::runtime::noEntryPoint(const Plan &plan, const char *name) {
  std::string known;
  for (const EntryPoint &entry : plan.entryPoints)
    known += concat(known.empty() ? "" : ", ", quote(entry.name));
  return {Code::NotFound, concat("the plan has no entry point ", quote(name),
                                 ", it has: ", known)};
}

uint32_t nnc_abi_version(void) { return NNC_ABI_VERSION; }

const char *nnc_version(void) { return NNC_VERSION; }

bool nnc::runtime::isElementType(nnc_element_type_t type) {
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

size_t nnc_plan_num_training_steps(const nnc_plan_t *plan) {
  return plan ? plan->plan->recipe.steps.size() : 0;
}

nnc_status_t nnc_plan_training_step(const nnc_plan_t *plan, size_t index,
                                    nnc_training_step_t *step) {
  return call([&]() -> Status {
    if (!plan || !step)
      return nullArgument(!plan ? "plan" : "step");
    const std::vector<TrainingStep> &steps = plan->plan->recipe.steps;
    if (index >= steps.size())
      return {Code::NotFound, concat("index ", index, " of ", steps.size())};
    *step = {steps[index].entryPoint.c_str(), steps[index].times, {}};
    return {};
  });
}

static const char *nameOf(Role role) {
  static const char *const names[] = {"parameter", "buffer", "optimizer_state",
                                      "scalar", "generation"};
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
             // As a caller has always seen what is not trained.
             nameOf(tensor.frozen ? Role::Buffer : tensor.role),
             0,
             {}};
    return {};
  });
}
