// Batches of samples of like lengths, out of an order that knows none.
#ifndef NNC_RUNTIME_DATA_LENGTHORDER_H
#define NNC_RUNTIME_DATA_LENGTHORDER_H

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// Puts the samples of `order` into batches that are of one group each, in the
/// order that they have, and shuffles the batches by the generator's numbers of
/// a seed and a step. What is left of a group joins the next larger one; what
/// is left of all is the last batch.
///
/// groups  that of each sample, the shortest first; `order` has numbers of
///         samples.
void groupByLength(std::vector<int64_t> &order,
                   const std::vector<uint8_t> &groups, int64_t batch,
                   int64_t seed, uint32_t step);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_LENGTHORDER_H
