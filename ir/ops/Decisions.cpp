// How decisions are counted, class by class, for the metrics of them.
// In comments: C classes; K classes that a metric is of; .. the other
// dimensions.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"
#include "ir/ops/Readings.h"
#include "ir/ops/Weights.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

double nnc::decidingThreshold(std::optional<llvm::APFloat> given, Scores from) {
  if (given)
    return number(*given);
  return from == Scores::probabilities ? 0.5 : 0.0;
}

SmallVector<IndexLimit> nnc::limitDecisions(RankedTensorType prediction,
                                            RankedTensorType target,
                                            std::optional<int64_t> ignored) {
  if (isClassification(prediction, target))
    return limitClasses(prediction, target, ignored);
  if (isa<FloatType>(target.getElementType()) ||
      (ignored && (*ignored < 0 || *ignored > 1)))
    return {};
  return {{1, 2}};
}

bool nnc::hasClassColumns(RankedTensorType prediction) {
  ArrayRef<int64_t> shape = prediction.getShape();
  return shape.size() == 2 && shape[1] > 1;
}

namespace {
/// How often each class was chosen rightly, was chosen, and is the target; and
/// how far from the target what was chosen is, in all: [K], of f64. Each
/// decision counts by its weight.
struct Counts {
  Expr hits, chosen, actual, distance;
};

enum class Distance { None, Linear, Quadratic };
} // namespace

/// What each element of `mask` counts, f64: its weight, 1 where all weigh the
/// same, or 0.
static Expr asNumbers(Expr mask, Expr weights) {
  return weights ? select(mask, weights, 0.0)
                 : cast(mask, mask.builder().getF64Type());
}

namespace {
/// A metric's prediction and target, how it is decided, and what each decision
/// weighs: [..] or of the prediction's shape, f64; null: all the same.
struct Decided {
  Expr prediction, target;
  double threshold;
  Expr weights;
};
} // namespace

template <typename OpTy>
static Decided decidedBy(ImplicitLocOpBuilder &b, OpTy op) {
  Expr prediction(b, op.getPrediction()), target(b, op.getTarget());
  bool areRows = isClassification(prediction.type(), target.type());
  Expr decisions = areRows ? argmax(prediction) : prediction; // for its shape
  return {prediction, target,
          decidingThreshold(op.getThreshold(), op.getFrom()),
          weightsOfRows(op, decisions)};
}

/// Of rows [.., C] that each choose a class.
static Counts countChoices(const Decided &decided, Distance distance) {
  Expr prediction = decided.prediction, target = decided.target;
  int64_t classes = prediction.dim(-1), last = prediction.rank() - 1;
  Expr choice = argmax(prediction);                // [..]
  Expr actual = targetClasses(target, prediction); // [..]
  Expr isChosen = classMask(choice, classes);      // [.., C]
  Expr isActual = classMask(actual, classes);      // [.., C]
  auto asColumn = [&](Expr e) { return keepReduced(e, prediction, {last}); };
  Expr weights = decided.weights ? asColumn(decided.weights) : Expr();
  SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, last));
  auto count = [&](Expr mask) {
    Expr numbers = asNumbers(mask, weights);
    return rows.empty() ? numbers : sum(numbers, rows);
  };
  Counts counts{count(logicalAnd(isChosen, isActual)),
                count(isChosen),
                count(isActual),
                {}};
  counts.distance = counts.actual - counts.hits;
  if (distance == Distance::None)
    return counts;
  Type f64 = prediction.builder().getF64Type();
  Expr far = abs(cast(choice, f64) - cast(actual, f64)); // [..]
  if (distance == Distance::Quadratic)
    far = far * far;
  if (decided.weights)
    far = weigh(far, decided.weights);
  Expr each = select(isActual, asColumn(far), 0.0); // [.., C]
  counts.distance = rows.empty() ? each : sum(each, rows);
  return counts;
}

namespace {
/// Whether elements decide for themselves, and whether they should: i1, of the
/// prediction's shape.
struct Votes {
  Expr isChosen, isActual;
};
} // namespace

static Votes votesOf(const Decided &decided) {
  return {decided.prediction > decided.threshold,
          alignTarget(decided.target, decided.prediction) > 0.5};
}

namespace {
/// How often elements that decide for themselves were rightly left out, wrongly
/// chosen, wrongly left out, rightly chosen: scalars, of f64. Each is added up
/// by itself, since a difference of sums of weights is not 0 where nothing is.
struct VoteCounts {
  Expr rightlyOut, wronglyIn, wronglyOut, rightlyIn;
};
} // namespace

static VoteCounts countPairs(const Decided &decided) {
  Votes votes = votesOf(decided);
  Expr isOut = logicalNot(votes.isChosen), isNot = logicalNot(votes.isActual);
  auto count = [&](Expr choice, Expr actual) {
    return sum(asNumbers(logicalAnd(choice, actual), decided.weights));
  };
  return {count(isOut, isNot), count(votes.isChosen, isNot),
          count(isOut, votes.isActual), count(votes.isChosen, votes.isActual)};
}

