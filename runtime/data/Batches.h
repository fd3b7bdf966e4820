// Batches of samples, in an order that the seed and the epoch alone decide.
#ifndef NNC_RUNTIME_DATA_BATCHES_H
#define NNC_RUNTIME_DATA_BATCHES_H

#include "runtime/data/Column.h"

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// Indices of samples, for training and held out.
struct Split {
  std::vector<int64_t> training;
  std::vector<int64_t> validation;
};

/// Holds out floor(numSamples * fraction) samples, drawn by the seed.
Split splitSamples(int64_t numSamples, double fraction, int64_t seed);

class Batches {
public:
  /// `columns` outlive this and have equally many samples, of which `samples`
  /// are used. `batch` is at least 1.
  Batches(const std::vector<Column> &columns, std::vector<int64_t> samples,
          int64_t batch);

  /// Starts an epoch in an order of its own: a function of the seed and the
  /// epoch, whatever came before.
  void shuffle(int64_t seed, int64_t epoch);

  /// Starts over, in the order of the last shuffle or as given.
  void rewind() { nextSample = 0; }

  /// Goes on after that many batches of the epoch: for resuming.
  void skip(int64_t numBatches);

  /// Gathers the next batch; the last may be smaller. False after the last.
  bool next();

  /// Of the batch that next() gathered: its number of samples, and a pointer a
  /// column that stands until the next call.
  int64_t size() const { return batchSize; }
  const void *const *inputs() const { return pointers.data(); }

  int64_t numSamples() const { return static_cast<int64_t>(order.size()); }
  int64_t numBatches() const { return (numSamples() + batch - 1) / batch; }

private:
  const std::vector<Column> &columns;
  const std::vector<int64_t> samples;
  std::vector<int64_t> order;
  int64_t batch;
  int64_t nextSample = 0;
  int64_t batchSize = 0;
  std::vector<AlignedBytes> gathered;
  std::vector<const void *> pointers;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_BATCHES_H
