// What passes do with loops over time.
#ifndef NNC_PASSES_SCANS_H
#define NNC_PASSES_SCANS_H

#include "ir/Ops.h"

namespace nnc {

/// Operands and values that a loop gets.
struct ScanParts {
  llvm::SmallVector<mlir::Value> over, with;
  /// Values of its region.
  llvm::SmallVector<mlir::Value> kept;
};

/// Replaces `scan` by one that has `more` behind its own operands and kept
/// values of each kind, and erases it. Values of the region stay what they are,
/// but for its arguments.
ScanOp extendScan(ScanOp scan, const ScanParts &more);

/// Whether an op takes less time than reading its result from memory does.
bool isCheap(mlir::Operation *op);

} // namespace nnc

#endif // NNC_PASSES_SCANS_H
