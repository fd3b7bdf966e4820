// The gradient of the matrix product.
#include "ir/Expr.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

/// Where `operand` is one matrix beside many, its gradient sums over them.
static unsigned sumOverBatch(Expr operand, Expr other) {
  return operand.rank() == 2 && other.rank() > 2 ? kReduceBatch : kPlain;
}

// L [.., M, K] and R [.., K, N] are the operands after the transpositions that
// the flags name. dL = dy R^T and dR = L^T dy; where an operand is stored
// transposed, so is its gradient: dL^T = R dy^T and dR^T = dy^T L.
FailureOr<SmallVector<Value>> MatmulOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dy(b, upstream[0]), lhs(b, getLhs()), rhs(b, getRhs());
  bool tl = getTransposeLhs(), tr = getTransposeRhs();
  // With reduce_batch dy is one matrix, and broadcasts over the batch.
  unsigned sumLhs = getReduceBatch() ? kPlain : sumOverBatch(lhs, dy);
  unsigned sumRhs = getReduceBatch() ? kPlain : sumOverBatch(rhs, dy);

  Expr dlhs =
      tl ? matmul(rhs, dy,
                  (tr ? kTransposeLhs : kPlain) | kTransposeRhs | sumLhs)
         : matmul(dy, rhs, (tr ? kPlain : kTransposeRhs) | sumLhs);
  Expr drhs =
      tr ? matmul(dy, lhs,
                  kTransposeLhs | (tl ? kTransposeRhs : kPlain) | sumRhs)
         : matmul(lhs, dy, (tl ? kPlain : kTransposeLhs) | sumRhs);
  return SmallVector<Value>{dlhs, drhs};
}
