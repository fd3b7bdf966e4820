// Expansions and folds of reductions.
#include "ir/Expr.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

FailureOr<SmallVector<Value>> LogsumexpOp::buildExpansion(OpBuilder &builder,
                                                          bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SmallVector<int64_t> axes = getReducedAxes();
  Expr largest = reduceMax(x, axes, /*keepDims=*/true);
  Expr y = largest + log(sum(exp(x - largest), axes, /*keepDims=*/true));
  Expr shaped = reshape(y, toDims(getY().getType().getShape()));
  return SmallVector<Value>{shaped};
}

OpFoldResult SumOp::fold(FoldAdaptor adaptor) {
  // A sum over dimensions of size 1 that keeps them is x.
  if (getX().getType() != getY().getType())
    return {};
  for (int64_t axis : getReducedAxes())
    if (getX().getType().getDimSize(axis) != 1)
      return {};
  return getX();
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
