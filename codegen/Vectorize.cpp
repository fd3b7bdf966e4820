// See Vectorize.h. Every arith and math op that a body may hold is elementwise
// mappable: the same op, on vector types, does its work lane by lane.
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

/// Ops whose operands and results are scalars, without regions or effects.
static bool isScalarOp(Operation *op) {
  return op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperandTypes(), isScalar) &&
         llvm::all_of(op->getResultTypes(), isScalar);
}

/// Whether cloneScalars provides `value`: a scalar argument of the kernel, or
/// computed at its top level from such.
static bool isProvidedScalar(Value value) {
  if (!isScalar(value.getType()))
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  Operation *op = value.getDefiningOp();
  return isa<func::FuncOp>(op->getParentOp()) && isScalarOp(op) &&
         llvm::all_of(op->getOperands(), isProvidedScalar);
}

static bool isVectorizableOp(Operation &op) {
  if (isa<linalg::YieldOp, linalg::IndexOp>(op) ||
      matchPattern(&op, m_Constant()))
    return true;
  return OpTrait::hasElementwiseMappableTraits(&op) && isScalarOp(&op);
}

bool isVectorizable(linalg::GenericOp op) {
  Block *body = op.getBody();
  for (Operation &inner : *body) {
    if (!isVectorizableOp(inner))
      return false;
    for (Value operand : inner.getOperands())
      if (operand.getParentBlock() != body && !isProvidedScalar(operand))
        return false;
  }
  return true;
}

void cloneScalars(OpBuilder &builder, func::FuncOp kernel, IRMapping &mapping) {
  for (Operation &op : kernel.getBody().front())
    if (isScalarOp(&op) && !op.hasTrait<OpTrait::IsTerminator>() &&
        llvm::all_of(op.getOperands(), isProvidedScalar))
      builder.clone(op, mapping);
}

Value broadcastToLanes(OpBuilder &builder, Location loc, Value value,
                       int64_t lanes) {
  if (isa<VectorType>(value.getType()))
    return value;
  auto type = VectorType::get(lanes, value.getType());
  return vector::BroadcastOp::create(builder, loc, type, value);
}

/// `op` on vectors, if any of its operands is one; else on scalars.
static Operation *cloneOnLanes(OpBuilder &builder, Operation &op,
                               ValueRange operands, int64_t lanes) {
  IRMapping mapping;
  bool onVectors = llvm::any_of(
      operands, [](Value value) { return isa<VectorType>(value.getType()); });
  for (auto [from, to] : llvm::zip(op.getOperands(), operands))
    mapping.map(from, onVectors
                          ? broadcastToLanes(builder, op.getLoc(), to, lanes)
                          : to);
  Operation *clone = builder.clone(op, mapping);
  if (onVectors)
    for (Value result : clone->getResults())
      result.setType(VectorType::get(lanes, result.getType()));
  return clone;
}

SmallVector<Value> vectorizeBody(OpBuilder &builder, linalg::GenericOp op,
                                 ValueRange arguments, ValueRange indices,
                                 int64_t lanes, const IRMapping &scalars) {
  Block *body = op.getBody();
  IRMapping values;
  for (auto [from, to] : llvm::zip(body->getArguments(), arguments))
    if (to)
      values.map(from, to);
  auto lookup = [&](Value value) {
    return values.contains(value) ? values.lookup(value)
                                  : scalars.lookupOrDefault(value);
  };
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      values.map(index.getResult(), indices[index.getDim()]);
      continue;
    }
    auto operands = llvm::map_to_vector(inner.getOperands(), lookup);
    values.map(inner.getResults(),
               cloneOnLanes(builder, inner, operands, lanes)->getResults());
  }
  return llvm::map_to_vector(body->getTerminator()->getOperands(), lookup);
}

Type storageType(Type elementType) {
  unsigned bits = elementType.getIntOrFloatBitWidth();
  if (bits == 1)
    return IntegerType::get(elementType.getContext(), 8);
  // LLVM would take masked vectors of them apart by way of f32.
  if (bits == 16)
    return IntegerType::get(elementType.getContext(), 16);
  return elementType;
}

MemRefType flatBufferType(RankedTensorType type) {
  int64_t size =
      type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  return MemRefType::get({size}, storageType(type.getElementType()));
}

static Type cloneShape(Type shaped, Type elementType) {
  auto vectorType = dyn_cast<VectorType>(shaped);
  return vectorType ? Type(vectorType.clone(elementType)) : elementType;
}

/// What was read, as the program means it.
static Value fromStorage(OpBuilder &builder, Location loc, Value stored,
                         Type elementType) {
  Type type = stored.getType();
  if (getElementTypeOrSelf(type) == elementType)
    return stored;
  if (!elementType.isInteger(1))
    return arith::BitcastOp::create(builder, loc, cloneShape(type, elementType),
                                    stored);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, stored,
                               zero);
}

/// `value` as elements of `buffer`.
static Value toStorage(OpBuilder &builder, Location loc, Value value,
                       Value buffer) {
  Type elementType = getElementTypeOrSelf(value.getType());
  Type stored = cloneShape(value.getType(), getElementTypeOrSelf(buffer));
  if (stored == value.getType())
    return value;
  if (elementType.isInteger(1))
    return arith::ExtUIOp::create(builder, loc, stored, value);
  return arith::BitcastOp::create(builder, loc, stored, value);
}

Value loadScalar(OpBuilder &builder, Location loc, Value buffer, Value index,
                 Type elementType) {
  Value stored = memref::LoadOp::create(builder, loc, buffer, index);
  return fromStorage(builder, loc, stored, elementType);
}

Value loadVector(OpBuilder &builder, Location loc, Value buffer, Value index,
                 int64_t lanes, Type elementType, Value mask) {
  auto type = VectorType::get(lanes, getElementTypeOrSelf(buffer));
  if (!mask)
    return fromStorage(
        builder, loc, vector::LoadOp::create(builder, loc, type, buffer, index),
        elementType);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  Value stored = vector::MaskedLoadOp::create(builder, loc, type, buffer, index,
                                              mask, zero);
  return fromStorage(builder, loc, stored, elementType);
}

Value gatherVector(OpBuilder &builder, Location loc, Value buffer,
                   Value indices, Type elementType) {
  int64_t lanes = cast<VectorType>(indices.getType()).getNumElements();
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value index = vector::ExtractOp::create(builder, loc, indices, lane);
    elements.push_back(memref::LoadOp::create(builder, loc, buffer, index));
  }
  auto type = VectorType::get(lanes, getElementTypeOrSelf(buffer));
  return fromStorage(
      builder, loc,
      vector::FromElementsOp::create(builder, loc, type, elements),
      elementType);
}

void storeScalar(OpBuilder &builder, Location loc, Value value, Value buffer,
                 Value index) {
  memref::StoreOp::create(builder, loc, toStorage(builder, loc, value, buffer),
                          buffer, index);
}

void storeVector(OpBuilder &builder, Location loc, Value vector, Value buffer,
                 Value index, Value mask) {
  Value stored = toStorage(builder, loc, vector, buffer);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, buffer, index, mask, stored);
  else
    vector::StoreOp::create(builder, loc, stored, buffer, index);
}

} // namespace nnc
