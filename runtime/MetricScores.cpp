// See MetricScores.h.
#include "runtime/MetricScores.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <new>
#include <type_traits>

namespace nnc::runtime {

static constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

static constexpr ScoreReading readings[] = {
    {"roc_auc", true, ScoreReading::Mean, false},
    {"roc_auc_weighted", true, ScoreReading::Weighted, false},
    {"roc_auc_micro", true, ScoreReading::Pooled, false},
    {"average_precision", false, ScoreReading::Mean, false},
    {"average_precision_weighted", false, ScoreReading::Weighted, false},
    {"average_precision_micro", false, ScoreReading::Pooled, false},
    {"weighted_roc_auc", true, ScoreReading::Mean, true},
    {"weighted_roc_auc_weighted", true, ScoreReading::Weighted, true},
    {"weighted_roc_auc_micro", true, ScoreReading::Pooled, true},
    {"weighted_average_precision", false, ScoreReading::Mean, true},
    {"weighted_average_precision_weighted", false, ScoreReading::Weighted,
     true},
    {"weighted_average_precision_micro", false, ScoreReading::Pooled, true}};

const ScoreReading *findScoreReading(std::string_view kind) {
  auto found =
      std::find_if(std::begin(readings), std::end(readings),
                   [&](const ScoreReading &r) { return r.kind == kind; });
  return found == std::end(readings) ? nullptr : found;
}

// A score as it is kept, and what it counts: a number of scores is exact.
template <typename Score> static Score makeScore(float score, float weight) {
  if constexpr (std::is_same_v<Score, float>)
    return score;
  else
    return {score, weight};
}
static float scoreOf(float score) { return score; }
static float scoreOf(const WeightedScore &score) { return score.score; }
static int64_t weightOf(float) { return 1; }
static double weightOf(const WeightedScore &score) { return score.weight; }

/// Whether a score of a class, which is of it where `label` is 1, is kept.
static bool counts(float label) { return label == 0 || label == 1; }

/// Keeps the scores of a row.
template <typename Score, typename Class>
static void keep(std::vector<Class> &classes, const ScoreReading &reading,
                 const float *row) {
  const size_t numClasses = classes.size();
  for (size_t c = 0; c < numClasses; ++c) {
    const float score = row[c], label = row[numClasses + c];
    if (!counts(label))
      continue;
    Class &to = classes[c];
    std::vector<Score> &scores = label == 1 ? to.positives : to.negatives;
    const float weight = reading.isWeighted ? row[2 * numClasses + c] : 1;
    to.hasNan |= std::isnan(score) || std::isnan(weight);
    scores.push_back(makeScore<Score>(score, weight));
  }
}

Status GatheredScores::add(const ScoreReading &reading, const float *values,
                           int64_t rows, int64_t columns) {
  const int64_t numClasses = columns / reading.columnsOfClass();
  if (rows * numClasses > mostScores - numScores)
    return {Code::OutOfMemory,
            concat("a metric of the order of a set keeps all of its scores, ",
                   "which are more than ", mostScores,
                   ": leave the metric out, or evaluate a part of the set")};
  numScores += rows * numClasses;
  try {
    if (reading.isWeighted) {
      weighted.resize(size_t(numClasses));
      for (int64_t row = 0; row < rows; ++row)
        keep<WeightedScore>(weighted, reading, values + row * columns);
    } else {
      alike.resize(size_t(numClasses));
      for (int64_t row = 0; row < rows; ++row)
        keep<float>(alike, reading, values + row * columns);
    }
  } catch (const std::bad_alloc &) {
    return {Code::OutOfMemory, "no memory for the scores of a metric"};
  }
  return {};
}

/// What all of `scores` count.
template <typename Score> static auto total(const std::vector<Score> &scores) {
  decltype(weightOf(Score())) sum = 0;
  for (const Score &score : scores)
    sum += weightOf(score);
  return sum;
}

/// The share of pairs in which the positive is above, from sorted scores, the
/// largest first; equal ones are half above. Hanley and McNeil 1982,
/// doi:10.1148/radiology.143.1.7063747.
template <typename Score>
static double rocAuc(const std::vector<Score> &positives,
                     const std::vector<Score> &negatives) {
  const auto allPositives = total(positives), allNegatives = total(negatives);
  if (allPositives == 0 || allNegatives == 0)
    return undefined;
  // Twice the pairs, each the product of what its two count: of scores that
  // count 1, below 2^58.
  auto twice = allPositives - allPositives;
  auto above = twice, atLeast = twice; // of negatives that are
  size_t larger = 0, equal = 0;
  for (const Score &score : positives) {
    for (; larger < negatives.size() &&
           scoreOf(negatives[larger]) > scoreOf(score);
         ++larger)
      above += weightOf(negatives[larger]);
    for (; equal < negatives.size() &&
           scoreOf(negatives[equal]) >= scoreOf(score);
         ++equal)
      atLeast += weightOf(negatives[equal]);
    twice += weightOf(score) * (2 * allNegatives - above - atLeast);
  }
  return double(twice) / 2 / double(allPositives) / double(allNegatives);
}

/// The sum over distinct scores, the largest first, of precision times the
/// growth of recall.
template <typename Score>
static double averagePrecision(const std::vector<Score> &positives,
                               const std::vector<Score> &negatives) {
  const auto all = total(positives);
  double area = 0;
  auto found = all - all, wrong = found;
  size_t nextPositive = 0, nextNegative = 0;
  while (nextPositive < positives.size()) {
    const float score = scoreOf(positives[nextPositive]);
    const auto before = found;
    for (; nextPositive < positives.size() &&
           scoreOf(positives[nextPositive]) == score;
         ++nextPositive)
      found += weightOf(positives[nextPositive]);
    for (; nextNegative < negatives.size() &&
           scoreOf(negatives[nextNegative]) >= score;
         ++nextNegative)
      wrong += weightOf(negatives[nextNegative]);
    area += double(found - before) * double(found) / double(found + wrong);
  }
  return all == 0 ? 0 : area / double(all);
}

template <typename Score>
double GatheredScores::read(const ScoreReading &reading,
                            std::vector<Class<Score>> &classes) {
  auto isAbove = [](const Score &a, const Score &b) {
    return scoreOf(a) > scoreOf(b);
  };
  auto valueOf = [&](Class<Score> &of) {
    if (of.hasNan)
      return undefined;
    for (std::vector<Score> *scores : {&of.positives, &of.negatives})
      std::sort(scores->begin(), scores->end(), isAbove);
    return reading.isRocAuc ? rocAuc(of.positives, of.negatives)
                            : averagePrecision(of.positives, of.negatives);
  };
  if (reading.average == ScoreReading::Pooled) {
    Class<Score> all;
    for (Class<Score> &of : classes) {
      all.positives.insert(all.positives.end(), of.positives.begin(),
                           of.positives.end());
      all.negatives.insert(all.negatives.end(), of.negatives.begin(),
                           of.negatives.end());
      all.hasNan |= of.hasNan;
    }
    return valueOf(all);
  }
  double sum = 0, weights = 0;
  for (Class<Score> &of : classes) {
    const bool isByWeight = reading.average == ScoreReading::Weighted;
    const double weight = isByWeight ? double(total(of.positives)) : 1;
    // What has no weight adds nothing, not even NaN.
    if (weight != 0)
      sum += weight * valueOf(of);
    weights += weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

double GatheredScores::read(const ScoreReading &reading) const {
  return reading.isWeighted ? read(reading, weighted) : read(reading, alike);
}

} // namespace nnc::runtime
