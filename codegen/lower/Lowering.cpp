// The vocabulary of the lowerings: linalg ops on tensors in which `?` is the
// batch.
#include "codegen/lower/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nnc;

Type nnc::signlessType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return signlessType(tensor);
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), integer.getWidth());
  return type;
}

RankedTensorType nnc::signlessType(RankedTensorType type) {
  return type.clone(signlessType(type.getElementType()));
}

RankedTensorType nnc::resultType(Operation *op) {
  return signlessType(cast<RankedTensorType>(op->getResult(0).getType()));
}

Type nnc::computeType(Type elementType) {
  if (auto type = dyn_cast<FloatType>(elementType);
      type && type.getWidth() < 32)
    return Float32Type::get(type.getContext());
  return elementType;
}

Value nnc::widen(ImplicitLocOpBuilder &b, Value value) {
  Type type = computeType(value.getType());
  if (type == value.getType())
    return value;
  return arith::ExtFOp::create(b, type, value);
}

Value nnc::narrow(ImplicitLocOpBuilder &b, Value value, Type elementType) {
  if (value.getType() == elementType)
    return value;
  // What was only widened is itself: an op that moves elements computes nothing.
  if (auto widened = value.getDefiningOp<arith::ExtFOp>();
      widened && widened.getIn().getType() == elementType) {
    Value original = widened.getIn();
    if (widened->use_empty())
      widened.erase();
    return original;
  }
  return arith::TruncFOp::create(b, elementType, value);
}

Value nnc::scalarConstant(ImplicitLocOpBuilder &b, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, int64_t(value)));
}

OpFoldResult KernelBuilder::size(int64_t staticSize) {
  if (ShapedType::isDynamic(staticSize))
    return batch;
  return getIndexAttr(staticSize);
}

SmallVector<OpFoldResult> KernelBuilder::sizes(ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [&](int64_t i) { return size(i); });
}

Value KernelBuilder::sizeValue(int64_t staticSize) {
  if (ShapedType::isDynamic(staticSize))
    return batch;
  return arith::ConstantIndexOp::create(*this, staticSize);
}

Value KernelBuilder::empty(RankedTensorType type) {
  SmallVector<Value> dynamicSizes(type.getNumDynamicDims(), batch);
  return tensor::EmptyOp::create(*this, type, dynamicSizes);
}

Value KernelBuilder::fill(RankedTensorType type, Value scalar) {
  return linalg::FillOp::create(*this, scalar, empty(type)).getResult(0);
}

AffineMap KernelBuilder::broadcastMap(unsigned numLoops,
                                      ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> target,
                                      ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> indices;
  for (auto [own, stretched, dim] : llvm::zip_equal(shape, target, dims))
    indices.push_back(own == 1 && stretched != 1 ? getAffineConstantExpr(0)
                                                 : getAffineDimExpr(dim));
  return AffineMap::get(numLoops, 0, indices, getContext());
}

SmallVector<Value>
KernelBuilder::generic(ValueRange inputs, ValueRange outputs,
                       ArrayRef<AffineMap> maps,
                       ArrayRef<utils::IteratorType> iterators, Body body) {
  auto buildBody = [&](OpBuilder &builder, Location loc, ValueRange arguments) {
    ImplicitLocOpBuilder b(loc, builder);
    SmallVector<Value> values(arguments);
    for (Value &value : MutableArrayRef(values).take_front(inputs.size()))
      value = widen(b, value);
    linalg::YieldOp::create(b, body(b, values));
  };
  auto op = linalg::GenericOp::create(*this, outputs.getTypes(), inputs,
                                      outputs, maps, iterators, buildBody);
  return SmallVector<Value>(op.getResults());
}

/// The scalar that `tensor` holds everywhere, if it is known to.
static Value findSplat(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return fill.getInputs().front();
  return {};
}

/// The dimensions of a loop nest of `numLoops` that the last `rank` loops are.
static SmallVector<unsigned> trailingDims(unsigned numLoops, unsigned rank) {
  return llvm::to_vector(llvm::seq<unsigned>(numLoops - rank, numLoops));
}

Value KernelBuilder::elementwise(RankedTensorType type, ValueRange operands,
                                 ScalarBody body) {
  unsigned rank = type.getRank();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  // The scalar of each operand that is a splat; null where it is an input.
  SmallVector<Value> splats = llvm::map_to_vector(operands, findSplat);
  for (auto [operand, splat] : llvm::zip(operands, splats)) {
    if (splat)
      continue;
    auto shape = cast<RankedTensorType>(operand.getType()).getShape();
    inputs.push_back(operand);
    maps.push_back(broadcastMap(rank, shape,
                                type.getShape().take_back(shape.size()),
                                trailingDims(rank, shape.size())));
  }
  maps.push_back(getMultiDimIdentityMap(rank));

  auto scalarBody = [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
    SmallVector<Value> scalars;
    for (Value splat : splats) {
      scalars.push_back(splat ? widen(b, splat) : arguments.front());
      if (!splat)
        arguments = arguments.drop_front();
    }
    return SmallVector<Value>{
        narrow(b, body(b, scalars), type.getElementType())};
  };
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return generic(inputs, empty(type), maps, iterators, scalarBody).front();
}
