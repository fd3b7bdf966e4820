// Phases by which a GPU takes the samples of a batch from a set that it holds.
#ifndef NNC_CODEGEN_CUDA_TAKESAMPLES_H
#define NNC_CODEGEN_CUDA_TAKESAMPLES_H

#include "codegen/ScheduleKernels.h"

namespace nnc {

/// Adds those of runtime/TakeKernels.h.
void addTakeSamples(Schedule &schedule);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TAKESAMPLES_H
