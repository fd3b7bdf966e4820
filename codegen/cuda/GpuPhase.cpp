// See GpuPhase.h.
#include "codegen/cuda/GpuPhase.h"

#include "codegen/ScheduleKernels.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace nnc;

Extent nnc::numElements(RankedTensorType type) {
  int64_t count = 1;
  for (int64_t size : type.getShape())
    count *= ShapedType::isDynamic(size) ? 1 : size;
  return type.hasStaticShape() ? Extent{count, 0, 1} : Extent{0, count, 1};
}

Extent nnc::divideUp(Extent extent, int64_t divisor) {
  extent.divisor *= divisor;
  return extent;
}

int64_t nnc::typicalBatch(func::FuncOp kernel) {
  return largestBatch(kernel).value_or(64);
}

Type nnc::bufferElementType(Type elementType) {
  return elementType.isInteger(1)
             ? Type(IntegerType::get(elementType.getContext(), 8))
             : elementType;
}

//===----------------------------------------------------------------------===//
// The function and its buffers
//===----------------------------------------------------------------------===//

GpuPhase::GpuPhase(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                   Operation *previous, const Twine &suffix)
    : b(b) {
  b.setLoc(kernel.getLoc());
  b.setInsertionPointAfter(previous);
  function = func::FuncOp::create(b, (kernel.getName() + "." + suffix).str(),
                                  b.getFunctionType(b.getIndexType(), {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  blockId = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  threadId = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  scalars.map(kernel.getArgument(0), batch());
  cloneScalars(b, kernel, scalars);
}

Value GpuPhase::buffer(BufferRef ref, RankedTensorType type) {
  int64_t size =
      type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  return buffer(
      ref, MemRefType::get({size}, bufferElementType(type.getElementType())));
}

Value GpuPhase::buffer(BufferRef ref, MemRefType type) {
  for (auto [number, known] : llvm::enumerate(refs))
    if (known.kind == ref.kind && known.index == ref.index)
      return body().getArgument(number);
  refs.push_back(ref);
  return body().insertArgument(refs.size() - 1, type, b.getLoc());
}

Value GpuPhase::load(BufferRef ref, RankedTensorType type, Value element) {
  Value stored = memref::LoadOp::create(b, buffer(ref, type), element);
  if (stored.getType() == type.getElementType())
    return stored;
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(stored.getType()));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, stored, zero);
}

void GpuPhase::store(Value value, BufferRef ref, RankedTensorType type,
                     Value element) {
  Value memory = buffer(ref, type);
  Type stored = cast<MemRefType>(memory.getType()).getElementType();
  if (value.getType() != stored)
    value = arith::ExtUIOp::create(b, stored, value);
  memref::StoreOp::create(b, value, memory, element);
}

/// Folds what is constant, makes one of computations that are the same, and
/// erases what is unused.
static void simplify(func::FuncOp function) {
  (void)applyPatternsGreedily(function,
                              RewritePatternSet(function.getContext()));
  IRRewriter rewriter(function.getContext());
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
}

Phase GpuPhase::finish(StringRef kind, Extent numBlocks, int64_t threads) {
  b.setInsertionPointToEnd(&body());
  func::ReturnOp::create(b);
  function.setType(b.getFunctionType(body().getArgumentTypes(), {}));
  simplify(function);
  Phase phase;
  phase.function = function;
  phase.kind = kind.str();
  phase.extent = numBlocks;
  phase.threads = threads;
  phase.buffers = refs;
  return phase;
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value GpuPhase::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value GpuPhase::add(Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(lhs, rhs);
}

Value GpuPhase::subtract(Value lhs, Value rhs) {
  return b.createOrFold<arith::SubIOp>(lhs, rhs);
}

Value GpuPhase::multiply(Value lhs, Value rhs) {
  return b.createOrFold<arith::MulIOp>(lhs, rhs);
}

Value GpuPhase::divide(Value lhs, Value rhs) {
  return b.createOrFold<arith::DivUIOp>(lhs, rhs);
}

Value GpuPhase::remainder(Value lhs, Value rhs) {
  return b.createOrFold<arith::RemUIOp>(lhs, rhs);
}

Value GpuPhase::minimum(Value lhs, Value rhs) {
  return b.createOrFold<arith::MinUIOp>(lhs, rhs);
}

Value GpuPhase::isLess(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}

Value GpuPhase::isEqual(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, lhs, rhs);
}

Value GpuPhase::both(Value lhs, Value rhs) {
  return b.createOrFold<arith::AndIOp>(lhs, rhs);
}

Value GpuPhase::value(Extent extent) {
  Value sum = index(extent.constant);
  if (extent.perBatch)
    sum = add(multiply(batch(), extent.perBatch), sum);
  if (extent.divisor == 1)
    return sum;
  return divide(add(sum, extent.divisor - 1), extent.divisor);
}

Value GpuPhase::size(int64_t dimension) {
  return ShapedType::isDynamic(dimension) ? batch() : index(dimension);
}

//===----------------------------------------------------------------------===//
// Threads together
//===----------------------------------------------------------------------===//

Value GpuPhase::shared(int64_t numElements, Type elementType) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&body());
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({numElements}, elementType,
                              MemRefLayoutAttrInterface(), space);
  return memref::AllocaOp::create(b, type);
}

void GpuPhase::barrier() { gpu::BarrierOp::create(b); }

Value GpuPhase::shuffle(Value value, int64_t mask) {
  return gpu::ShuffleOp::create(b, value, int32_t(mask), /*width=*/32,
                                gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

Value GpuPhase::globalThread(int64_t threads) {
  return add(multiply(blockId, threads), threadId);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

SmallVector<Value> GpuPhase::loop(
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

void GpuPhase::loop(Value from, Value to, Value step,
                    llvm::function_ref<void(Value)> emitBody) {
  loop(from, to, step, {}, [&](Value at, ValueRange) {
    emitBody(at);
    return SmallVector<Value>();
  });
}

void GpuPhase::when(Value condition, llvm::function_ref<void()> emitBody) {
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

Value GpuPhase::choose(Value condition, Type type,
                       llvm::function_ref<Value()> emitTrue,
                       llvm::function_ref<Value()> emitFalse) {
  llvm::APInt known;
  if (matchPattern(condition, m_ConstantInt(&known)))
    return known.getBoolValue() ? emitTrue() : emitFalse();
  auto branch = scf::IfOp::create(b, type, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, emitTrue());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, emitFalse());
  return branch.getResult(0);
}
