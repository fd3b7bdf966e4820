// See PhaseBuilder.h.
#include "codegen/PhaseBuilder.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

Extent nnc::numElements(RankedTensorType type) {
  int64_t count = 1;
  for (int64_t size : type.getShape())
    count *= ShapedType::isDynamic(size) ? 1 : size;
  return type.hasStaticShape() ? Extent{count, 0, 1} : Extent{0, count, 1};
}

//===----------------------------------------------------------------------===//
// The function and its buffers
//===----------------------------------------------------------------------===//

PhaseBuilder::PhaseBuilder(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                           Operation *previous, const Twine &suffix,
                           ArrayRef<Type> more)
    : b(b) {
  b.setLoc(kernel.getLoc());
  b.setInsertionPointAfter(previous);
  SmallVector<Type> types{b.getIndexType()};
  llvm::append_range(types, more);
  function = func::FuncOp::create(b, (kernel.getName() + "." + suffix).str(),
                                  b.getFunctionType(types, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  scalars.map(kernel.getArgument(0), batch());
}

Value PhaseBuilder::buffer(BufferRef ref, RankedTensorType type) {
  int64_t size =
      type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  return buffer(ref, MemRefType::get({size}, storageOf(type.getElementType())));
}

Value PhaseBuilder::buffer(BufferRef ref, MemRefType type) {
  for (auto [number, known] : llvm::enumerate(refs))
    if (known.kind == ref.kind && known.index == ref.index)
      return body().getArgument(number);
  refs.push_back(ref);
  return body().insertArgument(refs.size() - 1, type, b.getLoc());
}

Value PhaseBuilder::scratch(int64_t, MemRefType) {
  llvm_unreachable("a thread of this target has no memory of its own");
}

Phase PhaseBuilder::end(StringRef kind, Extent extent) {
  b.setInsertionPointToEnd(&body());
  func::ReturnOp::create(b);
  function.setType(b.getFunctionType(body().getArgumentTypes(), {}));
  Phase phase;
  phase.function = function;
  phase.kind = kind.str();
  phase.extent = extent;
  phase.buffers = refs;
  return phase;
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value PhaseBuilder::index(int64_t value) {
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

Value PhaseBuilder::divide(Value lhs, Value rhs) {
  return b.createOrFold<arith::DivUIOp>(lhs, rhs);
}

Value PhaseBuilder::remainder(Value lhs, Value rhs) {
  return b.createOrFold<arith::RemUIOp>(lhs, rhs);
}

Value PhaseBuilder::minimum(Value lhs, Value rhs) {
  return b.createOrFold<arith::MinUIOp>(lhs, rhs);
}

Value PhaseBuilder::isLess(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}

Value PhaseBuilder::isEqual(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, lhs, rhs);
}

Value PhaseBuilder::both(Value lhs, Value rhs) {
  return b.createOrFold<arith::AndIOp>(lhs, rhs);
}

Value PhaseBuilder::value(Extent extent) {
  Value sum = index(extent.constant);
  if (extent.perBatch)
    sum = add(multiply(batch(), extent.perBatch), sum);
  return extent.divisor == 1 ? sum : divideUp(sum, extent.divisor);
}

Value PhaseBuilder::value(BatchSize size) {
  return size.perBatch ? multiply(batch(), size.factor) : index(size.factor);
}

Value PhaseBuilder::size(int64_t dimension) {
  return ShapedType::isDynamic(dimension) ? batch() : index(dimension);
}

Value PhaseBuilder::indexWithin(Value integer, bool isUnsigned,
                                BatchSize size) {
  Type type = b.getIndexType();
  Value wide = isUnsigned
                   ? Value(arith::IndexCastUIOp::create(b, type, integer))
                   : Value(arith::IndexCastOp::create(b, type, integer));
  Value atLeast = arith::MaxSIOp::create(b, wide, index(0));
  Value last = subtract(value(size), index(1));
  return arith::MinSIOp::create(b, atLeast, last);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

SmallVector<Value> PhaseBuilder::loop(
    Value from, Value to, Value step, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> emitBody) {
  auto loop = scf::ForOp::create(b, from, to, step, inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      emitBody(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty()) {
    b.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(b, next);
  }
  return SmallVector<Value>(loop.getResults());
}

void PhaseBuilder::loop(Value from, Value to, Value step,
                        llvm::function_ref<void(Value)> emitBody) {
  loop(from, to, step, {}, [&](Value at, ValueRange) {
    emitBody(at);
    return SmallVector<Value>();
  });
}

void PhaseBuilder::when(Value condition, llvm::function_ref<void()> emitBody) {
  llvm::APInt known;
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

Value PhaseBuilder::choose(Value condition, Type type,
                           llvm::function_ref<Value()> emitTrue,
                           llvm::function_ref<Value()> emitFalse) {
  auto asList = [](llvm::function_ref<Value()> emit) {
    return SmallVector<Value>{emit()};
  };
  return choose(
             condition, TypeRange(type), [&] { return asList(emitTrue); },
             [&] { return asList(emitFalse); })
      .front();
}

SmallVector<Value>
PhaseBuilder::choose(Value condition, TypeRange types,
                     llvm::function_ref<SmallVector<Value>()> emitTrue,
                     llvm::function_ref<SmallVector<Value>()> emitFalse) {
  llvm::APInt known;
  if (matchPattern(condition, m_ConstantInt(&known)))
    return known.getBoolValue() ? emitTrue() : emitFalse();
  auto branch = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, emitTrue());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, emitFalse());
  return SmallVector<Value>(branch.getResults());
}
