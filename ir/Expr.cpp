// Each function builds the op of its name. Only what needs no thought is folded
// here: a factor of 1, a reshape to the same shape, a cast to the same type.
#include "ir/Expr.h"

#include "ir/Ops.h"

using namespace mlir;

namespace nnc {

int64_t Expr::dim(int64_t axis) const {
  int64_t size = type().getDimSize(resolveAxis(rank(), axis));
  return ShapedType::isDynamic(size) ? -1 : size;
}

SmallVector<int64_t> Expr::dims() const { return toDims(type().getShape()); }

Expr operand(ImplicitLocOpBuilder &b, ValueRange values) {
  return values.empty() ? Expr() : Expr(b, values.front());
}

SmallVector<Expr> variadicOperand(ImplicitLocOpBuilder &b, ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value value) { return Expr(b, value); });
}

/// Builds an op whose first operand is `x`.
template <typename OpTy, typename... Args>
static Expr build(Expr x, Args &&...args) {
  ImplicitLocOpBuilder &b = x.builder();
  return Expr(
      b, OpTy::create(b, b.getLoc(), Value(x), std::forward<Args>(args)...));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Expr constant(ImplicitLocOpBuilder &b, ElementsAttr value) {
  return Expr(b, ConstantOp::create(b, b.getLoc(), value));
}

Expr constant(ImplicitLocOpBuilder &b, double value, Type elementType) {
  auto type = RankedTensorType::get({}, elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType))
    return constant(b, DenseElementsAttr::get(
                           type, Attribute(b.getFloatAttr(floatType, value))));
  auto integer = b.getIntegerAttr(elementType, static_cast<int64_t>(value));
  return constant(b, DenseElementsAttr::get(type, Attribute(integer)));
}

double epsilonIn(const APFloat &epsilon, Type elementType) {
  const llvm::fltSemantics &semantics =
      cast<FloatType>(elementType).getFloatSemantics();
  APFloat rounded = epsilon;
  bool losesInfo;
  rounded.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  // Arithmetic takes subnormal numbers as zero; that of f16 is in f32, where
  // none of its numbers is subnormal.
  bool vanishes =
      rounded.isZero() || (rounded.isDenormal() && !elementType.isF16());
  if (epsilon.isZero() || !vanishes)
    return number(epsilon);
  APFloat least = APFloat::getSmallestNormalized(semantics);
  least.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return number(least);
}

