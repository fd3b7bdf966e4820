// Goes through the samples batch by batch.
#include "tools/RunPredictions.h"

#include "runtime/data/Batches.h"

#include <algorithm>
#include <numeric>

namespace nnc::tools {

using namespace runtime;

/// Puts what a batch gives to its place among all `count` samples: where the
/// batch is not the first dimension, a sample's elements do not lie together.
static void place(const TensorInfo &output, const uint8_t *data, int64_t first,
                  int64_t batch, int64_t count, std::vector<uint8_t> &all) {
  int64_t outer = 1, innerBytes = sizeBytes(output.elementType);
  bool isInner = false;
  for (int64_t size : output.shape)
    if (size < 0)
      isInner = true;
    else
      (isInner ? innerBytes : outer) *= size;
  for (int64_t i = 0; i < outer; ++i)
    std::copy_n(data + i * batch * innerBytes, batch * innerBytes,
                all.data() + (i * count + first) * innerBytes);
}

static Status makeRoom(Predicted &part, int64_t count) {
  const TensorInfo &info = part.info;
  int64_t bytes = 0;
  const std::optional<int64_t> elements = numElements(info.shape, count);
  Status status{Code::OutOfMemory, ""};
  if (elements &&
      !__builtin_mul_overflow(*elements, sizeBytes(info.elementType), &bytes))
    status = guardMemory([&]() -> Status {
      part.values.resize(size_t(bytes));
      return {};
    });
  if (status.isOk())
    return {};
  return {status.code(), concat(count, " samples of output ", quote(part.name),
                                ", ", describe(info.elementType, info.shape),
                                ", are more than memory holds")};
}

/// What does not depend on the batch is there once.
static Status collect(const Session &session, Predicted &part, int64_t first,
                      int64_t batch, int64_t count) {
  const TensorInfo &output = part.info;
  StatusOr<const void *> data = session.outputData(output);
  if (!data.isOk())
    return data.status();
  const auto *bytes = static_cast<const uint8_t *>(*data);
  // A tensor has the batch in one dimension at most.
  if (std::count(output.shape.begin(), output.shape.end(), -1))
    place(output, bytes, first, batch, count, part.values);
  else if (first == 0)
    std::copy_n(bytes, output.sizeBytes(batch), part.values.data());
  return {};
}

/// Runs the batch that is at hand.
static Status runBatch(const PredictionRun &run, const Batches &batches,
                       int64_t first, int64_t batch, Predictions &predictions) {
  std::vector<const void *> inputs;
  for (size_t column : run.inputs)
    inputs.push_back(batches.inputs()[column]);
  if (Status status = run.session.setFirstSample(first); !status.isOk())
    return status;
  if (Status status = run.session.run(run.entry, inputs.data(), batch);
      !status.isOk())
    return status;
  const size_t numLabels = run.labels.size();
  for (size_t i = 0; i < predictions.parts.size(); ++i) {
    Predicted &part = predictions.parts[i];
    if (i < numLabels) {
      const void *labels = batches.inputs()[run.labels[i]];
      place(part.info, static_cast<const uint8_t *>(labels), first, batch,
            predictions.samples, part.values);
    } else if (Status status = collect(run.session, part, first, batch,
                                       predictions.samples);
               !status.isOk()) {
      return status;
    }
  }
  return {};
}

Status runPredictions(const PredictionRun &run, Predictions &predictions) {
  const int64_t most = run.session.plan().maxBatch, count = predictions.samples;
  for (Predicted &part : predictions.parts)
    if (Status status = makeRoom(part, count); !status.isOk())
      return status;
  std::vector<int64_t> order(size_t(run.columns.empty() ? 0 : count));
  std::iota(order.begin(), order.end(), 0);
  Batches batches(run.columns, std::move(order), most,
                  gatheringThreads(run.session));
  for (int64_t first = 0; first < count; first += most) {
    if (!run.columns.empty())
      if (StatusOr<bool> next = batches.next(); !next.isOk())
        return next.status();
    if (Status status = runBatch(run, batches, first,
                                 std::min(most, count - first), predictions);
        !status.isOk())
      return status;
  }
  return {};
}

} // namespace nnc::tools
