// Runs of entry points: what is checked of their inputs, and where these come
// from.
#include "runtime/Session.h"

#include "runtime/TakeKernels.h"

namespace nnc::runtime {

template <typename T>
static Status checkIndices(const TensorInfo &input, const void *data,
                           int64_t batch, int64_t first, const char *where) {
  const T *values = static_cast<const T *>(data);
  int64_t count = input.numElements(batch);
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = static_cast<int64_t>(values[i]);
    if (value >= 0 && value < input.indexLimit)
      continue;
    int64_t perSample = count / batch;
    return {Code::InvalidArgument,
            concat("input ", quote(input.name), " has ", value, " in sample ",
                   first + (perSample ? i / perSample : 0), " of the ", where,
                   ", expected 0 to ", input.indexLimit - 1)};
  }
  return {};
}

/// `first` samples come before these in `where`.
static Status checkIndices(const TensorInfo &input, const void *data,
                           int64_t batch, int64_t first, const char *where) {
  if (input.indexLimit == 0)
    return {};
  switch (input.elementType) {
  case ElementType::U8:
    // 255 is the largest there is.
    return input.indexLimit > 255
               ? Status()
               : checkIndices<uint8_t>(input, data, batch, first, where);
  case ElementType::I32:
    return checkIndices<int32_t>(input, data, batch, first, where);
  case ElementType::U32:
    return checkIndices<uint32_t>(input, data, batch, first, where);
  case ElementType::I64:
    return checkIndices<int64_t>(input, data, batch, first, where);
  default:
    return {};
  }
}

Status Session::checkBatch(int64_t batch) const {
  if (batch >= 1 && batch <= openPlan->maxBatch)
    return {};
  return {
      Code::InvalidArgument,
      concat("batch is ", batch, ", the plan runs 1 to ", openPlan->maxBatch)};
}

static Status checkAlignment(const TensorInfo &input, const void *data) {
  auto address = reinterpret_cast<uintptr_t>(data);
  if (address && address % sizeBytes(input.elementType) == 0)
    return {};
  return {Code::InvalidArgument,
          concat("input ", quote(input.name), " is at ",
                 address ? "an address that is not a multiple of its "
                           "element size"
                         : "a null address")};
}

Status Session::checkInputs(const EntryPoint &entry, const RunInputs &inputs,
                            int64_t batch) const {
  Status status = checkBatch(batch);
  if (status.isOk() && !inputs.isOnHost && device->sharesHostMemory())
    return {Code::Unsupported,
            concat("the session runs on ", quote(openPlan->code.target),
                   ", in the host's memory: nnc_session_run takes its inputs")};
  for (size_t i = 0; i < entry.inputs.size() && status.isOk(); ++i) {
    const TensorInfo &input = entry.inputs[i];
    status = checkAlignment(input, inputs.data[i]);
    if (status.isOk() && inputs.isOnHost)
      status = checkIndices(input, inputs.data[i], batch, 0, "batch");
    if (!status.isOk() || inputs.isOnHost)
      continue;
    status = device->checkAddress(inputs.data[i], input.sizeBytes(batch));
    if (!status.isOk())
      status = {status.code(),
                concat("input ", quote(input.name), ": ", status.message())};
  }
  return status;
}

Status Session::start(const EntryPoint &entry, const RunInputs &inputs,
                      int64_t batch) {
  if (!torn.isOk())
    return torn;
  Executor &executor = executors[indexOf(entry)];
  forgetOutputs();
  if (numerics)
    *numerics = {};
  Status status =
      executor.run(inputs, batch, profiles[indexOf(entry)], numerics);
  if (!status.isOk()) {
    if (executor.hasFailedHalfway())
      torn = {Code::DeviceError,
              concat("the parameters are not those of a whole step, because "
                     "an earlier run failed: ",
                     status.message())};
    return status;
  }
  areInputsOnHost = !inputs.held && inputs.isOnHost;
  if (areInputsOnHost)
    lastInputs.assign(inputs.data, inputs.data + entry.inputs.size());
  else
    lastInputs.assign(executor.inputAddresses().begin(),
                      executor.inputAddresses().end());
  lastEntry = &entry;
  batchOfLastRun = batch;
  return {};
}

Status Session::run(const EntryPoint &entry, const RunInputs &inputs,
                    int64_t batch) {
  return guardMemory([&]() -> Status {
    Status status = checkProcess();
    if (status.isOk())
      status = checkInputs(entry, inputs, batch);
    return status.isOk() ? start(entry, inputs, batch) : status;
  });
}

Status Session::run(const EntryPoint &entry, const void *const *inputs,
                    int64_t batch) {
  return run(entry, RunInputs{inputs}, batch);
}

//===----------------------------------------------------------------------===//
// Samples that the device holds
//===----------------------------------------------------------------------===//

/// How many units of the fastest kernel that fits a sample has.
static int64_t unitsOf(int64_t sampleBytes) {
  for (const TakeKernel &kernel : takeKernels)
    if (sampleBytes % kernel.unitBytes == 0)
      return sampleBytes / kernel.unitBytes;
  return sampleBytes;
}

StatusOr<DeviceMemory> Session::allocateColumn(const TensorInfo &input,
                                               int64_t numSamples) {
  const int64_t bytes = input.sizeBytes(1);
  const std::string what = concat("the samples of input ", quote(input.name));
  auto memory = device->allocate(HeldColumn::headBytes + numSamples * bytes,
                                 what.c_str());
  if (!memory.isOk())
    return memory;
  const int64_t units = unitsOf(bytes);
  if (Status status = device->upload({memory->data(), &units, sizeof units});
      !status.isOk())
    return status;
  return memory;
}

Status Session::writeColumn(const TensorInfo &input, const DeviceMemory &column,
                            int64_t first, const void *samples, int64_t count) {
  return guardMemory([&]() -> Status {
    if (Status status = checkIndices(input, samples, count, first, "data");
        !status.isOk())
      return status;
    const int64_t bytes = input.sizeBytes(1);
    char *to = column.data() + HeldColumn::headBytes + first * bytes;
    return count * bytes ? device->upload({to, samples, count * bytes})
                         : Status();
  });
}

StatusOr<DeviceMemory> Session::allocateOrder(int64_t count) {
  return device->allocate(count * int64_t(sizeof(int64_t)),
                          "the order of samples");
}

Status Session::writeOrder(const DeviceMemory &order,
                           const std::vector<int64_t> &samples) {
  const int64_t bytes = int64_t(samples.size() * sizeof(int64_t));
  return bytes ? device->upload({order.data(), samples.data(), bytes})
               : Status();
}

Status Session::run(const EntryPoint &entry, const HeldBatch &batch) {
  return guardMemory([&]() -> Status {
    Status status = checkProcess();
    if (status.isOk())
      status = checkBatch(batch.size);
    if (!status.isOk())
      return status;
    RunInputs inputs;
    inputs.held = &batch;
    return start(entry, inputs, batch.size);
  });
}

} // namespace nnc::runtime
