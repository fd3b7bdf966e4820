// Rows of logits and the integers or one-hot rows that name a class for each,
// as losses and metrics read them. Private to ir/ops.
#ifndef NNC_IR_OPS_CLASSES_H
#define NNC_IR_OPS_CLASSES_H

#include "ir/Expr.h"
#include "ir/Signature.h"

#include <optional>

namespace nnc {

/// The dimensions of the rows of logits [.., C].
llvm::SmallVector<int64_t> getRowDims(Expr logits);

/// Integers that stand for a class of each row of logits: [..], i32; outside of
/// 0 to C - 1 where they are none.
Expr classesOf(Expr target, Expr logits);

/// The class of each row: [..], i32; of one-hot rows the largest.
Expr targetClasses(Expr target, Expr logits);

/// Whether the `classes` of `target` are classes of logits [.., C]: [..], i1.
Expr areClasses(Expr classes, Expr target, Expr logits);

/// The cross-entropy of each row of logits [.., C] with its target: [..].
Expr rowLosses(Expr logits, Expr target);

/// nnc.cross_entropy of its operands; `weights` may be null.
llvm::FailureOr<Expr> crossEntropy(Expr logits, Expr target, Expr weights,
                                   double smoothing);

/// How far probabilities are kept from 0 and 1.
double probabilityMargin(mlir::Type elementType);

/// Whether rows [..] count: i1; null where all do.
Expr countedRows(Expr target, Expr rows, std::optional<int64_t> ignored);

/// Integers that name classes of `logits` are below their number. None where
/// one that is `ignored` is not.
llvm::SmallVector<IndexLimit> limitClasses(mlir::RankedTensorType logits,
                                           mlir::RankedTensorType target,
                                           std::optional<int64_t> ignored);

/// The same, where the prediction may be of elements that decide for
/// themselves, whose targets are 0 and 1.
llvm::SmallVector<IndexLimit> limitDecisions(mlir::RankedTensorType prediction,
                                             mlir::RankedTensorType target,
                                             std::optional<int64_t> ignored);

/// Above which number an element decides for what it is of.
double decidingThreshold(std::optional<llvm::APFloat> given, Scores from);

/// Whether columns of elements that decide for themselves may be classes: [B,
/// L].
bool hasClassColumns(mlir::RankedTensorType prediction);

/// What is meant where no average is given.
Average resolveAverage(mlir::RankedTensorType prediction,
                       mlir::RankedTensorType target,
                       std::optional<Average> given);

} // namespace nnc

#endif // NNC_IR_OPS_CLASSES_H
