// Gradients of several batches before one update. For nnc-build-entry-points.
#ifndef NNC_PASSES_ACCUMULATEGRADIENTS_H
#define NNC_PASSES_ACCUMULATEGRADIENTS_H

#include "ir/Ops.h"

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// Makes @accumulate_step, a copy of @train_step that adds its gradients to
/// those that wait in place of updating, and has @train_step update with the
/// mean over all samples that wait and its own; of each of several steps
/// @NAME.accumulate_step, with gradients and counts of its own. Random ops then
/// draw by the number of the batch, among those of all steps. Nothing happens
/// where the model accumulates nothing. Fails after a diagnostic.
llvm::LogicalResult accumulateGradients(ModelOp model);

} // namespace nnc

#endif // NNC_PASSES_ACCUMULATEGRADIENTS_H
