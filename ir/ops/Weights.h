// Weights of a loss's terms: which of them count, and by how much. Private to
// ir/ops; ir/Expr.h has what plugins may use as well.
#ifndef NNC_IR_OPS_WEIGHTS_H
#define NNC_IR_OPS_WEIGHTS_H

#include "ir/Expr.h"

namespace nnc {

/// The sum of `weights`, over the number of them: 1 where it is 0, which then
/// divides zeros.
Expr meanWeight(Expr weights);

/// `terms` times `weights`, 0 where the weight is.
Expr weigh(Expr terms, Expr weights);

/// `weights` of rows, null where all weigh the same, without those that are not
/// `counted`; null: all count.
Expr withoutIgnored(Expr weights, Expr counted, Expr rows);

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
