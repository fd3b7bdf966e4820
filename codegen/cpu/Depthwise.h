// Sums of products in which each channel is for itself, as a depthwise
// convolution and its gradients are: vectors run along channels.
#ifndef NNC_CODEGEN_CPU_DEPTHWISE_H
#define NNC_CODEGEN_CPU_DEPTHWISE_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules a kernel of one product or several (codegen/cpu/Contraction.h)
/// whose factors and results all lie as vectors along one axis. There is no
/// reuse along channels, so that nothing is packed: the sums of several places
/// wait in registers while the window's taps go by, or those of all taps while
/// places do. Fails with a reason and without a trace where the kernel is of
/// another kind.
mlir::FailureOr<ScheduledKernel> scheduleDepthwise(mlir::func::FuncOp kernel,
                                                   const CpuModel &cpu,
                                                   Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_DEPTHWISE_H
