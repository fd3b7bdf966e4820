// Expansions of optimizers and schedules.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

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
