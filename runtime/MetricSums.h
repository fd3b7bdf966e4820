// Metrics that are no means of batches: each is read from sums over a set,
// which entry points give beside it as an output of a kind of its own.
#ifndef NNC_RUNTIME_METRICSUMS_H
#define NNC_RUNTIME_METRICSUMS_H

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// A kind of output whose elements are added up over the runs of a set.
struct MetricReading {
  std::string_view kind;
  int64_t numRows;
  /// Sums are [rows, columns], a column a class, an output or a bin; else
  /// [rows].
  bool hasColumns;
  double (*read)(const double *sums, int64_t columns);
};

/// What the output's name has behind the metric's.
inline constexpr std::string_view metricSumsSuffix = ".sums";

/// Null if outputs of `kind` are not added up.
const MetricReading *findMetricReading(std::string_view kind);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_METRICSUMS_H
