// Which token comes next: drawn from what a model makes of those before.
#ifndef NNC_RUNTIME_SAMPLING_H
#define NNC_RUNTIME_SAMPLING_H

#include "runtime/Status.h"

#include <cstdint>

namespace nnc::runtime {

struct Sampling {
  /// Logits are divided by it; 0: the likeliest token always.
  double temperature = 1;
  /// Draws from so many of the likeliest tokens; 0: from all.
  int64_t topK = 0;
  /// Draws from the fewest tokens, the likeliest first, that have this share of
  /// the probability together.
  double topP = 1;
  int64_t seed = 0;
};

/// InvalidArgument for what is out of range, naming it.
Status checkSampling(const Sampling &sampling);

/// The token of draw `index` of `sequence`: the same for the same logits, on
/// any machine whose exponential is the same. Of equal logits the first is the
/// likeliest; what is not a number is never drawn. `count` is at least 1.
///
/// Returns NotFinite if no logit is a number above minus infinity.
StatusOr<int32_t> drawToken(const float *logits, int64_t count,
                            const Sampling &sampling, uint64_t index,
                            uint32_t sequence = 0);

/// NotFinite, for logits that leave no token to go on with.
Status noTokenLeft();

} // namespace nnc::runtime

#endif // NNC_RUNTIME_SAMPLING_H
