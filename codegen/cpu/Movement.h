// The emitter for kernels that only move elements.
#ifndef NNC_CODEGEN_CPU_MOVEMENT_H
#define NNC_CODEGEN_CPU_MOVEMENT_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules a kernel that transposes, broadcasts, slices, pads, concatenates
/// or gathers along one axis, and does nothing else. Fails with a reason and
/// without a trace on any other.
mlir::FailureOr<ScheduledKernel> scheduleMovement(mlir::func::FuncOp kernel,
                                                  const CpuModel &model,
                                                  Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_MOVEMENT_H
