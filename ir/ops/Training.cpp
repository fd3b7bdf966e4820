// Expansions of optimizers.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace nnc;

/// The gradient, with that of a penalty on the parameter where there is one.
template <typename OpTy>
static Expr penalisedGradient(ImplicitLocOpBuilder &b, OpTy op) {
  Expr grad(b, op.getGrad());
  double decay = number(op.getWeightDecay());
  return decay == 0.0 ? grad : grad + Expr(b, op.getParam()) * decay;
}

template <typename OpTy>
static Expr isFirstStep(ImplicitLocOpBuilder &b, OpTy op) {
  return Expr(b, op.getStep()) <= 0.0;
}

FailureOr<Expansion> SgdOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  return Expansion{param - rate * penalisedGradient(b, *this)};
}

FailureOr<Expansion> MomentumOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  if (double dampening = number(getDampening()); dampening != 0.0)
    grad = grad * select(isFirstStep(b, *this), 1.0,
                         constant(b, 1.0 - dampening, param.elementType()));
  Expr velocity = Expr(b, getVelocity()) * number(getMomentum()) + grad;
  return Expansion{param - rate * velocity, velocity};
}

FailureOr<Expansion> NesterovOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double momentum = number(getMomentum());
  Expr velocity = Expr(b, getVelocity()) * momentum + grad;
  return Expansion{param - rate * (grad + velocity * momentum), velocity};
}

FailureOr<Expansion> RmspropOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double decay = number(getDecay());
  auto follow = [&](Value mean, Expr now) {
    return Expr(b, mean) * decay + now * (1.0 - decay);
  };
  Expr square = follow(getSquare(), grad * grad), spread = square;
  SmallVector<Value> more;
  if (getCentered()) {
    Expr mean = follow(getMore().front(), grad);
    more.push_back(mean);
    // Rounding may take more than there is.
    spread = maximum(square - mean * mean, 0.0);
  }
  Expr change =
      grad / (sqrt(spread) + epsilonIn(getEpsilon(), grad.elementType()));
  if (double momentum = number(getMomentum()); momentum != 0.0) {
    change = Expr(b, getMore().back()) * momentum + change;
    more.push_back(change);
  }
  Expansion expansion{param - rate * change, square};
  llvm::append_range(expansion.values, more);
  return expansion;
}

FailureOr<Expansion> AdagradOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Type element = param.elementType();
  Expr rate(b, getLearningRate());
  if (double decay = number(getRateDecay()); decay != 0.0)
    rate = rate / (cast(Expr(b, getStep()), rate.elementType()) * decay + 1.0);
  Expr square = Expr(b, getSquare()) + grad * grad, all = square;
  if (double initial = number(getInitialAccumulator()); initial != 0.0)
    all = square + initial;
  Expr step = grad / (sqrt(all) + epsilonIn(getEpsilon(), element));
  return Expansion{param - cast(rate, element) * step, square};
}

FailureOr<Expansion> AdadeltaOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  double decay = number(getDecay());
  double epsilon = epsilonIn(getEpsilon(), param.elementType());
  Expr before(b, getChange());
  Expr square = Expr(b, getSquare()) * decay + grad * grad * (1.0 - decay);
  Expr step = sqrt(before + epsilon) / sqrt(square + epsilon) * grad;
  Expr change = before * decay + step * step * (1.0 - decay);
  return Expansion{param - rate * step, square, change};
}

FailureOr<Expansion> RpropOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Expr rate = cast(Expr(b, getLearningRate()), param.elementType());
  // Not of the product of both, which may be 0 where they are not.
  Expr agreement = sign(grad) * sign(Expr(b, getPrevious()));
  Expr isTurned = agreement < 0.0;
  Expr factor =
      select(agreement > 0.0, number(getIncrease()),
             select(isTurned, number(getDecrease()), scalar(param, 1.0)));
  Expr before = select(isFirstStep(b, *this), rate, Expr(b, getSize()));
  Expr size = clamp(before * factor, number(getLeast()), number(getMost()));
  Expr taken = select(isTurned, 0.0, grad);
  return Expansion{param - sign(taken) * size, taken, size};
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
/// Moments of a gradient, and what corrects their bias at this step.
struct Moments {
  Expr m, v;
  Expr correction1, correction2;
};
} // namespace

