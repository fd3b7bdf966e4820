// Sums of rows by index, the gradient of a gather, on a GPU.
#ifndef NNC_CODEGEN_CUDA_SCATTER_H
#define NNC_CODEGEN_CUDA_SCATTER_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// One phase, in which a thread has an element of the result and looks through
/// all indices for its row: nothing is added atomically, and each sum has the
/// order of the indices. Fails with a reason for any other kernel.
mlir::FailureOr<ScheduledKernel> scheduleScatter(mlir::func::FuncOp kernel,
                                                 Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SCATTER_H
