// See Readings.h. The names and formulae are those of runtime/MetricSums.cpp.
// In comments: m classes, or outputs.
#include "ir/ops/Readings.h"

#include "ir/Ops.h"
#include "ir/ops/Weights.h"

#include <cmath>

using namespace mlir;

namespace nnc {

Expr joinScalars(ArrayRef<Expr> scalars) {
  SmallVector<Expr> rows = llvm::map_to_vector(
      scalars, [](Expr scalar) { return reshape(scalar, {1}); });
  return concat(rows, 0);
}

Expr stackRows(ArrayRef<Expr> rows) {
  SmallVector<Expr> stacked = llvm::map_to_vector(
      rows, [](Expr row) { return reshape(row, {1, row.dim(0)}); });
  return concat(stacked, 0);
}

Expr sumsOf(Expr terms, Expr weights) {
  terms = cast(terms, terms.builder().getF64Type());
  if (weights)
    return joinScalars({sum(weigh(terms, weights)), sum(weights)});
  return joinScalars(
      {sum(terms), terms.rank() == 0 ? scalar(terms, 1.0) : size(terms)});
}

/// Row `index` of sums [rows, m], as [m]; number `index` of sums [rows].
static Expr row(Expr sums, int64_t index) {
  if (sums.rank() == 1)
    return reshape(slice(sums, {index}, {1}), {});
  return reshape(slice(sums, {index, 0}, {1, sums.dim(1)}), {sums.dim(1)});
}

static Expr quotient(Expr dividend, Expr divisor) {
  Expr isNone = divisor == scalar(divisor, 0.0);
  return select(isNone, 0.0, dividend / select(isNone, 1.0, divisor));
}

static Expr readRatio(Expr sums) {
  return quotient(row(sums, 0), row(sums, 1));
}

static Expr readMeanRootRatio(Expr sums) { return mean(sqrt(readRatio(sums))); }

/// The mean of ratios by `weights` [m], or 0 where these are all 0.
static Expr meanRatio(Expr sums, Expr weights) {
  return quotient(sum(readRatio(sums) * weights), sum(weights));
}

static Expr readMacroRatio(Expr sums) {
  return meanRatio(sums, cast(row(sums, 2) > 0.0, sums.elementType()));
}

static Expr readWeightedRatio(Expr sums) {
  return meanRatio(sums, row(sums, 2));
}

static Expr readMcc(Expr sums) {
  Expr chosen = row(sums, 1), actual = row(sums, 2); // [m]
  Expr n = sum(chosen);
  Expr covariance = sum(row(sums, 0)) * n - sum(chosen * actual);
  Expr deviations =
      sqrt(n * n - sum(chosen * chosen)) * sqrt(n * n - sum(actual * actual));
  return quotient(covariance, deviations);
}

/// `expected` is n times the disagreement by chance.
static Expr readKappa(Expr sums, Expr expected) {
  return 1.0 - sum(row(sums, 0)) * sum(row(sums, 1)) / expected;
}

static Expr readUnweightedKappa(Expr sums) {
  Expr chosen = row(sums, 1), actual = row(sums, 2);
  return readKappa(sums, sum(chosen) * sum(actual) - sum(chosen * actual));
}

static Expr readLinearKappa(Expr sums) {
  Expr chosen = row(sums, 1), actual = row(sums, 2);
  int64_t m = chosen.dim(0);
  auto places = [&](int64_t axis) {
    return iota(sums.builder(), {m, m}, axis, sums.elementType());
  };
  Expr distance = abs(places(0) - places(1)); // [m, m]
  return readKappa(
      sums, sum(distance * reshape(chosen, {m, 1}) * reshape(actual, {1, m})));
}

static Expr readQuadraticKappa(Expr sums) {
  Expr chosen = row(sums, 1), actual = row(sums, 2);
  Expr place =
      iota(sums.builder(), {chosen.dim(0)}, 0, sums.elementType()); // [m]
  Expr square = place * place;
  return readKappa(sums, sum(chosen) * sum(square * actual) +
                             sum(square * chosen) * sum(actual) -
                             2.0 * sum(place * chosen) * sum(place * actual));
}

namespace {
/// Sums [5, m] of errors and targets as variances, each times the weight, which
/// is how many there are where no row before it says that.
struct Variances {
  Expr count, squares, errors, targets; // [m]
};
} // namespace

/// Squares less the square of their mean; what is below the rounding of numbers
/// of f32 is none.
static Expr variance(Expr weight, Expr total, Expr squares) {
  Expr difference = squares - total * total / weight;
  return select(difference <= 1e-14 * squares, 0.0, difference);
}

static Variances splitVariances(Expr sums) {
  int64_t first = sums.dim(0) - 5;
  Expr weight = row(sums, first), squares = row(sums, first + 2);
  return {row(sums, 0), squares,
          variance(weight, row(sums, first + 1), squares),
          variance(weight, row(sums, first + 3), row(sums, first + 4))};
}

/// 1 - rest / targets [m]; of targets that do not vary, whether nothing rests.
static Expr explainedShare(Expr rest, Expr targets) {
  Expr none = scalar(rest, 0.0);
  Expr share = 1.0 - quotient(rest, targets);
  return select(targets == none, cast(rest == none, rest.elementType()), share);
}

/// r2 is of two samples and more.
static Expr sharesOfR2(const Variances &variances) {
  return select(variances.count < 2.0, NAN,
                explainedShare(variances.squares, variances.targets));
}

static Expr sharesOfVariance(const Variances &variances) {
  return explainedShare(variances.errors, variances.targets);
}

template <Expr (*shares)(const Variances &)> static Expr readShares(Expr sums) {
  return mean(shares(splitVariances(sums)));
}

template <Expr (*shares)(const Variances &)>
static Expr readSharesByVariance(Expr sums) {
  Variances variances = splitVariances(sums);
  Expr each = shares(variances), total = sum(variances.targets);
  return select(total == scalar(total, 0.0), mean(each),
                quotient(sum(each * variances.targets), total));
}

static Expr readCalibration(Expr sums) {
  return quotient(sum(abs(row(sums, 0))), sum(row(sums, 1)));
}

namespace {
struct Reading {
  StringRef name;
  Expr (*read)(Expr sums);
};
} // namespace

static constexpr Reading readings[] = {
    {"ratio", readRatio},
    {"mean_root_ratio", readMeanRootRatio},
    {"macro_ratio", readMacroRatio},
    {"weighted_ratio", readWeightedRatio},
    {"mcc", readMcc},
    {"kappa", readUnweightedKappa},
    {"kappa_linear", readLinearKappa},
    {"kappa_quadratic", readQuadraticKappa},
    {"r2", readShares<sharesOfR2>},
    {"r2_by_variance", readSharesByVariance<sharesOfR2>},
    {"weighted_r2", readShares<sharesOfR2>},
    {"weighted_r2_by_variance", readSharesByVariance<sharesOfR2>},
    {"explained_variance", readShares<sharesOfVariance>},
    {"explained_variance_by_variance", readSharesByVariance<sharesOfVariance>},
    {"calibration", readCalibration}};

Expr readSums(Summed metric, OpBuilder &builder) {
  Operation *op = metric.getOperation();
  ImplicitLocOpBuilder b(op->getLoc(), builder);
  FailureOr<Value> sums = metric.buildSums(builder);
  assert(succeeded(sums) && *sums &&
         "a metric that is read from sums has some");
  const Reading *reading = llvm::find_if(readings, [&](const Reading &known) {
    return known.name == metric.getReading();
  });
  assert(reading != std::end(readings) && "every reading has its formula");
  return cast(reshape(reading->read(Expr(b, *sums)), {}),
              getElementTypeOrSelf(op->getResult(0)));
}

} // namespace nnc
