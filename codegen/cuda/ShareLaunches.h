// Launches of a plan that need nothing of each other, as one.
#ifndef NNC_CODEGEN_CUDA_SHARELAUNCHES_H
#define NNC_CODEGEN_CUDA_SHARELAUNCHES_H

#include "codegen/PlanMemory.h"

namespace nnc {

/// Puts one launch in the place of several short ones of an entry point, none
/// of which reads or writes what another writes, as their places in memory say:
/// each phase has some of the blocks. A launch comes as early as it may. Adds
/// the phases to `schedule`, and erases those that nothing else runs. Fails
/// after a diagnostic.
mlir::LogicalResult shareLaunches(Schedule &schedule, MemoryPlan &plan);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SHARELAUNCHES_H
