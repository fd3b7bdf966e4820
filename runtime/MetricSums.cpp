// See MetricSums.h. docs/metrics.md has the formulae; ir/ops/Readings.cpp
// builds the same for a batch, within a program.
#include "runtime/MetricSums.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nnc::runtime {

namespace {
/// Sums by row and column.
struct Table {
  const double *sums;
  int64_t columns;

  double at(int64_t row, int64_t column) const {
    return sums[row * columns + column];
  }
  double total(int64_t row) const {
    double sum = 0;
    for (int64_t c = 0; c < columns; ++c)
      sum += at(row, c);
    return sum;
  }
  /// The sum over columns of the product of two rows.
  double product(int64_t row, int64_t other) const {
    double sum = 0;
    for (int64_t c = 0; c < columns; ++c)
      sum += at(row, c) * at(other, c);
    return sum;
  }
};
} // namespace

static double quotient(double dividend, double divisor) {
  return divisor == 0 ? 0 : dividend / divisor;
}

static double readRatio(const double *sums, int64_t) {
  return quotient(sums[0], sums[1]);
}

static double readExpRatio(const double *sums, int64_t) {
  return std::exp(quotient(sums[0], sums[1]));
}

/// Matches of runs of one to four tokens, how many such runs the predictions
/// have, the lengths of predictions and targets. Papineni et al. 2002,
/// doi:10.3115/1073083.1073135, section 2.3.
static double readBleu(const double *sums, int64_t) {
  double logarithm = 0;
  for (int run = 0; run < 4; ++run) {
    if (sums[run] <= 0 || sums[4 + run] <= 0)
      return 0;
    logarithm += std::log(sums[run] / sums[4 + run]) / 4;
  }
  return std::exp(logarithm + std::min(0.0, 1 - sums[9] / sums[8]));
}

static double readMeanRootRatio(const double *sums, int64_t columns) {
  Table table{sums, columns};
  double roots = 0;
  for (int64_t c = 0; c < columns; ++c)
    roots += std::sqrt(quotient(table.at(0, c), table.at(1, c)));
  return roots / columns;
}

/// The mean of ratios over classes, each by its weight: row 2, or 1 where that
/// is above 0.
template <bool isByWeight>
static double readClassRatios(const double *sums, int64_t columns) {
  Table table{sums, columns};
  double ratios = 0, weights = 0;
  for (int64_t c = 0; c < columns; ++c) {
    double weight = isByWeight ? table.at(2, c) : table.at(2, c) > 0;
    ratios += weight * quotient(table.at(0, c), table.at(1, c));
    weights += weight;
  }
  return quotient(ratios, weights);
}

/// Hits, choices and targets of each class. Gorodkin 2004,
/// doi:10.1016/j.compbiolchem.2004.09.006.
static double readMcc(const double *sums, int64_t columns) {
  Table table{sums, columns};
  double n = table.total(1);
  double covariance = table.total(0) * n - table.product(1, 2);
  return quotient(covariance, std::sqrt(n * n - table.product(1, 1)) *
                                  std::sqrt(n * n - table.product(2, 2)));
}

/// Distances from the target, choices and targets of each class; `expected` is
/// the distance by chance, times how many there are.
static double readKappa(const Table &table, double expected) {
  return 1 - table.total(0) * table.total(1) / expected;
}

static double readUnweightedKappa(const double *sums, int64_t columns) {
  Table table{sums, columns};
  return readKappa(table,
                   table.total(1) * table.total(2) - table.product(1, 2));
}

static double readLinearKappa(const double *sums, int64_t columns) {
  Table table{sums, columns};
  // |i - j| is the number of places between two classes that lie between i and
  // j: each counts the pairs that it parts.
  const double allChosen = table.total(1), allActual = table.total(2);
  double chosen = 0, actual = 0, expected = 0;
  for (int64_t c = 0; c < columns; ++c) {
    chosen += table.at(1, c);
    actual += table.at(2, c);
    expected += chosen * (allActual - actual) + actual * (allChosen - chosen);
  }
  return readKappa(table, expected);
}

