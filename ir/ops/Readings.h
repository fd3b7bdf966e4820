// What metrics add up over a set, and how a metric is read from it within a
// program, as runtime/MetricSums reads it of a whole set. Private to ir/ops.
#ifndef NNC_IR_OPS_READINGS_H
#define NNC_IR_OPS_READINGS_H

#include "ir/Expr.h"

namespace nnc {

/// Scalars as a vector, [rows].
Expr joinScalars(llvm::ArrayRef<Expr> scalars);

/// Vectors [m] as [rows, m].
Expr stackRows(llvm::ArrayRef<Expr> rows);

/// A vector of the sum of `terms`, each by its weight, and of the weights, in
/// f64; where they are null all terms weigh 1.
Expr sumsOf(Expr terms, Expr weights);

} // namespace nnc

#endif // NNC_IR_OPS_READINGS_H
