// The loops of a plan as launches: one phase that runs all steps.
#ifndef NNC_CODEGEN_CUDA_JOINLOOPS_H
#define NNC_CODEGEN_CUDA_JOINLOOPS_H

#include "codegen/PlanMemory.h"

namespace nnc {

/// Puts one launch in the place of each loop of `plan` with
/// PlannedLoop::isJoined: each block takes some samples through all steps, and
/// goes through the phases of a step as if it were all of their blocks. Adds
/// its phase to `schedule`, and erases those that nothing else runs. Fails
/// after a diagnostic.
mlir::LogicalResult joinLoops(Schedule &schedule, MemoryPlan &plan);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_JOINLOOPS_H
