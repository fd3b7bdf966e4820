// See GpuPhase.h.
#include "codegen/cuda/GpuPhase.h"

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

Extent nnc::divideUp(Extent extent, int64_t divisor) {
  extent.divisor *= divisor;
  return extent;
}

//===----------------------------------------------------------------------===//
// The function and its buffers
//===----------------------------------------------------------------------===//

GpuPhase::GpuPhase(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                   Operation *previous, const Twine &suffix)
    : PhaseBuilder(b, kernel, previous, suffix, {}) {
  blockId = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  threadId = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  cloneScalars(b, kernel, scalars);
}

Type GpuPhase::storageOf(Type elementType) const {
  return elementType.isInteger(1) ? Type(b.getI8Type()) : elementType;
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

namespace {
/// (s / a) * (a * c) + (s % a) * c is s * c: where rows and columns of a number
/// are put together again.
struct JoinParts : OpRewritePattern<arith::AddIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddIOp add,
                                PatternRewriter &rewriter) const override {
    if (!add.getType().isIntOrIndex())
      return rewriter.notifyMatchFailure(add, "it has lanes");
    Scaled lhs = scaledOf(add.getLhs()), rhs = scaledOf(add.getRhs());
    if (lhs.value.getDefiningOp<arith::RemUIOp>())
      std::swap(lhs, rhs);
    auto quotient = lhs.value.getDefiningOp<arith::DivUIOp>();
    auto remainder = rhs.value.getDefiningOp<arith::RemUIOp>();
    APInt divisor;
    if (!quotient || !remainder || quotient.getLhs() != remainder.getLhs() ||
        quotient.getRhs() != remainder.getRhs() ||
        !matchPattern(quotient.getRhs(), m_ConstantInt(&divisor)) ||
        lhs.factor != divisor * rhs.factor)
      return rewriter.notifyMatchFailure(add, "no parts of one number");
    Type type = add.getType();
    Value factor = arith::ConstantOp::create(
        rewriter, add.getLoc(), rewriter.getIntegerAttr(type, rhs.factor));
    rewriter.replaceOpWithNewOp<arith::MulIOp>(add, quotient.getLhs(), factor);
    return success();
  }

private:
  struct Scaled {
    Value value;
    APInt factor;
  };

  static Scaled scaledOf(Value value) {
    auto product = value.getDefiningOp<arith::MulIOp>();
    APInt factor;
    if (product && matchPattern(product.getRhs(), m_ConstantInt(&factor)))
      return {product.getLhs(), factor};
    unsigned bits = value.getType().isIndex()
                        ? IndexType::kInternalStorageBitWidth
                        : value.getType().getIntOrFloatBitWidth();
    return {value, APInt(bits, 1)};
  }
};

/// (n * (a * c) + s) % c is s % c: where a block has whole rows.
struct DropRows : OpRewritePattern<arith::RemUIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::RemUIOp remainder,
                                PatternRewriter &rewriter) const override {
    auto add = remainder.getLhs().getDefiningOp<arith::AddIOp>();
    auto product =
        add ? add.getLhs().getDefiningOp<arith::MulIOp>() : arith::MulIOp();
    APInt factor, divisor;
    if (!product || !matchPattern(product.getRhs(), m_ConstantInt(&factor)) ||
        !matchPattern(remainder.getRhs(), m_ConstantInt(&divisor)) ||
        divisor.isZero() || !factor.urem(divisor).isZero())
      return rewriter.notifyMatchFailure(remainder, "not of whole rows");
    rewriter.modifyOpInPlace(
        remainder, [&] { remainder.getLhsMutable().set(add.getRhs()); });
    return success();
  }
};
} // namespace

void nnc::simplifyPhase(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  patterns.add<JoinParts>(function.getContext());
  (void)applyPatternsGreedily(function, std::move(patterns));
  IRRewriter rewriter(function.getContext());
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
}

void nnc::dropRows(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  patterns.add<DropRows>(function.getContext());
  (void)applyPatternsGreedily(function, std::move(patterns));
}

Phase GpuPhase::finish(StringRef kind, Extent numBlocks, int64_t threads) {
  Phase phase = PhaseBuilder::end(kind, numBlocks);
  simplifyPhase(function);
  phase.threads = threads;
  return phase;
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

/// A declaration of the prelude's function for these types, next to the phase.
static func::FuncOp declare(func::FuncOp phase, StringRef name,
                            FunctionType type) {
  auto module = phase->getParentOfType<ModuleOp>();
  OpBuilder b(phase.getContext());
  auto ofPrelude = b.getStringAttr(name);
  std::string symbol = name.str();
  for (unsigned number = 1; Operation *other = module.lookupSymbol(symbol);
       ++number) {
    auto known = dyn_cast<func::FuncOp>(other);
    if (known && known->getAttr("nnc.prelude") == ofPrelude &&
        known.getFunctionType() == type)
      return known;
    symbol = (name + "_" + Twine(number)).str();
  }
  b.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(b, phase.getLoc(), symbol, type);
  function.setPrivate();
  function->setAttr("nnc.prelude", ofPrelude);
  return function;
}

Value GpuPhase::call(StringRef name, ValueRange arguments, Type result) {
  auto type = b.getFunctionType(arguments.getTypes(), result);
  return func::CallOp::create(b, declare(function, name, type), arguments)
      .getResult(0);
}

Value GpuPhase::anySize(Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  auto any = MemRefType::get({ShapedType::kDynamic}, type.getElementType(),
                             type.getLayout(), type.getMemorySpace());
  return memref::CastOp::create(b, any, memory);
}

Value GpuPhase::globalThread(int64_t threads) {
  return add(multiply(blockId, threads), threadId);
}
