// Independent parts of a kernel in one phase.
#ifndef NNC_CODEGEN_CUDA_SIDEBYSIDE_H
#define NNC_CODEGEN_CUDA_SIDEBYSIDE_H

#include "codegen/Refusal.h"
#include "codegen/cuda/KernelParts.h"

namespace nnc {

/// Schedules a kernel whose results fall into groups that share no work, such
/// as the updates of several parameters: some blocks of one phase for each
/// group, which `schedulePart` schedules. Refuses where there is only one
/// group, or one of them needs more than a phase of independent threads.
mlir::FailureOr<ScheduledKernel> scheduleSideBySide(mlir::func::FuncOp kernel,
                                                    PartScheduler schedulePart,
                                                    Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SIDEBYSIDE_H
