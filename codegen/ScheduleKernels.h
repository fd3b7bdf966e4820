// From kernels as linalg to phases: each kernel to the emitter that claims it.
#ifndef NNC_CODEGEN_SCHEDULEKERNELS_H
#define NNC_CODEGEN_SCHEDULEKERNELS_H

#include "codegen/Target.h"

#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"

namespace nnc {

struct ScheduleOptions {
  CpuModel model;
  int64_t maxBatch = 1;
  /// Plain loops for every kernel.
  bool reference = false;
};

/// All kernels of a module as their target runs them.
struct Schedule {
  /// The phases, and the private functions that they call.
  mlir::OwningOpRef<mlir::ModuleOp> phases;
  /// By the kernel's name.
  llvm::StringMap<ScheduledKernel> kernels;
};

/// Schedules every function of `module` that has the attribute `nnc.kernel`.
/// The module itself is not changed. Fails after a diagnostic.
mlir::FailureOr<Schedule> scheduleKernels(mlir::ModuleOp module,
                                          const ScheduleOptions &options);

} // namespace nnc

#endif // NNC_CODEGEN_SCHEDULEKERNELS_H
