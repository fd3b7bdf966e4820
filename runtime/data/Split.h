// Which samples train and which are held out: by a seed of their own, so that
// runs with other weights and other shuffles are judged on the same samples.
#ifndef NNC_RUNTIME_DATA_SPLIT_H
#define NNC_RUNTIME_DATA_SPLIT_H

#include "runtime/Status.h"
#include "runtime/data/Column.h"

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// Indices of samples, for training and held out, each in ascending order.
struct Split {
  std::vector<int64_t> training;
  std::vector<int64_t> validation;
};

/// Which stratum each sample is in, numbered from 0 in the order of their
/// values' bytes. Empty: there are no strata.
using Strata = std::vector<int64_t>;

/// Samples of equal value are a stratum. InvalidArgument if the column is
/// prepared sample by sample, or if more than half of the samples would be
/// strata.
StatusOr<Strata> strataOf(const Column &column);

/// Holds out floor(numSamples * fraction) samples, drawn by the seed; of each
/// stratum its share, rounded so that the sum is the same.
Split splitSamples(int64_t numSamples, double fraction, int64_t seed,
                   const Strata &strata = {});

/// Of `numFolds` parts, which the seed draws, part `fold` is held out. The
/// parts, and those of each stratum, differ by at most one sample.
Split splitFold(int64_t numSamples, int64_t numFolds, int64_t fold,
                int64_t seed, const Strata &strata = {});

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_SPLIT_H
