// Movement: slices and reshapes as tensor ops, the rest as linalg.generic ops
// whose maps say where an element comes from.
#include "codegen/KernelForms.h"
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

static Value identity(ImplicitLocOpBuilder &, ValueRange x) { return x[0]; }

//===----------------------------------------------------------------------===//
// Reshape, transpose, broadcast
//===----------------------------------------------------------------------===//

static Value expand(KernelBuilder &b, Value x, RankedTensorType type,
                    ArrayRef<ReassociationIndices> groups) {
  return tensor::ExpandShapeOp::create(b, type, x, groups,
                                       b.sizes(type.getShape()));
}

/// All dimensions in one group, for a reshape from or to one dimension.
static SmallVector<ReassociationIndices> allDims(RankedTensorType type) {
  if (type.getRank() == 0)
    return {};
  return {llvm::to_vector<2>(llvm::seq<int64_t>(0, type.getRank()))};
}

/// By way of one dimension: for shapes that do not nest.
static Value reshapeThroughFlat(KernelBuilder &b, Value x,
                                RankedTensorType type) {
  auto source = cast<RankedTensorType>(x.getType());
  int64_t size =
      source.hasStaticShape() ? source.getNumElements() : ShapedType::kDynamic;
  auto flatType = RankedTensorType::get({size}, type.getElementType());
  Value flat = tensor::CollapseShapeOp::create(b, flatType, x, allDims(source));
  return expand(b, flat, type, allDims(type));
}

static FailureOr<Value> lowerReshape(KernelBuilder &b, ReshapeOp op,
                                     ValueRange operands) {
  auto source = cast<RankedTensorType>(operands[0].getType());
  RankedTensorType type = resultType(op);
  if (source == type)
    return operands[0];
  auto groups = getReassociationIndicesForReshape(source, type);
  if (groups && source.getRank() > type.getRank())
    return Value(
        tensor::CollapseShapeOp::create(b, type, operands[0], *groups));
  if (groups && source.getRank() < type.getRank())
    return expand(b, operands[0], type, *groups);
  return reshapeThroughFlat(b, operands[0], type);
}

