// Shuffles sample numbers with the counter-based generator, and gathers
// batches.
#include "runtime/data/Batches.h"

#include "runtime/data/Mixup.h"
#include "runtime/data/Preparation.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

// The batch in use, and two to come.
static constexpr int numSlots = 3;

static double mixupOf(const std::vector<Column> &columns) {
  double alpha = 0;
  for (const Column &column : columns)
    if (column.preparation)
      alpha = std::max(alpha, column.preparation->mixupAlpha());
  return alpha;
}

Batches::Batches(const std::vector<Column> &columns,
                 std::vector<int64_t> samples, int64_t batch, int numThreads)
    : columns(columns), alpha(mixupOf(columns)),
      mixed(alpha > 0 ? samples : std::vector<int64_t>()),
      order(std::move(samples),
            [&columns](int64_t first, int64_t last) {
              for (const Column &column : columns)
                if (column.stored)
                  column.stored->expect(first, last - first + 1);
            }),
      batch(batch), pointers(columns.size()) {
  const bool isPrepared =
      std::any_of(columns.begin(), columns.end(),
                  [](const Column &column) { return !column.isInMemory(); });
  gathered.resize(isPrepared ? numSlots : 1);
  for (std::vector<uint8_t *> &slot : gathered) {
    own.emplace_back(size_t(placeColumns(nullptr, slot)));
    placeColumns(own.back().data(), slot);
  }
  if (isPrepared)
    startThreads(numThreads);
}

/// Where each column of a slot is that begins at `begin`. Returns the bytes of
/// it. Columns are apart as a device has its inputs.
int64_t Batches::placeColumns(uint8_t *begin,
                              std::vector<uint8_t *> &slot) const {
  constexpr int64_t alignmentBytes = 256;
  const int64_t largest = std::min(batch, numSamples());
  int64_t offset = 0;
  slot.clear();
  for (const Column &column : columns) {
    slot.push_back(begin ? begin + offset : nullptr);
    const int64_t bytes = largest * column.sampleBytes();
    offset += (bytes + alignmentBytes - 1) / alignmentBytes * alignmentBytes;
  }
  return offset;
}

void Batches::startThreads(int numThreads) {
  work.resize(size_t(numThreads) + 1);
  prefetch = std::make_unique<Prefetch>(
      numThreads, numSlots,
      [this](const Prefetch::Piece &piece) { return fill(piece); },
      [this](int64_t batchNumber) { return sizeOf(batchNumber); });
}

Status Batches::gatherInto(BatchMemory &given, int numThreads) {
  prefetch.reset();
  gathered.resize(numSlots);
  for (std::vector<uint8_t *> &slot : gathered) {
    auto begin = given.allocate(placeColumns(nullptr, slot));
    if (!begin.isOk())
      return begin.status();
    placeColumns(*begin, slot);
  }
  own.clear();
  memory = &given;
  startThreads(numThreads);
  return {};
}

void Batches::draw(int64_t seed, int64_t epoch) {
  skipTo(nextBatch);
  draws = {seed, epoch};
}

void Batches::shuffle(int64_t seed, int64_t epoch, int64_t window) {
  // Nothing reads the order from here on.
  rewind();
  order.shuffle(seed, epoch, window);
}

void Batches::skipTo(int64_t batchNumber) {
  nextBatch = std::min(numBatches(), batchNumber);
  if (isStarted && prefetch)
    prefetch->start(0, 0);
  isStarted = false;
}

int64_t Batches::sizeOf(int64_t batchNumber) const {
  return std::min(batch, numSamples() - batchNumber * batch);
}

Status Batches::writeColumn(size_t column, int64_t sample, Workspace &space,
                            uint8_t *to) {
  const Draw *draw = draws ? &*draws : nullptr;
  Status status = writeSample(columns[column], sample, draw, space, to);
  if (!status.isOk() || !draw || alpha == 0)
    return status;
  const Mixture mixture = drawMixture(alpha, *draw, sample, mixed);
  space.bytes.resize(size_t(columns[column].sampleBytes()));
  status = writeSample(columns[column], mixture.partner, draw, space,
                       space.bytes.data());
  if (status.isOk())
    mix(columns[column], mixture.share, to, space.bytes.data());
  return status;
}

Status Batches::fill(const Prefetch::Piece &piece) {
  const std::vector<uint8_t *> &slot = gathered[size_t(piece.slot)];
  std::vector<int64_t> taken(size_t(piece.end - piece.begin));
  order.take(piece.job * batch + piece.begin, int64_t(taken.size()),
             taken.data());
  // Sample by sample: its inputs may lie side by side.
  for (int64_t b = piece.begin; b < piece.end; ++b)
    for (size_t i = 0; i < columns.size(); ++i)
      if (Status status = writeColumn(i, taken[size_t(b - piece.begin)],
                                      work[size_t(piece.thread)],
                                      slot[i] + b * columns[i].sampleBytes());
          !status.isOk())
        return status;
  return {};
}

std::vector<int64_t> Batches::samplesInOrder() const {
  std::vector<int64_t> samples(static_cast<size_t>(numSamples()));
  order.take(0, numSamples(), samples.data());
  return samples;
}

StatusOr<bool> Batches::next() {
  batchSize = nextBatch < numBatches() ? sizeOf(nextBatch) : 0;
  if (batchSize == 0)
    return false;
  if (!gathers) {
    ++nextBatch;
    return true;
  }
  int slot = 0;
  if (prefetch) {
    if (!isStarted)
      prefetch->start(nextBatch, numBatches());
    isStarted = true;
    // The slot in use is filled anew from here on.
    if (Status status = memory ? memory->waitForReaders() : Status();
        !status.isOk())
      return status;
    StatusOr<int> taken = prefetch->take();
    if (!taken.isOk())
      return taken.status();
    slot = *taken;
  } else {
    std::vector<int64_t> taken(static_cast<size_t>(batchSize));
    order.take(nextBatch * batch, batchSize, taken.data());
    for (size_t i = 0; i < columns.size(); ++i) {
      const int64_t bytes = columns[i].sampleBytes();
      for (int64_t b = 0; b < batchSize; ++b)
        std::memcpy(gathered[0][i] + b * bytes,
                    columns[i].data.data() + taken[size_t(b)] * bytes, bytes);
    }
  }
  for (size_t i = 0; i < columns.size(); ++i)
    pointers[i] = gathered[size_t(slot)][i];
  ++nextBatch;
  return true;
}

} // namespace nnc::runtime
