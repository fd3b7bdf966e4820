// What is added up, or gathered, of scores and probabilities for metrics of
// them. In comments: C classes; K classes that a metric is of; .. the other
// dimensions.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"
#include "ir/ops/Readings.h"
#include "ir/ops/Weights.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

template <typename OpTy> static bool isOfClasses(OpTy op) {
  return isClassification(op.getPrediction().getType(),
                          op.getTarget().getType());
}

/// Targets as rows of probabilities: [.., C], in f64.
static Expr targetRows(Expr target, Expr prediction) {
  Expr rows = target.isFloat() ? target
                               : classMask(classesOf(target, prediction),
                                           prediction.dim(-1));
  return cast(rows, prediction.builder().getF64Type());
}

/// What is, of elements that decide for themselves: in f64.
static Expr targetElements(Expr target, Expr prediction) {
  return cast(reshape(target, prediction.dims()),
              prediction.builder().getF64Type());
}

/// The probabilities that a prediction says: its shape, in f64.
template <typename OpTy> static Expr probabilitiesOf(OpTy op, Expr prediction) {
  if (op.getFrom() == Scores::logits)
    prediction = isOfClasses(op) ? softmax(prediction) : sigmoid(prediction);
  return cast(prediction, prediction.builder().getF64Type());
}

//===----------------------------------------------------------------------===//
// Of probabilities
//===----------------------------------------------------------------------===//

/// The losses of rows [..], or of elements.
static Expr logLosses(LogLossOp op, Expr prediction, Expr target) {
  if (op.getFrom() == Scores::logits) {
    if (isOfClasses(op))
      return rowLosses(prediction, target);
    return softplus(prediction) - prediction * alignTarget(target, prediction);
  }
  // As scikit-learn has it: an epsilon of the type in which it is given.
  double margin = std::ldexp(1.0, prediction.elementType().isF64() ? -52 : -23);
  Expr p = clamp(probabilitiesOf(op, prediction), margin, 1.0 - margin);
  if (isOfClasses(op))
    return -sum(targetRows(target, prediction) * log(p),
                {prediction.rank() - 1});
  Expr t = targetElements(target, prediction);
  return -(t * log(p) + (1.0 - t) * log(1.0 - p));
}

FailureOr<Value> LogLossOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr target(b, getTarget());
  Expr losses = logLosses(*this, Expr(b, getPrediction()), target);
  return Value(sumsOf(losses, weightsOfRows(*this, losses)));
}
StringRef LogLossOp::getReading() { return "ratio"; }

FailureOr<Value> BrierScoreOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction()), target(b, getTarget());
  bool areRows = isOfClasses(*this);
  Expr error = probabilitiesOf(*this, prediction) -
               (areRows ? targetRows(target, prediction)
                        : targetElements(target, prediction));
  Expr squares = error * error;
  if (areRows)
    squares = sum(squares, {prediction.rank() - 1}) *
              (prediction.dim(-1) == 2 ? 0.5 : 1.0); // [..]
  return Value(sumsOf(squares, weightsOfRows(*this, squares)));
}
StringRef BrierScoreOp::getReading() { return "ratio"; }

FailureOr<Value> ExpectedCalibrationErrorOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction()), target(b, getTarget());
  Expr p = probabilitiesOf(*this, prediction), confidence = p, isRight;
  if (isOfClasses(*this)) {
    confidence = reduceMax(p, {p.rank() - 1}); // [..]
    isRight = argmax(prediction) == targetClasses(target, prediction);
  } else {
    isRight = alignTarget(target, prediction) > 0.5;
  }
  const int64_t bins = getBins();
  Expr place = clamp(ceil(confidence * double(bins)) - 1.0, 0.0, bins - 1.0);
  Expr inBin = classMask(cast(place, b.getI32Type()), bins); // [.., bins]
  int64_t last = confidence.rank();
  Expr excess = confidence - cast(isRight, b.getF64Type()); // [..]
  auto asColumn = [&](Expr e) { return keepReduced(e, inBin, {last}); };
  Expr numbers = cast(inBin, b.getF64Type());
  if (Expr weights = weightsOfRows(*this, confidence)) {
    excess = weigh(excess, weights);
    numbers = select(inBin, asColumn(weights), 0.0);
  }
  SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, last));
  auto total = [&](Expr e) { return rows.empty() ? e : sum(e, rows); };
  return Value(
      stackRows({total(select(inBin, asColumn(excess), 0.0)), total(numbers)}));
}
StringRef ExpectedCalibrationErrorOp::getReading() { return "calibration"; }

//===----------------------------------------------------------------------===//
// Of an order
//===----------------------------------------------------------------------===//

namespace {
/// Scores and what they are of, [.., K], and what they weigh, which broadcasts
/// to them, f64; null: all the same.
struct Ranked {
  Expr scores, isActual, weights;
};
} // namespace

/// Of two classes the second is told from the first, by the difference of their
/// logits, which rounds less than a probability.
static Ranked rankSecond(Expr prediction, Expr target, bool areLogits) {
  SmallVector<int64_t> starts(prediction.rank(), 0), sizes = prediction.dims();
  sizes.back() = 1;
  Expr first = slice(prediction, starts, sizes);
  starts.back() = 1;
  Expr second = slice(prediction, starts, sizes);
  Expr classes = targetClasses(target, prediction);
  Expr isActual = keepReduced(classes == scalar(classes, 1.0), prediction,
                              {prediction.rank() - 1});
  return {areLogits ? second - first : second, isActual, {}};
}

