// Contractions whose terms no two sums share, as a depthwise convolution's are
// not: each channel by itself.
#ifndef NNC_CODEGEN_CUDA_CHANNELS_H
#define NNC_CODEGEN_CUDA_CHANNELS_H

#include "codegen/Target.h"
#include "codegen/cuda/ContractionPhase.h"

namespace nnc {

/// Whether tiles would be empty for the most part: groups of few columns, or of
/// few rows.
bool isByChannel(const Contraction &contraction, const ContractionAxes &axes);

/// Schedules it with a sum, or several neighbours, a thread. Phases follow
/// `previous`, and their names end in `suffix`.
ScheduledKernel scheduleChannels(const Contraction &contraction,
                                 const ContractionAxes &axes,
                                 mlir::Operation *previous,
                                 llvm::StringRef suffix);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CHANNELS_H
