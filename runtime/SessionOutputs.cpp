// Where the outputs of runs are, and how they come to the host from a device
// that has memory of its own.
#include "runtime/Session.h"

#include <algorithm>
#include <cassert>

namespace nnc::runtime {

void Session::forgetOutputs() {
  lastEntry = nullptr;
  for (HostCopy &copy : hostCopies)
    copy.isFetched = false;
}

const void *Session::addressOf(const BufferRef &buffer) const {
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
  case Region::Thread:
    break; // No output's: the plan's reader refuses it.
  }
  return nullptr;
}

/// Whether the host may read it where it is.
bool Session::isOnHost(const TensorInfo &output) const {
  return device->sharesHostMemory() ||
         (areInputsOnHost && output.buffer.region == Region::Input);
}

// Outputs up to this size are fetched together: waiting for the device costs
// more than copying a page.
static constexpr int64_t smallBytes = 4096;

Status Session::fetch(const TensorInfo &wanted) const {
  const std::vector<TensorInfo> &outputs = lastEntry->outputs;
  hostCopies.resize(std::max(hostCopies.size(), outputs.size()));
  std::vector<Transfer> transfers;
  std::vector<HostCopy *> fetched;
  for (size_t i = 0; i < outputs.size(); ++i) {
    HostCopy &copy = hostCopies[i];
    int64_t size = outputs[i].sizeBytes(batchOfLastRun);
    bool isTaken = &outputs[i] == &wanted || size <= smallBytes;
    if (!isTaken || copy.isFetched || isOnHost(outputs[i]))
      continue;
    copy.bytes.resize(size);
    fetched.push_back(&copy);
    if (size)
      transfers.push_back(
          {copy.bytes.data(), addressOf(outputs[i].buffer), size});
  }
  Status status = device->download(transfers);
  if (status.isOk())
    for (HostCopy *copy : fetched)
      copy->isFetched = true;
  return status;
}

StatusOr<const void *> Session::outputData(const TensorInfo &output) const {
  return guardMemory([&]() -> StatusOr<const void *> {
    assert(lastEntry && "an entry point has run");
    if (isOnHost(output))
      return addressOf(output.buffer);
    size_t index = &output - lastEntry->outputs.data();
    assert(index < lastEntry->outputs.size() &&
           "the output is of the last run");
    if (index >= hostCopies.size() || !hostCopies[index].isFetched)
      if (Status status = fetch(output); !status.isOk())
        return status;
    return static_cast<const void *>(hostCopies[index].bytes.data());
  });
}

StatusOr<const void *> Session::outputOnDevice(const TensorInfo &output,
                                               void *stream) const {
  if (Status status = device->letWait(stream); !status.isOk())
    return status;
  if (areInputsOnHost && output.buffer.region == Region::Input)
    return Status(Code::Unsupported,
                  concat("output ", quote(output.name),
                         " is an input as it is, which is on the host"));
  return addressOf(output.buffer);
}

StatusOr<double> Session::outputScalar(const TensorInfo &output) const {
  StatusOr<const void *> data = outputData(output);
  if (!data.isOk())
    return data.status();
  return toDouble(output.elementType, *data);
}

StatusOr<double> Session::outputSum(std::string_view kind) const {
  double sum = 0;
  if (!lastEntry)
    return sum;
  for (const TensorInfo &output : lastEntry->outputs) {
    if (output.kind != kind)
      continue;
    StatusOr<double> value = outputScalar(output);
    if (!value.isOk())
      return value;
    sum += *value;
  }
  return sum;
}

/// What is sent of a run, at most: what all sends take of pinned memory is
/// bounded.
static constexpr int64_t mostSentBytes = 1 << 20;

/// Transfers that lie within a page of `memory` as one, what is between them
/// included: a copy costs more than a page. They ascend.
static std::vector<Transfer> joinNeighbours(const std::vector<Transfer> &all,
                                            const DeviceMemory &memory) {
  auto isInside = [&](const char *place) {
    return place >= memory.data() && place < memory.data() + memory.sizeBytes();
  };
  std::vector<Transfer> joined;
  for (const Transfer &transfer : all) {
    const auto *from = static_cast<const char *>(transfer.from);
    const char *begin =
        joined.empty() ? from : static_cast<const char *>(joined.back().from);
    const int64_t end = from - begin + transfer.sizeBytes;
    if (joined.empty() || end > smallBytes || !isInside(from) ||
        !isInside(begin))
      joined.push_back(transfer);
    else
      joined.back().sizeBytes = std::max(joined.back().sizeBytes, end);
  }
  return joined;
}

/// Where each output is to be sent from; empty where they cannot be sent.
std::vector<Transfer> Session::listSent(const RunOutputs &outputs) const {
  std::vector<Transfer> transfers;
  int64_t total = 0;
  for (size_t i : outputs.sent) {
    const TensorInfo &output = lastEntry->outputs[i];
    const int64_t size = output.sizeBytes(batchOfLastRun);
    if (output.buffer.region == Region::Input || size == 0)
      return {};
    transfers.push_back({nullptr, addressOf(output.buffer), size});
    total += size;
  }
  return total <= mostSentBytes ? transfers : std::vector<Transfer>();
}

StatusOr<RunOutputs>
Session::takeOutputs(const std::function<bool(const TensorInfo &)> &wanted) {
  return guardMemory([&]() -> StatusOr<RunOutputs> {
    assert(lastEntry && "an entry point has run");
    RunOutputs outputs(*this, *lastEntry, batchOfLastRun);
    if (mostTaken() == 0)
      return outputs;
    for (size_t i = 0; i < lastEntry->outputs.size(); ++i)
      if (wanted(lastEntry->outputs[i]))
        outputs.sent.push_back(i);
    const std::vector<Transfer> from = listSent(outputs);
    if (from.empty())
      return outputs;
    std::vector<Transfer> ascending = from;
    std::sort(ascending.begin(), ascending.end(),
              [](const Transfer &lhs, const Transfer &rhs) {
                return lhs.from < rhs.from;
              });
    std::vector<Transfer> joined = joinNeighbours(ascending, arena);
    StatusOr<int64_t> number = device->send(joined);
    if (!number.isOk())
      return number.status();
    outputs.number = *number;
    for (const Transfer &transfer : from) {
      auto after = std::upper_bound(joined.begin(), joined.end(), transfer.from,
                                    [](const void *place, const Transfer &one) {
                                      return place < one.from;
                                    });
      const Transfer &one = *std::prev(after);
      outputs.places.push_back(static_cast<const char *>(one.to) +
                               (static_cast<const char *>(transfer.from) -
                                static_cast<const char *>(one.from)));
    }
    return outputs;
  });
}

} // namespace nnc::runtime
