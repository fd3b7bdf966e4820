// Why a model scores a sample as it does: a number a feature, as each method of
// `nnc explain` gives it.
#ifndef NNC_TOOLS_EXPLAIN_EXPLANATION_H
#define NNC_TOOLS_EXPLAIN_EXPLANATION_H

#include "tools/explain/Features.h"
#include "tools/explain/Scorer.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// What is to be explained.
struct Question {
  Scorer &scorer;
  const std::vector<View> &views;
  Sample sample;
  Sample baseline;
  /// Which element of the output.
  int64_t element = 0;
};

/// Of one input. A picture's lie in a grid, of pixels, patches or the places of
/// a layer.
struct Attributions {
  std::vector<double> values;
  /// Standard errors; empty where the method makes none.
  std::vector<double> errors;
  int64_t rows = 1, columns = 0;
  /// Pixels a side of a patch; 0: the grid is stretched over the picture.
  int64_t patch = 0;
};

struct Explanation {
  /// The element's value, for the sample and for the baseline.
  double score = 0;
  std::optional<double> baselineScore;
  /// What the attributions do not add up to: score - baseline's score - sum.
  std::optional<double> residual;
  /// The share of the scores' variance that LIME's linear model explains.
  std::optional<double> fidelity;
  /// The layer that Grad-CAM looked at.
  std::string layer;
  /// One an input; without values where the method says nothing of it.
  std::vector<Attributions> inputs;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_EXPLANATION_H
