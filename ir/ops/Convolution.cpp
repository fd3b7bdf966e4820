// The gradients of the two convolutions that are gradients themselves.
#include "ir/Expr.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

FailureOr<SmallVector<Value>>
ConvolutionTransposeOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dx(b, upstream[0]), y(b, getY()), filter(b, getFilter());
  return SmallVector<Value>{
      convolution(dx, filter, getWindows(), getGroups()),
      convolutionFilter(dx, y, getWindows(), getGroups())};
}

FailureOr<SmallVector<Value>>
ConvolutionFilterOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dfilter(b, upstream[0]), x(b, getX()), y(b, getY());
  ArrayRef<int64_t> sizes = spatialDims(x.type().getShape());
  return SmallVector<Value>{
      convolutionTranspose(y, dfilter, sizes, getWindows(), getGroups()),
      convolution(x, dfilter, getWindows(), getGroups())};
}
