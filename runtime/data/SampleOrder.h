// The order in which an epoch takes its samples: that of the files, or one that
// the seed and the epoch alone decide, of all or within windows.
#ifndef NNC_RUNTIME_DATA_SAMPLEORDER_H
#define NNC_RUNTIME_DATA_SAMPLEORDER_H

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace nnc::runtime {

/// Shuffles by the generator's numbers of a step and a stream.
void shuffleBy(std::vector<int64_t> &values, int64_t seed, uint32_t step,
               uint32_t stream);

class SampleOrder {
public:
  /// Told that the samples from `first` on will soon be taken: as many as are
  /// to be kept at once, with those before them.
  using Expect =
      std::function<void(int64_t first, int64_t count, int64_t kept)>;

  /// `samples` ascend where windows are to be used. `expect` may be null.
  SampleOrder(std::vector<int64_t> samples, Expect expect);

  int64_t size() const { return count; }

  /// The order of an epoch; nothing may be taken meanwhile.
  ///
  /// window  samples of the files that are mixed with each other: they are cut
  ///         into windows of so many neighbours, whose order is shuffled, and
  ///         so is each. 0: all of them.
  void shuffle(int64_t seed, int64_t epoch, int64_t window);

  /// From the next shuffle of all samples on, each `batch` in the order are of
  /// one group, where there are enough; `groups` has that of each sample.
  void groupInBatches(std::vector<uint8_t> ofSamples, int64_t batch) {
    groups = std::move(ofSamples);
    groupedBatch = batch;
  }

  /// The samples of `count` places from `first` on. Any thread may call it.
  void take(int64_t first, int64_t count, int64_t *to) const;

private:
  using Window = std::shared_ptr<const std::vector<int64_t>>;
  struct Kept {
    int64_t number = -1;
    Window order;
  };

  int64_t at(int64_t place) const {
    return samples.empty() ? place : samples[size_t(place)];
  }
  int64_t numWindows() const { return (count + window - 1) / window; }
  void announce(int64_t place, int64_t number, int64_t kept) const;
  void announceNext(int64_t place, int64_t number) const;
  Window windowAt(int64_t number) const;

  /// Empty where they are all from 0 on.
  std::vector<int64_t> samples;
  int64_t count;
  const Expect expect;
  /// Of all samples; empty where they are as given, or there are windows.
  std::vector<int64_t> order;
  int64_t window = 0, seed = 0, epoch = 0;
  /// Empty: samples are of no groups.
  std::vector<uint8_t> groups;
  int64_t groupedBatch = 1;
  /// Which window comes when.
  std::vector<int64_t> windows;
  mutable std::mutex mutex;
  /// Those in use: batches that are filled at once lie in few.
  mutable std::array<Kept, 4> kept;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_SAMPLEORDER_H