static double readQuadraticKappa(const double *sums, int64_t columns) {
  Table table{sums, columns};
  double means[2] = {0, 0}, squares[2] = {0, 0};
  for (int row = 0; row < 2; ++row)
    for (int64_t c = 0; c < columns; ++c) {
      means[row] += c * table.at(1 + row, c);
      squares[row] += double(c) * c * table.at(1 + row, c);
    }
  return readKappa(table, squares[0] * table.total(2) +
                              table.total(1) * squares[1] -
                              2 * means[0] * means[1]);
}

/// The weight, which is how many there are where no row before it says that,
/// the sums of errors, their squares, targets, their squares.
namespace {
struct Variances {
  double count, squares, errors, targets;
};
} // namespace

/// Squares less the square of their mean; what is below the rounding of numbers
/// of f32 is none.
static double variance(double weight, double total, double squares) {
  double difference = squares - total * total / weight;
  return difference <= 1e-14 * squares ? 0 : difference;
}

static double explainedShare(double rest, double targets) {
  return targets == 0 ? rest == 0 : 1 - rest / targets;
}

static double shareOfR2(const Variances &variances) {
  if (variances.count < 2)
    return std::numeric_limits<double>::quiet_NaN();
  return explainedShare(variances.squares, variances.targets);
}

static double shareOfVariance(const Variances &variances) {
  return explainedShare(variances.errors, variances.targets);
}

/// The mean over outputs, by the variance of their targets if there is any;
/// `isCounted`: the first row says how many there are.
template <double (*share)(const Variances &), bool isByVariance,
          bool isCounted = false>
static double readShares(const double *sums, int64_t columns) {
  Table table{sums, columns}, sumsOf{sums + isCounted * columns, columns};
  double shares = 0, byVariance = 0, targets = 0;
  for (int64_t c = 0; c < columns; ++c) {
    const double weight = sumsOf.at(0, c), squares = sumsOf.at(2, c);
    Variances variances{table.at(0, c), squares,
                        variance(weight, sumsOf.at(1, c), squares),
                        variance(weight, sumsOf.at(3, c), sumsOf.at(4, c))};
    double value = share(variances);
    shares += value;
    byVariance += value * variances.targets;
    targets += variances.targets;
  }
  return isByVariance && targets > 0 ? byVariance / targets : shares / columns;
}

/// Of each bin by how much confidence exceeds what is right, and how many.
static double readCalibration(const double *sums, int64_t columns) {
  Table table{sums, columns};
  double excess = 0;
  for (int64_t c = 0; c < columns; ++c)
    excess += std::abs(table.at(0, c));
  return quotient(excess, table.total(1));
}

static constexpr MetricReading readings[] = {
    {"ratio", 2, false, readRatio},
    {"exp_ratio", 2, false, readExpRatio},
    {"bleu", 10, false, readBleu},
    {"mean_root_ratio", 2, true, readMeanRootRatio},
    {"macro_ratio", 3, true, readClassRatios<false>},
    {"weighted_ratio", 3, true, readClassRatios<true>},
    {"mcc", 3, true, readMcc},
    {"kappa", 3, true, readUnweightedKappa},
    {"kappa_linear", 3, true, readLinearKappa},
    {"kappa_quadratic", 3, true, readQuadraticKappa},
    {"r2", 5, true, readShares<shareOfR2, false>},
    {"r2_by_variance", 5, true, readShares<shareOfR2, true>},
    {"weighted_r2", 6, true, readShares<shareOfR2, false, true>},
    {"weighted_r2_by_variance", 6, true, readShares<shareOfR2, true, true>},
    {"explained_variance", 5, true, readShares<shareOfVariance, false>},
    {"explained_variance_by_variance", 5, true,
     readShares<shareOfVariance, true>},
    {"calibration", 2, true, readCalibration}};

const MetricReading *findMetricReading(std::string_view kind) {
  auto found =
      std::find_if(std::begin(readings), std::end(readings),
                   [&](const MetricReading &r) { return r.kind == kind; });
  return found == std::end(readings) ? nullptr : found;
}

} // namespace nnc::runtime
