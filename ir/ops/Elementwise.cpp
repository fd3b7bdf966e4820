// Verifiers and folds of elementwise ops. Folds keep every bit: x + 0 is left
// alone where it would change -0, and x * 0 where x may be infinite.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Folding of splats
//===----------------------------------------------------------------------===//

/// The one value of a constant of floats, or nothing.
static std::optional<APFloat> getSplat(Attribute attribute) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!elements || !elements.isSplat() ||
      !isa<FloatType>(elements.getElementType()))
    return std::nullopt;
  return elements.getSplatValue<APFloat>();
}

static bool isSplat(Attribute attribute, double value) {
  std::optional<APFloat> splat = getSplat(attribute);
  return splat && splat->convertToDouble() == value &&
         splat->isNegative() == std::signbit(value);
}

/// A constant of `type` if both operands are splats and `type` is static.
static OpFoldResult
foldSplats(ArrayRef<Attribute> operands, RankedTensorType type,
           llvm::function_ref<void(APFloat &, const APFloat &)> apply) {
  std::optional<APFloat> lhs = getSplat(operands[0]);
  std::optional<APFloat> rhs = getSplat(operands[1]);
  if (!lhs || !rhs || !type.hasStaticShape())
    return {};
  apply(*lhs, *rhs);
  return DenseElementsAttr::get(type, *lhs);
}

static constexpr auto kNearest = APFloat::rmNearestTiesToEven;

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  // -0 is the neutral element of addition: 0 + -0 = 0, and x + 0 turns -0 to 0.
  if (isSplat(adaptor.getRhs(), -0.0) && getLhs().getType() == getType())
    return getLhs();
  if (isSplat(adaptor.getLhs(), -0.0) && getRhs().getType() == getType())
    return getRhs();
  return foldSplats(adaptor.getOperands(), getType(),
                    [](APFloat &a, const APFloat &b) { a.add(b, kNearest); });
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 0.0) && getLhs().getType() == getType())
    return getLhs();
  return foldSplats(
      adaptor.getOperands(), getType(),
      [](APFloat &a, const APFloat &b) { a.subtract(b, kNearest); });
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1.0) && getLhs().getType() == getType())
    return getLhs();
  if (isSplat(adaptor.getLhs(), 1.0) && getRhs().getType() == getType())
    return getRhs();
  return foldSplats(
      adaptor.getOperands(), getType(),
      [](APFloat &a, const APFloat &b) { a.multiply(b, kNearest); });
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1.0) && getLhs().getType() == getType())
    return getLhs();
  return foldSplats(
      adaptor.getOperands(), getType(),
      [](APFloat &a, const APFloat &b) { a.divide(b, kNearest); });
}

OpFoldResult PowOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1.0) && getLhs().getType() == getType())
    return getLhs();
  return {};
}

OpFoldResult MaximumOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs())
    return getLhs();
  return foldSplats(
      adaptor.getOperands(), getType(),
      [](APFloat &a, const APFloat &b) { a = llvm::maximum(a, b); });
}

OpFoldResult MinimumOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs())
    return getLhs();
  return foldSplats(
      adaptor.getOperands(), getType(),
      [](APFloat &a, const APFloat &b) { a = llvm::minimum(a, b); });
}

OpFoldResult NegOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getX().getDefiningOp<NegOp>())
    return inner.getX();
  std::optional<APFloat> splat = getSplat(adaptor.getX());
  if (!splat)
    return {};
  return DenseElementsAttr::get(getType(), llvm::neg(*splat));
}

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  std::optional<APFloat> lhs = getSplat(adaptor.getLhs());
  std::optional<APFloat> rhs = getSplat(adaptor.getRhs());
  if (!lhs || !rhs || !getType().hasStaticShape())
    return {};
  APFloat::cmpResult order = lhs->compare(*rhs);
  bool isLess = order == APFloat::cmpLessThan;
  bool isEqual = order == APFloat::cmpEqual;
  bool isGreater = order == APFloat::cmpGreaterThan;
  // Unordered is none of the three.
  const bool holds[] = {isEqual,           !isEqual,  isLess,
                        isLess || isEqual, isGreater, isGreater || isEqual};
  return DenseElementsAttr::get(getType(),
                                holds[static_cast<size_t>(getPredicate())]);
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  if (getOnTrue() == getOnFalse() && getOnTrue().getType() == getType())
    return getOnTrue();
  auto condition = dyn_cast_or_null<DenseElementsAttr>(adaptor.getCondition());
  if (!condition || !condition.isSplat())
    return {};
  Value chosen = condition.getSplatValue<bool>() ? getOnTrue() : getOnFalse();
  return chosen.getType() == getType() ? OpFoldResult(chosen) : OpFoldResult();
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  std::optional<APFloat> splat = getSplat(adaptor.getX());
  auto to = dyn_cast<FloatType>(getTo());
  if (!splat || !to)
    return {};
  bool losesInfo;
  splat->convert(to.getFloatSemantics(), kNearest, &losesInfo);
  return DenseElementsAttr::get(getType(), *splat);
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult ClampOp::verify() {
  if (getMin() <= getMax())
    return success();
  return OpSite(getLoc(), "clamp").error()
         << "min is above max: min is " << getMin().convertToDouble()
         << ", max is " << getMax().convertToDouble();
}
