// Copies behind a run, each with an event behind it.
#include "runtime/device/CudaOutputs.h"

#include <algorithm>

namespace nnc::runtime {

static CudaAddress address(const void *memory) {
  return reinterpret_cast<CudaAddress>(memory);
}

/// A part of a place, so that numbers of any type are aligned.
static int64_t partBytes(const Transfer &transfer) {
  constexpr int64_t alignmentBytes = 64;
  return (transfer.sizeBytes + alignmentBytes - 1) / alignmentBytes *
         alignmentBytes;
}

CudaOutputs::~CudaOutputs() {
  for (Place &place : places)
    if (place.host)
      driver.hostFree.get()(place.host);
}

/// What was sent to the place before has been received, so nothing uses it. A
/// page is enough for most entry points: giving pinned memory back waits for
/// all that the device does.
Status CudaOutputs::prepare(Place &place, int64_t sizeBytes) {
  if (!place.hasArrived) {
    CudaEvent *event = nullptr;
    Status status = driver.eventCreate(&event, CudaDriver::eventWithoutTime);
    if (!status.isOk())
      return status;
    place.hasArrived = {event, driver.eventDestroy.get()};
  }
  sizeBytes = std::max<int64_t>(sizeBytes, 4096);
  if (place.sizeBytes >= sizeBytes)
    return {};
  if (place.host)
    driver.hostFree.get()(place.host);
  place.host = nullptr;
  place.sizeBytes = 0;
  void *host = nullptr;
  Status status = driver.hostAllocate(&host, sizeBytes, 0);
  if (!status.isOk())
    return status;
  place.host = static_cast<char *>(host);
  place.sizeBytes = sizeBytes;
  return {};
}

StatusOr<int64_t> CudaOutputs::send(std::vector<Transfer> &transfers,
                                    CudaStream *stream) {
  if (Status status = receive(begun - mostSends + 1); !status.isOk())
    return status;
  Place &place = places[begun % mostSends];
  int64_t total = 0;
  for (const Transfer &transfer : transfers)
    total += partBytes(transfer);
  Status status = prepare(place, total);
  char *to = place.host;
  for (Transfer &transfer : transfers) {
    transfer.to = to;
    to += partBytes(transfer);
    if (status.isOk())
      status = driver.copyToHost(transfer.to, address(transfer.from),
                                 transfer.sizeBytes, stream);
  }
  if (status.isOk())
    status = driver.eventRecord(place.hasArrived.get(), stream);
  if (!status.isOk())
    return status;
  ++begun;
  return int64_t(begun);
}

Status CudaOutputs::receive(int64_t number) {
  if (number <= arrived)
    return {};
  Status status = driver.eventSynchronize(
      places[(number - 1) % mostSends].hasArrived.get());
  if (status.isOk())
    arrived = number;
  return status;
}

} // namespace nnc::runtime
