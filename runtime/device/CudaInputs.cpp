// Copies and launches on a stream of their own, and waits for what still reads
// the place of the run before the last.
#include "runtime/device/CudaInputs.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace nnc::runtime {

// What memory of the driver's is aligned to: kernels read vectors.
static constexpr int64_t alignmentBytes = 256;

static int64_t alignUp(int64_t sizeBytes) {
  return (sizeBytes + alignmentBytes - 1) / alignmentBytes * alignmentBytes;
}

static int64_t inputBytes(const EntryPoint &entry, int64_t batch) {
  int64_t sum = 0;
  for (const TensorInfo &input : entry.inputs)
    sum += alignUp(input.sizeBytes(batch));
  return sum;
}

CudaInputs::~CudaInputs() {
  for (Place &place : places) {
    if (place.host)
      driver.hostFree.get()(place.host);
    if (place.device)
      driver.memoryFree.get()(place.device);
  }
}

Status CudaInputs::allocate(const Plan &plan) {
  int64_t largest = 0;
  for (const EntryPoint &entry : plan.entryPoints)
    largest = std::max(largest, inputBytes(entry, plan.maxBatch));
  if (largest == 0)
    return {};
  placeBytes = largest;
  CudaStream *stream = nullptr;
  Status status = driver.streamCreate(&stream, CudaDriver::streamNonBlocking);
  copies = {stream, driver.streamDestroy.get()};
  for (Place &place : places)
    if (status.isOk())
      status = allocate(place, largest);
  if (status.code() == Code::OutOfMemory)
    return {Code::OutOfMemory, concat("out of memory for two times ", largest,
                                      " bytes of inputs: ", status.message())};
  return status;
}

Status CudaInputs::allocate(Place &place, int64_t sizeBytes) {
  Status status = driver.memoryAllocate(&place.device, sizeBytes);
  for (CudaHandle<CudaEvent> *handle : {&place.isThere, &place.isRead}) {
    CudaEvent *event = nullptr;
    if (status.isOk())
      status = driver.eventCreate(&event, CudaDriver::eventWithoutTime);
    *handle = {event, driver.eventDestroy.get()};
  }
  return status;
}

bool CudaInputs::canTake() const {
  return std::all_of(std::begin(takers), std::end(takers),
                     [](CudaFunction *function) { return function; });
}

StatusOr<int> CudaInputs::stage(const Run &run, CudaStream *stream,
                                void **addresses) {
  // Of a caller's stream, the order holds without inputs, too.
  if (run.entry.inputs.empty()) {
    if (run.inputs.held || run.inputs.isOnHost)
      return 0;
    Status status = wait(stream, static_cast<CudaStream *>(run.inputs.stream));
    return status.isOk() ? StatusOr<int>(0) : status;
  }
  const int index = next;
  Place &place = places[index];
  int64_t offset = 0;
  for (size_t i = 0; i < run.entry.inputs.size(); ++i) {
    addresses[i] = reinterpret_cast<void *>(place.device + offset);
    offset += alignUp(run.entry.inputs[i].sizeBytes(run.batch));
  }
  Status status = driver.streamWaitEvent(copies.get(), place.isRead.get(), 0);
  if (status.isOk())
    status = bring(place, run);
  if (status.isOk())
    status = driver.eventRecord(place.isThere.get(), copies.get());
  if (status.isOk())
    status = driver.streamWaitEvent(stream, place.isThere.get(), 0);
  if (!status.isOk())
    return status;
  next = 1 - index;
  return int(index);
}

Status CudaInputs::bring(Place &place, const Run &run) {
  if (run.inputs.held)
    return take(place, *run.inputs.held);
  if (!run.inputs.isOnHost)
    return copyOnDevice(place, run);
  return run.inputs.isPinned ? copyFromPinned(place, run)
                             : copyFromHost(place, run);
}

/// In one copy, from pinned memory that the copy before the last has left.
Status CudaInputs::copyFromHost(Place &place, const Run &run) {
  // An event that was never recorded counts as passed.
  if (Status status = driver.eventSynchronize(place.isThere.get());
      !status.isOk())
    return status;
  // Where inputs come from elsewhere, it is not needed.
  if (!place.host) {
    void *host = nullptr;
    Status status = driver.hostAllocate(&host, placeBytes, 0);
    if (!status.isOk())
      return status;
    place.host = static_cast<char *>(host);
  }
  int64_t offset = 0;
  for (size_t i = 0; i < run.entry.inputs.size(); ++i) {
    const int64_t size = run.entry.inputs[i].sizeBytes(run.batch);
    std::memcpy(place.host + offset, run.inputs.data[i], size);
    offset += alignUp(size);
  }
  return offset ? driver.copyToDevice(place.device, place.host, offset,
                                      copies.get())
                : Status();
}

