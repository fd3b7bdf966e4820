// How a kernel runs on a GPU.
#ifndef NNC_CODEGEN_CUDA_SCHEDULEGPU_H
#define NNC_CODEGEN_CUDA_SCHEDULEGPU_H

#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// The schedule of a kernel, by the first emitter that claims it. `reference`:
/// one op a phase, one element a thread. Fails after a diagnostic.
mlir::FailureOr<ScheduledKernel> scheduleForGpu(mlir::func::FuncOp kernel,
                                                const GpuModel &model,
                                                bool reference);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SCHEDULEGPU_H
