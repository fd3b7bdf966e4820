// Schedules rows kernels (codegen/RowsAnalysis.h) on a GPU.
#ifndef NNC_CODEGEN_CUDA_ROWS_H
#define NNC_CODEGEN_CUDA_ROWS_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// Says why if `kernel` is no rows kernel. No bit of a result depends on
/// anything but the kernel and the batch.
mlir::FailureOr<ScheduledKernel> scheduleGpuRows(mlir::func::FuncOp kernel,
                                                 const GpuModel &model,
                                                 Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ROWS_H
