// Cuts an order into batches by group.
#include "runtime/data/LengthOrder.h"

#include "runtime/data/SampleOrder.h"

#include <algorithm>
#include <numeric>

namespace nnc::runtime {

// Beside those of SampleOrder.cpp, Preparation.h and Split.cpp.
static constexpr uint32_t batchesStream = 0xfffffff4;

void groupByLength(std::vector<int64_t> &order,
                   const std::vector<uint8_t> &groups, int64_t batch,
                   int64_t seed, uint32_t step) {
  std::vector<std::vector<int64_t>> byGroup;
  for (int64_t sample : order) {
    const size_t group = groups[size_t(sample)];
    byGroup.resize(std::max(byGroup.size(), group + 1));
    byGroup[group].push_back(sample);
  }
  // Whole batches one behind another, and what waits for the next group.
  std::vector<int64_t> whole, left;
  for (const std::vector<int64_t> &group : byGroup) {
    left.insert(left.end(), group.begin(), group.end());
    const auto end = left.begin() + int64_t(left.size()) / batch * batch;
    whole.insert(whole.end(), left.begin(), end);
    left.erase(left.begin(), end);
  }
  std::vector<int64_t> numbers(whole.size() / size_t(batch));
  std::iota(numbers.begin(), numbers.end(), 0);
  shuffleBy(numbers, seed, step, batchesStream);
  auto to = order.begin();
  for (int64_t number : numbers)
    to = std::copy_n(whole.begin() + number * batch, batch, to);
  std::copy(left.begin(), left.end(), to);
}

} // namespace nnc::runtime
