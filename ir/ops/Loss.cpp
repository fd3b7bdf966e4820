// Expansions and gradients of losses.
// In comments: C classes; .. the dimensions of the rows.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Weights of terms
//===----------------------------------------------------------------------===//

namespace nnc {

Expr alignTarget(Expr target, Expr like) {
  return cast(reshape(target, like.dims()), like.elementType());
}

Expr alignWeights(Expr weights, Expr like) {
  if (!weights)
    return weights;
  SmallVector<int64_t> dims = weights.dims();
  while (int64_t(dims.size()) > like.rank())
    dims.pop_back(); // of size 1
  dims.resize(like.rank(), 1);
  return cast(reshape(weights, dims), like.elementType());
}

/// The sum of `weights`, over the number of them: 1 where it is 0, which then
/// divides zeros.
static Expr meanWeight(Expr weights) {
  Expr weight = mean(weights);
  return select(weight == scalar(weight, 0.0), 1.0, weight);
}

/// `terms` times `weights`, 0 where the weight is.
static Expr weigh(Expr terms, Expr weights) {
  return select(weights != scalar(weights, 0.0), terms * weights, 0.0);
}

Expr weightedMean(Expr terms, Expr weights) {
  return weights ? mean(weigh(terms, weights)) / meanWeight(weights)
                 : mean(terms);
}

Expr meanSquaredError(Expr prediction, Expr target, Expr weights) {
  Expr difference = prediction - alignTarget(target, prediction);
  return weightedMean(difference * difference,
                      alignWeights(weights, prediction));
}

Expr meanAbsoluteError(Expr prediction, Expr target, Expr weights) {
  return weightedMean(abs(prediction - alignTarget(target, prediction)),
                      alignWeights(weights, prediction));
}

} // namespace nnc

/// The gradient of a weighted mean by the weights that `operand` holds: of
/// `slopes`, those by the weight of each term, where the term has one; sums of
/// them where a weight stands for several. Null where the operand holds no
/// floats.
static Value gradientOfWeights(Expr slopes, Expr weights, Expr operand) {
  if (!operand || !operand.isFloat())
    return {};
  Expr given = select(weights != scalar(weights, 0.0), slopes, 0.0);
  Expr aligned = alignWeights(operand, given);
  SmallVector<int64_t> stretched;
  for (int64_t axis = 0; axis < given.rank(); ++axis)
    if (aligned.dim(axis) == 1 && given.dim(axis) != 1)
      stretched.push_back(axis);
  if (!stretched.empty())
    given = sum(given, stretched, /*keepDims=*/true);
  return cast(reshape(given, operand.dims()), operand.elementType());
}

//===----------------------------------------------------------------------===//
// Rows and classes
//===----------------------------------------------------------------------===//

SmallVector<int64_t> nnc::getRowDims(Expr logits) {
  SmallVector<int64_t> dims = logits.dims();
  dims.pop_back();
  return dims;
}

Expr nnc::classesOf(Expr target, Expr logits) {
  return narrowIndices(reshape(target, getRowDims(logits)), logits.dim(-1));
}

Expr nnc::areClasses(Expr classes, Expr target, Expr logits) {
  Expr isBelow = classes < double(logits.dim(-1));
  return target.elementType().isUnsignedInteger()
             ? isBelow
             : logicalAnd(classes >= 0.0, isBelow);
}

namespace {
/// A cross-entropy by its parts. Rows are weighted by `weights` if it is not
/// null, each class by `classWeights`.
struct ClassTerms {
  Expr logits, target, classWeights;
  double smoothing;
  SoftmaxParts parts;
  Expr hit;    // [.., C], i1: where the class is; integers only
  Expr counts; // [..], i1: whether the target is a class; integers only
  Expr rows;   // [.., C], smoothed; floats only

  bool isOfIntegers() const { return !target.isFloat(); }
  int64_t last() const { return logits.rank() - 1; }

