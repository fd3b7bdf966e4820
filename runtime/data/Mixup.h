// Mixtures of two samples (Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond
// Empirical Risk Minimization", ICLR 2018, section 2).
#ifndef NNC_RUNTIME_DATA_MIXUP_H
#define NNC_RUNTIME_DATA_MIXUP_H

#include "runtime/data/Column.h"

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// With which sample one is mixed, and the share of its own that it keeps.
struct Mixture {
  int64_t partner = 0;
  double share = 1;
};

/// Draws the partner among `samples`, which has some, and the share from
/// Beta(alpha, alpha).
Mixture drawMixture(double alpha, const Draw &draw, int64_t sample,
                    const std::vector<int64_t> &samples);

/// sample = share * sample + (1 - share) * partner, for samples of a column
/// that holds fractions.
void mix(const Column &column, double share, uint8_t *sample,
         const uint8_t *partner);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_MIXUP_H
