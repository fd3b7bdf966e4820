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
};
} // namespace

// Shared by adam, adamw and muon, which have the same attributes but for the
// decay.
template <typename OpTy>
static AdamUpdate buildAdam(ImplicitLocOpBuilder &b, OpTy op, Expr grad) {
  Type element = grad.elementType();
  Expr rate = cast(Expr(b, op.getLearningRate()), element);
  Moments moments = buildMoments(b, op, grad);
  // Scalars first: they are computed once, and shared by all parameters.
  Expr scale = rate / moments.correction1;
  Expr spread = rsqrt(moments.correction2);
  return {scale * moments.m /
              (sqrt(moments.v) * spread + epsilonIn(op.getEpsilon(), element)),
          moments.m, moments.v};
}

FailureOr<Expansion> AdamOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  AdamUpdate update = buildAdam(b, *this, penalisedGradient(b, *this));
  return Expansion{Expr(b, getParam()) - update.amount, update.m, update.v};
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
static Expansion buildAdamw(ImplicitLocOpBuilder &b, OpTy op) {
  AdamUpdate update = buildAdam(b, op, Expr(b, op.getGrad()));
  return Expansion{decayedParam(b, op) - update.amount, update.m, update.v};
}

FailureOr<Expansion> AdamwOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return buildAdamw(b, *this);
}

FailureOr<Expansion> NadamOp::buildExpansion(OpBuilder &builder,
                                             bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr param(b, getParam()), grad = penalisedGradient(b, *this);
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
    return buildAdamw(b, *this);
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