template <typename OpTy>
static Moments buildMoments(ImplicitLocOpBuilder &b, OpTy op, Expr grad) {
  Expr step(b, op.getStep());
  Type element = grad.elementType();
  double beta1 = number(op.getBeta1()), beta2 = number(op.getBeta2());
  return {Expr(b, op.getM()) * beta1 + grad * (1.0 - beta1),
          Expr(b, op.getV()) * beta2 + grad * grad * (1.0 - beta2),
          biasCorrection(step, beta1, element),
          biasCorrection(step, beta2, element)};
}

namespace {
struct AdamUpdate {
  Expr amount; // to subtract from the parameter
  Expr m;
  Expr v;
  Expr vMax; // with amsgrad

  Expansion from(Expr param) const {
    Expansion expansion{param - amount, m, v};
    if (vMax)
      expansion.values.push_back(vMax);
    return expansion;
  }
};
} // namespace

// Shared by adam, adamw and muon, which have the same attributes but for the
// decay; `vMax` is the largest v so far, with amsgrad.
template <typename OpTy>
static AdamUpdate buildAdam(ImplicitLocOpBuilder &b, OpTy op, Expr grad,
                            Value vMax) {
  Type element = grad.elementType();
  Expr rate = cast(Expr(b, op.getLearningRate()), element);
  Moments moments = buildMoments(b, op, grad);
  // Scalars first: they are computed once, and shared by all parameters.
  Expr scale = rate / moments.correction1;
  Expr spread = rsqrt(moments.correction2);
  Expr largest = vMax ? maximum(Expr(b, vMax), moments.v) : Expr();
  Expr square = largest ? largest : moments.v;
  return {scale * moments.m /
              (sqrt(square) * spread + epsilonIn(op.getEpsilon(), element)),
          moments.m, moments.v, largest};
}

FailureOr<Expansion> AdamOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return buildAdam(b, *this, penalisedGradient(b, *this), getVMax())
      .from(Expr(b, getParam()));
}

/// The parameter after a weight decay that is no part of its gradient.
template <typename OpTy>
static Expr decayedParam(ImplicitLocOpBuilder &b, OpTy op) {
  Expr param(b, op.getParam());
  Expr rate = cast(Expr(b, op.getLearningRate()), param.elementType());
  double decay = number(op.getWeightDecay());
  return decay == 0.0 ? param : param * (1.0 - rate * decay);
}

template <typename OpTy>
static Expansion buildAdamw(ImplicitLocOpBuilder &b, OpTy op, Value vMax) {
  return buildAdam(b, op, Expr(b, op.getGrad()), vMax)
      .from(decayedParam(b, op));
}

FailureOr<Expansion> AdamwOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return buildAdamw(b, *this, getVMax());
}

FailureOr<Expansion> AdamaxOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
  Type element = param.elementType();
  Expr rate = cast(Expr(b, getLearningRate()), element);
  double beta1 = number(getBeta1());
  Expr m = Expr(b, getM()) * beta1 + grad * (1.0 - beta1);
  Expr u = maximum(Expr(b, getU()) * number(getBeta2()),
                   abs(grad) + epsilonIn(getEpsilon(), element));
  Expr scale = rate / biasCorrection(Expr(b, getStep()), beta1, element);
  return Expansion{param - scale * m / u, m, u};
}

/// The gradient and the parameter that an update begins with: the decay is in
/// one of them.
template <typename OpTy>
static std::pair<Expr, Expr> decay(ImplicitLocOpBuilder &b, OpTy op) {
  if (op.getDecoupledWeightDecay())
    return {Expr(b, op.getGrad()), decayedParam(b, op)};
  return {penalisedGradient(b, op), Expr(b, op.getParam())};
}

