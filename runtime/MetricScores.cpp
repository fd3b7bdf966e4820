// See MetricScores.h.
#include "runtime/MetricScores.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <new>

namespace nnc::runtime {

static constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

static constexpr ScoreReading readings[] = {
    {"roc_auc", true, ScoreReading::Mean},
    {"roc_auc_weighted", true, ScoreReading::Weighted},
    {"roc_auc_micro", true, ScoreReading::Pooled},
    {"average_precision", false, ScoreReading::Mean},
    {"average_precision_weighted", false, ScoreReading::Weighted},
    {"average_precision_micro", false, ScoreReading::Pooled}};

const ScoreReading *findScoreReading(std::string_view kind) {
  auto found =
      std::find_if(std::begin(readings), std::end(readings),
                   [&](const ScoreReading &r) { return r.kind == kind; });
  return found == std::end(readings) ? nullptr : found;
}

Status GatheredScores::add(const float *values, int64_t rows, int64_t columns) {
  const int64_t numClasses = columns / 2;
  if (rows * numClasses > mostScores - numScores)
    return {Code::OutOfMemory,
            concat("a metric of the order of a set keeps all of its scores, ",
                   "which are more than ", mostScores,
                   ": leave the metric out, or evaluate a part of the set")};
  numScores += rows * numClasses;
  try {
    classes.resize(size_t(numClasses));
    for (int64_t row = 0; row < rows; ++row, values += columns)
      for (int64_t c = 0; c < numClasses; ++c) {
        const float score = values[c], label = values[numClasses + c];
        if (label != 0 && label != 1)
          continue;
        Class &to = classes[size_t(c)];
        to.hasNan |= std::isnan(score);
        (label == 1 ? to.positives : to.negatives).push_back(score);
      }
  } catch (const std::bad_alloc &) {
    return {Code::OutOfMemory, "no memory for the scores of a metric"};
  }
  return {};
}

/// The share of pairs in which the positive is above, from sorted scores, the
/// largest first; equal ones are half above. Hanley and McNeil 1982,
/// doi:10.1148/radiology.143.1.7063747.
static double rocAuc(const std::vector<float> &positives,
                     const std::vector<float> &negatives) {
  if (positives.empty() || negatives.empty())
    return undefined;
  // Twice the number of pairs: below 2^58.
  int64_t twice = 0;
  size_t larger = 0, atLeast = 0; // negatives above the score, or equal to it
  for (float score : positives) {
    while (larger < negatives.size() && negatives[larger] > score)
      ++larger;
    while (atLeast < negatives.size() && negatives[atLeast] >= score)
      ++atLeast;
    twice += int64_t(2 * negatives.size() - larger - atLeast);
  }
  return double(twice) / 2 / double(positives.size()) /
         double(negatives.size());
}

/// The sum over distinct scores, the largest first, of precision times the
/// growth of recall.
static double averagePrecision(const std::vector<float> &positives,
                               const std::vector<float> &negatives) {
  double area = 0;
  size_t found = 0, wrong = 0;
  while (found < positives.size()) {
    const float score = positives[found];
    const size_t before = found;
    while (found < positives.size() && positives[found] == score)
      ++found;
    while (wrong < negatives.size() && negatives[wrong] >= score)
      ++wrong;
    area += double(found - before) * double(found) / double(found + wrong);
  }
  return positives.empty() ? 0 : area / double(positives.size());
}

double GatheredScores::read(const ScoreReading &reading) const {
  auto valueOf = [&](Class &of) {
    if (of.hasNan)
      return undefined;
    for (std::vector<float> *scores : {&of.positives, &of.negatives})
      std::sort(scores->begin(), scores->end(), std::greater<float>());
    return reading.isRocAuc ? rocAuc(of.positives, of.negatives)
                            : averagePrecision(of.positives, of.negatives);
  };
  if (reading.average == ScoreReading::Pooled) {
    Class all;
    for (Class &of : classes) {
      all.positives.insert(all.positives.end(), of.positives.begin(),
                           of.positives.end());
      all.negatives.insert(all.negatives.end(), of.negatives.begin(),
                           of.negatives.end());
      all.hasNan |= of.hasNan;
    }
    return valueOf(all);
  }
  double sum = 0, weights = 0;
  for (Class &of : classes) {
    const bool isByWeight = reading.average == ScoreReading::Weighted;
    const double weight = isByWeight ? double(of.positives.size()) : 1;
    // What has no weight adds nothing, not even NaN.
    if (weight != 0)
      sum += weight * valueOf(of);
    weights += weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

} // namespace nnc::runtime
