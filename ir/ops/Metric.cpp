// Expansions of metrics, and what is added up of them over a set.
// In comments: C classes; .. the dimensions of the rows.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"
#include "ir/ops/Readings.h"
#include "ir/ops/Weights.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Shares of rows
//===----------------------------------------------------------------------===//

/// Where no element of rows [.., C] is NaN: [..], i1. By the maximum, which
/// losses have anyway.
static Expr areNumbers(Expr rows) {
  Expr largest = reduceMax(rows, {rows.rank() - 1}, /*keepDims=*/true);
  return reshape(largest == largest, getRowDims(rows));
}

/// Whether the prediction is right: [..], or all elements where there are two
/// classes; i1.
static Expr buildHits(AccuracyOp op, Expr prediction, Expr target) {
  if (isClassification(prediction.type(), target.type())) {
    Expr hit = argmax(prediction) == targetClasses(target, prediction); // [..]
    hit = logicalAnd(hit, areNumbers(prediction));
    return target.isFloat() ? logicalAnd(hit, areNumbers(target)) : hit;
  }
  // Both ways, so that what compares with nothing is never right.
  double threshold = decidingThreshold(op.getThreshold(), op.getFrom());
  Expr expected = alignTarget(target, prediction);
  return select(expected > 0.5, prediction > threshold,
                logicalAnd(expected <= 0.5, prediction <= threshold));
}

static Expr buildHits(TopKAccuracyOp op, Expr prediction, Expr target) {
  int64_t last = prediction.rank() - 1;
  Type element = prediction.elementType();
  Expr classes = targetClasses(target, prediction); // [..]
  Expr mask = classMask(classes, prediction.dim(-1));
  Expr chosen =
      sum(select(mask, prediction, 0.0), {last}, /*keepDims=*/true); // [.., 1]
  Expr larger =
      sum(cast(logicalNot(prediction <= chosen), element), {last}); // [..]
  Expr isNumber = reshape(chosen == chosen, getRowDims(prediction));
  Expr hit = logicalAnd(larger < double(op.getK()), isNumber);
  hit = logicalAnd(hit, areClasses(classes, target, prediction));
  return target.isFloat() ? logicalAnd(hit, areNumbers(target)) : hit;
}

template <typename OpTy>
static Expr shareOfHits(ImplicitLocOpBuilder &b, OpTy op) {
  Expr prediction(b, op.getPrediction()), target(b, op.getTarget());
  Expr hits = cast(buildHits(op, prediction, target), prediction.elementType());
  return weightedMean(hits, weightsOf(op, hits));
}

/// Sums of hits, where not all rows weigh the same: else each batch's mean is
/// as good.
template <typename OpTy>
static Value sumHits(ImplicitLocOpBuilder &b, OpTy op) {
  if (!op.getIgnoreIndex() && !op.getWeights())
    return {};
  Expr prediction(b, op.getPrediction()), target(b, op.getTarget());
  Expr hits = buildHits(op, prediction, target);
  return sumsOf(hits, weightsOfRows(op, hits));
}

FailureOr<Expansion> AccuracyOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Expansion{shareOfHits(b, *this)};
}
FailureOr<Value> AccuracyOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return sumHits(b, *this);
}
StringRef AccuracyOp::getReading() { return "ratio"; }

FailureOr<Expansion> TopKAccuracyOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Expansion{shareOfHits(b, *this)};
}
FailureOr<Value> TopKAccuracyOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return sumHits(b, *this);
}
StringRef TopKAccuracyOp::getReading() { return "ratio"; }

//===----------------------------------------------------------------------===//
// Cross-entropy in other units
//===----------------------------------------------------------------------===//

template <typename OpTy>
static Expr meanLoss(ImplicitLocOpBuilder &b, OpTy op) {
  Expr target(b, op.getTarget());
  Expr losses = rowLosses(Expr(b, op.getLogits()), target);
  return weightedMean(losses, weightsOf(op, losses));
}

/// Of the losses of rows, each by `factor`.
template <typename OpTy>
static Value sumLosses(ImplicitLocOpBuilder &b, OpTy op, double factor) {
  Expr target(b, op.getTarget());
  Expr losses = rowLosses(Expr(b, op.getLogits()), target);
  return sumsOf(losses * factor, weightsOfRows(op, losses));
}

FailureOr<Expansion> PerplexityOp::buildExpansion(OpBuilder &builder,
                                                  bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Expansion{exp(meanLoss(b, *this))};
}
FailureOr<Value> PerplexityOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return sumLosses(b, *this, 1.0);
}
StringRef PerplexityOp::getReading() { return "exp_ratio"; }

/// Bits a byte, of nats a token.
static double bitsOf(BitsPerByteOp op) {
  return 1.0 / (M_LN2 * number(op.getBytesPerToken()));
}

FailureOr<Expansion> BitsPerByteOp::buildExpansion(OpBuilder &builder,
                                                   bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Expansion{meanLoss(b, *this) * bitsOf(*this)};
}
FailureOr<Value> BitsPerByteOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return sumLosses(b, *this, bitsOf(*this));
}
StringRef BitsPerByteOp::getReading() { return "ratio"; }

//===----------------------------------------------------------------------===//
// Limits of targets
//===----------------------------------------------------------------------===//

SmallVector<IndexLimit> nnc::limitClasses(RankedTensorType logits,
                                          RankedTensorType target,
                                          std::optional<int64_t> ignored) {
  if (isa<FloatType>(target.getElementType()))
    return {};
  int64_t classes = logits.getShape().back();
  // A limit has no exceptions.
  if (ignored && (*ignored < 0 || *ignored >= classes))
    return {};
  return {{1, classes}};
}

SmallVector<IndexLimit> AccuracyOp::getIndexLimits() {
  return limitDecisions(getPrediction().getType(), getTarget().getType(),
                        getIgnoreIndex());
}
SmallVector<IndexLimit> TopKAccuracyOp::getIndexLimits() {
  return limitClasses(getPrediction().getType(), getTarget().getType(),
                      getIgnoreIndex());
}
SmallVector<IndexLimit> PerplexityOp::getIndexLimits() {
  return limitClasses(getLogits().getType(), getTarget().getType(),
                      getIgnoreIndex());
}
SmallVector<IndexLimit> BitsPerByteOp::getIndexLimits() {
  return limitClasses(getLogits().getType(), getTarget().getType(),
                      getIgnoreIndex());
}
