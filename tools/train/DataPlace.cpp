// Whether the data of a run live on its GPU.
#include "tools/ShortForms.h"
#include "tools/Text.h"
#include "tools/train/Run.h"

namespace nnc::tools {

using namespace runtime;

/// Why the data of a run are not to be held, in words; empty where they are.
static StatusOr<std::string> whyNot(const TrainRun &run, int64_t bytes) {
  if (!run.session.holdsSamples())
    return std::string("the plan was compiled by an earlier nnc");
  if (hasShortForms(run.plan))
    return std::string("what short batches leave out is left out there");
  for (const Columns *columns : {&run.training, &run.validation})
    if (std::string why = whyNotHeld(*columns); !why.empty())
      return why;
  StatusOr<int64_t> room = roomForData(run.session);
  if (!room.isOk())
    return room.status();
  if (bytes <= *room)
    return std::string();
  return concat("they take ", sizeText(bytes), ", and ", sizeText(*room),
                " of the GPU's memory are left for them");
}

static Status hold(TrainRun &run) {
  const std::vector<TensorInfo> &inputs =
      run.plan.findEntryPoint("eval_step")->inputs;
  auto training = HeldColumns::create(run.session, inputs, run.training);
  if (!training.isOk())
    return training.status();
  auto validation = training;
  if (!run.validation.empty())
    validation = HeldColumns::create(run.session, inputs, run.validation);
  if (!validation.isOk())
    return validation.status();
  auto batches =
      HeldBatches::create(run.session, *training, *run.trainingBatches);
  if (!batches.isOk())
    return batches.status();
  run.trainingHeld.emplace(std::move(*batches));
  batches =
      HeldBatches::create(run.session, *validation, *run.validationBatches);
  if (!batches.isOk())
    return batches.status();
  run.validationHeld.emplace(std::move(*batches));
  return {};
}

/// Has threads gather batches where the device copies them from.
static Status gatherAhead(TrainRun &run) {
  run.pinned.emplace(run.session);
  const int threads = run.session.numThreads();
  Status status = run.trainingBatches->gatherInto(*run.pinned, threads);
  return status.isOk() ? run.validationBatches->gatherInto(*run.pinned, threads)
                       : status;
}

const HeldBatches *heldOf(const TrainRun &run, const Batches &batches) {
  const bool isTraining = &batches == &*run.trainingBatches;
  const std::optional<HeldBatches> &held =
      isTraining ? run.trainingHeld : run.validationHeld;
  return held ? &*held : nullptr;
}

Status placeData(TrainRun &run) {
  const DataOnDevice wanted = run.options.dataOnDevice;
  const bool isForced = wanted == DataOnDevice::Always;
  if (!run.session.hasDeviceMemory())
    return isForced ? Status(Code::InvalidArgument,
                             concat("--data-on-device always: a plan for ",
                                    quote(run.plan.code.target),
                                    " runs on the host"))
                    : Status();
  if (wanted == DataOnDevice::Never)
    return gatherAhead(run);
  const int64_t bytes = heldBytes(run.training) + heldBytes(run.validation);
  StatusOr<std::string> why = whyNot(run, bytes);
  if (!why.isOk())
    return why.status();
  if (!why->empty() && isForced)
    return {Code::InvalidArgument,
            concat("--data-on-device always: the data cannot be on the GPU: ",
                   *why)};
  run.dataPlace = why->empty() ? concat("data on the GPU: ", sizeText(bytes))
                               : concat("data from the host: ", *why);
  return why->empty() ? hold(run) : gatherAhead(run);
}

} // namespace nnc::tools
