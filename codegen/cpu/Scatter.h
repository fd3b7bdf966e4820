// Sums of rows by index, the gradient of a gather, on a CPU.
#ifndef NNC_CODEGEN_CPU_SCATTER_H
#define NNC_CODEGEN_CPU_SCATTER_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// One phase over the rows of the result. Each part reads all indices and adds
/// what belongs to its own rows, so that each sum has the order of the indices
/// at any split. Fails with a reason and without a trace on any other kernel.
mlir::FailureOr<ScheduledKernel> scheduleScatter(mlir::func::FuncOp kernel,
                                                 const CpuModel &model,
                                                 Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_SCATTER_H
