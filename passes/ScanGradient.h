// The gradient of a loop over time: a loop the other way round, and what is
// summed over its steps as one product each.
#ifndef NNC_PASSES_SCANGRADIENT_H
#define NNC_PASSES_SCANGRADIENT_H

#include "passes/Gradients.h"

#include "ir/Ops.h"

namespace nnc {

struct ScanGradient {
  /// Of the loop's operands; null where it is zero.
  llvm::SmallVector<mlir::Value> operands;
  /// What is now in the place of its results, of which there may be more.
  llvm::SmallVector<mlir::Value> results;
};

/// The path through one step of `scan`, which is on `path`.
Path findPathInStep(ScanOp scan, const Path &path);

/// Builds the gradients of the operands of `scan` at the builder, given those
/// of its results, which may be null. The loop is replaced by one that keeps
/// what the way back reads of each step.
llvm::FailureOr<ScanGradient> buildScanGradient(mlir::OpBuilder &builder,
                                                ScanOp scan,
                                                mlir::ValueRange upstream,
                                                const Path &path);

} // namespace nnc

#endif // NNC_PASSES_SCANGRADIENT_H
