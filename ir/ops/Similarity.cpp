// Expansions of losses of vectors.
// In comments: D elements of a vector; n rows of a group; .. the rows.
#include "ir/Ops.h"
#include "ir/ops/Classes.h"
#include "ir/ops/Weights.h"

using namespace mlir;
using namespace nnc;

/// What keeps a length above 0, with a slope there: that of PyTorch's losses.
static constexpr double kSmallestSquare = 1e-12;

FailureOr<Expansion> CosineEmbeddingLossOp::buildExpansion(OpBuilder &builder,
                                                           bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), other(b, getOther());
  int64_t last = x.rank() - 1;
  Expr product = sum(x * other, {last}); // [..]
  Expr squares = (sum(x * x, {last}) + kSmallestSquare) *
                 (sum(other * other, {last}) + kSmallestSquare);
  Expr cosine = product / sqrt(squares);
  Expr isAlike = alignTarget(Expr(b, getTarget()), cosine) > 0.0;
  Expr losses =
      select(isAlike, 1.0 - cosine, maximum(cosine - number(getMargin()), 0.0));
  losses = weighPositive(losses, isAlike, operand(b, getODSOperands(4)));
  return Expansion{weightedMean(losses, weightsOf(*this, losses))};
}

/// How far rows of `x` and `other` are from each other: [..].
static Expr distanceOf(Expr x, Expr other, bool isSquared) {
  // PyTorch's pairwise_distance, which has a slope where they are equal.
  Expr difference = isSquared ? x - other : x - other + 1e-6;
  Expr square = sum(difference * difference, {x.rank() - 1});
  return isSquared ? square : sqrt(square);
}

FailureOr<Expansion> TripletLossOp::buildExpansion(OpBuilder &builder,
                                                   bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr anchor(b, getAnchor());
  Expr near = distanceOf(anchor, Expr(b, getPositive()), getSquared());
  Expr far = distanceOf(anchor, Expr(b, getNegative()), getSquared());
  Expr losses = maximum(near - far + number(getMargin()), 0.0);
  return Expansion{weightedMean(
      losses, alignWeights(operand(b, getODSOperands(3)), losses))};
}

/// Rows of length 1.
static Expr normalized(Expr x) {
  return x *
         rsqrt(sum(x * x, {x.rank() - 1}, /*keepDims=*/true) + kSmallestSquare);
}

FailureOr<Expansion> ContrastiveLossOp::buildExpansion(OpBuilder &builder,
                                                       bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), other(b, getOther());
  if (getNormalize()) {
    x = normalized(x);
    other = normalized(other);
  }
  SmallVector<int64_t> rows = x.dims();
  rows.pop_back();
  Expr partner = iota(b, rows, rows.size() - 1, b.getI32Type()); // [.., n]
  auto findPartners = [&](Expr of, Expr among) {
    Expr logits = matmul(of, among, kTransposeRhs) /
                  number(getTemperature()); // [.., n, n]
    return crossEntropy(logits, partner, operand(b, getODSOperands(2)),
                        number(getLabelSmoothing()));
  };
  FailureOr<Expr> loss = findPartners(x, other);
  if (succeeded(loss) && getSymmetric()) {
    FailureOr<Expr> back = findPartners(other, x);
    loss = failed(back) ? back : FailureOr<Expr>(0.5 * (*loss + *back));
  }
  if (failed(loss))
    return failure();
  return Expansion{*loss};
}
