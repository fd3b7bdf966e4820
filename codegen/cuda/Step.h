// The step of a loop of which each block runs all steps for samples of its own.
#ifndef NNC_CODEGEN_CUDA_STEP_H
#define NNC_CODEGEN_CUDA_STEP_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// A thread an element, none of which waits within a phase. What products read
/// at each step against the order of threads is first copied into theirs, in a
/// phase that need not be part of the loop.
mlir::FailureOr<ScheduledKernel> scheduleStep(mlir::func::FuncOp kernel,
                                              const GpuModel &model,
                                              Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_STEP_H