static FailureOr<Value> lowerTranspose(KernelBuilder &b, TransposeOp op,
                                       ValueRange operands) {
  RankedTensorType type = resultType(op);
  SmallVector<unsigned> source(type.getRank());
  // Dimension i of y is dimension permutation[i] of x.
  for (auto [i, from] : llvm::enumerate(op.getResolvedPermutation()))
    source[from] = i;
  AffineMap maps[] = {AffineMap::getMultiDimMapWithTargets(
                          type.getRank(), source, b.getContext()),
                      b.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return b
      .generic(operands, b.empty(type), maps, iterators,
               [&](ImplicitLocOpBuilder &b, ValueRange x) {
                 return SmallVector<Value>{
                     narrow(b, x[0], type.getElementType())};
               })
      .front();
}

static FailureOr<Value> lowerBroadcast(KernelBuilder &b, BroadcastOp op,
                                       ValueRange operands) {
  return b.elementwise(resultType(op), operands, identity);
}

//===----------------------------------------------------------------------===//
// Slice, pad, concat
//===----------------------------------------------------------------------===//

static SmallVector<OpFoldResult> attributes(KernelBuilder &b,
                                            ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(b.getContext(), values);
}

static FailureOr<Value> lowerSlice(KernelBuilder &b, SliceOp op,
                                   ValueRange operands) {
  RankedTensorType type = resultType(op);
  return Value(tensor::ExtractSliceOp::create(
      b, type, operands[0], attributes(b, op.getStarts()),
      b.sizes(type.getShape()), attributes(b, op.getResolvedStrides())));
}

static FailureOr<Value> lowerPad(KernelBuilder &b, PadOp op,
                                 ValueRange operands) {
  auto source = cast<RankedTensorType>(operands[0].getType());
  RankedTensorType type = resultType(op);
  SmallVector<int64_t> strides = llvm::map_to_vector(
      op.getResolvedInterior(), [](int64_t gap) { return gap + 1; });
  Value filled = b.fill(type, scalarConstant(b, type.getElementType(),
                                             op.getValue().convertToDouble()));
  return Value(tensor::InsertSliceOp::create(
      b, operands[0], filled, attributes(b, op.getLow()),
      b.sizes(source.getShape()), attributes(b, strides)));
}

static FailureOr<Value> lowerConcat(KernelBuilder &b, ConcatOp op,
                                    ValueRange operands) {
  RankedTensorType type = resultType(op);
  SmallVector<int64_t> offsets(type.getRank(), 0), ones(type.getRank(), 1);
  Value y = b.empty(type);
  for (Value operand : operands) {
    auto shape = cast<RankedTensorType>(operand.getType()).getShape();
    y = tensor::InsertSliceOp::create(b, operand, y, attributes(b, offsets),
                                      b.sizes(shape), attributes(b, ones));
    offsets[op.getResolvedAxis()] += shape[op.getResolvedAxis()];
  }
  return y;
}

//===----------------------------------------------------------------------===//
// Gather, scatter_add
//===----------------------------------------------------------------------===//

/// The last place of a dimension of `size` elements.
static Value lastIndex(KernelBuilder &b, int64_t size) {
  if (!ShapedType::isDynamic(size))
    return arith::ConstantIndexOp::create(b, size - 1);
  Value one = arith::ConstantIndexOp::create(b, 1);
  return arith::SubIOp::create(b, b.sizeValue(size), one);
}

/// `index` in [0, last]: what is outside takes the nearest place, and does not
/// reach memory that is not the tensor's.
static Value clampIndex(ImplicitLocOpBuilder &b, Value index, bool isUnsigned,
                        Value last) {
  Type type = b.getIndexType();
  Value position = isUnsigned
                       ? Value(arith::IndexCastUIOp::create(b, type, index))
                       : Value(arith::IndexCastOp::create(b, type, index));
  Value first = arith::ConstantIndexOp::create(b, 0);
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, position, first),
                                last);
}

static bool isUnsigned(Value indices) {
  return getElementTypeOrSelf(indices.getType()).isUnsignedInteger();
}

/// The one index of a gather, if it is known and in range at any batch.
static std::optional<int64_t> findIndex(GatherOp op) {
  DenseIntElementsAttr indices;
  RankedTensorType type = op.getIndices().getType();
  if (type.getRank() != 1 || type.getDimSize(0) != 1 ||
      isUnsigned(op.getIndices()) ||
      !matchPattern(op.getIndices(), m_Constant(&indices)))
    return std::nullopt;
  int64_t index = (*indices.begin()).getSExtValue();
  int64_t size = op.getTable().getType().getDimSize(op.getResolvedAxis());
  bool isKnown = 0 <= index &&
                 (index == 0 || (!ShapedType::isDynamic(size) && index < size));
  return isKnown ? std::optional(index) : std::nullopt;
}

/// y[outer.., i.., inner..] = table[outer.., indices[i..], inner..]
static FailureOr<Value> lowerGather(KernelBuilder &b, GatherOp op,
                                    ValueRange operands) {
  auto table = cast<RankedTensorType>(operands[0].getType());
  if (std::optional<int64_t> index = findIndex(op)) {
    SmallVector<int64_t> offsets(table.getRank(), 0), ones(table.getRank(), 1);
    offsets[op.getResolvedAxis()] = *index;
    return Value(tensor::ExtractSliceOp::create(
        b, resultType(op), operands[0], attributes(b, offsets),
        b.sizes(op.getType().getShape()), attributes(b, ones)));
  }
  auto indices = cast<RankedTensorType>(operands[1].getType());
  RankedTensorType type = resultType(op);
  int64_t axis = op.getResolvedAxis();
  unsigned rank = type.getRank();
  auto indexDims =
      llvm::to_vector(llvm::seq<unsigned>(axis, axis + indices.getRank()));
  AffineMap maps[] = {
      AffineMap::getMultiDimMapWithTargets(rank, indexDims, b.getContext()),
      b.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Value last = lastIndex(b, table.getDimSize(axis));
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    SmallVector<Value> position;
    for (int64_t dim = 0; dim < table.getRank(); ++dim) {
      int64_t loop = dim < axis ? dim : dim + indices.getRank() - 1;
      position.push_back(
          dim == axis ? clampIndex(b, x[0], isUnsigned(op.getIndices()), last)
                      : Value(linalg::IndexOp::create(b, loop)));
    }
    return SmallVector<Value>{
        tensor::ExtractOp::create(b, operands[0], position)};
  };
  Value y =
      b.generic(operands[1], b.empty(type), maps, iterators, body).front();
  setGatherForm(y.getDefiningOp<linalg::GenericOp>(), axis,
                isUnsigned(op.getIndices()));
  return y;
}

