// From kernels as linalg to phases: each kernel to the emitter that claims it.
#ifndef NNC_CODEGEN_SCHEDULEKERNELS_H
#define NNC_CODEGEN_SCHEDULEKERNELS_H

#include "codegen/Target.h"

#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"

namespace nnc {

/// Registers the dialects of phases, and how ops become operations on buffers.
/// Once, before a context schedules.
void registerScheduling(mlir::DialectRegistry &registry);

struct ScheduleOptions {
  CpuModel model;
  /// Plain loops for every kernel.
  bool reference = false;
};

/// All kernels of a module as their target runs them.
struct Schedule {
  /// The phases, and the private functions that they call.
  mlir::OwningOpRef<mlir::ModuleOp> phases;
  /// By the kernel's name.
  llvm::StringMap<ScheduledKernel> kernels;
  /// The kind of each phase, by its function's name: what is left to say of a
  /// phase when it has become machine code.
  llvm::StringMap<std::string> phaseKinds;
};

/// Schedules every function of `module` that has the attribute `nnc.kernel`.
/// The module itself is not changed. Fails after a diagnostic.
mlir::FailureOr<Schedule> scheduleKernels(mlir::ModuleOp module,
                                          const ScheduleOptions &options);

/// Prints what the schedule says of each phase into attributes of its function,
/// for reading.
void annotate(const Schedule &schedule);

} // namespace nnc

#endif // NNC_CODEGEN_SCHEDULEKERNELS_H
