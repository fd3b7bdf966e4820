// Schedules any kernel on a GPU: one op a phase, one element a thread.
#ifndef NNC_CODEGEN_CUDA_ELEMENTS_H
#define NNC_CODEGEN_CUDA_ELEMENTS_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// Takes whatever docs/architecture.md, section 3, allows in a kernel. Sums are
/// taken by one thread in the order of the reference. With `separately` every
/// op is a phase of its own; else one that is cheap, or that one other op alone
/// reads, is computed where it is read. Fails with a reason for an op that is
/// not of that form.
mlir::FailureOr<ScheduledKernel> scheduleElements(mlir::func::FuncOp kernel,
                                                  const GpuModel &model,
                                                  bool separately,
                                                  Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ELEMENTS_H
