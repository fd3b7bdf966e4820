// See CpuPhase.h.
#include "codegen/cpu/CpuPhase.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

CpuPhase::CpuPhase(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                   Operation *previous, const Twine &suffix)
    : PhaseBuilder(b, kernel, previous, suffix,
                   {b.getIndexType(), b.getIndexType(),
                    MemRefType::get({ShapedType::kDynamic}, b.getI8Type())}) {
  cloneScalars(b, kernel, scalars);
}

Type CpuPhase::storageOf(Type elementType) const {
  return storageType(elementType);
}

Value CpuPhase::scratch(int64_t offsetBytes, MemRefType type) {
  return memref::ViewOp::create(b, type, argumentAfterBuffers(3),
                                index(offsetBytes), ValueRange());
}

Value CpuPhase::mask(Value count, int64_t lanes) {
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

/// Erases constants and the like that were cloned or emitted in vain.
static void eraseDead(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(
           llvm::reverse(function.getBody().front().getOperations())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

Phase CpuPhase::finish(StringRef kind, Extent extent, int64_t grain) {
  Phase phase = PhaseBuilder::end(kind, extent);
  eraseDead(function);
  phase.grain = std::max<int64_t>(1, grain);
  return phase;
}