  Expr overRow(Expr x) const { return sum(x, {last()}); } // [..]
  Expr asColumn(Expr x) const { return keepReduced(x, logits, {last()}); }
  Expr logTotal() const {
    return reshape(log(parts.total), getRowDims(logits)); // [..]
  }
  /// -log_softmax(logits): [.., C].
  Expr surprise() const { return log(parts.total) - parts.shifted; }
  /// The weight of each row's class: [..]; null where there are no weights.
  Expr weightOfClass() const {
    return classWeights ? overRow(select(hit, classWeights, 0.0)) : Expr();
  }
};
} // namespace

static ClassTerms splitClasses(Expr logits, Expr target, Expr classWeights,
                               double smoothing) {
  ClassTerms terms{logits, target, classWeights, smoothing, {}, {}, {}, {}};
  terms.parts = splitSoftmax(logits, {terms.last()});
  if (terms.isOfIntegers()) {
    Expr classes = classesOf(target, logits);
    terms.hit = classMask(classes, logits.dim(-1));
    terms.counts = areClasses(classes, target, logits);
    return terms;
  }
  terms.rows = cast(target, logits.elementType());
  if (smoothing != 0.0)
    terms.rows =
        terms.rows * (1.0 - smoothing) + smoothing / double(logits.dim(-1));
  return terms;
}

/// What each row adds before it is weighted as a row: [..].
static Expr lossesOf(const ClassTerms &terms) {
  const SoftmaxParts &parts = terms.parts;
  Expr total = terms.logTotal();
  if (!terms.isOfIntegers()) {
    Expr q = terms.classWeights ? terms.rows * terms.classWeights : terms.rows;
    return total * terms.overRow(q) - terms.overRow(q * parts.shifted);
  }
  Expr loss = total - terms.overRow(select(terms.hit, parts.shifted, 0.0));
  if (terms.classWeights)
    loss = loss * terms.weightOfClass();
  if (terms.smoothing != 0.0) {
    Expr all = terms.surprise();
    if (terms.classWeights)
      all = all * terms.classWeights;
    loss =
        loss * (1.0 - terms.smoothing) +
        terms.overRow(all) * (terms.smoothing / double(terms.logits.dim(-1)));
  }
  return select(terms.counts, loss, 0.0);
}

Expr nnc::rowLosses(Expr logits, Expr target) {
  return lossesOf(splitClasses(logits, target, {}, 0.0));
}

Expr nnc::countedRows(Expr target, Expr rows, std::optional<int64_t> ignored) {
  if (!ignored)
    return {};
  Expr classes = reshape(target, rows.dims());
  return classes != scalar(classes, double(*ignored));
}

Expr nnc::countedWeights(Expr target, Expr rows,
                         std::optional<int64_t> ignored) {
  Expr counted = countedRows(target, rows, ignored);
  return counted ? cast(counted, rows.elementType()) : Expr();
}

/// `weights` of rows, null where all weigh the same, without the rows that do
/// not count.
static Expr withoutIgnored(Expr weights, Expr counted, Expr rows) {
  if (!counted)
    return weights;
  return weights ? select(counted, weights, 0.0)
                 : cast(counted, rows.elementType());
}

//===----------------------------------------------------------------------===//
// Cross-entropy
//===----------------------------------------------------------------------===//

FailureOr<Expansion> CrossEntropyOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr target(b, getTarget());
  ClassTerms terms =
      splitClasses(Expr(b, getLogits()), target, operand(b, getODSOperands(3)),
                   number(getLabelSmoothing()));
  Expr losses = lossesOf(terms); // [..]
  Expr weights =
      withoutIgnored(alignWeights(operand(b, getODSOperands(2)), losses),
                     countedRows(target, losses, getIgnoreIndex()), losses);
  if (!terms.classWeights || !terms.isOfIntegers())
    return Expansion{weightedMean(losses, weights)};
  // The weights of classes are in the losses, and count in the mean.
  Expr byClass = terms.weightOfClass();
  Expr all = weights ? weigh(losses, weights) : losses;
  return Expansion{mean(all) /
                   meanWeight(weights ? byClass * weights : byClass)};
}

namespace {
/// The gradient of a cross-entropy, as its parts have it.
struct ClassGradient {
  const ClassTerms &terms;
  Expr share; // [.., 1]: what dy is for a row's loss

