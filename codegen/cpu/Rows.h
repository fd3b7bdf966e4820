// The emitter of rows kernels: elementwise ops and reductions over rows,
// columns or all of one two-dimensional space, in as few passes over memory as
// their dependences allow.
#ifndef NNC_CODEGEN_CPU_ROWS_H
#define NNC_CODEGEN_CPU_ROWS_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules a kernel whose ops share one space (RowsAnalysis.h); the phases
/// are inserted after it. Says why, and changes nothing, where the kernel is
/// not of that kind.
mlir::FailureOr<ScheduledKernel> scheduleRows(mlir::func::FuncOp kernel,
                                              const CpuModel &model,
                                              Refusal &refusal);

/// How scheduleRows goes through the kernel, for people. Fails as it does.
mlir::LogicalResult printRowsPlan(mlir::func::FuncOp kernel,
                                  const CpuModel &model, llvm::raw_ostream &os);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ROWS_H
