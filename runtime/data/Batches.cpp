// Shuffles sample numbers with the counter-based generator, and gathers
// batches.
#include "runtime/data/Batches.h"

#include "runtime/data/ForAll.h"
#include "runtime/data/Mixup.h"
#include "runtime/data/Preparation.h"

#include <algorithm>
#include <chrono>
#include <shared_mutex>
#include <thread>

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

/// Whether no processor is free while a step runs.
static bool areAllComputing(const ThreadPool *computing) {
  return computing && unsigned(computing->numThreads()) >=
                          std::thread::hardware_concurrency();
}

static bool isAnyStored(const std::vector<Column> &columns) {
  return std::any_of(columns.begin(), columns.end(), [](const Column &column) {
    return column.stored != nullptr;
  });
}

/// Null where all is in memory.
static SampleOrder::Expect expectOf(const std::vector<Column> &columns) {
  if (!isAnyStored(columns))
    return nullptr;
  return [&columns](int64_t first, int64_t count, int64_t kept) {
    for (const Column &column : columns)
      if (column.stored)
        column.stored->expect(first, count, kept);
  };
}

Batches::Batches(const std::vector<Column> &columns,
                 std::vector<int64_t> samples, int64_t batch,
                 const GatheringThreads &threads)
    : columns(columns), alpha(mixupOf(columns)),
      mixed(alpha > 0 ? samples : std::vector<int64_t>()),
      order(std::move(samples), expectOf(columns)), batch(batch),
      pointers(columns.size()), computing(threads.computing),
      isStored(isAnyStored(columns)) {
  const bool isPrepared =
      std::any_of(columns.begin(), columns.end(), [](const Column &column) {
        return column.samples != nullptr;
      });
  const bool isAhead = isPrepared || (isStored && !areAllComputing(computing));
  gathered.resize(isAhead ? numSlots : 1);
  for (std::vector<uint8_t *> &slot : gathered) {
    own.emplace_back(size_t(placeColumns(nullptr, slot)));
    placeColumns(own.back().data(), slot);
  }
  if (isAhead)
    startThreads(threads.numAhead);
  else
    work.resize(computing ? size_t(computing->numThreads()) : 1);
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

using Holds = std::vector<std::shared_lock<std::shared_mutex>>;

/// What was read ahead stays while they are held.
static Holds hold(const std::vector<Column> &columns) {
  Holds holds;
  for (const Column &column : columns) {
    std::shared_mutex *kept = column.stored ? column.stored->kept() : nullptr;
    if (kept && std::none_of(holds.begin(), holds.end(), [&](const auto &held) {
          return held.mutex() == kept;
        }))
      holds.emplace_back(*kept);
  }
  return holds;
}

Status Batches::fill(const Prefetch::Piece &piece) {
  const std::vector<uint8_t *> &slot = gathered[size_t(piece.slot)];
  std::vector<int64_t> taken(size_t(piece.end - piece.begin));
  order.take(piece.job * batch + piece.begin, int64_t(taken.size()),
             taken.data());
  const Holds holds = hold(columns);
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

/// Gathers the next batch on the threads that compute.
Status Batches::gatherNow() {
  const auto begin = std::chrono::steady_clock::now();
  constexpr int64_t pieceBytes = 1 << 15;
  int64_t sampleBytes = 1;
  for (const Column &column : columns)
    sampleBytes += column.sampleBytes();
  const int64_t most =
      computing ? std::max<int64_t>(1, pieceBytes / sampleBytes) : batchSize;
  auto gather = [&](int64_t piece, int thread) {
    return fill({nextBatch, 0, piece * most,
                 std::min(batchSize, (piece + 1) * most), thread});
  };
  const int64_t numPieces = (batchSize + most - 1) / most;
  Status status = computing ? forAll(*computing, numPieces, 1, gather)
                            : guardMemory([&] { return gather(0, 0); });
  waited +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return status;
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
  } else if (Status status = gatherNow(); !status.isOk()) {
    return status;
  }
  for (size_t i = 0; i < columns.size(); ++i)
    pointers[i] = gathered[size_t(slot)][i];
  ++nextBatch;
  return true;
}

} // namespace nnc::runtime
