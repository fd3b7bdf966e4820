// Products of matrices by the library of a GPU.
#ifndef NNC_CODEGEN_CUDA_CONTRACTION_H
#define NNC_CODEGEN_CUDA_CONTRACTION_H

#include "codegen/Refusal.h"
#include "codegen/cuda/GpuModel.h"
#include "codegen/cuda/KernelParts.h"

namespace nnc {

/// Schedules a contraction as a call of the library, between phases for what
/// computes its operands and what becomes of its result, which `scheduleRest`
/// schedules. Fails with a reason where the product is too small to be worth a
/// call, or its operands do not lie as the library wants them.
mlir::FailureOr<ScheduledKernel>
scheduleLibraryContraction(mlir::func::FuncOp kernel, const GpuModel &model,
                           PartScheduler scheduleRest, Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CONTRACTION_H
