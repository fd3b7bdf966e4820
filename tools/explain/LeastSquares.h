// A linear model of a number by which features are there: weighted least
// squares with an intercept.
#ifndef NNC_TOOLS_EXPLAIN_LEASTSQUARES_H
#define NNC_TOOLS_EXPLAIN_LEASTSQUARES_H

#include "runtime/Status.h"

#include <cstdint>
#include <vector>

namespace nnc::tools {

struct Observation {
  /// 1 or 0 a feature.
  std::vector<char> present;
  double value = 0, weight = 1;
};

struct LinearModel {
  double intercept = 0;
  std::vector<double> weights;
  /// Of each weight, by the sandwich estimator, which holds though the
  /// deviations differ in size (White 1980, doi:10.2307/1912934).
  std::vector<double> errors;
  /// 1 - weighted squares of the deviations / those of the values around their
  /// mean; 1 where these are zero.
  double fidelity = 1;
};

/// InvalidArgument unless so many observations may determine so many features,
/// and these are few enough for time and memory.
runtime::Status checkLeastSquares(int64_t observations, int64_t features);

/// InvalidArgument where the observations do not determine the weights.
runtime::StatusOr<LinearModel>
fitLinear(const std::vector<Observation> &observations);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_LEASTSQUARES_H
