// The learning-rate range test: a step at each of many rates, from one that
// does nothing to one that ruins the model (Smith, "Cyclical Learning Rates for
// Training Neural Networks", WACV 2017, section 3.3).
#ifndef NNC_TOOLS_TRAIN_RATERANGE_H
#define NNC_TOOLS_TRAIN_RATERANGE_H

#include "tools/train/Run.h"

#include <optional>
#include <vector>

namespace nnc::tools {

/// Where the test begins and ends, and in how many steps: each rate is the same
/// multiple of the one before.
struct RateRange {
  double from = 1e-7, to = 10;
  int64_t steps = 100;
};

struct RatePoint {
  double rate;
  /// Of the step, and the mean of those until then, in which later ones weigh
  /// more.
  double loss, smoothed;
};

struct RateFindings {
  std::vector<RatePoint> points;
  /// Where the smoothed loss falls fastest over the logarithm of the rate, and
  /// where it is lowest. None where it falls nowhere.
  std::optional<double> suggestion, lowest;
};

/// Trains `run`, whose data are loaded, and finds out. Ends where the loss is
/// four times its lowest, or not finite; early if a signal asks to stop.
runtime::StatusOr<RateFindings> testRates(TrainRun &run,
                                          const RateRange &range);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RATERANGE_H
