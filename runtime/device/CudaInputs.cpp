// Copies inputs to pinned memory, and waits for what still reads it.
#include "runtime/device/CudaInputs.h"

#include <algorithm>
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
  void *host = nullptr;
  Status status = driver.hostAllocate(&host, sizeBytes, 0);
  if (!status.isOk())
    return status;
  place.host = static_cast<char *>(host);
  status = driver.memoryAllocate(&place.device, sizeBytes);
  for (CudaHandle<CudaEvent> *handle : {&place.isUploaded, &place.isRead}) {
    CudaEvent *event = nullptr;
    if (status.isOk())
      status = driver.eventCreate(&event, CudaDriver::eventWithoutTime);
    *handle = {event, driver.eventDestroy.get()};
  }
  return status;
}

StatusOr<int> CudaInputs::stage(const Run &run, CudaStream *stream,
                                void **addresses) {
  if (run.entry.inputs.empty())
    return 0;
  const int index = next;
  Place &place = places[index];
  // An event that was never recorded counts as passed.
  Status status = driver.eventSynchronize(place.isUploaded.get());
  if (!status.isOk())
    return status;
  int64_t offset = 0;
  for (size_t i = 0; i < run.entry.inputs.size(); ++i) {
    const int64_t size = run.entry.inputs[i].sizeBytes(run.batch);
    std::memcpy(place.host + offset, run.inputs[i], size);
    addresses[i] = reinterpret_cast<void *>(place.device + offset);
    offset += alignUp(size);
  }
  if (offset)
    status = upload(place, offset, stream);
  if (!status.isOk())
    return status;
  next = 1 - index;
  return int(index);
}

Status CudaInputs::upload(Place &place, int64_t sizeBytes, CudaStream *stream) {
  Status status = driver.streamWaitEvent(copies.get(), place.isRead.get(), 0);
  if (status.isOk())
    status =
        driver.copyToDevice(place.device, place.host, sizeBytes, copies.get());
  if (status.isOk())
    status = driver.eventRecord(place.isUploaded.get(), copies.get());
  if (status.isOk())
    status = driver.streamWaitEvent(stream, place.isUploaded.get(), 0);
  return status;
}

Status CudaInputs::release(int place, CudaStream *stream) {
  CudaEvent *event = places[place].isRead.get();
  return event ? driver.eventRecord(event, stream) : Status();
}

} // namespace nnc::runtime
