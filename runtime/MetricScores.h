// Metrics of the order of a whole set: its scores are gathered, class by class,
// and each metric is read from them once all are there.
#ifndef NNC_RUNTIME_METRICSCORES_H
#define NNC_RUNTIME_METRICSCORES_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// A kind of output whose rows are kept over the runs of a set: f32 [.., 2 *
/// K], the scores of K classes, then for each 1 where the row is of the class,
/// 0 where it is not, and anything else where it does not count; of a weighted
/// reading [.., 3 * K], the weight of each behind.
struct ScoreReading {
  std::string_view kind;
  bool isRocAuc; ///< Else average precision.
  enum { Mean, Weighted, Pooled } average;
  bool isWeighted;

  int64_t columnsOfClass() const { return isWeighted ? 3 : 2; }
};

/// What the output's name has behind the metric's.
inline constexpr std::string_view metricScoresSuffix = ".scores";

/// Null if outputs of `kind` are not gathered.
const ScoreReading *findScoreReading(std::string_view kind);

/// A score that counts by its weight.
struct WeightedScore {
  float score, weight;
};

/// The scores of a set: 4 bytes for each, 8 with weights, and one more of these
/// while it grows.
class GatheredScores {
public:
  /// The most scores that a set may have.
  static constexpr int64_t mostScores = int64_t(1) << 28;

  /// Adds `rows` rows of `columns` numbers, the same of each reading of these
  /// scores. OutOfMemory beyond mostScores.
  Status add(const ScoreReading &reading, const float *values, int64_t rows,
             int64_t columns);
  /// The metric of all that was added; NaN where it has none, or a score is
  /// NaN.
  double read(const ScoreReading &reading) const;

private:
  /// The scores of one class: of what is of it, and of what is not.
  template <typename Score> struct Class {
    std::vector<Score> positives, negatives;
    bool hasNan = false;
  };

  template <typename Score>
  static double read(const ScoreReading &reading,
                     std::vector<Class<Score>> &classes);

  // Those of which the reading is; reading sorts them.
  mutable std::vector<Class<float>> alike;
  mutable std::vector<Class<WeightedScore>> weighted;
  int64_t numScores = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_METRICSCORES_H
