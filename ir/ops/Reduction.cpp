// Expansions and folds of reductions.
#include "ir/Expr.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

static double largestFinite(Type elementType) {
  APFloat largest = APFloat::getLargest(
      llvm::cast<FloatType>(elementType).getFloatSemantics());
  bool losesInfo;
  largest.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return number(largest);
}

FailureOr<Expansion> LogsumexpOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SmallVector<int64_t> axes = getReducedAxes();
  // inf - inf has no value; with a finite subtrahend the powers are infinite or
  // all zero, and so is their logarithm.
  double limit = largestFinite(x.elementType());
  Expr largest = clamp(reduceMax(x, axes, /*keepDims=*/true), -limit, limit);
  Expr y = largest + log(sum(exp(x - largest), axes, /*keepDims=*/true));
  Expr shaped = reshape(y, toDims(getY().getType().getShape()));
  return Expansion{shaped};
}

Expr nnc::softmaxGradient(Expr dy, Expr x, ArrayRef<int64_t> axes) {
  SoftmaxParts parts = splitSoftmax(x, axes);
  return parts.powers * (keepReduced(dy, x, axes) / parts.total);
}

static bool reducesSingleElements(RankedTensorType type,
                                  ArrayRef<int64_t> axes) {
  return llvm::all_of(axes,
                      [&](int64_t axis) { return type.getDimSize(axis) == 1; });
}

OpFoldResult SumOp::fold(FoldAdaptor adaptor) {
  // A sum over dimensions of size 1 that keeps them is x.
  if (getX().getType() == getY().getType() &&
      reducesSingleElements(getX().getType(), getReducedAxes()))
    return getX();
  return {};
}

/// A reduction over dimensions of size 1 is a reshape.
template <typename ReductionOp>
static LogicalResult reshapeSingleElements(ReductionOp op,
                                           PatternRewriter &rewriter) {
  if (!reducesSingleElements(op.getX().getType(), op.getReducedAxes()))
    return failure();
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  Value y = reshape(Expr(b, op.getX()), toDims(op.getY().getType().getShape()));
  rewriter.replaceOp(op, y);
  return success();
}

LogicalResult SumOp::canonicalize(SumOp op, PatternRewriter &rewriter) {
  return reshapeSingleElements(op, rewriter);
}

LogicalResult ReduceMaxOp::canonicalize(ReduceMaxOp op,
                                        PatternRewriter &rewriter) {
  return reshapeSingleElements(op, rewriter);
}

LogicalResult ReduceMinOp::canonicalize(ReduceMinOp op,
                                        PatternRewriter &rewriter) {
  return reshapeSingleElements(op, rewriter);
}

OpFoldResult SizeOp::fold(FoldAdaptor adaptor) {
  RankedTensorType x = getX().getType();
  int64_t count = 1;
  for (int64_t axis : getReducedAxes()) {
    if (x.isDynamicDim(axis))
      return {};
    count *= x.getDimSize(axis);
  }
  auto elementType = cast<FloatType>(x.getElementType());
  return DenseElementsAttr::get(
      getY().getType(),
      Attribute(FloatAttr::get(elementType, static_cast<double>(count))));
}
