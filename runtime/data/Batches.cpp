// Shuffles sample numbers with the counter-based generator, and gathers
// batches.
#include "runtime/data/Batches.h"

#include "runtime/Random.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace nnc::runtime {

// Streams that no random op of a program has: those count from 0.
static constexpr uint32_t shuffleStream = 0xfffffff0;
static constexpr uint32_t splitStream = 0xfffffff1;

// Fisher-Yates (Knuth, TAOCP vol. 2, 3.4.2, algorithm P). The product maps 64
// random bits to [0, i]; its bias is below i / 2^64.
static void shuffleBy(std::vector<int64_t> &values, int64_t seed, uint32_t step,
                      uint32_t stream) {
  for (size_t i = values.size(); i-- > 1;) {
    RandomWords words = randomWords(seed, step, stream, i);
    uint64_t bits = static_cast<uint64_t>(words[1]) << 32 | words[0];
    __extension__ using Wide = unsigned __int128;
    size_t other = static_cast<size_t>(static_cast<Wide>(bits) * (i + 1) >> 64);
    std::swap(values[i], values[other]);
  }
}

Split splitSamples(int64_t numSamples, double fraction, int64_t seed) {
  std::vector<int64_t> all(numSamples);
  std::iota(all.begin(), all.end(), 0);
  shuffleBy(all, seed, 0, splitStream);
  auto held = static_cast<int64_t>(static_cast<double>(numSamples) * fraction);
  Split split;
  split.validation.assign(all.begin(), all.begin() + held);
  split.training.assign(all.begin() + held, all.end());
  // In the order of the file: memory is read forwards, and what an epoch sees
  // first is shuffle's to decide.
  std::sort(split.validation.begin(), split.validation.end());
  std::sort(split.training.begin(), split.training.end());
  return split;
}

Batches::Batches(const std::vector<Column> &columns,
                 std::vector<int64_t> samples, int64_t batch)
    : columns(columns), samples(std::move(samples)), order(this->samples),
      batch(batch) {
  int64_t largest = std::min(batch, numSamples());
  for (const Column &column : columns) {
    gathered.emplace_back(largest * column.sampleBytes());
    pointers.push_back(gathered.back().data());
  }
}

void Batches::shuffle(int64_t seed, int64_t epoch) {
  order = samples;
  shuffleBy(order, seed, static_cast<uint32_t>(epoch), shuffleStream);
  rewind();
}

void Batches::skip(int64_t numBatches) {
  nextSample = std::min(numSamples(), nextSample + numBatches * batch);
}

bool Batches::next() {
  batchSize = std::min(batch, numSamples() - nextSample);
  if (batchSize == 0)
    return false;
  for (size_t i = 0; i < columns.size(); ++i) {
    int64_t bytes = columns[i].sampleBytes();
    for (int64_t b = 0; b < batchSize; ++b)
      std::memcpy(gathered[i].data() + b * bytes,
                  columns[i].data.data() + order[nextSample + b] * bytes,
                  bytes);
  }
  nextSample += batchSize;
  return true;
}

} // namespace nnc::runtime
