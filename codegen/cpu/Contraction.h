// Contractions as packed tiles of fused multiply-adds.
#ifndef NNC_CODEGEN_CPU_CONTRACTION_H
#define NNC_CODEGEN_CPU_CONTRACTION_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules a kernel that holds one sum of products (f32 or f64) over one
/// dimension or several, batched and transposed in any way, its operands read
/// through slices, reshapes, padding and windows and with elementwise ops on
/// them, and elementwise ops on its result with any number of results; or
/// several such sums, side by side in one tensor. The phases are inserted after
/// the kernel. Fails with a reason and without a trace where the kernel is not
/// of this kind.
///
/// A sum is accumulated in the order of K, one fused multiply-add after the
/// other, whatever the tiles, the batch and the number of threads.
mlir::FailureOr<ScheduledKernel> scheduleContraction(mlir::func::FuncOp kernel,
                                                     const CpuModel &cpu,
                                                     Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_CONTRACTION_H
