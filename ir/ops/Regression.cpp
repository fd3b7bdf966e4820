// Expansions of losses and metrics of numbers, and what is added up over a set.
// In comments: B samples; m outputs.
#include "ir/Ops.h"
#include "ir/ops/Readings.h"
#include "ir/ops/Weights.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

Expr nnc::squaredErrors(Expr prediction, Expr target) {
  Expr difference = prediction - alignTarget(target, prediction);
  return difference * difference;
}

Expr nnc::absoluteErrors(Expr prediction, Expr target) {
  return abs(prediction - alignTarget(target, prediction));
}

/// The mean of `terms` of `op`, which are of its first operand's shape.
template <typename OpTy>
static Expansion meanOfTerms(ImplicitLocOpBuilder &b, OpTy op, Expr terms) {
  return Expansion{
      weightedMean(terms, weightsOf(op, Expr(b, op.getPrediction())))};
}

template <typename OpTy>
static Expr differenceOf(ImplicitLocOpBuilder &b, OpTy op) {
  Expr prediction(b, op.getPrediction());
  return prediction - alignTarget(Expr(b, op.getTarget()), prediction);
}

FailureOr<Expansion> HuberOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  double delta = number(getDelta());
  Expr distance = abs(differenceOf(b, *this));
  Expr near = minimum(distance, delta);
  return meanOfTerms(b, *this, 0.5 * near * near + delta * (distance - near));
}

FailureOr<Expansion> SmoothL1Op::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  double beta = number(getBeta());
  Expr distance = abs(differenceOf(b, *this));
  Expr near = minimum(distance, beta);
  return meanOfTerms(b, *this, near * near * (0.5 / beta) + (distance - near));
}

FailureOr<Expansion> LogCoshOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  // No exponent is positive, so that none overflows.
  Expr distance = abs(differenceOf(b, *this));
  return meanOfTerms(b, *this, distance + log1p(exp(-2.0 * distance)) - M_LN2);
}

FailureOr<Expansion> QuantileLossOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  double quantile = number(getQuantile());
  Expr missing = -differenceOf(b, *this);
  return meanOfTerms(b, *this,
                     maximum(quantile * missing, (quantile - 1.0) * missing));
}

/// Stirling's t * ln t - t + ln(2 * pi * t) / 2, for the logarithm of t!, where
/// t is above 1; 0 elsewhere.
static Expr logFactorial(Expr t) {
  Expr large = select(t > 1.0, t, 2.0); // no logarithm of what is not above 0
  Expr value = large * log(large) - large + 0.5 * log(2.0 * M_PI * large);
  return select(t > 1.0, value, 0.0);
}

FailureOr<Expansion> PoissonNllOp::buildExpansion(OpBuilder &builder,
                                                  bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getPrediction()), target = alignTarget(Expr(b, getTarget()), x);
  double epsilon = epsilonIn(getEpsilon(), x.elementType());
  Expr terms =
      getLogInput() ? exp(x) - target * x : x - target * log(x + epsilon);
  if (getFull())
    terms = terms + logFactorial(target);
  return meanOfTerms(b, *this, terms);
}

FailureOr<Expansion> GaussianNllOp::buildExpansion(OpBuilder &builder,
                                                   bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr difference = differenceOf(b, *this);
  Expr variance = maximum(Expr(b, getVariance()),
                          epsilonIn(getEpsilon(), difference.elementType()));
  Expr terms = 0.5 * (log(variance) + difference * difference / variance);
  if (getFull())
    terms = terms + 0.5 * std::log(2.0 * M_PI);
  return meanOfTerms(b, *this, terms);
}

//===----------------------------------------------------------------------===//
// Metrics of a whole set
//===----------------------------------------------------------------------===//

/// Sums of `errors` of elements, where the mean of the batches would be
/// another.
static Value sumErrors(Expr errors, Expr weights) {
  return weights ? Value(sumsOf(errors, weights)) : Value();
}

static Expr inF64(ImplicitLocOpBuilder &b, Value x) {
  return cast(Expr(b, x), b.getF64Type());
}