/// Each element as a score of its own: [.., 1]; or [B, K] as columns.
static Ranked rankElements(Expr prediction, Expr target, Expr weights,
                           bool areColumns) {
  Ranked ranked{prediction, alignTarget(target, prediction) > 0.5, weights};
  if (areColumns)
    return ranked;
  auto asColumn = [](Expr e) {
    SmallVector<int64_t> dims = e.dims();
    dims.push_back(1);
    return reshape(e, dims);
  };
  return {asColumn(ranked.scores), asColumn(ranked.isActual),
          weights ? asColumn(weights) : Expr()};
}

template <typename OpTy>
static Ranked rank(OpTy op, Expr prediction, Expr target, Average average) {
  if (!isOfClasses(op))
    return rankElements(prediction, target, weightsOfRows(op, prediction),
                        average != Average::binary &&
                            hasClassColumns(prediction.type()));
  int64_t last = prediction.rank() - 1;
  bool areLogits = op.getFrom() == Scores::logits;
  Ranked ranked;
  if (average == Average::binary) {
    ranked = rankSecond(prediction, target, areLogits);
  } else {
    Expr classes = targetClasses(target, prediction);
    ranked = {areLogits ? softmax(prediction) : prediction,
              classMask(classes, prediction.dim(-1)),
              {}};
  }
  Expr rows = sum(prediction, {last}); // for its shape alone
  if (Expr weights = weightsOfRows(op, rows))
    ranked.weights = keepReduced(weights, prediction, {last});
  return ranked;
}

template <typename OpTy> static Average averageOf(OpTy op) {
  return resolveAverage(op.getPrediction().getType(), op.getTarget().getType(),
                        op.getAverage());
}

template <typename OpTy>
static FailureOr<Value> gatherScores(OpBuilder &builder, OpTy op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Ranked ranked = rank(op, Expr(b, op.getPrediction()), Expr(b, op.getTarget()),
                       averageOf(op));
  Type f32 = b.getF32Type();
  Expr scores = cast(ranked.scores, f32), labels = cast(ranked.isActual, f32);
  SmallVector<Expr> columns{scores, labels};
  if (Expr weights = ranked.weights)
    columns[1] = select(weights != scalar(weights, 0.0), labels, -1.0);
  if (op.getWeights())
    columns.push_back(broadcast(cast(ranked.weights, f32), scores.dims()));
  return Value(concat(columns, scores.rank() - 1));
}

/// No op has all of a set before it.
template <typename OpTy> static FailureOr<Expansion> refuseToExpand(OpTy op) {
  StringRef name = OpTy::getSignature().name;
  emitError(op.getLoc()) << '\'' << name
                         << "' is of a whole set, and no number of a batch: it "
                            "can be reported, as in metric "
                         << name << "(...), and nothing computed of it";
  return failure();
}

FailureOr<Expansion> RocAucOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  return refuseToExpand(*this);
}
FailureOr<Value> RocAucOp::buildScores(OpBuilder &builder) {
  return gatherScores(builder, *this);
}
StringRef RocAucOp::getReading() {
  bool isWeighted = bool(getWeights());
  switch (averageOf(*this)) {
  case Average::weighted:
    return isWeighted ? "weighted_roc_auc_weighted" : "roc_auc_weighted";
  case Average::micro:
    return isWeighted ? "weighted_roc_auc_micro" : "roc_auc_micro";
  default:
    return isWeighted ? "weighted_roc_auc" : "roc_auc";
  }
}

FailureOr<Expansion> AveragePrecisionOp::buildExpansion(OpBuilder &builder,
                                                        bool training) {
  return refuseToExpand(*this);
}
FailureOr<Value> AveragePrecisionOp::buildScores(OpBuilder &builder) {
  return gatherScores(builder, *this);
}
StringRef AveragePrecisionOp::getReading() {
  bool isWeighted = bool(getWeights());
  switch (averageOf(*this)) {
  case Average::weighted:
    return isWeighted ? "weighted_average_precision_weighted"
                      : "average_precision_weighted";
  case Average::micro:
    return isWeighted ? "weighted_average_precision_micro"
                      : "average_precision_micro";
  default:
    return isWeighted ? "weighted_average_precision" : "average_precision";
  }
}

//===----------------------------------------------------------------------===//
// Limits of targets
//===----------------------------------------------------------------------===//

template <typename OpTy> static SmallVector<IndexLimit> limitsOf(OpTy op) {
  return limitDecisions(op.getPrediction().getType(), op.getTarget().getType(),
                        op.getIgnoreIndex());
}

SmallVector<IndexLimit> LogLossOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> BrierScoreOp::getIndexLimits() {
  return limitsOf(*this);
}
SmallVector<IndexLimit> ExpectedCalibrationErrorOp::getIndexLimits() {
  return limitsOf(*this);
}
SmallVector<IndexLimit> RocAucOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> AveragePrecisionOp::getIndexLimits() {
  return limitsOf(*this);
}
