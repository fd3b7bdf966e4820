// Plain loops over all cores: which loops of a function on buffers may be
// shared out, and where the function can be cut into phases.
#ifndef NNC_CODEGEN_PARALLELLOOPS_H
#define NNC_CODEGEN_PARALLELLOOPS_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace nnc {

/// A part of a function's body that can be a phase of its own.
struct LoopSegment {
  /// What it does, and what it computes for that, in order.
  llvm::SmallVector<mlir::Operation *> ops;
  /// From 0, in steps of one: an iteration reads and writes nothing that
  /// another writes. Null: the segment is one thread's.
  mlir::scf::ForOp parallel;
  /// Others come before or after it.
  bool isPart = false;
};

/// Marks the outermost of the `loops` that `op` has become, if it is parallel:
/// it keeps the mark while the function is rewritten.
void markParallelLoop(mlir::linalg::LinalgOp op,
                      llvm::ArrayRef<mlir::Operation *> loops);
void markParallelLoop(mlir::scf::ForOp loop);
bool isMarkedParallel(mlir::Operation *op);
void unmarkParallel(mlir::Operation *op);

/// Cuts `body`, which communicates through buffers, between its loops. Fails
/// where a value goes from one loop to another in another way.
mlir::FailureOr<llvm::SmallVector<LoopSegment>> splitLoops(mlir::Block &body,
                                                           Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_PARALLELLOOPS_H
