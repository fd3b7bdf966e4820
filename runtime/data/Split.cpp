// Draws the order of all samples, and deals them out.
#include "runtime/data/Split.h"

#include "runtime/data/SampleOrder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>

namespace nnc::runtime {

StatusOr<Strata> strataOf(const Column &given) {
  const Column *column = given.isInMemory() ? &given
                         : given.samples    ? given.samples->array()
                                            : nullptr;
  if (!column || column->numSamples != given.numSamples)
    return Status(Code::InvalidArgument,
                  concat("input ", quote(given.name),
                         " is prepared sample by sample: samples cannot be "
                         "stratified by it"));
  const auto bytes = static_cast<size_t>(column->sampleBytes());
  auto valueOf = [&](int64_t sample) {
    return std::string_view(
        reinterpret_cast<const char *>(column->data.data()) + sample * bytes,
        bytes);
  };
  std::map<std::string_view, int64_t> numbers;
  for (int64_t i = 0; i < column->numSamples; ++i)
    numbers.emplace(valueOf(i), 0);
  if (int64_t(numbers.size()) > column->numSamples / 2)
    return Status(Code::InvalidArgument,
                  concat("input ", quote(given.name), " has ", numbers.size(),
                         " different values in ", column->numSamples,
                         " samples: expected a few, each of several samples, "
                         "to stratify by"));
  int64_t next = 0;
  for (auto &[value, number] : numbers)
    number = next++;
  Strata strata;
  for (int64_t i = 0; i < column->numSamples; ++i)
    strata.push_back(numbers[valueOf(i)]);
  return strata;
}

// A stream that no random op of a program has: those count from 0.
static constexpr uint32_t splitStream = 0xfffffff1;

static std::vector<int64_t> drawOrder(int64_t numSamples, int64_t seed) {
  std::vector<int64_t> all(static_cast<size_t>(numSamples));
  std::iota(all.begin(), all.end(), 0);
  shuffleBy(all, seed, 0, splitStream);
  return all;
}

/// How many of each stratum are held out: the whole part of its share, and one
/// more of those whose rest is largest, of equal ones the first.
static std::vector<int64_t> quotas(const Strata &strata, double fraction,
                                   int64_t held) {
  std::vector<int64_t> counts(
      *std::max_element(strata.begin(), strata.end()) + 1, 0);
  for (int64_t stratum : strata)
    ++counts[stratum];
  std::vector<int64_t> quota;
  std::vector<double> rests;
  for (int64_t count : counts) {
    const double share = static_cast<double>(count) * fraction;
    quota.push_back(static_cast<int64_t>(share));
    rests.push_back(share - std::floor(share));
  }
  std::vector<size_t> byRest(counts.size());
  std::iota(byRest.begin(), byRest.end(), 0);
  std::stable_sort(byRest.begin(), byRest.end(),
                   [&](size_t a, size_t b) { return rests[a] > rests[b]; });
  int64_t left = held - std::accumulate(quota.begin(), quota.end(), int64_t(0));
  for (size_t i = 0; i < byRest.size() && left > 0; ++i, --left)
    ++quota[byRest[i]];
  return quota;
}

/// In the order of the file: memory is read forwards, and what an epoch sees
/// first is for shuffling to decide.
static Split inOrder(Split split) {
  std::sort(split.validation.begin(), split.validation.end());
  std::sort(split.training.begin(), split.training.end());
  return split;
}

Split splitSamples(int64_t numSamples, double fraction, int64_t seed,
                   const Strata &strata) {
  if (fraction == 0) {
    Split all;
    all.training.resize(static_cast<size_t>(numSamples));
    std::iota(all.training.begin(), all.training.end(), 0);
    return all;
  }
  auto held = static_cast<int64_t>(static_cast<double>(numSamples) * fraction);
  const bool isStratified = !strata.empty();
  std::vector<int64_t> left =
      isStratified ? quotas(strata, fraction, held) : std::vector{held};
  Split split;
  for (int64_t sample : drawOrder(numSamples, seed))
    if (left[isStratified ? strata[sample] : 0]-- > 0)
      split.validation.push_back(sample);
    else
      split.training.push_back(sample);
  return inOrder(std::move(split));
}

Split splitFold(int64_t numSamples, int64_t numFolds, int64_t fold,
                int64_t seed, const Strata &strata) {
  std::vector<int64_t> order = drawOrder(numSamples, seed);
  // Samples of a stratum stand together then, and are dealt to all parts.
  if (!strata.empty())
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return strata[a] < strata[b];
    });
  Split split;
  for (int64_t i = 0; i < numSamples; ++i)
    (i % numFolds == fold ? split.validation : split.training)
        .push_back(order[i]);
  return inOrder(std::move(split));
}

} // namespace nnc::runtime
