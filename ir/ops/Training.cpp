// Expansions of losses, metrics, optimizers and schedules.
// In comments: C classes; .. the dimensions of the rows.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

namespace nnc {

Expr alignTarget(Expr target, Expr like) {
  return cast(reshape(target, like.dims()), like.elementType());
}

Expr meanSquaredError(Expr prediction, Expr target) {
  Expr difference = prediction - alignTarget(target, prediction);
  return mean(difference * difference);
}

Expr meanAbsoluteError(Expr prediction, Expr target) {
  return mean(abs(prediction - alignTarget(target, prediction)));
}

} // namespace nnc

/// The dimensions of the rows of logits [.., C].
static SmallVector<int64_t> getRowDims(Expr logits) {
  SmallVector<int64_t> dims = logits.dims();
  dims.pop_back();
  return dims;
}

/// Integers that stand for a class of each row of logits: [..], i32; outside of
/// 0 to C - 1 where they are none.
static Expr classesOf(Expr target, Expr logits) {
  return narrowIndices(reshape(target, getRowDims(logits)), logits.dim(-1));
}

/// Whether the `classes` of `target` are classes of logits [.., C]: [..], i1.
static Expr areClasses(Expr classes, Expr target, Expr logits) {
  Expr isBelow = classes < double(logits.dim(-1));
  return target.elementType().isUnsignedInteger()
             ? isBelow
             : logicalAnd(classes >= 0.0, isBelow);
}

/// The number of rows of logits [.., C], a scalar.
static Expr countRows(Expr logits) {
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, logits.rank() - 1));
  return axes.empty() ? scalar(logits, 1.0) : size(logits, axes);
}

FailureOr<Expansion> CrossEntropyOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), target(b, getTarget());
  int64_t last = logits.rank() - 1;
  SoftmaxParts parts = splitSoftmax(logits, {last});
  Expr total = reshape(log(parts.total), getRowDims(logits)); // [..]
  if (!target.isFloat()) {
    Expr classes = classesOf(target, logits);
    Expr mask = classMask(classes, logits.dim(-1));
    Expr loss = total - sum(select(mask, parts.shifted, 0.0), {last});
    return Expansion{
        mean(select(areClasses(classes, target, logits), loss, 0.0))};
  }
  Expr rows = cast(target, logits.elementType()); // [.., C]
  Expr loss = total * sum(rows, {last}) - sum(rows * parts.shifted, {last});
  return Expansion{mean(loss)};
}

FailureOr<SmallVector<Value>>
CrossEntropyOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), target(b, getTarget()), dy(b, upstream[0]);
  int64_t last = logits.rank() - 1;
  Expr share = dy / countRows(logits);
  SoftmaxParts parts = splitSoftmax(logits, {last});
  if (!target.isFloat()) {
    Expr classes = classesOf(target, logits);
    Expr hit = classMask(classes, logits.dim(-1));
    Expr weight =
        keepReduced(select(areClasses(classes, target, logits), share, 0.0),
                    logits, {last});
    // One factor a row, [.., 1], which divides by the total, too.
    Expr softmax = parts.powers * (weight / parts.total);
    return SmallVector<Value>{select(hit, softmax - weight, softmax), Value()};
  }
  Expr rows = cast(target, logits.elementType());
  Expr weight = sum(rows, {last}, /*keepDims=*/true) * share; // [.., 1]
  Expr dlogits = parts.powers * (weight / parts.total) - rows * share;
  Expr dtarget =
      cast((log(parts.total) - parts.shifted) * share, target.elementType());
  return SmallVector<Value>{dlogits, dtarget};
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
  return Expansion{-mean(target * log(p) + (1.0 - target) * log(1.0 - p))};
}

FailureOr<Expansion> HuberOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction());
  double delta = number(getDelta());
  Expr distance =
      abs(prediction - alignTarget(Expr(b, getTarget()), prediction));
  Expr near = minimum(distance, delta);
  return Expansion{mean(0.5 * near * near + delta * (distance - near))};
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

/// The class of each row: [..], i32.
static Expr targetClasses(Expr target, Expr prediction) {
  return target.isFloat() ? argmax(target) : classesOf(target, prediction);
}

/// Where no element of rows [.., C] is NaN: [..], i1. By the maximum, which
/// losses have anyway.
static Expr areNumbers(Expr rows) {
  Expr largest = reduceMax(rows, {rows.rank() - 1}, /*keepDims=*/true);
  return reshape(largest == largest, getRowDims(rows));
}

FailureOr<Expansion> AccuracyOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction()), target(b, getTarget());
  Type element = prediction.elementType();
  if (isClassification(prediction.type(), target.type())) {
    Expr hit = argmax(prediction) == targetClasses(target, prediction); // [..]
    hit = logicalAnd(hit, areNumbers(prediction));
    if (target.isFloat())
      hit = logicalAnd(hit, areNumbers(target));
    return Expansion{mean(cast(hit, element))};
  }
  // Both ways, so that what compares with nothing is never right.
  double threshold = number(getThreshold());
  Expr expected = alignTarget(target, prediction);
  Expr hit = select(expected > 0.5, prediction > threshold,
                    logicalAnd(expected <= 0.5, prediction <= threshold));
  return Expansion{mean(cast(hit, element))};
}

