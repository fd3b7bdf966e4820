// Averages of weights as state that prediction and evaluation read. For
// nnc-build-entry-points; the pass nnc-average-weights has training steps move
// them.
#ifndef NNC_PASSES_AVERAGEWEIGHTS_H
#define NNC_PASSES_AVERAGEWEIGHTS_H

#include "ir/Ops.h"

namespace nnc {

/// Declares the average of each parameter that a training step updates, and of
/// each buffer that one reads, and has every entry point that does not train
/// read that. Nothing happens where the recipe has no average. Fails after a
/// diagnostic.
llvm::LogicalResult declareAverages(ModelOp model);

} // namespace nnc

#endif // NNC_PASSES_AVERAGEWEIGHTS_H
