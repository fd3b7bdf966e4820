// Expansions and gradients of losses of choices.
// In comments: C classes; .. the dimensions of the rows.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"
#include "ir/ops/Weights.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

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

Expr nnc::targetClasses(Expr target, Expr logits) {
  return target.isFloat() ? argmax(target) : classesOf(target, logits);
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
  Expr weightOfClass() const { return nnc::weightOfClass(hit, classWeights); }
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
  bool isByClass = terms.classWeights && terms.isOfIntegers();
  return Expansion{meanByClass(losses,
                               isByClass ? terms.weightOfClass() : Expr(),
                               weightsOf(*this, losses))};
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
  Expr weights = weightsOf(*this, terms.logTotal()); // [..]
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

FailureOr<Expr> nnc::crossEntropy(Expr logits, Expr target, Expr weights,
                                  double smoothing) {
  ImplicitLocOpBuilder &b = logits.builder();
  SmallVector<Value> operands{logits, target};
  if (weights)
    operands.push_back(weights);
  FailureOr<Operation *> op = createByName(
      b, b.getLoc(), "cross_entropy", operands,
      b.getNamedAttr("label_smoothing", b.getF64FloatAttr(smoothing)));
  if (failed(op))
    return failure();
  return Expr(b, (*op)->getResult(0));
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
  Expr x(b, getLogits());
  Expr target = smoothed(alignTarget(Expr(b, getTarget()), x),
                         number(getLabelSmoothing()));
  Expr weights = weightsOf(*this, x);
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
  double smoothing = number(getLabelSmoothing());
  Expr target = smoothed(alignTarget(given, x), smoothing);
  Expr givenWeights = operand(b, getODSOperands(2));
  Expr weights = weightsOf(*this, x);
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
      given.isFloat()
          ? Value(alignTarget(dtarget * share * (1.0 - smoothing), given))
          : Value()};
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

/// Keras's limit is 1e-7, so that the largest loss is 16.1 nats; f32 still
/// tells 1 - 1e-7 from 1. Where a type does not, it is the distance from 1 to
/// the number below.
double nnc::probabilityMargin(Type elementType) {
  unsigned digits = llvm::cast<FloatType>(elementType).getFPMantissaWidth();
  return std::max(1e-7, std::ldexp(1.0, -int(digits)));
}

FailureOr<Expansion> BinaryCrossEntropyOp::buildExpansion(OpBuilder &builder,
                                                          bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr probability(b, getProbability());
  Expr positive = operand(b, getODSOperands(3));
  Expr target = smoothed(alignTarget(Expr(b, getTarget()), probability),
                         number(getLabelSmoothing()));
  double margin = probabilityMargin(probability.elementType());
  Expr p = clamp(probability, margin, 1.0 - margin);
  Expr isThere = target * log(p);
  Expr terms =
      (positive ? positive * isThere : isThere) + (1.0 - target) * log(1.0 - p);
  return Expansion{-weightedMean(terms, weightsOf(*this, probability))};
}

FailureOr<Expansion> HingeLossOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getPrediction());
  Expr isPositive = alignTarget(Expr(b, getTarget()), x) > 0.0;
  Expr side = select(isPositive, 1.0, scalar(x, -1.0));
  Expr terms = maximum(1.0 - side * x, 0.0);
  terms = weighPositive(getSquared() ? terms * terms : terms, isPositive,
                        operand(b, getODSOperands(3)));
  return Expansion{weightedMean(terms, weightsOf(*this, x))};
}

//===----------------------------------------------------------------------===//
// Losses of rows
//===----------------------------------------------------------------------===//

FailureOr<Expansion> MulticlassHingeLossOp::buildExpansion(OpBuilder &builder,
                                                           bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), target(b, getTarget());
  int64_t last = logits.rank() - 1;
  Expr classes = targetClasses(target, logits); // [..]
  Expr hit = classMask(classes, logits.dim(-1));
  Expr right = sum(select(hit, logits, 0.0), {last});
  Expr best = reduceMax(select(hit, -INFINITY, logits), {last});
  Expr losses = maximum(1.0 + best - right, 0.0); // [..]
  Expr weights = weightsOf(*this, losses);
  if (!target.isFloat())
    weights =
        withoutIgnored(weights, areClasses(classes, target, logits), losses);
  Expr byClass = weightOfClass(hit, operand(b, getODSOperands(3)));
  return Expansion{
      meanByClass(byClass ? losses * byClass : losses, byClass, weights)};
}

SmallVector<IndexLimit> MulticlassHingeLossOp::getIndexLimits() {
  return limitClasses(getLogits().getType(), getTarget().getType(),
                      getIgnoreIndex());
}

/// doubt ^ gamma, of a doubt in [0, 1]. Below 1 a power has no slope at 0.
static Expr focus(Expr doubt, double gamma) {
  if (gamma == 0.0)
    return scalar(doubt, 1.0);
  if (gamma < 1.0)
    doubt =
        maximum(doubt, epsilonIn(llvm::APFloat(1e-30), doubt.elementType()));
  return pow(doubt, gamma);
}

