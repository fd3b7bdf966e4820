// Convolutions with windows of 3 x 3 as Winograd's products: fewer
// multiplications than the sum has.
#ifndef NNC_CODEGEN_CPU_WINOGRAD_H
#define NNC_CODEGEN_CPU_WINOGRAD_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules a contraction (codegen/cpu/Contraction.h) over windows of 3 x 3
/// neighbours and many channels, in f32, where fewer multiplications are worth
/// their transforms: a convolution, or its gradient by the image. Fails with a
/// reason and without a trace where the kernel is none. docs/numerics.md has a
/// bound of its error.
mlir::FailureOr<ScheduledKernel> scheduleWinograd(mlir::func::FuncOp kernel,
                                                  const CpuModel &cpu,
                                                  Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRAD_H
