// The entry points that differentiate a loss: a training step, and on request
// its gradients alone. For nnc-build-entry-points.
#ifndef NNC_PASSES_TRAININGENTRY_H
#define NNC_PASSES_TRAININGENTRY_H

#include "passes/ModelFunction.h"

namespace nnc {

/// Makes the entry point `name` of `results`, the first of which is the loss
/// of the training step `step`, with what `updates` change. A step of a name
/// trains what its updates say; the model's only one trains all that the loss
/// depends on. Fails after a diagnostic.
llvm::LogicalResult buildTrainingEntry(ModelOp model, llvm::StringRef step,
                                       llvm::StringRef name,
                                       llvm::ArrayRef<EntryResult> results,
                                       llvm::ArrayRef<RecipeUpdate> updates);

/// Makes the entry point `name`: the loss, its gradient for each parameter that
/// it depends on, and for each floating-point input; of a training step of a
/// name, for what its `updates` change: of others it need not be a derivative,
/// where gradients are stopped. Fails after a diagnostic.
llvm::LogicalResult buildGradientsEntry(ModelOp model, llvm::StringRef step,
                                        llvm::StringRef name, EntryResult loss,
                                        llvm::ArrayRef<RecipeUpdate> updates);

/// Warns of each parameter that the model reads and no training step changes,
/// where the steps that make `updates` have names.
void warnUntrained(ModelOp model, llvm::ArrayRef<RecipeUpdate> updates);

} // namespace nnc

#endif // NNC_PASSES_TRAININGENTRY_H
