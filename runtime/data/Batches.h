// Batches of samples, in an order that the seed and the epoch alone decide.
#ifndef NNC_RUNTIME_DATA_BATCHES_H
#define NNC_RUNTIME_DATA_BATCHES_H

#include "runtime/ThreadPool.h"
#include "runtime/data/Column.h"
#include "runtime/data/Prefetch.h"
#include "runtime/data/SampleOrder.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace nnc::runtime {

/// Where batches are gathered, in place of memory of their own.
class BatchMemory {
public:
  virtual ~BatchMemory() = default;
  /// Stays while this does.
  virtual StatusOr<uint8_t *> allocate(int64_t sizeBytes) = 0;
  /// Waits until nothing reads a batch that was gathered.
  virtual Status waitForReaders() = 0;
};

/// Who gathers batches.
struct GatheringThreads {
  /// So many beside that of next(), a few batches ahead, prepare samples; and
  /// read them, where there are processors besides those that compute.
  int numAhead = 0;
  /// What is only copied or read is gathered by next() on these, if any.
  ThreadPool *computing = nullptr;
};

class Batches {
public:
  /// `columns` outlive this and have equally many samples, of which `samples`
  /// are used. `batch` is at least 1.
  Batches(const std::vector<Column> &columns, std::vector<int64_t> samples,
          int64_t batch, const GatheringThreads &threads = {});

  Batches(const Batches &) = delete;
  Batches &operator=(const Batches &) = delete;

  /// Steps of samples draw by the seed and the epoch from now on, and samples
  /// are mixed. Without it, they are as in evaluation.
  void draw(int64_t seed, int64_t epoch);

  /// Starts an epoch in an order of its own: a function of the seed and the
  /// epoch, whatever came before. SampleOrder says what a window is.
  void shuffle(int64_t seed, int64_t epoch, int64_t window = 0);

  /// From the next shuffle of all samples on, batches are of one group each
  /// where there are enough samples of it; `groups` has that of each sample of
  /// the columns.
  void groupBy(std::vector<uint8_t> groups) {
    order.groupInBatches(std::move(groups), batch);
  }

  /// Starts over, in the order of the last shuffle or as given.
  void rewind() { skipTo(0); }

  /// Goes on after that many batches of the epoch: for resuming.
  void skip(int64_t numBatches) { skipTo(nextBatch + numBatches); }

  /// From now on all batches are gathered by threads, in `memory`, which
  /// outlives this. Before the first.
  Status gatherInto(BatchMemory &memory, int numThreads);

  bool isInGivenMemory() const { return memory; }

  /// From now on next() only counts: the samples are taken elsewhere, at
  /// `firstPlace()` of `samplesInOrder()`. For samples to which nothing is
  /// done.
  void gatherNothing() { gathers = false; }
  std::vector<int64_t> samplesInOrder() const;
  int64_t firstPlace() const { return (nextBatch - 1) * batch; }

  /// Gathers the next batch; the last may be smaller. False after the last.
  /// InvalidFile, IoError or OutOfMemory if a sample cannot be prepared.
  StatusOr<bool> next();

  /// Of the batch that next() gathered: its number of samples, and a pointer a
  /// column that stands until the next call.
  int64_t size() const { return batchSize; }
  const void *const *inputs() const { return pointers.data(); }

  const std::vector<Column> &allColumns() const { return columns; }
  int64_t numSamples() const { return order.size(); }
  int64_t numBatches() const { return (numSamples() + batch - 1) / batch; }

  /// Whether samples are not in memory, and how long next() has waited for them
  /// or worked at them, in all.
  bool mayWait() const { return gathers && (prefetch || isStored); }
  double waitedSeconds() const {
    return waited + (prefetch ? prefetch->waitedSeconds() : 0);
  }

private:
  void skipTo(int64_t batchNumber);
  int64_t sizeOf(int64_t batchNumber) const;
  void startThreads(int numThreads);
  int64_t placeColumns(uint8_t *begin, std::vector<uint8_t *> &slot) const;
  Status fill(const Prefetch::Piece &piece);
  Status gatherNow();
  Status writeColumn(size_t column, int64_t sample, Workspace &work,
                     uint8_t *to);

  const std::vector<Column> &columns;
  /// Of mixup; 0: samples are not mixed. Those to mix with.
  double alpha = 0;
  const std::vector<int64_t> mixed;
  SampleOrder order;
  int64_t batch;
  int64_t nextBatch = 0;
  int64_t batchSize = 0;
  std::optional<Draw> draws;
  /// What slots lie in, unless that is `memory`; where each column is, by slot.
  std::vector<AlignedBytes> own;
  BatchMemory *memory = nullptr;
  std::vector<std::vector<uint8_t *>> gathered;
  std::vector<Workspace> work;
  std::vector<const void *> pointers;
  ThreadPool *const computing;
  const bool isStored;
  /// Of what next() has gathered itself.
  double waited = 0;
  bool isStarted = false;
  bool gathers = true;
  /// Last: its threads use what is above. Null where all is in memory of the
  /// host's.
  std::unique_ptr<Prefetch> prefetch;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_BATCHES_H