FailureOr<Expansion> TopKAccuracyOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr prediction(b, getPrediction()), target(b, getTarget());
  int64_t last = prediction.rank() - 1;
  Type element = prediction.elementType();
  Expr classes = targetClasses(target, prediction); // [..]
  Expr mask = classMask(classes, prediction.dim(-1));
  Expr chosen =
      sum(select(mask, prediction, 0.0), {last}, /*keepDims=*/true); // [.., 1]
  Expr larger =
      sum(cast(logicalNot(prediction <= chosen), element), {last}); // [..]
  Expr isNumber = reshape(chosen == chosen, getRowDims(prediction));
  Expr hit = logicalAnd(larger < double(getK()), isNumber);
  hit = logicalAnd(hit, areClasses(classes, target, prediction));
  if (target.isFloat())
    hit = logicalAnd(hit, areNumbers(target));
  return Expansion{mean(cast(hit, element))};
}

/// Integers that name classes are below the number of classes.
static SmallVector<IndexLimit> limitClasses(RankedTensorType logits,
                                            RankedTensorType target) {
  if (isa<FloatType>(target.getElementType()))
    return {};
  bool isBinary = !isClassification(logits, target);
  return {{1, isBinary ? 2 : logits.getShape().back()}};
}

SmallVector<IndexLimit> CrossEntropyOp::getIndexLimits() {
  if (isa<FloatType>(getTarget().getType().getElementType()))
    return {};
  return {{1, getLogits().getType().getShape().back()}};
}
SmallVector<IndexLimit> AccuracyOp::getIndexLimits() {
  return limitClasses(getPrediction().getType(), getTarget().getType());
}
SmallVector<IndexLimit> TopKAccuracyOp::getIndexLimits() {
  return limitClasses(getPrediction().getType(), getTarget().getType());
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

FailureOr<Expansion> SgdOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double decay = number(getWeightDecay());
  Expr slope = decay == 0.0 ? grad : grad + param * decay;
  return Expansion{param - rate * slope};
}

FailureOr<Expansion> MomentumOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  Expr velocity = Expr(b, getVelocity()) * number(getMomentum()) + grad;
  return Expansion{param - rate * velocity, velocity};
}

FailureOr<Expansion> NesterovOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double momentum = number(getMomentum());
  Expr velocity = Expr(b, getVelocity()) * momentum + grad;
  return Expansion{param - rate * (grad + velocity * momentum), velocity};
}

FailureOr<Expansion> RmspropOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double decay = number(getDecay());
  Expr square = Expr(b, getSquare()) * decay + grad * grad * (1.0 - decay);
  Expr step =
      grad / (sqrt(square) + epsilonIn(getEpsilon(), grad.elementType()));
  return Expansion{param - rate * step, square};
}

FailureOr<Expansion> AdagradOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  Expr square = Expr(b, getSquare()) + grad * grad;
  Expr step =
      grad / (sqrt(square) + epsilonIn(getEpsilon(), grad.elementType()));
  return Expansion{param - rate * step, square};
}

/// 1 - beta^t with t = step + 1, as -expm1(t * ln(beta)): the difference would
/// lose the digits that matter while beta^t is near 1. In f32 at least, since t
/// soon leaves the integers of f16. beta = 0 gives 1.
static Expr biasCorrection(Expr step, double beta, Type elementType) {
  ImplicitLocOpBuilder &b = step.builder();
  Type wide = elementType.isF64() ? elementType : Type(b.getF32Type());
  Expr t = cast(step, wide) + 1.0;
  return cast(-expm1(t * std::log(beta)), elementType);
}

namespace {
struct AdamUpdate {
  Expr amount; // to subtract from the parameter
  Expr m;
  Expr v;
};
} // namespace

// Shared by adam and adamw, which have the same attributes but for the decay.
template <typename OpTy>
static AdamUpdate buildAdam(ImplicitLocOpBuilder &b, OpTy op) {
  Expr grad(b, op.getGrad()), step(b, op.getStep());
  Type element = grad.elementType();
  Expr rate = cast(Expr(b, op.getLearningRate()), element);
  double beta1 = number(op.getBeta1()), beta2 = number(op.getBeta2());
  Expr m = Expr(b, op.getM()) * beta1 + grad * (1.0 - beta1);
  Expr v = Expr(b, op.getV()) * beta2 + grad * grad * (1.0 - beta2);
  // Scalars first: they are computed once, and shared by all parameters.
  Expr scale = rate / biasCorrection(step, beta1, element);
  Expr spread = rsqrt(biasCorrection(step, beta2, element));
  return {scale * m / (sqrt(v) * spread + epsilonIn(op.getEpsilon(), element)),
          m, v};
}

FailureOr<Expansion> AdamOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  AdamUpdate update = buildAdam(b, *this);
  return Expansion{Expr(b, getParam()) - update.amount, update.m, update.v};
}

FailureOr<Expansion> AdamwOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  AdamUpdate update = buildAdam(b, *this);
  Expr decayed = param * (1.0 - rate * number(getWeightDecay()));
  return Expansion{decayed - update.amount, update.m, update.v};
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

FailureOr<Expansion> CosineOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr base(b, getBase());
  Expr step = cast(Expr(b, getStep()), base.elementType());
  double warmup = getWarmup(), total = getTotal(), last = number(getFinal());
  Expr t = clamp((step - warmup) / (total - warmup), 0.0, 1.0);
  Expr falling = (base - last) * (0.5 + 0.5 * cos(t * M_PI)) + last;
  if (warmup == 0.0)
    return Expansion{falling};
  Expr rising = base * (step + 1.0) / warmup;
  return Expansion{select(step < warmup, rising, falling)};
}

LogicalResult CosineOp::verify() {
  int64_t total = getTotal();
  uint64_t warmup = getWarmup();
  if (total > int64_t(warmup))
    return success();
  return OpSite(getLoc(), "cosine").error()
         << "total is " << total << ": expected at least " << warmup + 1;
}
