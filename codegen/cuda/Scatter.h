// Sums of rows by index, the gradient of a gather, on a GPU.
#ifndef NNC_CODEGEN_CUDA_SCATTER_H
#define NNC_CODEGEN_CUDA_SCATTER_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// As ScatterParts.h says, where that is possible. Else one phase, in which a
/// thread has an element of the result and looks through all indices for its
/// row. Nothing is added atomically. Fails with a reason for any other kernel.
mlir::FailureOr<ScheduledKernel> scheduleScatter(mlir::func::FuncOp kernel,
                                                 Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SCATTER_H
