// See MetricSums.h.
#include "runtime/MetricSums.h"

#include <algorithm>
#include <cmath>

namespace nnc::runtime {

static double readRatio(const double *sums) {
  return sums[1] == 0 ? 0 : sums[0] / sums[1];
}

static double readExpRatio(const double *sums) {
  return std::exp(readRatio(sums));
}

/// Matches of runs of one to four tokens, how many such runs the predictions
/// have, the lengths of predictions and targets. Papineni et al. 2002,
/// doi:10.3115/1073083.1073135, section 2.3.
static double readBleu(const double *sums) {
  double logarithm = 0;
  for (int run = 0; run < 4; ++run) {
    if (sums[run] <= 0 || sums[4 + run] <= 0)
      return 0;
    logarithm += std::log(sums[run] / sums[4 + run]) / 4;
  }
  return std::exp(logarithm + std::min(0.0, 1 - sums[9] / sums[8]));
}

static constexpr MetricReading readings[] = {{"ratio", 2, readRatio},
                                             {"exp_ratio", 2, readExpRatio},
                                             {"bleu", 10, readBleu}};

const MetricReading *findMetricReading(std::string_view kind) {
  auto found =
      std::find_if(std::begin(readings), std::end(readings),
                   [&](const MetricReading &r) { return r.kind == kind; });
  return found == std::end(readings) ? nullptr : found;
}

} // namespace nnc::runtime
