// Where the tensors of a phase of attention on a GPU lie, and its arithmetic.
#include "codegen/cuda/AttentionPhase.h"

#include "codegen/lower/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnc;

/// Sums of 16-bit numbers are of f32.
static Type sumType(Type elementType) {
  return elementType.getIntOrFloatBitWidth() < 32
             ? Float32Type::get(elementType.getContext())
             : elementType;
}

GpuAttentionPhase::GpuAttentionPhase(ImplicitLocOpBuilder &b,
                                     func::FuncOp kernel, Operation *previous,
                                     const Twine &suffix,
                                     const AttentionKernel &attention,
                                     const GpuAttentionTile &tile)
    : GpuPhase(b, kernel, previous, suffix), tile(tile),
      compute(sumType(attention.elementType)), kernel(kernel),
      attention(attention), sizes(attention.sizes) {}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

RankedTensorType GpuAttentionPhase::typeOf(BufferRef ref) {
  return cast<RankedTensorType>(
      ref.kind == BufferRef::Result
          ? kernel.getFunctionType().getResult(ref.index)
          : kernel.getFunctionType().getInput(ref.index + 1));
}

GpuAttentionPhase::Place GpuAttentionPhase::placeOfQueries(Value &firstQuery) {
  int64_t tiles = llvm::divideCeil(sizes.time, tile.rows);
  firstQuery = multiply(remainder(block(), tiles), tile.rows);
  Value rest = divide(block(), tiles), head = remainder(rest, sizes.heads);
  return {divide(rest, sizes.heads), head, divide(head, sizes.groups())};
}

GpuAttentionPhase::Head GpuAttentionPhase::headOf(BufferRef ref, Value sample,
                                                  Value head) {
  RankedTensorType type = typeOf(ref);
  int64_t length = type.getDimSize(1), size = type.getDimSize(3);
  int64_t stride = type.getDimSize(2) * size;
  Value first = add(multiply(sample, length * stride), multiply(head, size));
  return {ref, type, first, stride, length, size};
}

GpuAttentionPhase::Head GpuAttentionPhase::queries(const Place &place) {
  return headOf({BufferRef::Operand, *attention.q}, place.sample, place.head);
}

GpuAttentionPhase::Head GpuAttentionPhase::keys(const Place &place) {
  if (attention.k)
    return headOf({BufferRef::Operand, *attention.k}, place.sample,
                  place.kvHead);
  return headOf({BufferRef::Operand, *attention.q}, place.sample,
                add(place.kvHead, sizes.heads));
}

GpuAttentionPhase::Head GpuAttentionPhase::valuesOf(const Place &place) {
  if (attention.v)
    return headOf({BufferRef::Operand, *attention.v}, place.sample,
                  place.kvHead);
  Place behind = place;
  behind.kvHead = add(place.kvHead, sizes.kvHeads);
  return keys(behind);
}

GpuAttentionPhase::Head GpuAttentionPhase::upstream(const Place &place) {
  return headOf({BufferRef::Operand, *attention.dy}, place.sample, place.head);
}

/// An element of an operand; numbers of 16 bits as what is summed up.
Value GpuAttentionPhase::loadOperand(unsigned operand, Value at) {
  BufferRef ref{BufferRef::Operand, operand};
  Value value = load(ref, typeOf(ref), at);
  bool isNarrow = isa<FloatType>(value.getType()) && value.getType() != compute;
  return isNarrow ? arith::ExtFOp::create(b, compute, value) : value;
}

Value GpuAttentionPhase::numberOf(unsigned operand, const Place &place,
                                  Value query) {
  Value row = add(multiply(place.sample, sizes.time),
                  minimum(query, index(sizes.time - 1)));
  return loadOperand(operand, add(multiply(row, sizes.heads), place.head));
}

/// An element of an operand that broadcasts to [batch, heads, time, keys].
Value GpuAttentionPhase::broadcastOperand(unsigned operand, const Place &place,
                                          Value query, Value key) {
  ArrayRef<int64_t> shape = typeOf({BufferRef::Operand, operand}).getShape();
  Value indices[] = {place.sample, place.head,
                     minimum(query, index(sizes.time - 1)),
                     minimum(key, index(sizes.keys - 1))};
  Value at = index(0);
  for (auto [extent, number] :
       llvm::zip(shape, ArrayRef(indices).take_back(shape.size()))) {
    at = multiply(at, size(extent));
    if (extent != 1)
      at = add(at, number);
  }
  return loadOperand(operand, at);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value GpuAttentionPhase::constant(double value) {
  return scalarConstant(b, compute, value);
}

Value GpuAttentionPhase::plus(Value lhs, Value rhs) {
  return arith::AddFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::minus(Value lhs, Value rhs) {
  return arith::SubFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::times(Value lhs, Value rhs) {
  return arith::MulFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::baseOf(Value score) {
  if (attention.elementType == compute)
    return score;
  return times(score, constant(scoreUnit() * llvm::numbers::log2e));
}

Value GpuAttentionPhase::power(Value score, Value base) {
  Value exponent = minus(baseOf(score), base);
  if (attention.elementType == compute)
    return math::ExpOp::create(b, exponent);
  return math::Exp2Op::create(b, exponent, arith::FastMathFlags::afn);
}

Extent GpuAttentionPhase::blocksOf(int64_t heads, int64_t length) const {
  int64_t perSample = heads * llvm::divideCeil(length, tile.rows);
  return ShapedType::isDynamic(sizes.batch) ? Extent{0, perSample, 1}
                                            : Extent{sizes.batch * perSample};
}
