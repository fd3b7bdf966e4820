// See PhaseBuilder.h.
#include "codegen/cpu/PhaseBuilder.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// The function and its buffers
//===----------------------------------------------------------------------===//

PhaseBuilder::PhaseBuilder(const Contraction &contraction, Operation *previous,
                           StringRef suffix)
    : contraction(contraction), b(previous->getLoc(), previous->getContext()) {
  func::FuncOp kernel = contraction.kernel;
  b.setInsertionPointAfter(previous);
  function = func::FuncOp::create(b, (kernel.getName() + "." + suffix).str(),
                                  b.getFunctionType({}, {}));
  Block *entry = function.addEntryBlock();
  Type index = b.getIndexType();
  for (Type type : {index, index, index}) // batch, begin, end
    entry->addArgument(type, kernel.getLoc());
  entry->addArgument(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
                     kernel.getLoc());
  b.setInsertionPointToEnd(entry);
  scalars.map(kernel.getArgument(0), batch());
  cloneScalars(b, kernel, scalars);
}

Value PhaseBuilder::buffer(BufferRef ref, MemRefType type) {
  for (auto [i, known] : llvm::enumerate(refs))
    if (known.kind == ref.kind && known.index == ref.index)
      return body().getArgument(i);
  refs.push_back(ref);
  return body().insertArgument(refs.size() - 1, type, loc());
}

Value PhaseBuilder::operand(const Element &element) {
  return buffer(
      {BufferRef::Operand, *element.operand},
      flatBufferType(cast<RankedTensorType>(element.tensor.getType())));
}

Value PhaseBuilder::result(unsigned index) {
  Type type = contraction.results[index]->tensor.getType();
  return buffer({BufferRef::Result, index},
                flatBufferType(cast<RankedTensorType>(type)));
}

Value PhaseBuilder::workspace(unsigned index) {
  return buffer({BufferRef::Workspace, index},
                MemRefType::get({ShapedType::kDynamic}, contraction.type));
}

Value PhaseBuilder::scratch(int64_t offsetBytes, int64_t count) {
  auto type = MemRefType::get({count}, contraction.type);
  Value bytes = body().getArgument(refs.size() + 3);
  return memref::ViewOp::create(b, type, bytes, constant(offsetBytes),
                                ValueRange());
}

Phase PhaseBuilder::finish(Extent extent, int64_t grain,
                           ArrayRef<std::pair<unsigned, unsigned>> mayAlias) {
  b.setInsertionPointToEnd(&body());
  func::ReturnOp::create(b);
  function.setType(b.getFunctionType(body().getArgumentTypes(), {}));
  for (auto [i, ref] : llvm::enumerate(refs)) {
    bool aliases = llvm::any_of(mayAlias, [ref = ref](auto pair) {
      return (ref.kind == BufferRef::Operand && pair.first == ref.index) ||
             (ref.kind == BufferRef::Result && pair.second == ref.index);
    });
    if (!aliases)
      function.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
  }
  return {function, "contraction", extent, grain, /*threads=*/0, refs, {}};
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value PhaseBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value PhaseBuilder::add(Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(lhs, rhs);
}

Value PhaseBuilder::subtract(Value lhs, Value rhs) {
  return b.createOrFold<arith::SubIOp>(lhs, rhs);
}

Value PhaseBuilder::multiply(Value lhs, Value rhs) {
  return b.createOrFold<arith::MulIOp>(lhs, rhs);
}

Value PhaseBuilder::divide(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::DivUIOp>(lhs, constant(rhs));
}

Value PhaseBuilder::divideUp(Value lhs, int64_t rhs) {
  return divide(add(lhs, rhs - 1), rhs);
}

Value PhaseBuilder::minimum(Value lhs, Value rhs) {
  return b.createOrFold<arith::MinUIOp>(lhs, rhs);
}

Value PhaseBuilder::less(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}

Value PhaseBuilder::value(BatchSize product) {
  return product.perBatch ? multiply(batch(), product.factor)
                          : constant(product.factor);
}

Value PhaseBuilder::offset(ArrayRef<BatchSize> strides,
                           ArrayRef<Value> indices) {
  Value sum = constant(0);
  for (auto [stride, index] : llvm::zip(strides, indices))
    if (index && !stride.isZero())
      sum = add(sum, multiply(index, value(stride)));
  return sum;
}

Value PhaseBuilder::mask(Value count, int64_t lanes) {
  auto maskType = VectorType::get(lanes, b.getI1Type());
  APInt known;
  if (matchPattern(count, m_ConstantInt(&known)))
    return vector::ConstantMaskOp::create(
        b, maskType, std::clamp<int64_t>(known.getSExtValue(), 0, lanes));
  // In 32 bits a comparison of a register's lanes is one instruction.
  SmallVector<int32_t> numbers = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  auto type = VectorType::get(lanes, b.getI32Type());
  Value steps = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value limit = arith::IndexCastOp::create(b, b.getI32Type(), count);
  limit = vector::BroadcastOp::create(b, type, limit);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, steps, limit);
}