/// From where they are; those that lie behind each other as the place has them,
/// in one copy.
Status CudaInputs::copyFromPinned(Place &place, const Run &run) {
  const std::vector<TensorInfo> &inputs = run.entry.inputs;
  int64_t offset = 0;
  for (size_t i = 0; i < inputs.size();) {
    const auto *from = static_cast<const char *>(run.inputs.data[i]);
    int64_t size = inputs[i].sizeBytes(run.batch), length = alignUp(size);
    for (++i; i < inputs.size() && run.inputs.data[i] == from + length; ++i) {
      size = length + inputs[i].sizeBytes(run.batch);
      length += alignUp(inputs[i].sizeBytes(run.batch));
    }
    if (size)
      if (Status status = driver.copyToDevice(place.device + offset, from, size,
                                              copies.get());
          !status.isOk())
        return status;
    offset += length;
  }
  return {};
}

/// After what the caller's stream has before it, and before what comes then.
Status CudaInputs::copyOnDevice(Place &place, const Run &run) {
  auto *stream = static_cast<CudaStream *>(run.inputs.stream);
  Status status = wait(copies.get(), stream);
  int64_t offset = 0;
  for (size_t i = 0; i < run.entry.inputs.size() && status.isOk(); ++i) {
    const int64_t size = run.entry.inputs[i].sizeBytes(run.batch);
    if (size)
      status =
          driver.copyOnDevice(place.device + offset,
                              reinterpret_cast<CudaAddress>(run.inputs.data[i]),
                              size, copies.get());
    offset += alignUp(size);
  }
  return status.isOk() ? wait(stream, copies.get()) : status;
}

Status CudaInputs::take(Place &place, const HeldBatch &batch) {
  int64_t offset = 0;
  for (const HeldColumn &column : batch.inputs) {
    Status status = takeColumn(place.device + offset, column, batch);
    if (!status.isOk())
      return status;
    offset += alignUp(batch.size * column.sampleBytes);
  }
  return {};
}

Status CudaInputs::takeColumn(CudaAddress to, const HeldColumn &column,
                              const HeldBatch &batch) {
  size_t index = 0;
  while (column.sampleBytes % takeKernels[index].unitBytes != 0)
    ++index;
  const int64_t units =
      batch.size * (column.sampleBytes / takeKernels[index].unitBytes);
  const int64_t blocks = (units + takeThreads - 1) / takeThreads;
  if (blocks == 0)
    return {};
  // The limit of a grid's x.
  if (blocks > INT_MAX)
    return {Code::Unsupported,
            concat("a batch of ", batch.size, " samples of ",
                   column.sampleBytes, " bytes is too large to be taken")};
  const void *samples = column.samples(), *order = batch.order + batch.first,
             *count = column.memory;
  long long batchParameter = batch.size;
  void *parameters[] = {&samples, &order, &count, &to, &batchParameter};
  return driver.launchKernel(takers[index], unsigned(blocks), 1, 1,
                             unsigned(takeThreads), 1, 1, 0, copies.get(),
                             parameters, nullptr);
}

Status CudaInputs::waitForCopies() {
  // The last of them is behind all others.
  CudaEvent *last = places[1 - next].isThere.get();
  return last ? driver.eventSynchronize(last) : Status();
}

Status CudaInputs::wait(CudaStream *waiting, CudaStream *before) {
  Status status;
  if (!between) {
    CudaEvent *event = nullptr;
    status = driver.eventCreate(&event, CudaDriver::eventWithoutTime);
    between = {event, driver.eventDestroy.get()};
  }
  if (status.isOk())
    status = driver.eventRecord(between.get(), before);
  return status.isOk() ? driver.streamWaitEvent(waiting, between.get(), 0)
                       : status;
}

Status CudaInputs::release(int place, CudaStream *stream) {
  CudaEvent *event = places[place].isRead.get();
  return event ? driver.eventRecord(event, stream) : Status();
}

} // namespace nnc::runtime