  Expr byLogits() const;
  Expr byTarget() const;
  Expr byClassWeights(Expr mean) const;
};
} // namespace

Expr ClassGradient::byLogits() const {
  const SoftmaxParts &parts = terms.parts;
  if (!terms.isOfIntegers()) {
    Expr q = terms.classWeights ? terms.rows * terms.classWeights : terms.rows;
    Expr weight = sum(q, {terms.last()}, /*keepDims=*/true) * share; // [.., 1]
    return parts.powers * (weight / parts.total) - q * share;
  }
  double even = terms.smoothing / double(terms.logits.dim(-1));
  Expr weight = share; // of the row's class
  if (terms.classWeights)
    weight = weight * terms.asColumn(terms.weightOfClass());
  if (terms.smoothing == 0.0) {
    // One factor a row, [.., 1], which divides by the total, too.
    Expr softmax = parts.powers * (weight / parts.total);
    return select(terms.hit, softmax - weight, softmax);
  }
  weight = weight * (1.0 - terms.smoothing);
  Expr spread = share * even; // [.., 1] or [.., C]
  Expr whole = share * terms.smoothing;
  if (terms.classWeights) {
    spread = spread * terms.classWeights;
    whole = share * even * sum(terms.classWeights);
  }
  Expr softmax = parts.powers * ((weight + whole) / parts.total) - spread;
  return select(terms.hit, softmax - weight, softmax);
}

Expr ClassGradient::byTarget() const {
  Expr slopes = terms.surprise() * share;
  if (terms.classWeights)
    slopes = slopes * terms.classWeights;
  return slopes * (1.0 - terms.smoothing);
}

/// `mean` is the loss, which falls as the weight of a row's class grows.
Expr ClassGradient::byClassWeights(Expr mean) const {
  Expr surprise = terms.surprise(), slopes;
  if (terms.isOfIntegers()) {
    double even = terms.smoothing / double(terms.logits.dim(-1));
    slopes = select(terms.hit, surprise * (1.0 - terms.smoothing) - mean, 0.0) +
             surprise * even;
  } else {
    slopes = surprise * terms.rows;
  }
  SmallVector<int64_t> rowAxes =
      llvm::to_vector(llvm::seq<int64_t>(0, terms.last()));
  Expr each = slopes * share;
  return rowAxes.empty() ? each : sum(each, rowAxes);
}

/// The number of rows of logits [.., C], a scalar.
static Expr countRows(Expr logits) {
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, logits.rank() - 1));
  return axes.empty() ? scalar(logits, 1.0) : size(logits, axes);
}

FailureOr<SmallVector<Value>>
CrossEntropyOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), target(b, getTarget()), dy(b, upstream[0]);
  Expr given = operand(b, getODSOperands(2));
  ClassTerms terms = splitClasses(logits, target, operand(b, getODSOperands(3)),
                                  number(getLabelSmoothing()));
  bool isByClass = terms.classWeights && terms.isOfIntegers();
  Expr like = terms.logTotal(); // [..], for its shape alone
  Expr weights =
      withoutIgnored(alignWeights(given, like),
                     countedRows(target, like, getIgnoreIndex()), like);
  Expr byClass = isByClass ? terms.weightOfClass() : Expr();
  Expr share = dy / countRows(logits); // of a row
  if (weights || isByClass)
    share = share / meanWeight(!isByClass ? weights
                               : weights  ? byClass * weights
                                          : byClass);
  Expr slope = share; // by the weight of a row
  if (weights)
    share = share * weights;
  if (terms.isOfIntegers())
    share = select(terms.counts, share, 0.0);
  if (share.rank() != 0 || logits.rank() == 1)
    share = terms.asColumn(broadcast(share, getRowDims(logits)));
  ClassGradient gradient{terms, share};
  SmallVector<Value> gradients{
      gradient.byLogits(),
      terms.isOfIntegers()
          ? Value()
          : Value(cast(gradient.byTarget(), target.elementType()))};
  Expr loss(b, getY());
  if (given)
    gradients.push_back(gradientOfWeights(
        (lossesOf(terms) - (byClass ? loss * byClass : loss)) * slope, weights,
        given));
  if (terms.classWeights)
    gradients.push_back(gradient.byClassWeights(loss));
  return gradients;
}

