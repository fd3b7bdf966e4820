// From kernels as linalg to phases: each kernel to the emitter that claims it.
#ifndef NNC_CODEGEN_SCHEDULEKERNELS_H
#define NNC_CODEGEN_SCHEDULEKERNELS_H

#include "codegen/Target.h"

#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace nnc {

/// Registers the dialects of phases, and how ops become operations on buffers.
/// Once, before a context schedules.
void registerScheduling(mlir::DialectRegistry &registry);

/// Schedules a kernel, or fails without a diagnostic and without a trace where
/// the kernel is not of its kind.
using Emitter =
    std::function<mlir::FailureOr<ScheduledKernel>(mlir::func::FuncOp)>;

/// The schedule of the first of `emitters` that claims `kernel`. A schedule
/// that does not pass the verifier is a mistake of its emitter: a remark, and
/// the next is asked. Fails, silently, if none is left.
mlir::FailureOr<ScheduledKernel>
scheduleByFirst(mlir::func::FuncOp kernel, llvm::ArrayRef<Emitter> emitters);

/// All kernels of a module as their target runs them.
struct Schedule {
  /// The phases, and the private functions that they call.
  mlir::OwningOpRef<mlir::ModuleOp> phases;
  /// By the kernel's name.
  llvm::StringMap<ScheduledKernel> kernels;
  /// Of each phase, by its function's name: what is left to say of a phase when
  /// it has become machine code.
  struct PhaseInfo {
    std::string kind;
    int64_t threads = 0;
  };
  llvm::StringMap<PhaseInfo> phaseInfos;
};

/// Schedules every function of `module` that has the attribute `nnc.kernel`.
/// The module itself is not changed. Phases for a GPU get names that are
/// identifiers, and attributes for codegen/cuda/EmitCuda.h. `maxBatch`: the
/// largest that they run with; 0: not known. Fails after a diagnostic.
mlir::FailureOr<Schedule> scheduleKernels(mlir::ModuleOp module,
                                          const Target &target,
                                          int64_t maxBatch = 0);

/// The largest batch that `kernel`, which is being scheduled, runs with.
std::optional<int64_t> largestBatch(mlir::func::FuncOp kernel);

/// Prints what the schedule says of each phase into attributes of its function,
/// for reading.
void annotate(const Schedule &schedule);

} // namespace nnc

#endif // NNC_CODEGEN_SCHEDULEKERNELS_H