Expr scalar(Expr like, double value) {
  return constant(like.builder(), value, like.elementType());
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Expr operator+(Expr lhs, Expr rhs) { return build<AddOp>(lhs, rhs); }
Expr operator+(Expr lhs, double rhs) { return lhs + scalar(lhs, rhs); }
Expr operator+(double lhs, Expr rhs) { return scalar(rhs, lhs) + rhs; }
Expr operator-(Expr lhs, Expr rhs) { return build<SubOp>(lhs, rhs); }
Expr operator-(Expr lhs, double rhs) { return lhs - scalar(lhs, rhs); }
Expr operator-(double lhs, Expr rhs) { return scalar(rhs, lhs) - rhs; }
Expr operator*(Expr lhs, Expr rhs) { return build<MulOp>(lhs, rhs); }
Expr operator*(Expr lhs, double rhs) {
  return rhs == 1.0 ? lhs : lhs * scalar(lhs, rhs);
}
Expr operator*(double lhs, Expr rhs) {
  return lhs == 1.0 ? rhs : scalar(rhs, lhs) * rhs;
}
Expr operator/(Expr lhs, Expr rhs) { return build<DivOp>(lhs, rhs); }
Expr operator/(Expr lhs, double rhs) {
  return rhs == 1.0 ? lhs : lhs / scalar(lhs, rhs);
}
Expr operator/(double lhs, Expr rhs) { return scalar(rhs, lhs) / rhs; }
Expr operator-(Expr x) { return build<NegOp>(x); }
Expr pow(Expr lhs, Expr rhs) { return build<PowOp>(lhs, rhs); }
Expr pow(Expr lhs, double rhs) { return pow(lhs, scalar(lhs, rhs)); }
Expr pow(double lhs, Expr rhs) { return pow(scalar(rhs, lhs), rhs); }
Expr maximum(Expr lhs, Expr rhs) { return build<MaximumOp>(lhs, rhs); }
Expr maximum(Expr lhs, double rhs) { return maximum(lhs, scalar(lhs, rhs)); }
Expr minimum(Expr lhs, Expr rhs) { return build<MinimumOp>(lhs, rhs); }
Expr minimum(Expr lhs, double rhs) { return minimum(lhs, scalar(lhs, rhs)); }

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Expr abs(Expr x) { return build<AbsOp>(x); }
Expr sign(Expr x) { return build<SignOp>(x); }
Expr exp(Expr x) { return build<ExpOp>(x); }
Expr log(Expr x) { return build<LogOp>(x); }
Expr log1p(Expr x) { return build<Log1pOp>(x); }
Expr expm1(Expr x) { return build<Expm1Op>(x); }
Expr tanh(Expr x) { return build<TanhOp>(x); }
Expr sigmoid(Expr x) { return build<SigmoidOp>(x); }
Expr relu(Expr x) { return build<ReluOp>(x); }
Expr softplus(Expr x) { return build<SoftplusOp>(x); }
Expr silu(Expr x) { return build<SiluOp>(x); }
Expr gelu(Expr x) { return build<GeluOp>(x); }
Expr softmax(Expr x, int64_t axis) { return build<SoftmaxOp>(x, axis); }
Expr logSoftmax(Expr x, int64_t axis) { return build<LogSoftmaxOp>(x, axis); }
Expr erf(Expr x) { return build<ErfOp>(x); }
Expr sqrt(Expr x) { return build<SqrtOp>(x); }
Expr rsqrt(Expr x) { return build<RsqrtOp>(x); }
Expr sin(Expr x) { return build<SinOp>(x); }
Expr cos(Expr x) { return build<CosOp>(x); }
Expr floor(Expr x) { return build<FloorOp>(x); }
Expr ceil(Expr x) { return build<CeilOp>(x); }
Expr round(Expr x) { return build<RoundOp>(x); }
Expr stopGradient(Expr x) { return build<StopGradientOp>(x); }
Expr clamp(Expr x, double min, double max) {
  return build<ClampOp>(x, APFloat(min), APFloat(max));
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

Expr compare(Expr lhs, Expr rhs, Predicate predicate) {
  return build<CompareOp>(lhs, rhs, predicate);
}
Expr operator==(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::eq); }
Expr operator!=(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::ne); }
Expr operator<(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::lt); }
Expr operator<=(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::le); }
Expr operator>(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::gt); }
Expr operator>=(Expr lhs, Expr rhs) { return compare(lhs, rhs, Predicate::ge); }
Expr operator<(Expr lhs, double rhs) { return lhs < scalar(lhs, rhs); }
Expr operator<=(Expr lhs, double rhs) { return lhs <= scalar(lhs, rhs); }
Expr operator>(Expr lhs, double rhs) { return lhs > scalar(lhs, rhs); }
Expr operator>=(Expr lhs, double rhs) { return lhs >= scalar(lhs, rhs); }
Expr logicalAnd(Expr lhs, Expr rhs) { return build<LogicalAndOp>(lhs, rhs); }
Expr logicalOr(Expr lhs, Expr rhs) { return build<LogicalOrOp>(lhs, rhs); }
Expr logicalNot(Expr x) { return build<LogicalNotOp>(x); }
Expr select(Expr condition, Expr onTrue, Expr onFalse) {
  return build<SelectOp>(condition, onTrue, onFalse);
}
Expr select(Expr condition, Expr onTrue, double onFalse) {
  return select(condition, onTrue, scalar(onTrue, onFalse));
}
Expr select(Expr condition, double onTrue, Expr onFalse) {
  return select(condition, scalar(onFalse, onTrue), onFalse);
}

Expr cast(Expr x, Type elementType) {
  return x.elementType() == elementType ? x : build<CastOp>(x, elementType);
}

