// Epochs over data: what `nnc train` and `nnc eval` share.
#ifndef NNC_TOOLS_TRAINING_H
#define NNC_TOOLS_TRAINING_H

#include "runtime/Session.h"
#include "tools/Data.h"
#include "tools/Progress.h"

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace nnc::tools {

/// Means over samples of an entry point's loss and metrics, batch by batch.
class Averages {
public:
  /// Adds the outputs of the session's last run, weighted by its batch.
  void add(const runtime::Session &session);

  double loss() const { return numSamples ? lossSum / numSamples : 0; }
  /// Metrics by name, in the model's order.
  std::vector<std::pair<std::string, double>> metrics() const;
  /// Counts, row the label and column the prediction; empty if there are none.
  const std::vector<std::vector<double>> &confusion() const { return counts; }

private:
  double lossSum = 0;
  int64_t numSamples = 0;
  std::vector<std::pair<std::string, double>> metricSums;
  std::vector<std::vector<double>> counts;
};

/// Runs `entry` over `data` in the given order, `batch` samples at a time, the
/// last batch ragged. Adds each run to `averages`, and a line of JSON to `stepLog`
/// unless null.
runtime::Status runEpoch(runtime::Session &session, const runtime::EntryPoint &entry,
                         const InputData &data, const std::vector<int64_t> &order,
                         int64_t batch, Averages &averages, Progress &progress,
                         std::ostream *stepLog = nullptr);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAINING_H
