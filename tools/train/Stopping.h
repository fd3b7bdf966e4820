// When a run is over before its last epoch: the metric that is watched rests,
// or the time is up. And what was best until then.
#ifndef NNC_TOOLS_TRAIN_STOPPING_H
#define NNC_TOOLS_TRAIN_STOPPING_H

#include "tools/train/Observer.h"

#include "runtime/Plan.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// What the command line says of it; the model says what is left open.
struct StopOptions {
  std::optional<int64_t> patience;
  std::string monitor;
  std::optional<double> leastChange;
  /// "best" or "last"; empty: best where a metric is watched.
  std::string keep;
  std::optional<double> secondsLimit;
};

/// What is watched, and how long it may rest.
struct StopRule {
  /// As an epoch's record calls it, "validation_loss"; empty: nothing.
  std::string metric;
  /// 0: however long.
  int64_t epochs = 0;
  /// A change by no more than this is none.
  double leastChange = 0;
  bool isSmallerBetter = true;
  /// Whether the run's result is the best epoch's, and not the last one's.
  bool keepsBest = false;

  bool isBetter(double value, double than) const;
  /// What everything is better than.
  double worst() const;
};

/// The epoch that was best. In checkpoints.
struct Best {
  /// 0: none yet.
  int64_t epoch = 0;
  double value = 0;
};

/// By options and model. InvalidArgument for a metric that epochs do not have,
/// naming those that they have.
runtime::StatusOr<StopRule> stopRuleFor(const StopOptions &options,
                                        const runtime::Plan &plan,
                                        bool hasValidation);

/// What `given` watches, and which values of it are better, where the name says
/// it or ends with ":min" or ":max", into `rule`. InvalidArgument as above.
runtime::Status readMetric(const std::string &given, const runtime::Plan &plan,
                           bool hasValidation, StopRule &rule);

/// A metric of an epoch; NaN where the record has none of that name.
double valueOf(const EpochRecord &record, const std::string &metric);

/// Whether an epoch that was followed by `epochs` others is the last.
inline bool isRested(const StopRule &rule, const Best &best,
                     int64_t epochsDone) {
  return rule.epochs > 0 && epochsDone - best.epoch >= rule.epochs;
}

/// "1h30m", "90s", "2d" in seconds; none for anything else.
std::optional<double> parseDuration(const std::string &text);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_STOPPING_H
