// Writes samples to a device a few megabytes at a time, and orders once an
// epoch.
#include "tools/HeldData.h"

#include "runtime/data/Preparation.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

// What goes to the device at a time of samples that must be read first.
static constexpr int64_t pieceBytes = 16 << 20;

std::string whyNotHeld(const Columns &columns) {
  for (const Column &column : columns)
    if (column.samples)
      return concat("input ", quote(column.name),
                    " is prepared sample by sample");
  return "";
}

int64_t heldBytes(const Columns &columns) {
  int64_t bytes = 0;
  for (const Column &column : columns)
    bytes += HeldColumn::headBytes + column.numSamples * column.sampleBytes();
  return bytes + numSamples(columns) * int64_t(sizeof(int64_t));
}

StatusOr<int64_t> roomForData(const Session &session) {
  StatusOr<int64_t> free = session.freeBytes();
  if (!free.isOk())
    return free;
  return int64_t(*free / 5 * 4);
}

/// In the element type and shape of the input, of which it is.
static Status write(Session &session, const TensorInfo &input,
                    const Column &column, const DeviceMemory &to) {
  if (column.isInMemory())
    return session.writeColumn(input, to, 0, column.data.data(),
                               column.numSamples);
  const int64_t bytes = column.sampleBytes();
  const int64_t most =
      std::max<int64_t>(1, pieceBytes / std::max<int64_t>(bytes, 1));
  AlignedBytes piece(size_t(std::min(most, column.numSamples) * bytes));
  Workspace work;
  for (int64_t first = 0; first < column.numSamples; first += most) {
    const int64_t count = std::min(most, column.numSamples - first);
    column.stored->expect(first, count, count);
    for (int64_t i = 0; i < count; ++i)
      if (Status status = writeSample(column, first + i, nullptr, work,
                                      piece.data() + i * bytes);
          !status.isOk())
        return status;
    if (Status status =
            session.writeColumn(input, to, first, piece.data(), count);
        !status.isOk())
      return status;
  }
  return {};
}

StatusOr<std::shared_ptr<const HeldColumns>>
HeldColumns::create(Session &session, const std::vector<TensorInfo> &inputs,
                    const Columns &columns) {
  auto held = std::make_shared<HeldColumns>();
  for (size_t i = 0; i < columns.size(); ++i) {
    auto memory = session.allocateColumn(inputs[i], columns[i].numSamples);
    if (!memory.isOk())
      return memory.status();
    if (Status status = write(session, inputs[i], columns[i], *memory);
        !status.isOk())
      return status;
    held->columns.push_back({memory->data(), columns[i].sampleBytes()});
    held->memory.push_back(std::move(*memory));
  }
  return std::shared_ptr<const HeldColumns>(std::move(held));
}

StatusOr<HeldBatches>
HeldBatches::create(Session &session,
                    std::shared_ptr<const HeldColumns> columns,
                    Batches &batches) {
  auto order = session.allocateOrder(batches.numSamples());
  if (!order.isOk())
    return order.status();
  batches.gatherNothing();
  return HeldBatches(std::move(columns), std::move(*order));
}

Status HeldBatches::beginEpoch(Session &session, const Batches &batches) const {
  return session.writeOrder(order, batches.samplesInOrder());
}

HeldBatch HeldBatches::at(const Batches &batches,
                          const std::vector<size_t> &chosen) const {
  HeldBatch batch{{},
                  reinterpret_cast<const int64_t *>(order.data()),
                  batches.firstPlace(),
                  batches.size()};
  for (size_t column : chosen)
    batch.inputs.push_back(columns->views()[column]);
  if (chosen.empty())
    batch.inputs = columns->views();
  return batch;
}

StatusOr<uint8_t *> PinnedMemory::allocate(int64_t sizeBytes) {
  auto made = session.allocatePinned(sizeBytes);
  if (!made.isOk())
    return made.status();
  memory.push_back(std::move(*made));
  return reinterpret_cast<uint8_t *>(memory.back().data());
}

} // namespace nnc::tools