FailureOr<Expansion> RadamOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto [grad, param] = decay(b, *this);
  Type element = grad.elementType(), wide = b.getF64Type();
  Moments moments = buildMoments(b, *this, grad);
  double beta2 = number(getBeta2());
  double most = 2.0 / (1.0 - beta2) - 1.0;
  // r(t) is the small difference of large numbers at first: in f64, a few
  // scalars a step.
  Expr step(b, getStep());
  Expr correction = biasCorrection(step, beta2, wide);
  Expr t = cast(step, wide) + 1.0;
  Expr known = most - 2.0 * t * (1.0 - correction) / correction;
  Expr isKnown = known > 5.0;
  double scale = most / ((most - 4.0) * (most - 2.0));
  // Where it is not known, of any number that has a root.
  Expr safe = select(isKnown, known, scalar(known, 6.0));
  Expr factor = sqrt((safe - 4.0) * (safe - 2.0) / safe * std::abs(scale));
  Expr spread = sqrt(moments.v) * rsqrt(moments.correction2) +
                epsilonIn(getEpsilon(), element);
  Expr adapted = select(isKnown, cast(factor, element) / spread, 1.0);
  Expr rate = cast(Expr(b, getLearningRate()), element);
  return Expansion{param - rate / moments.correction1 * moments.m * adapted,
                   moments.m, moments.v};
}

FailureOr<Expansion> NadamOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto [grad, param] = decay(b, *this);
  Type element = param.elementType();
  Type wide = element.isF64() ? element : Type(b.getF32Type());
  Moments moments = buildMoments(b, *this, grad);
  Expr t = cast(Expr(b, getStep()), wide) + 1.0;
  double beta1 = number(getBeta1());
  double fall = number(getMomentumDecay()) * std::log(0.96);
  auto momentumAt = [&](Expr step) {
    return beta1 - exp(step * fall) * (0.5 * beta1);
  };
  Expr mu = momentumAt(t), next = momentumAt(t + 1.0);
  // 1 - P in place of the product P: it starts at zero, as slots do, and keeps
  // its digits while P is near 1.
  Expr before = cast(Expr(b, getPassed()), wide);
  Expr passed = before + (1.0 - before) * (1.0 - mu);
  Expr passedNext = passed + (1.0 - passed) * (1.0 - next);
  Expr rate = cast(Expr(b, getLearningRate()), wide);
  Expr ofMean = cast(rate * next / passedNext, element);
  Expr ofGradient = cast(rate * (1.0 - mu) / passed, element);
  Expr spread = sqrt(moments.v) * rsqrt(moments.correction2) +
                epsilonIn(getEpsilon(), element);
  Expr amount = (ofMean * moments.m + ofGradient * grad) / spread;
  return Expansion{param - amount, moments.m, moments.v, cast(passed, element)};
}

FailureOr<Expansion> LionOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr grad(b, getGrad()), m(b, getM());
  Expr rate = cast(Expr(b, getLearningRate()), grad.elementType());
  double beta1 = number(getBeta1()), beta2 = number(getBeta2());
  Expr direction = sign(m * beta1 + grad * (1.0 - beta1));
  return Expansion{decayedParam(b, *this) - rate * direction,
                   m * beta2 + grad * (1.0 - beta2)};
}

//===-- Updates scaled to the whole parameter ----------------------------===//

/// Its elements in f32 at least: squares soon leave the range of f16.
static Expr widen(Expr x) {
  return x.elementType().isF64() ? x : cast(x, x.builder().getF32Type());
}

/// The square root of the mean of squares.
static Expr rootMeanSquare(Expr x) {
  Expr wide = widen(x);
  return sqrt(mean(wide * wide));
}

FailureOr<Expansion> LambOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad(b, getGrad());
  Type element = param.elementType();
  Expr rate = cast(Expr(b, getLearningRate()), element);
  Moments moments = buildMoments(b, *this, grad);
  Expr update = moments.m / moments.correction1 /
                (sqrt(moments.v) * rsqrt(moments.correction2) +
                 epsilonIn(getEpsilon(), element));
  if (double decay = number(getWeightDecay()); decay != 0.0)
    update = update + param * decay;
  // Of norms over the same number of elements, as roots of means.
  Expr size = rootMeanSquare(param), length = rootMeanSquare(update);
  Expr isScaled = logicalAnd(size > 0.0, length > 0.0);
  Expr trust = select(isScaled, size / select(isScaled, length, 1.0), 1.0);
  return Expansion{param - rate * cast(trust, element) * update, moments.m,
                   moments.v};
}