FailureOr<Value> MeanSquaredErrorOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction = inF64(b, getPrediction());
  return sumErrors(squaredErrors(prediction, inF64(b, getTarget())),
                   weightsOfRows(*this, prediction));
}
StringRef MeanSquaredErrorOp::getReading() { return "ratio"; }

FailureOr<Value> MeanAbsoluteErrorOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction = inF64(b, getPrediction());
  return sumErrors(absoluteErrors(prediction, inF64(b, getTarget())),
                   weightsOfRows(*this, prediction));
}
StringRef MeanAbsoluteErrorOp::getReading() { return "ratio"; }

namespace {
/// What is predicted of outputs, in f64: a place of the samples [B, ..] is one,
/// or all elements are.
struct Outputs {
  Expr target, error;          // [B, ..]; target - prediction
  Expr weights;                // [B, ..]; null: all weigh the same
  SmallVector<int64_t> axes;   // the elements of an output; empty: all
  SmallVector<int64_t> places; // [m]

  Expr total(Expr x) const { return reshape(sum(x, axes), places); }
  Expr over(Expr x) const { return total(weights ? weigh(x, weights) : x); }
  /// The sum of weights.
  Expr weight() const {
    return weights ? total(weights)
                   : broadcast(reshape(size(target, axes), {1}), places);
  }
  /// How many elements have a weight.
  Expr count() const {
    if (!weights)
      return weight();
    Expr counts = weights != scalar(weights, 0.0);
    return total(cast(counts, weights.elementType()));
  }
};
} // namespace

/// Of the batch as another dimension than the first, all elements are one.
template <typename OpTy>
static Outputs outputsOf(ImplicitLocOpBuilder &b, OpTy op) {
  Expr prediction(b, op.getPrediction());
  Type f64 = b.getF64Type();
  Expr target = cast(reshape(Expr(b, op.getTarget()), prediction.dims()), f64);
  Outputs outputs{target,
                  target - cast(prediction, f64),
                  weightsOfRows(op, prediction),
                  {0},
                  {1}};
  bool isFlat =
      op.getMultioutput() == Multioutput::flattened || prediction.rank() == 0;
  for (int64_t dim : llvm::drop_begin(prediction.dims(), !isFlat)) {
    isFlat |= dim < 0;
    outputs.places[0] *= dim;
  }
  if (isFlat) {
    outputs.axes.clear();
    outputs.places[0] = 1;
  }
  return outputs;
}

/// [5, m]: the weight, the sums of the errors, of their squares, of the targets
/// and of theirs; where `isCounted`, [6, m] with how many there are in front.
template <typename OpTy>
static Value sumVariances(OpBuilder &builder, OpTy op, bool isCounted) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Outputs outputs = outputsOf(b, op);
  Expr target = outputs.target, error = outputs.error;
  SmallVector<Expr> rows{outputs.weight(), outputs.over(error),
                         outputs.over(error * error), outputs.over(target),
                         outputs.over(target * target)};
  if (isCounted)
    rows.insert(rows.begin(), outputs.count());
  return stackRows(rows);
}

FailureOr<Value> RootMeanSquaredErrorOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Outputs outputs = outputsOf(b, *this);
  return Value(stackRows(
      {outputs.over(outputs.error * outputs.error), outputs.weight()}));
}
StringRef RootMeanSquaredErrorOp::getReading() { return "mean_root_ratio"; }

// Of one sample there is none, whatever it weighs.
FailureOr<Value> R2Op::buildSums(OpBuilder &builder) {
  return sumVariances(builder, *this, /*isCounted=*/bool(getWeights()));
}
StringRef R2Op::getReading() {
  if (getMultioutput() == Multioutput::variance_weighted)
    return getWeights() ? "weighted_r2_by_variance" : "r2_by_variance";
  return getWeights() ? "weighted_r2" : "r2";
}

FailureOr<Value> ExplainedVarianceOp::buildSums(OpBuilder &builder) {
  return sumVariances(builder, *this, /*isCounted=*/false);
}
StringRef ExplainedVarianceOp::getReading() {
  return getMultioutput() == Multioutput::variance_weighted
             ? "explained_variance_by_variance"
             : "explained_variance";
}