/// A loop nest over `shape` that carries one tensor; `body` gets the indices
/// and the tensor so far, and returns the next.
static Value loopNest(
    KernelBuilder &b, ArrayRef<int64_t> shape, Value init,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange, Value)> body) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> zeros(shape.size(), zero), ones(shape.size(), one);
  SmallVector<Value> sizes =
      llvm::map_to_vector(shape, [&](int64_t i) { return b.sizeValue(i); });
  auto buildBody = [&](OpBuilder &builder, Location loc, ValueRange indices,
                       ValueRange carried) -> scf::ValueVector {
    ImplicitLocOpBuilder inner(loc, builder);
    return {body(inner, indices, carried.front())};
  };
  return scf::buildLoopNest(b, b.getLoc(), zeros, sizes, ones, init, buildBody)
      .results.front();
}

/// In the order of the indices, one update after another: the sum of updates
/// to one place has a fixed order.
static FailureOr<Value> lowerScatterAdd(KernelBuilder &b, ScatterAddOp op,
                                        ValueRange operands) {
  auto indices = cast<RankedTensorType>(operands[0].getType());
  auto updates = cast<RankedTensorType>(operands[1].getType());
  RankedTensorType type = resultType(op);
  int64_t axis = op.getResolvedAxis();
  Type sumType = computeType(type.getElementType());
  Value zeros = b.fill(type.clone(sumType), scalarConstant(b, sumType, 0));
  Value last = lastIndex(b, type.getDimSize(axis));
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange loops, Value sum) {
    Value index = tensor::ExtractOp::create(
        b, operands[0], loops.slice(axis, indices.getRank()));
    SmallVector<Value> position(loops.take_front(axis));
    position.push_back(clampIndex(b, index, isUnsigned(op.getIndices()), last));
    llvm::append_range(position, loops.drop_front(axis + indices.getRank()));
    Value update = widen(b, tensor::ExtractOp::create(b, operands[1], loops));
    Value old = tensor::ExtractOp::create(b, sum, position);
    return Value(tensor::InsertOp::create(
        b, arith::AddFOp::create(b, old, update), sum, position));
  };
  Value sum = loopNest(b, updates.getShape(), zeros, body);
  // Scalar updates of no dimension need no loop.
  if (auto loop = sum.getDefiningOp<scf::ForOp>())
    setScatterAddForm(loop, axis, isUnsigned(op.getIndices()));
  if (sumType == type.getElementType())
    return sum;
  return b.elementwise(type, sum, identity);
}

void nnc::addMovementLowerings(Lowerings &lowerings) {
  lowerings.add<ReshapeOp>(lowerReshape);
  lowerings.add<TransposeOp>(lowerTranspose);
  lowerings.add<BroadcastOp>(lowerBroadcast);
  lowerings.add<SliceOp>(lowerSlice);
  lowerings.add<PadOp>(lowerPad);
  lowerings.add<ConcatOp>(lowerConcat);
  lowerings.add<GatherOp>(lowerGather);
  lowerings.add<ScatterAddOp>(lowerScatterAdd);
}
