// x (u v) as (x u) v. A weight that is written as the product of two narrow
// ones, as low-rank layers are, is multiplied out for every step otherwise.
#include "Passes.h"

#include <nnc/compiler/ir/Ops.h>

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace extra {
namespace {

bool isPlain(nnc::MatmulOp op) {
  return !op.getTransposeLhs() && !op.getTransposeRhs() && !op.getReduceBatch();
}

struct Reassociate : OpRewritePattern<nnc::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nnc::MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto weight = op.getRhs().getDefiningOp<nnc::MatmulOp>();
    if (!weight || !isPlain(op) || !isPlain(weight))
      return rewriter.notifyMatchFailure(op, "is not x (u v)");
    auto u = cast<RankedTensorType>(weight.getLhs().getType()); // [K, R]
    auto v = cast<RankedTensorType>(weight.getRhs().getType()); // [R, N]
    if (u.getRank() != 2 || v.getRank() != 2 || !u.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "u and v are no plain matrices");
    int64_t K = u.getDimSize(0), R = u.getDimSize(1), N = v.getDimSize(1);
    // M K R + M R N multiplications in place of K R N + M K N, with M rows in
    // x: fewer at any M where R (K + N) <= K N.
    if (R * (K + N) > K * N)
      return rewriter.notifyMatchFailure(op, "u and v are not narrow");
    Value narrow = nnc::MatmulOp::create(rewriter, weight.getLoc(), op.getLhs(),
                                         weight.getLhs());
    rewriter.replaceOpWithNewOp<nnc::MatmulOp>(op, narrow, weight.getRhs());
    return success();
  }
};

struct ReassociateProductsPass
    : PassWrapper<ReassociateProductsPass, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ReassociateProductsPass)

  StringRef getArgument() const override {
    return "extra-reassociate-products";
  }
  StringRef getDescription() const override {
    return "Multiply by two narrow matrices in turn, not by their product";
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Reassociate>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void registerPasses() { PassRegistration<ReassociateProductsPass>(); }

} // namespace extra