/// A focal loss of elements that decide for themselves.
static Expr focalOfElements(FocalLossOp op, Expr x, Expr target,
                            Expr positive) {
  target = smoothed(alignTarget(target, x), number(op.getLabelSmoothing()));
  Expr doubt = target * sigmoid(-x) + (1.0 - target) * sigmoid(x);
  Expr surprise =
      positive ? positive * target * softplus(-x) + (1.0 - target) * softplus(x)
               : softplus(x) - x * target;
  Expr terms = surprise * focus(doubt, number(op.getGamma()));
  if (std::optional<llvm::APFloat> alpha = op.getAlpha())
    terms = terms *
            (number(*alpha) * target + (1.0 - number(*alpha)) * (1.0 - target));
  return weightedMean(terms, weightsOf(op, x));
}

FailureOr<Expansion> FocalLossOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getLogits()), target(b, getTarget());
  Expr classWeights = operand(b, getODSOperands(3));
  if (!areIntegerClasses(x.type(), target.type()))
    return Expansion{
        focalOfElements(*this, x, target, operand(b, getODSOperands(4)))};
  int64_t last = x.rank() - 1;
  Expr surprise = -logSoftmax(x); // [.., C]
  Expr each =
      surprise * focus(-expm1(-surprise), number(getGamma())); // [.., C]
  if (classWeights)
    each = each * classWeights;
  Expr classes = classesOf(target, x);
  Expr hit = classMask(classes, x.dim(-1));
  Expr losses = sum(select(hit, each, 0.0), {last}); // [..]
  if (double smoothing = number(getLabelSmoothing())) {
    Expr all = sum(each, {last}) * (smoothing / double(x.dim(-1)));
    losses = select(areClasses(classes, target, x),
                    losses * (1.0 - smoothing) + all, 0.0);
  }
  return Expansion{meanByClass(losses, weightOfClass(hit, classWeights),
                               weightsOf(*this, losses))};
}

SmallVector<IndexLimit> FocalLossOp::getIndexLimits() {
  return limitDecisions(getLogits().getType(), getTarget().getType(),
                        getIgnoreIndex());
}

/// t * ln t, 0 at 0 and below, where there is no slope either.
static Expr timesLog(Expr t) { return t * log(select(t > 0.0, t, 1.0)); }

FailureOr<Expansion> KlDivergenceOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), weights = operand(b, getODSOperands(2));
  Expr target = cast(Expr(b, getTarget()), logits.elementType());
  if (double smoothing = number(getLabelSmoothing()))
    target = target * (1.0 - smoothing) + smoothing / double(logits.dim(-1));
  int64_t last = logits.rank() - 1;
  Expr known = sum(timesLog(target), {last}); // [..]
  if (getFrom() == Scores::probabilities) {
    double margin = probabilityMargin(logits.elementType());
    Expr losses = known - sum(target * log(clamp(logits, margin, 1.0)), {last});
    return Expansion{weightedMean(losses, alignWeights(weights, losses))};
  }
  FailureOr<Expr> entropy =
      crossEntropy(logits, target, weights, /*smoothing=*/0.0);
  if (failed(entropy))
    return failure();
  return Expansion{*entropy +
                   weightedMean(known, alignWeights(weights, known))};
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

namespace {
/// What a region loss compares, and which places count.
struct Regions {
  Expr probability, target; // [B, .., C] or [B, ..]
  Expr counted;             // broadcasts to them, i1; null: all
  bool isOfClasses;
};
} // namespace

static Regions splitRegions(DiceLossOp op, Expr x, Expr given) {
  bool areGiven = op.getFrom() == Scores::probabilities;
  if (!areIntegerClasses(x.type(), given.type())) {
    Expr counted = countedRows(given, x, op.getIgnoreIndex());
    return {areGiven ? x : sigmoid(x), alignTarget(given, x), counted, false};
  }
  Expr mask = classMask(classesOf(given, x), x.dim(-1));
  Regions regions{
      areGiven ? x : softmax(x), cast(mask, x.elementType()), {}, true};
  Expr rows = sum(x, {x.rank() - 1}); // for its shape alone
  if (Expr counted = countedRows(given, rows, op.getIgnoreIndex()))
    regions.counted = keepReduced(counted, x, {x.rank() - 1});
  return regions;
}

FailureOr<Expansion> DiceLossOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getLogits());
  Regions regions = splitRegions(*this, x, Expr(b, getTarget()));
  Expr p = regions.probability, t = regions.target;
  if (regions.counted) {
    p = select(regions.counted, p, 0.0);
    t = select(regions.counted, t, 0.0);
  }
  SmallVector<int64_t> places = llvm::to_vector(
      llvm::seq<int64_t>(1, x.rank() - (regions.isOfClasses ? 1 : 0)));
  auto overPlaces = [&](Expr e) { return places.empty() ? e : sum(e, places); };
  double smooth = number(getSmooth());
  Expr scores = (2.0 * overPlaces(p * t) + smooth) /
                (overPlaces(p) + overPlaces(t) + smooth); // [B, C] or [B]
  Expr losses = 1.0 - scores;
  if (Expr classWeights = operand(b, getODSOperands(3)))
    losses = mean(weigh(losses, classWeights), {1}) / meanWeight(classWeights);
  else if (regions.isOfClasses)
    losses = 1.0 - mean(scores, {1});
  return Expansion{weightedMean(
      losses, alignWeights(operand(b, getODSOperands(2)), losses))};
}

SmallVector<IndexLimit> DiceLossOp::getIndexLimits() {
  return limitDecisions(getLogits().getType(), getTarget().getType(),
                        getIgnoreIndex());
}
