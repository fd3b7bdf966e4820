// Gradients and folds of movement ops.
#include "ir/Expr.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

/// A constant splat in another static shape.
static OpFoldResult foldSplat(Attribute x, RankedTensorType type) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(x);
  if (!elements || !elements.isSplat() || !type.hasStaticShape())
    return {};
  return elements.resizeSplat(type);
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // Only the last of several reshapes matters.
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    getXMutable().assign(inner.getX());
    return getResult();
  }
  auto elements = dyn_cast_or_null<DenseElementsAttr>(adaptor.getX());
  return elements ? OpFoldResult(elements.reshape(getType())) : OpFoldResult();
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> permutation = getResolvedPermutation();
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return getX();
  if (auto inner = getX().getDefiningOp<TransposeOp>())
    if (inner.getResolvedPermutation() == invertPermutation(permutation))
      return inner.getX();
  return foldSplat(adaptor.getX(), getType());
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  return foldSplat(adaptor.getX(), getType());
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  return foldSplat(adaptor.getX(), getType());
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> SliceOp::buildGradient(OpBuilder &builder,
                                                     ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dy(b, upstream[0]);
  SmallVector<int64_t> low, high, interior;
  for (auto [i, stride] : llvm::enumerate(getResolvedStrides())) {
    int64_t size = dy.dim(i);
    bool isBatch = size == -1;
    low.push_back(getStarts()[i]);
    interior.push_back(stride - 1);
    high.push_back(isBatch ? 0
                           : getX().getType().getDimSize(i) - getStarts()[i] -
                                 (size - 1) * stride - 1);
  }
  return SmallVector<Value>{pad(dy, low, high, interior)};
}

FailureOr<SmallVector<Value>> PadOp::buildGradient(OpBuilder &builder,
                                                   ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  SmallVector<int64_t> strides;
  for (int64_t between : getResolvedInterior())
    strides.push_back(between + 1);
  SmallVector<int64_t> sizes = toDims(getX().getType().getShape());
  return SmallVector<Value>{
      slice(Expr(b, upstream[0]), getLow(), sizes, strides)};
}

FailureOr<SmallVector<Value>> ConcatOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dy(b, upstream[0]);
  SmallVector<int64_t> starts(dy.rank(), 0);
  SmallVector<Value> gradients;
  for (Value input : getInputs()) {
    SmallVector<int64_t> sizes = Expr(b, input).dims();
    gradients.push_back(slice(dy, starts, sizes));
    starts[getResolvedAxis()] += sizes[getResolvedAxis()];
  }
  return gradients;
}

FailureOr<SmallVector<Value>> GatherOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dy(b, upstream[0]), table(b, getTable()), indices(b, getIndices());
  int64_t axis = getResolvedAxis();
  return SmallVector<Value>{scatterAdd(indices, dy, table.dim(axis), axis),
                            Value()};
}

SmallVector<IndexLimit> GatherOp::getIndexLimits() {
  return {{1, getTable().getType().getDimSize(getResolvedAxis())}};
}
