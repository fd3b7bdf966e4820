// Rows go by vectors; what is left of a row, element by element.
#include "codegen/cpu/ScatterRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

ScatterRows::ScatterRows(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                         Operation *previous, const Twine &suffix,
                         const Movement &movement, const CpuModel &model)
    : CpuPhase(b, kernel, previous, suffix), scatter(*movement.scatter),
      element(movement.result.getElementType()),
      width(value(movement.scatter->width)), kernel(kernel),
      resultType(movement.result),
      lanes(VectorType::get({model.lanes(element)}, element)) {}

Value ScatterRows::operand(unsigned index) {
  return buffer({BufferRef::Operand, index},
                cast<RankedTensorType>(kernel.getArgumentTypes()[index + 1]));
}

Value ScatterRows::result() {
  return buffer({BufferRef::Result, 0}, resultType);
}

Value ScatterRows::loadRow(Value at) {
  Value index = memref::LoadOp::create(b, operand(scatter.indices), at);
  return indexWithin(index, scatter.isUnsigned, scatter.rows);
}

/// `body` for elements 0 to `count`, a vector or one at a time.
void ScatterRows::forRow(Value count, function_ref<void(Value, Type)> body) {
  Value rest = remainder(count, lanes.getNumElements());
  Value middle = subtract(count, rest);
  loop(index(0), middle, lanes.getNumElements(),
       [&](Value i) { body(i, lanes); });
  loop(middle, count, 1, [&](Value i) { body(i, element); });
}

static Value load(ImplicitLocOpBuilder &b, Type type, Value memory, Value at) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector::LoadOp::create(b, vector, memory, at);
  return memref::LoadOp::create(b, memory, at);
}

static void store(ImplicitLocOpBuilder &b, Value value, Value memory,
                  Value at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, memory, at);
  else
    memref::StoreOp::create(b, value, memory, at);
}

void ScatterRows::clear(Value to, Value at, Value count) {
  forRow(count, [&](Value i, Type type) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    store(b, zero, to, add(at, i));
  });
}

void ScatterRows::copyRow(Value from, Value source, Value to,
                          Value destination) {
  forRow(width, [&](Value i, Type type) {
    store(b, load(b, type, from, add(source, i)), to, add(destination, i));
  });
}

void ScatterRows::addRow(Value from, Value source, Value to,
                         Value destination) {
  forRow(width, [&](Value i, Type type) {
    Value at = add(destination, i);
    Value update = load(b, type, from, add(source, i));
    Value old = load(b, type, to, at);
    store(b, arith::AddFOp::create(b, old, update), to, at);
  });
}
