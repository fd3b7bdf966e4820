// Normal equations, which are well conditioned where features come and go at
// random, by Cholesky's factorisation.
#include "tools/explain/LeastSquares.h"

#include <cmath>

namespace nnc::tools {

using namespace runtime;

namespace {
/// Symmetric, of `size` rows; the lower triangle counts.
struct Matrix {
  explicit Matrix(size_t size) : size(size), elements(size * size) {}
  double &at(size_t row, size_t column) {
    return elements[row * size + column];
  }
  double at(size_t row, size_t column) const {
    return elements[row * size + column];
  }

  size_t size;
  std::vector<double> elements;
};
} // namespace

Status checkLeastSquares(int64_t observations, int64_t features) {
  // The normal equations take its square in memory and its cube in time.
  constexpr int64_t mostFeatures = 2048;
  if (features > mostFeatures)
    return {Code::InvalidArgument,
            concat("lime is for at most ", mostFeatures, " features, found ",
                   features,
                   "; a picture has fewer with a larger --patch, and shapley "
                   "takes any number")};
  if (observations <= features + 1)
    return {Code::InvalidArgument,
            concat("lime needs more draws than features: found ", observations,
                   " and ", features, "; give --draws ", 4 * (features + 1),
                   " or more")};
  return {};
}

/// A = L L^T in place; false where A is not positive definite as far as
/// rounding tells.
static bool factorise(Matrix &a) {
  for (size_t j = 0; j < a.size; ++j) {
    const double diagonal = a.at(j, j);
    double pivot = diagonal;
    for (size_t k = 0; k < j; ++k)
      pivot -= a.at(j, k) * a.at(j, k);
    // What is left of the diagonal is rounding where it is this small.
    if (!(pivot > 1e-12 * diagonal))
      return false;
    a.at(j, j) = std::sqrt(pivot);
    for (size_t i = j + 1; i < a.size; ++i) {
      double sum = a.at(i, j);
      for (size_t k = 0; k < j; ++k)
        sum -= a.at(i, k) * a.at(j, k);
      a.at(i, j) = sum / a.at(j, j);
    }
  }
  return true;
}

/// x := A^-1 x, of A's factor L.
static void solve(const Matrix &l, std::vector<double> &x) {
  for (size_t i = 0; i < l.size; ++i) {
    for (size_t k = 0; k < i; ++k)
      x[i] -= l.at(i, k) * x[k];
    x[i] /= l.at(i, i);
  }
  for (size_t i = l.size; i-- > 0;) {
    for (size_t k = i + 1; k < l.size; ++k)
      x[i] -= l.at(k, i) * x[k];
    x[i] /= l.at(i, i);
  }
}

/// The places where an observation's row of the design is 1: the intercept and
/// the features that are there.
static std::vector<size_t> onesOf(const Observation &observation) {
  std::vector<size_t> ones = {0};
  for (size_t f = 0; f < observation.present.size(); ++f)
    if (observation.present[f])
      ones.push_back(f + 1);
  return ones;
}

/// sum over observations of factor(i) z z^T, z the row of the design.
template <typename Factor>
static Matrix sumSquares(const std::vector<Observation> &observations,
                         Factor factor) {
  Matrix sum(observations.front().present.size() + 1);
  for (size_t i = 0; i < observations.size(); ++i) {
    const double weight = factor(i);
    const std::vector<size_t> ones = onesOf(observations[i]);
    for (size_t row = 0; row < ones.size(); ++row)
      for (size_t column = 0; column <= row; ++column)
        sum.at(ones[row], ones[column]) += weight;
  }
  return sum;
}

/// value - prediction of each.
static std::vector<double>
deviationsOf(const std::vector<Observation> &observations,
             const std::vector<double> &solution) {
  std::vector<double> deviations;
  for (const Observation &observation : observations) {
    double deviation = observation.value;
    for (size_t place : onesOf(observation))
      deviation -= solution[place];
    deviations.push_back(deviation);
  }
  return deviations;
}

static double fidelityOf(const std::vector<Observation> &observations,
                         const std::vector<double> &deviations) {
  double weights = 0, mean = 0, left = 0, all = 0;
  for (const Observation &o : observations) {
    weights += o.weight;
    mean += o.weight * o.value;
  }
  mean /= weights;
  for (size_t i = 0; i < observations.size(); ++i) {
    const Observation &o = observations[i];
    left += o.weight * deviations[i] * deviations[i];
    all += o.weight * (o.value - mean) * (o.value - mean);
  }
  return all > 0 ? 1 - left / all : 1;
}

/// sqrt of the diagonal of A^-1 M A^-1 with M = sum (weight deviation)^2 z z^T.
static std::vector<double>
errorsOf(const std::vector<Observation> &observations,
         const std::vector<double> &deviations, const Matrix &factor) {
  const Matrix middle = sumSquares(observations, [&](size_t i) {
    const double part = observations[i].weight * deviations[i];
    return part * part;
  });
  std::vector<double> errors;
  for (size_t f = 1; f < factor.size; ++f) {
    std::vector<double> column(factor.size); // of A^-1
    column[f] = 1;
    solve(factor, column);
    double variance = 0;
    for (size_t i = 0; i < factor.size; ++i)
      for (size_t j = 0; j <= i; ++j)
        variance += (i == j ? 1 : 2) * column[i] * middle.at(i, j) * column[j];
    errors.push_back(std::sqrt(std::max(0.0, variance)));
  }
  return errors;
}

StatusOr<LinearModel> fitLinear(const std::vector<Observation> &observations) {
  Matrix factor = sumSquares(observations,
                             [&](size_t i) { return observations[i].weight; });
  if (!factorise(factor))
    return Status(Code::InvalidArgument,
                  "the samples of lime do not tell all features apart; give "
                  "more --draws");
  std::vector<double> solution(factor.size);
  for (const Observation &observation : observations)
    for (size_t place : onesOf(observation))
      solution[place] += observation.weight * observation.value;
  solve(factor, solution);
  const std::vector<double> deviations = deviationsOf(observations, solution);
  LinearModel model;
  model.intercept = solution[0];
  model.weights.assign(solution.begin() + 1, solution.end());
  model.errors = errorsOf(observations, deviations, factor);
  model.fidelity = fidelityOf(observations, deviations);
  return model;
}

} // namespace nnc::tools
