// See Weights.h.
#include "ir/ops/Weights.h"

#include "ir/Ops.h"
#include "ir/ops/Classes.h"

using namespace mlir;

namespace nnc {

Expr alignTarget(Expr target, Expr like) {
  return cast(reshape(target, like.dims()), like.elementType());
}

Expr alignWeights(Expr weights, Expr like) {
  if (!weights)
    return weights;
  SmallVector<int64_t> dims = weights.dims();
  while (int64_t(dims.size()) > like.rank())
    dims.pop_back(); // of size 1
  dims.resize(like.rank(), 1);
  return cast(reshape(weights, dims), like.elementType());
}

Expr termWeights(Expr weights, Expr target, Expr like,
                 std::optional<int64_t> ignored) {
  return withoutIgnored(alignWeights(weights, like),
                        countedRows(target, like, ignored), like);
}

Expr withoutIgnored(Expr weights, Expr counted, Expr rows) {
  if (!counted)
    return weights;
  return weights ? select(counted, weights, 0.0)
                 : cast(counted, rows.elementType());
}

Expr meanWeight(Expr weights) {
  Expr weight = mean(weights);
  return select(weight == scalar(weight, 0.0), 1.0, weight);
}

Expr weigh(Expr terms, Expr weights) {
  return select(weights != scalar(weights, 0.0), terms * weights, 0.0);
}

Expr weightedMean(Expr terms, Expr weights) {
  return weights ? mean(weigh(terms, weights)) / meanWeight(weights)
                 : mean(terms);
}

Expr weighPositive(Expr terms, Expr isPositive, Expr positiveWeights) {
  return positiveWeights ? terms * select(isPositive, positiveWeights, 1.0)
                         : terms;
}

Expr weightOfClass(Expr mask, Expr classWeights) {
  return classWeights ? sum(select(mask, classWeights, 0.0), {mask.rank() - 1})
                      : Expr();
}

Expr meanByClass(Expr losses, Expr byClass, Expr weights) {
  if (!byClass)
    return weightedMean(losses, weights);
  Expr all = weights ? weigh(losses, weights) : losses;
  return mean(all) / meanWeight(weights ? byClass * weights : byClass);
}

Expr smoothed(Expr target, double smoothing) {
  return smoothing == 0.0 ? target
                          : target * (1.0 - smoothing) + smoothing / 2.0;
}

Value gradientOfWeights(Expr slopes, Expr weights, Expr operand) {
  if (!operand || !operand.isFloat())
    return {};
  Expr given = select(weights != scalar(weights, 0.0), slopes, 0.0);
  Expr aligned = alignWeights(operand, given);
  SmallVector<int64_t> stretched;
  for (int64_t axis = 0; axis < given.rank(); ++axis)
    if (aligned.dim(axis) == 1 && given.dim(axis) != 1)
      stretched.push_back(axis);
  if (!stretched.empty())
    given = sum(given, stretched, /*keepDims=*/true);
  return cast(reshape(given, operand.dims()), operand.elementType());
}

} // namespace nnc
