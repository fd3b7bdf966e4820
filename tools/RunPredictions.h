// Runs an entry point of outputs over samples, and keeps what it gives.
#ifndef NNC_TOOLS_RUNPREDICTIONS_H
#define NNC_TOOLS_RUNPREDICTIONS_H

#include "runtime/Session.h"
#include "tools/Data.h"
#include "tools/Predictions.h"

#include <vector>

namespace nnc::tools {

struct PredictionRun {
  runtime::Session &session;
  const runtime::EntryPoint &entry;
  const Columns &columns;
  /// Which column each input of the entry point is, and which are labels, in
  /// the order of the parts that are.
  std::vector<size_t> inputs;
  std::vector<size_t> labels = {};
};

/// Fills the values of `predictions`: its parts are labels, then the outputs of
/// the entry point in their order, of as many samples as it says. OutOfMemory
/// where they are too many.
runtime::Status runPredictions(const PredictionRun &run,
                               Predictions &predictions);

} // namespace nnc::tools

#endif // NNC_TOOLS_RUNPREDICTIONS_H
