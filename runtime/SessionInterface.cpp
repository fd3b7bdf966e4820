// The C interface of sessions: checks arguments, and translates to and from the
// C++ inside.
#include "runtime/SessionHandle.h"

#include <algorithm>
#include <cstring>

using namespace nnc::runtime;

nnc_status_t nnc_session_create(const nnc_plan_t *plan,
                                const nnc_session_options_t *options,
                                nnc_session_t **session) {
  return call([&]() -> Status {
    if (!session)
      return nullArgument("session");
    *session = nullptr;
    if (!plan)
      return nullArgument("plan");
    if (Status status = options ? checkReserved(options->reserved) : Status();
        !status.isOk())
      return status;
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
  return callOn(session, [&]() -> Status {
    // Its sequences are gone with the state.
    session->generator.reset();
    return session->session->init(seed);
  });
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

/// Of `wanted` samples, or of as many as the inputs have where that is 0;
/// `where` these are, but for their data.
static Status run(nnc_session_t *session, const char *entryPoint,
                  const nnc_tensor_t *inputs, size_t numInputs,
                  int64_t wanted = 0, RunInputs where = {}) {
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
  if (hasBatch && wanted && wanted != batch)
    return {Code::InvalidArgument, concat("the inputs have ", batch,
                                          " samples, the call says ", wanted)};
  where.data = session->inputs.data();
  return session->session->run(*entry, where,
                               hasBatch ? batch
                               : wanted ? wanted
                                        : 1);
}

nnc_status_t nnc_session_run(nnc_session_t *session, const char *entry_point,
                             const nnc_tensor_t *inputs, size_t num_inputs) {
  return callOn(session,
                [&] { return run(session, entry_point, inputs, num_inputs); });
}

nnc_status_t nnc_session_run_batch(nnc_session_t *session,
                                   const char *entry_point,
                                   const nnc_tensor_t *inputs,
                                   size_t num_inputs, int64_t batch) {
  return callOn(session, [&] {
    return run(session, entry_point, inputs, num_inputs, batch);
  });
}

static Status giveLoss(const Session &session, float *loss) {
  if (!loss)
    return {};
  StatusOr<double> sum = session.outputSum("loss");
  if (sum.isOk())
    *loss = static_cast<float>(*sum);
  return sum.status();
}

/// Runs what is due of the training step `step`.
static Status train(nnc_session_t *session, const char *step,
                    const nnc_tensor_t *inputs, size_t numInputs, int64_t batch,
                    float *loss) {
  StatusOr<std::string> entry = session->session->nextTrainingEntry(step);
  if (!entry.isOk())
    return entry.status();
  Status status = run(session, entry->c_str(), inputs, numInputs, batch);
  return status.isOk() ? giveLoss(*session->session, loss) : status;
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
  return callOn(session, [&] {
    return train(session, "train_step", inputs, num_inputs, 0, loss);
  });
}

static Status noTrainingStep(const Plan &plan, const char *name) {
  std::string known;
  for (const TrainingStep &step : plan.recipe.steps)
    known += concat(known.empty() ? "" : ", ", quote(step.entryPoint));
  return {Code::NotFound, concat("the plan has no training step ", quote(name),
                                 known.empty() ? "" : ", it has: ", known)};
}

nnc_status_t nnc_session_train_step_by_name(nnc_session_t *session,
                                            const char *step,
                                            const nnc_tensor_t *inputs,
                                            size_t num_inputs, int64_t batch,
                                            float *loss) {
  return callOn(session, [&]() -> Status {
    if (!step)
      return nullArgument("step");
    if (!session->session->plan().findTrainingStep(step))
      return noTrainingStep(session->session->plan(), step);
    return train(session, step, inputs, num_inputs, batch, loss);
  });
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

/// An output of the last run by its name; `find` says where it is.
template <typename Find>
static Status giveOutput(nnc_session_t *session, const char *name,
                         nnc_tensor_t *output, Find &&find) {
  if (!name || !output)
    return nullArgument(!name ? "name" : "output");
  const Session &inside = *session->session;
  if (!inside.lastRun())
    return {Code::NotFound, "nothing has run in this session"};
  for (const TensorInfo &tensor : inside.lastRun()->outputs) {
    if (tensor.name != name)
      continue;
    StatusOr<const void *> data = find(tensor);
    if (!data.isOk())
      return data.status();
    Shape &shape = session->shapes[&tensor];
    shape = tensor.shape;
    std::replace(shape.begin(), shape.end(), int64_t(-1), inside.lastBatch());
    *output = {*data, static_cast<nnc_element_type_t>(tensor.elementType),
               static_cast<int32_t>(shape.size()), shape.data()};
    return {};
  }
  return {Code::NotFound, concat("entry point ", quote(inside.lastRun()->name),
                                 " has no output ", quote(name))};
}

nnc_status_t nnc_session_output(nnc_session_t *session, const char *name,
                                nnc_tensor_t *output) {
  return callOn(session, [&] {
    return giveOutput(session, name, output, [&](const TensorInfo &tensor) {
      return session->session->outputData(tensor);
    });
  });
}

nnc_status_t nnc_session_run_on_device(nnc_session_t *session,
                                       const char *entry_point,
                                       const nnc_tensor_t *inputs,
                                       size_t num_inputs, int64_t batch,
                                       void *stream) {
  return callOn(session, [&] {
    RunInputs where;
    where.isOnHost = false;
    where.stream = stream;
    return run(session, entry_point, inputs, num_inputs, batch, where);
  });
}

nnc_status_t nnc_session_output_on_device(nnc_session_t *session,
                                          const char *name, void *stream,
                                          nnc_tensor_t *output) {
  return callOn(session, [&] {
    return giveOutput(session, name, output, [&](const TensorInfo &tensor) {
      return session->session->outputOnDevice(tensor, stream);
    });
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

static Status load(nnc_session_t &session, const char *path, SaveKind kind,
                   const LoadOptions &options = {}) {
  if (!path)
    return nullArgument("path");
  LoadReport report;
  Status status = session.session->load(path, kind, options, &report);
  if (status.isOk())
    keep(std::move(report), session.lastLoad);
  return status;
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

static StatusOr<LoadOptions> convert(const nnc_load_options_t &from) {
  if (Status status = checkReserved(from.reserved); !status.isOk())
    return status;
  LoadOptions to;
  if (from.partial)
    to.matching = Matching::AllowMissing;
  if (from.names)
    to.names = from.names;
  if (from.entry_point)
    to.entryPoint = from.entry_point;
  switch (from.order) {
  case NNC_ORDER_OF_FILE:
    return to;
  case NNC_ORDER_NNC:
    to.order = WeightsOrder::Nnc;
    return to;
  case NNC_ORDER_PYTORCH:
    to.order = WeightsOrder::Pytorch;
    return to;
  }
  return Status(Code::InvalidArgument,
                concat("order is ", static_cast<int>(from.order),
                       ", which is no nnc_weights_order_t"));
}

nnc_status_t nnc_session_load(nnc_session_t *session, const char *path) {
  return callOn(session, [&]() -> Status {
    return load(*session, path, SaveKind::Weights);
  });
}

nnc_status_t nnc_session_load_partial(nnc_session_t *session,
                                      const char *path) {
  return callOn(session, [&]() -> Status {
    return load(*session, path, SaveKind::Weights, {Matching::AllowMissing});
  });
}

nnc_status_t nnc_session_load_weights(nnc_session_t *session, const char *path,
                                      const nnc_load_options_t *options) {
  return callOn(session, [&]() -> Status {
    StatusOr<LoadOptions> chosen =
        options ? convert(*options) : StatusOr<LoadOptions>(LoadOptions());
    if (!chosen.isOk())
      return chosen.status();
    return load(*session, path, SaveKind::Weights, *chosen);
  });
}

nnc_status_t nnc_session_load_checkpoint(nnc_session_t *session,
                                         const char *path) {
  return callOn(session, [&]() -> Status {
    return load(*session, path, SaveKind::Checkpoint);
  });
}

const nnc_load_report_t *nnc_session_last_load(const nnc_session_t *session) {
  if (!session)
    return nullptr;
  // A load on another thread fills it.
  Use use(*const_cast<nnc_session_t *>(session));
  return use.isAlone() ? &session->lastLoad.view : nullptr;
}