namespace {
/// The second moments that Adafactor keeps, and their estimate of each square.
struct FactoredMoments {
  Expr row, column, estimate;
};
} // namespace

/// `before` moved by `share` of the way to `now`.
static Expr moveTo(Expr before, Expr now, Expr share) {
  return before + (now - before) * share;
}

/// All in f32 at least.
static FactoredMoments buildFactored(ImplicitLocOpBuilder &b, AdafactorOp op) {
  Expr grad = widen(Expr(b, op.getGrad()));
  Type wide = grad.elementType();
  Expr t = cast(Expr(b, op.getStep()), wide) + 1.0;
  Expr share = pow(t, -number(op.getDecayPower()));
  Expr squares = grad * grad;
  Expr row = widen(Expr(b, op.getRow()));
  if (!op.getColumn()) {
    row = moveTo(row, squares, share);
    return {row, Expr(), row};
  }
  row = moveTo(row, mean(squares, {-1}, true), share);
  Expr column =
      moveTo(widen(Expr(b, op.getColumn())), mean(squares, {-2}, true), share);
  Expr middle =
      maximum(mean(row, {-2}, true), epsilonIn(op.getEpsilon1(), wide));
  return {row, column, row / middle * column};
}

FailureOr<Expansion> AdafactorOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam());
  Type element = param.elementType();
  FactoredMoments moments = buildFactored(b, *this);
  Type wide = moments.row.elementType();
  double least = epsilonIn(getEpsilon1(), wide);
  double clip = number(getClip());
  Expr update = widen(Expr(b, getGrad())) *
                rsqrt(maximum(moments.estimate,
                              std::max(least * least, double(FLT_MIN))));
  Expr rate = cast(Expr(b, getLearningRate()), wide);
  Expr t = cast(Expr(b, getStep()), wide) + 1.0;
  Expr size = maximum(rootMeanSquare(param), number(getEpsilon2()));
  Expr amount = size * minimum(rate, rsqrt(t)) /
                maximum(rootMeanSquare(update) / clip, 1.0);
  Expr changed = decayedParam(b, *this) - cast(amount * update, element);
  Expansion expansion{changed, cast(moments.row, element)};
  if (moments.column)
    expansion.values.push_back(cast(moments.column, element));
  return expansion;
}

/// Near the product of the singular vectors of `x`, a matrix [A, B]: Newton and
/// Schulz, as in the record.
static Expr orthogonalise(Expr x, int64_t iterations) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  // The smaller Gram matrix.
  bool isTall = x.dim(0) > x.dim(1);
  if (isTall)
    x = transpose(x, {1, 0});
  // A gradient of zeros stays one.
  constexpr double least = 1e-7;
  x = x / maximum(sqrt(sum(x * x)), least);
  for (int64_t i = 0; i < iterations; ++i) {
    Expr gram = matmul(x, x, kTransposeRhs);
    Expr inner = gram * b + matmul(gram, gram) * c;
    x = x * a + matmul(inner, x);
  }
  return isTall ? transpose(x, {1, 0}) : x;
}

FailureOr<Expansion> MuonOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  if (getV())
    return buildAdamw(b, *this, {});
  Expr param(b, getParam()), grad(b, getGrad());
  Type element = param.elementType();
  double momentum = number(getMomentum());
  auto blend = [&](Expr mean) {
    return mean * momentum + grad * (1.0 - momentum);
  };
  Expr m = blend(Expr(b, getM()));
  Expr direction = widen(getNesterov() ? blend(m) : m);
  int64_t columns = param.dim(-1);
  int64_t rows = param.type().getNumElements() / columns;
  Expr update =
      orthogonalise(reshape(direction, {rows, columns}), getIterations());
  double scale = getMatchAdamw()
                     ? 0.2 * std::sqrt(double(std::max(rows, columns)))
                     : std::sqrt(std::max(1.0, double(columns) / double(rows)));
  Expr rate = cast(Expr(b, getLearningRate()), element);
  Expr shaped = cast(reshape(update, param.dims()), element);
  return Expansion{decayedParam(b, *this) - rate * scale * shaped, m};
}