/// Of both classes of elements that decide for themselves: what is not, and
/// what is.
static Counts countVotes(const Decided &decided) {
  VoteCounts votes = countPairs(decided);
  return {joinScalars({votes.rightlyOut, votes.rightlyIn}),
          joinScalars({votes.rightlyOut + votes.wronglyOut,
                       votes.wronglyIn + votes.rightlyIn}),
          joinScalars({votes.rightlyOut + votes.wronglyIn,
                       votes.wronglyOut + votes.rightlyIn}),
          joinScalars({votes.wronglyIn, votes.wronglyOut})};
}

/// Of each column of predictions [B, K].
static Counts countColumns(const Decided &decided) {
  Votes votes = votesOf(decided);
  auto count = [&](Expr mask) {
    return sum(asNumbers(mask, decided.weights), {0});
  };
  return {count(logicalAnd(votes.isChosen, votes.isActual)),
          count(votes.isChosen),
          count(votes.isActual),
          {}};
}

static Counts countClasses(const Decided &decided,
                           Distance distance = Distance::None) {
  return isClassification(decided.prediction.type(), decided.target.type())
             ? countChoices(decided, distance)
             : countVotes(decided);
}

//===----------------------------------------------------------------------===//
// Shares of classes
//===----------------------------------------------------------------------===//

Average nnc::resolveAverage(RankedTensorType prediction,
                            RankedTensorType target,
                            std::optional<Average> given) {
  if (given)
    return *given;
  return isClassification(prediction, target) &&
                 prediction.getShape().back() != 2
             ? Average::macro
             : Average::binary;
}

template <typename OpTy> static Average averageOf(OpTy op) {
  return resolveAverage(op.getPrediction().getType(), op.getTarget().getType(),
                        op.getAverage());
}

static StringRef readingOf(Average average) {
  switch (average) {
  case Average::macro:
    return "macro_ratio";
  case Average::weighted:
    return "weighted_ratio";
  default:
    return "ratio";
  }
}

/// [2] or [3, K], of shares that are `dividend` / `divisor` of counts.
template <typename OpTy>
static Value sumShares(OpBuilder &builder, OpTy op,
                       llvm::function_ref<Expr(const Counts &)> dividend,
                       llvm::function_ref<Expr(const Counts &)> divisor) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Average average = averageOf(op);
  Decided decided = decidedBy(b, op);
  RankedTensorType type = decided.prediction.type();
  bool isOfColumns = average != Average::binary &&
                     !isClassification(type, decided.target.type()) &&
                     hasClassColumns(type);
  Counts counts = isOfColumns ? countColumns(decided) : countClasses(decided);
  Expr above = dividend(counts), below = divisor(counts);
  if (average == Average::macro)
    return stackRows({above, below, counts.chosen + counts.actual});
  if (average == Average::weighted)
    return stackRows({above, below, counts.actual});
  if (average == Average::micro)
    return joinScalars({sum(above), sum(below)});
  return joinScalars({slice(above, {1}, {1}), slice(below, {1}, {1})});
}

FailureOr<Value> PrecisionOp::buildSums(OpBuilder &builder) {
  return sumShares(
      builder, *this, [](const Counts &c) { return c.hits; },
      [](const Counts &c) { return c.chosen; });
}
StringRef PrecisionOp::getReading() { return readingOf(averageOf(*this)); }

FailureOr<Value> RecallOp::buildSums(OpBuilder &builder) {
  return sumShares(
      builder, *this, [](const Counts &c) { return c.hits; },
      [](const Counts &c) { return c.actual; });
}
StringRef RecallOp::getReading() { return readingOf(averageOf(*this)); }

/// Of fp = chosen - hits and fn = actual - hits.
template <typename OpTy>
static Value sumScores(OpBuilder &builder, OpTy op, double beta) {
  return sumShares(
      builder, op,
      [&](const Counts &c) { return (1.0 + beta * beta) * c.hits; },
      [&](const Counts &c) { return c.chosen + beta * beta * c.actual; });
}

FailureOr<Value> F1Op::buildSums(OpBuilder &builder) {
  return sumScores(builder, *this, 1.0);
}
StringRef F1Op::getReading() { return readingOf(averageOf(*this)); }

FailureOr<Value> FBetaOp::buildSums(OpBuilder &builder) {
  return sumScores(builder, *this, number(getBeta()));
}
StringRef FBetaOp::getReading() { return readingOf(averageOf(*this)); }

//===----------------------------------------------------------------------===//
// Numbers of all classes
//===----------------------------------------------------------------------===//

template <typename OpTy>
static Counts countAll(OpBuilder &builder, OpTy op,
                       Distance distance = Distance::None) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  return countClasses(decidedBy(b, op), distance);
}

