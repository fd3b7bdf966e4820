// Counts on the linalg form of a kernel.
#include "codegen/CountWork.h"

#include "codegen/AttentionKernel.h"
#include "codegen/Reference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnc;

static void add(Extent &sum, Extent term) {
  sum.constant += term.constant;
  sum.perBatch += term.perBatch;
}

/// Conversions and choices are no floating-point operations.
static bool isFloatOperation(Operation &op) {
  if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(
          op.getDialect()) ||
      op.getNumResults() != 1 || op.getNumOperands() == 0)
    return false;
  return isa<FloatType>(op.getResult(0).getType()) &&
         isa<FloatType>(op.getOperand(0).getType()) &&
         !isa<arith::ExtFOp, arith::TruncFOp, arith::SelectOp>(op);
}

static Extent countFlop(linalg::LinalgOp op) {
  int64_t perIteration =
      llvm::count_if(op.getBlock()->without_terminator(), isFloatOperation);
  Extent flop{perIteration, 0, 1};
  bool isPerBatch = false;
  for (int64_t size : op.getStaticLoopRanges()) {
    isPerBatch |= ShapedType::isDynamic(size);
    if (!ShapedType::isDynamic(size))
      flop.constant *= size;
  }
  if (isPerBatch)
    std::swap(flop.constant, flop.perBatch);
  return flop;
}

Extent nnc::countFlop(func::FuncOp kernel) {
  Extent flop;
  kernel.walk([&](linalg::LinalgOp op) { add(flop, ::countFlop(op)); });
  // The definition computes all scores, and then hides some.
  Refusal refusal;
  if (FailureOr<AttentionKernel> attention = analyzeAttention(kernel, refusal);
      succeeded(attention)) {
    double share = shareSeen(*attention);
    flop.constant = int64_t(double(flop.constant) * share);
    flop.perBatch = int64_t(double(flop.perBatch) * share);
  }
  return flop;
}

Extent nnc::countTrafficBytes(func::FuncOp kernel) {
  Extent bytes;
  auto addTensor = [&](Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      add(bytes, sizeBytes(tensor));
  };
  llvm::for_each(kernel.getArgumentTypes(), addTensor);
  llvm::for_each(kernel.getResultTypes(), addTensor);
  return bytes;
}
