// Shuffles sample numbers with the counter-based generator.
#include "runtime/data/SampleOrder.h"

#include "runtime/Random.h"
#include "runtime/data/LengthOrder.h"

#include <algorithm>
#include <numeric>

namespace nnc::runtime {

// Streams that no random op of a program has: those count from 0.
static constexpr uint32_t shuffleStream = 0xfffffff0;
static constexpr uint32_t windowsStream = 0xfffffff3;
// Of windows, one each, below those of the steps of samples.
static constexpr uint32_t firstWindowStream = 0x80000000;
static constexpr uint32_t numWindowStreams = 0x7fff0000;

// Fisher-Yates (Knuth, TAOCP vol. 2, 3.4.2, algorithm P). The product maps 64
// random bits to [0, i]; its bias is below i / 2^64.
void shuffleBy(std::vector<int64_t> &values, int64_t seed, uint32_t step,
               uint32_t stream) {
  for (size_t i = values.size(); i-- > 1;) {
    RandomWords words = randomWords(seed, step, stream, i);
    uint64_t bits = static_cast<uint64_t>(words[1]) << 32 | words[0];
    __extension__ using Wide = unsigned __int128;
    size_t other = static_cast<size_t>(static_cast<Wide>(bits) * (i + 1) >> 64);
    std::swap(values[i], values[other]);
  }
}

static bool areAll(const std::vector<int64_t> &samples) {
  for (size_t i = 0; i < samples.size(); ++i)
    if (samples[i] != int64_t(i))
      return false;
  return true;
}

SampleOrder::SampleOrder(std::vector<int64_t> given, Expect expect)
    : samples(std::move(given)), count(int64_t(samples.size())),
      expect(std::move(expect)) {
  if (areAll(samples))
    std::vector<int64_t>().swap(samples);
}

void SampleOrder::shuffle(int64_t newSeed, int64_t newEpoch,
                          int64_t newWindow) {
  seed = newSeed;
  epoch = newEpoch;
  window = newWindow < count ? newWindow : 0;
  kept = {};
  const auto step = static_cast<uint32_t>(epoch);
  if (window == 0) {
    order.resize(size_t(count));
    for (int64_t i = 0; i < count; ++i)
      order[size_t(i)] = at(i);
    shuffleBy(order, seed, step, shuffleStream);
    if (!groups.empty())
      groupByLength(order, groups, groupedBatch, seed, step);
    return;
  }
  std::vector<int64_t>().swap(order);
  // The last window, which may be smaller, stays the last: places of the others
  // are multiples of their size.
  windows.resize(size_t(numWindows()) - 1);
  std::iota(windows.begin(), windows.end(), 0);
  shuffleBy(windows, seed, step, windowsStream);
  windows.push_back(numWindows() - 1);
}

/// Of the samples as given, unless too few of their neighbours are used.
void SampleOrder::announce(int64_t place, int64_t number, int64_t kept) const {
  if (!expect || number <= 0)
    return;
  const int64_t first = at(place), span = at(place + number - 1) - first + 1;
  if (span <= 2 * number)
    expect(first, span, kept * span / number);
}

/// While places of a window are taken, as many of the next are announced.
void SampleOrder::announceNext(int64_t place, int64_t number) const {
  const int64_t next = place / window + 1;
  if (next >= numWindows())
    return;
  const int64_t begin = windows[size_t(next)] * window;
  const int64_t end = std::min(begin + window, count);
  const int64_t first = begin + place % window;
  announce(first, std::min(number, end - first), 2 * window);
}

/// Under the mutex.
SampleOrder::Window SampleOrder::windowAt(int64_t number) const {
  Kept &slot = kept[size_t(number) % kept.size()];
  if (slot.number == number)
    return slot.order;
  const int64_t which = windows[size_t(number)], begin = which * window;
  std::vector<int64_t> all(size_t(std::min(window, count - begin)));
  // Most of it was announced while the one before was taken.
  announce(begin, int64_t(all.size()), 2 * window);
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = at(begin + int64_t(i));
  shuffleBy(all, seed, static_cast<uint32_t>(epoch),
            firstWindowStream + uint32_t(which) % numWindowStreams);
  slot = {number, std::make_shared<const std::vector<int64_t>>(std::move(all))};
  return slot.order;
}

void SampleOrder::take(int64_t first, int64_t number, int64_t *to) const {
  if (window == 0) {
    // Those of a few batches are taken at once.
    constexpr int64_t underWay = 4096;
    if (order.empty())
      announce(first, number, underWay);
    for (int64_t i = first; i < first + number; ++i)
      *to++ = order.empty() ? at(i) : order[size_t(i)];
    return;
  }
  for (int64_t place = first, end = first + number; place < end;) {
    Window own;
    {
      std::lock_guard<std::mutex> lock(mutex);
      own = windowAt(place / window);
    }
    const int64_t within = place % window;
    const int64_t taken = std::min(end - place, int64_t(own->size()) - within);
    to = std::copy_n(own->begin() + within, taken, to);
    announceNext(place, taken);
    place += taken;
  }
}

} // namespace nnc::runtime