SmallVector<IndexLimit> CrossEntropyOp::getIndexLimits() {
  return limitClasses(getLogits().getType(), getTarget().getType(),
                      getIgnoreIndex());
}

//===----------------------------------------------------------------------===//
// Losses of each element
//===----------------------------------------------------------------------===//

FailureOr<Expansion> BceLogitsOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getLogits()), target = alignTarget(Expr(b, getTarget()), x);
  Expr weights = alignWeights(operand(b, getODSOperands(2)), x);
  Expr positive = operand(b, getODSOperands(3));
  Expr rest = log1p(exp(-abs(x))); // softplus(-x) is rest + max(-x, 0)
  if (!positive)
    return Expansion{
        weightedMean(maximum(x, 0.0) - x * target + rest, weights)};
  Expr factor = (positive - 1.0) * target + 1.0;
  Expr terms = (1.0 - target) * x + factor * (rest + maximum(-x, 0.0));
  return Expansion{weightedMean(terms, weights)};
}

FailureOr<SmallVector<Value>> BceLogitsOp::buildGradient(OpBuilder &builder,
                                                         ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getLogits()), given(b, getTarget()), dy(b, upstream[0]);
  Expr target = alignTarget(given, x);
  Expr givenWeights = operand(b, getODSOperands(2));
  Expr weights = alignWeights(givenWeights, x);
  Expr positive = operand(b, getODSOperands(3));
  Expr slope = dy / size(x);
  if (weights)
    slope = slope / meanWeight(weights);
  Expr share = weights ? slope * weights : slope;
  Expr s = sigmoid(x), dlogits = s - target, dtarget = -x;
  if (positive) {
    dlogits = s * ((positive - 1.0) * target + 1.0) - positive * target;
    dtarget = (positive - 1.0) * softplus(-x) - x;
  }
  SmallVector<Value> gradients{
      dlogits * share,
      given.isFloat() ? Value(alignTarget(dtarget * share, given)) : Value()};
  if (givenWeights) {
    Expr softness = softplus(-x);
    Expr terms = positive ? (1.0 - target) * x +
                                ((positive - 1.0) * target + 1.0) * softness
                          : x - x * target + softness;
    gradients.push_back(gradientOfWeights((terms - Expr(b, getY())) * slope,
                                          weights, givenWeights));
  }
  if (positive)
    gradients.push_back(target * softplus(-x) * share);
  return gradients;
}

/// How far probabilities are kept from 0 and 1. Keras's limit is 1e-7, so that
/// the largest loss is 16.1 nats; f32 still tells 1 - 1e-7 from 1. Where a type
/// does not, it is the distance from 1 to the number below.
static double probabilityMargin(Type elementType) {
  unsigned digits = llvm::cast<FloatType>(elementType).getFPMantissaWidth();
  return std::max(1e-7, std::ldexp(1.0, -int(digits)));
}

FailureOr<Expansion> BinaryCrossEntropyOp::buildExpansion(OpBuilder &builder,
                                                          bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr probability(b, getProbability());
  Expr target = alignTarget(Expr(b, getTarget()), probability);
  double margin = probabilityMargin(probability.elementType());
  Expr p = clamp(probability, margin, 1.0 - margin);
  Expr terms = target * log(p) + (1.0 - target) * log(1.0 - p);
  return Expansion{-weightedMean(
      terms, alignWeights(operand(b, getODSOperands(2)), probability))};
}

FailureOr<Expansion> HuberOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction());
  double delta = number(getDelta());
  Expr distance =
      abs(prediction - alignTarget(Expr(b, getTarget()), prediction));
  Expr near = minimum(distance, delta);
  return Expansion{
      weightedMean(0.5 * near * near + delta * (distance - near),
                   alignWeights(operand(b, getODSOperands(2)), prediction))};
}
