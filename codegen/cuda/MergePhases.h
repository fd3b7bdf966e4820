// Phases that do not depend on each other as one launch.
#ifndef NNC_CODEGEN_CUDA_MERGEPHASES_H
#define NNC_CODEGEN_CUDA_MERGEPHASES_H

#include "codegen/Target.h"

namespace nnc {

/// Makes one phase of all those of `scheduled`, named after the first with the
/// suffix "together": its blocks are those of the first, then those of the
/// second and so on. Leaves it as it is where that cannot be: a library call,
/// different numbers of threads, extents that follow the batch, shared memory,
/// or one phase that reads what another writes.
void mergePhases(ScheduledKernel &scheduled);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_MERGEPHASES_H