Expr iota(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, int64_t axis,
          Type elementType) {
  return Expr(b, IotaOp::create(b, b.getLoc(), shape, elementType, axis));
}

//===----------------------------------------------------------------------===//
// Contraction and reduction
//===----------------------------------------------------------------------===//

Expr matmul(Expr lhs, Expr rhs, unsigned flags) {
  return build<MatmulOp>(lhs, rhs, bool(flags & kTransposeLhs),
                         bool(flags & kTransposeRhs),
                         bool(flags & kReduceBatch));
}

Expr convolution(Expr x, Expr filter, const Windows &windows, int64_t groups) {
  return build<ConvolutionOp>(x, filter, windows.strides, windows.low,
                              windows.high, windows.dilations, groups);
}

Expr convolutionTranspose(Expr y, Expr filter, ArrayRef<int64_t> sizes,
                          const Windows &windows, int64_t groups) {
  return build<ConvolutionTransposeOp>(y, filter, sizes, windows.strides,
                                       windows.low, windows.high,
                                       windows.dilations, groups);
}

Expr convolutionFilter(Expr x, Expr y, const Windows &windows, int64_t groups) {
  return build<ConvolutionFilterOp>(x, y, windows.sizes, windows.strides,
                                    windows.low, windows.high,
                                    windows.dilations, groups);
}

Expr sum(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return build<SumOp>(x, axes, keepDims);
}
Expr mean(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return build<MeanOp>(x, axes, keepDims);
}
Expr reduceMax(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return build<ReduceMaxOp>(x, axes, keepDims);
}
Expr reduceMin(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return build<ReduceMinOp>(x, axes, keepDims);
}
Expr logsumexp(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return build<LogsumexpOp>(x, axes, keepDims);
}
Expr argmax(Expr x, int64_t axis) { return build<ArgmaxOp>(x, axis); }
Expr size(Expr x, ArrayRef<int64_t> axes) { return build<SizeOp>(x, axes); }

Expr keepReduced(Expr y, Expr x, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> kept = x.dims();
  for (int64_t axis : axes)
    kept[axis] = 1;
  return reshape(y, kept);
}

Expr shareAmongEqual(Expr dy, Expr x, Expr y, ArrayRef<int64_t> axes) {
  Expr attains = cast(x == keepReduced(y, x, axes), x.elementType());
  return attains * (keepReduced(dy, x, axes) / sum(attains, axes, true));
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

Expr reshape(Expr x, ArrayRef<int64_t> shape) {
  return ArrayRef<int64_t>(x.dims()) == shape ? x : build<ReshapeOp>(x, shape);
}
Expr transpose(Expr x, ArrayRef<int64_t> permutation) {
  return build<TransposeOp>(x, permutation);
}
Expr broadcast(Expr x, ArrayRef<int64_t> shape) {
  return ArrayRef<int64_t>(x.dims()) == shape ? x
                                              : build<BroadcastOp>(x, shape);
}
Expr broadcastLike(Expr x, Expr like) { return broadcast(x, like.dims()); }
Expr slice(Expr x, ArrayRef<int64_t> starts, ArrayRef<int64_t> sizes,
           ArrayRef<int64_t> strides) {
  return build<SliceOp>(x, starts, sizes, strides);
}
Expr pad(Expr x, ArrayRef<int64_t> low, ArrayRef<int64_t> high,
         ArrayRef<int64_t> interior, double value) {
  return build<PadOp>(x, low, high, interior, APFloat(value));
}
Expr concat(ArrayRef<Expr> inputs, int64_t axis) {
  ImplicitLocOpBuilder &b = inputs.front().builder();
  SmallVector<Value> values(inputs.begin(), inputs.end());
  return Expr(b, ConcatOp::create(b, b.getLoc(), ValueRange(values), axis));
}
Expr gather(Expr table, Expr indices, int64_t axis) {
  return build<GatherOp>(table, indices, axis);
}
Expr scatterAdd(Expr indices, Expr updates, int64_t size, int64_t axis) {
  return build<ScatterAddOp>(indices, updates, size, axis);
}

} // namespace nnc