FailureOr<Value> MeanIouOp::buildSums(OpBuilder &builder) {
  Counts counts = countAll(builder, *this);
  Expr both = counts.chosen + counts.actual;
  return Value(stackRows({counts.hits, both - counts.hits, both}));
}
StringRef MeanIouOp::getReading() { return "macro_ratio"; }

FailureOr<Value> BalancedAccuracyOp::buildSums(OpBuilder &builder) {
  Counts counts = countAll(builder, *this);
  return Value(stackRows({counts.hits, counts.actual, counts.actual}));
}
StringRef BalancedAccuracyOp::getReading() { return "macro_ratio"; }

FailureOr<Value> MccOp::buildSums(OpBuilder &builder) {
  Counts counts = countAll(builder, *this);
  return Value(stackRows({counts.hits, counts.chosen, counts.actual}));
}
StringRef MccOp::getReading() { return "mcc"; }

FailureOr<Value> CohenKappaOp::buildSums(OpBuilder &builder) {
  Distance distance = getWeighting() == Weighting::linear ? Distance::Linear
                      : getWeighting() == Weighting::quadratic
                          ? Distance::Quadratic
                          : Distance::None;
  Counts counts = countAll(builder, *this, distance);
  return Value(stackRows({counts.distance, counts.chosen, counts.actual}));
}
StringRef CohenKappaOp::getReading() {
  switch (getWeighting()) {
  case Weighting::none:
    return "kappa";
  case Weighting::linear:
    return "kappa_linear";
  case Weighting::quadratic:
    return "kappa_quadratic";
  }
  llvm_unreachable("every weighting has a reading");
}

//===----------------------------------------------------------------------===//
// Confusion
//===----------------------------------------------------------------------===//

/// Of rows [.., C] that each choose a class: `type` [C, C].
static Expr confusionOfChoices(const Decided &decided, Type type) {
  Expr prediction = decided.prediction;
  int64_t classes = prediction.dim(-1), last = prediction.rank() - 1;
  Expr actual = targetClasses(decided.target, prediction); // [..]
  Expr isActual = classMask(actual, classes);              // [.., C]
  Expr isChosen = classMask(argmax(prediction), classes);  // [.., C]
  if (Expr weights = decided.weights)
    isActual = asNumbers(isActual, keepReduced(weights, prediction, {last}));
  return matmul(cast(isActual, type), cast(isChosen, type),
                kTransposeLhs | (prediction.rank() > 2 ? kReduceBatch : 0));
}

/// Of elements that decide for themselves: `type` [2, 2].
static Expr confusionOfVotes(const Decided &decided, Type type) {
  VoteCounts votes = countPairs(decided);
  Expr all = joinScalars(
      {votes.rightlyOut, votes.wronglyIn, votes.wronglyOut, votes.rightlyIn});
  return cast(reshape(all, {2, 2}), type);
}

template <typename OpTy>
static Expr confusionOf(ImplicitLocOpBuilder &b, OpTy op, int64_t maxClasses) {
  // f32 holds counts.
  Type type = op.getWeights() ? Type(b.getF64Type()) : Type(b.getF32Type());
  RankedTensorType of = op.getPrediction().getType();
  if (!isClassification(of, op.getTarget().getType()))
    return maxClasses < 2 ? Expr() : confusionOfVotes(decidedBy(b, op), type);
  // A product of rows: a single one has no rows to sum over.
  if (of.getShape().back() > maxClasses || of.getRank() < 2)
    return {};
  return confusionOfChoices(decidedBy(b, op), type);
}

Expr nnc::buildConfusion(OpBuilder &builder, Operation *metric,
                         int64_t maxClasses) {
  ImplicitLocOpBuilder b(metric->getLoc(), builder);
  return llvm::TypeSwitch<Operation *, Expr>(metric)
      .Case<AccuracyOp, PrecisionOp, RecallOp, F1Op, FBetaOp, MeanIouOp,
            BalancedAccuracyOp, MccOp, CohenKappaOp>(
          [&](auto op) { return confusionOf(b, op, maxClasses); })
      .Default([](Operation *) { return Expr(); });
}

//===----------------------------------------------------------------------===//
// Limits of targets
//===----------------------------------------------------------------------===//

template <typename OpTy> static SmallVector<IndexLimit> limitsOf(OpTy op) {
  return limitDecisions(op.getPrediction().getType(), op.getTarget().getType(),
                        op.getIgnoreIndex());
}

SmallVector<IndexLimit> PrecisionOp::getIndexLimits() {
  return limitsOf(*this);
}
SmallVector<IndexLimit> RecallOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> F1Op::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> FBetaOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> MeanIouOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> BalancedAccuracyOp::getIndexLimits() {
  return limitsOf(*this);
}
SmallVector<IndexLimit> MccOp::getIndexLimits() { return limitsOf(*this); }
SmallVector<IndexLimit> CohenKappaOp::getIndexLimits() {
  return limitsOf(*this);
}
