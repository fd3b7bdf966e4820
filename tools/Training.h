// Epochs over data: what `nnc train` and `nnc eval` share.
#ifndef NNC_TOOLS_TRAINING_H
#define NNC_TOOLS_TRAINING_H

#include "runtime/Session.h"
#include "runtime/data/Batches.h"
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

/// Runs `entry` over the batches from the first to the last, or `mostSteps` of
/// them. Adds each run to `averages`, and a line of JSON to `stepLog` unless
/// null.
runtime::Status runEpoch(runtime::Session &session,
                         const runtime::EntryPoint &entry,
                         runtime::Batches &batches, Averages &averages,
                         Progress &progress, int64_t mostSteps = INT64_MAX,
                         std::ostream *stepLog = nullptr);

/// Evaluates every sample of `columns` in order, with a progress bar.
runtime::Status evaluate(runtime::Session &session,
                         const runtime::EntryPoint &entry,
                         const Columns &columns, int64_t batch,
                         Averages &averages);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAINING_H