void PhaseBuilder::loop(Value from, Value to, int64_t step,
                        llvm::function_ref<void(Value)> emitBody) {
  auto loop = scf::ForOp::create(b, from, to, constant(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  emitBody(loop.getInductionVar());
}

void PhaseBuilder::when(Value condition, llvm::function_ref<void()> emitBody) {
  APInt known;
  if (matchPattern(condition, m_ConstantInt(&known))) {
    if (known.getBoolValue())
      emitBody();
    return;
  }
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitBody();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The index along `axis`, in each lane.
static Value laneIndex(PhaseBuilder &phase, int axis, const Point &point) {
  ImplicitLocOpBuilder &b = phase.builder();
  if (axis == kNoLoop)
    return phase.constant(0);
  if (axis != point.vectorAxis)
    return point.indices[axis];
  auto type = VectorType::get(point.lanes, b.getIndexType());
  Value first = vector::BroadcastOp::create(b, type, point.indices[axis]);
  auto numbers =
      llvm::map_to_vector(llvm::seq<int64_t>(0, point.lanes),
                          [](int64_t lane) { return APInt(64, lane); });
  Value steps =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, numbers));
  return arith::AddIOp::create(b, first, steps);
}

Value PhaseBuilder::emitGeneric(const Element *element, const Point &point,
                                ElementCache &cache) {
  SmallVector<Value> arguments, indices;
  for (const Element *input : element->inputs)
    arguments.push_back(input ? this->element(input, point, cache) : Value());
  linalg::GenericOp op = element->op;
  if (op.hasIndexSemantics())
    for (int axis : element->opAxes)
      indices.push_back(laneIndex(*this, axis, point));
  SmallVector<Value> values =
      vectorizeBody(b, op, arguments, indices, point.lanes, scalars);
  // The op's other results need not compute the body again.
  for (const auto &other : contraction.elements)
    if (other->op == op && other->loops == element->loops)
      cache[other.get()] = values[other->result];
  return values[element->result];
}

Value PhaseBuilder::element(const Element *element, const Point &point,
                            ElementCache &cache) {
  if (Value known = uniform.lookup(element))
    return known;
  if (Value known = cache.lookup(element))
    return known;
  Value value;
  if (element->operand) {
    Type type = getElementTypeOrSelf(element->tensor.getType());
    Value index = offset(element->strides, point.indices);
    Value memory = operand(*element);
    bool vector = point.vectorAxis != kNoLoop &&
                  element->strides[point.vectorAxis].isOne();
    value = vector ? loadVector(b, loc(), memory, index, point.lanes, type,
                                point.mask)
                   : loadScalar(b, loc(), memory, index, type);
  } else if (element->scalar) {
    value = scalars.lookupOrDefault(element->scalar);
  } else if (element->constant) {
    value = arith::ConstantOp::create(b, element->constant);
  } else {
    assert(element->op && "the product is in the cache wherever it is read");
    value = emitGeneric(element, point, cache);
  }
  cache[element] = value;
  return value;
}

void PhaseBuilder::emitUniform(const Element *element) {
  if (element->axes == 0) {
    Point nowhere;
    nowhere.indices.assign(contraction.sizes.size(), Value());
    this->element(element, nowhere, uniform);
    return;
  }
  for (const Element *input : element->inputs)
    if (input)
      emitUniform(input);
}
