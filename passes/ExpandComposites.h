// How a composite op is replaced by its definition: for the pass that expands
// all of them, and for differentiation, which expands those on its way.
#ifndef NNC_PASSES_EXPANDCOMPOSITES_H
#define NNC_PASSES_EXPANDCOMPOSITES_H

#include "ir/Dialect.h"

namespace nnc {

/// Composites are defined in terms of one another to this depth; more means
/// that a definition leads back to itself.
inline constexpr unsigned kMaxExpansionDepth = 32;

/// Replaces `composite` by its definition, and erases it. In a training step
/// the updates of state that belong to the definition are assigned at the
/// step's end. Fails after a diagnostic. `inserted`, if given, receives the ops
/// of the definition.
mlir::LogicalResult
expandComposite(Composite composite, bool training,
                llvm::SmallVectorImpl<mlir::Operation *> *inserted = nullptr);

/// Expands what stands in `block` and has no gradient of its own, until nothing
/// is left of it.
mlir::LogicalResult expandWithoutGradient(mlir::Block &block, bool training);

/// Expands `op`, if it is composite, and what it expands to, down to primitives
/// and what `stays`.
mlir::LogicalResult
expandFully(mlir::Operation *op, bool training,
            llvm::function_ref<bool(mlir::Operation *)> stays);

/// Whether `op` is one that a target may have kernels of attention for.
bool isAttentionKernel(mlir::Operation *op);

} // namespace nnc

#endif // NNC_PASSES_EXPANDCOMPOSITES_H
