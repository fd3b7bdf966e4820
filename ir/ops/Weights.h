// Weights of a loss's terms: which of them count, and by how much. Private to
// ir/ops; ir/Expr.h has what plugins may use as well.
#ifndef NNC_IR_OPS_WEIGHTS_H
#define NNC_IR_OPS_WEIGHTS_H

#include "ir/Expr.h"

namespace nnc {

/// The weights that `op`, a loss or metric, gives `like`, its terms or rows, in
/// their element type; 0 where its target is ignored, null where all weigh the
/// same.
template <typename OpTy> Expr weightsOf(OpTy op, Expr like) {
  mlir::ImplicitLocOpBuilder &b = like.builder();
  mlir::Value given = op.getWeights();
  return termWeights(given ? Expr(b, given) : Expr(), Expr(b, op.getTarget()),
                     like, op.getIgnoreIndex());
}

/// The same in f64 and for each of `rows`, as metrics of a set add them up.
template <typename OpTy> Expr weightsOfRows(OpTy op, Expr rows) {
  Expr weights = weightsOf(op, cast(rows, rows.builder().getF64Type()));
  return weights ? broadcast(weights, rows.dims()) : weights;
}

/// The sum of `weights`, over the number of them: 1 where it is 0, which then
/// divides zeros.
Expr meanWeight(Expr weights);

/// `terms` times `weights`, 0 where the weight is.
Expr weigh(Expr terms, Expr weights);

/// `weights` of rows, null where all weigh the same, without those that are not
/// `counted`; null: all count.
Expr withoutIgnored(Expr weights, Expr counted, Expr rows);

/// `terms` where `isPositive`, times `positiveWeights`, null where there are
/// none.
Expr weighPositive(Expr terms, Expr isPositive, Expr positiveWeights);

/// Of each row the weight of its class, where `mask` [.., C] is: [..]; null
/// where there are no `classWeights`.
Expr weightOfClass(Expr mask, Expr classWeights);

/// The mean of `losses` of rows, which are multiplied by the weights of their
/// classes already: by those, null where there are none, and by `weights`.
Expr meanByClass(Expr losses, Expr byClass, Expr weights);

/// The gradient of a weighted mean by the weights that `operand` holds: of
/// `slopes`, those by the weight of each term, where the term has one; sums of
/// them where a weight stands for several. Null where the operand holds no
/// floats.
mlir::Value gradientOfWeights(Expr slopes, Expr weights, Expr operand);

/// `target` moved by `smoothing` towards 1/2.
Expr smoothed(Expr target, double smoothing);

} // namespace nnc

#endif // NNC_IR_OPS_WEIGHTS_H
