// From kernels as linalg to phases: each kernel to the scheduler of its kind.
#ifndef NNC_CODEGEN_SCHEDULEKERNELS_H
#define NNC_CODEGEN_SCHEDULEKERNELS_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"

#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace nnc {

/// Registers the dialects of phases, and how ops become operations on buffers.
/// Once, before a context schedules.
void registerScheduling(mlir::DialectRegistry &registry);

/// One way of a target's to run kernels.
struct Scheduler {
  /// Schedules a kernel, or fails without a diagnostic and without a trace, and
  /// says why.
  using Function = std::function<mlir::FailureOr<ScheduledKernel>(
      mlir::func::FuncOp, Refusal &)>;

  /// For messages.
  llvm::StringRef name;
  /// What nnc.kind may say of kernels that it is for. Empty: of the plain form
  /// that any kernel has, for those that nothing else takes.
  llvm::SmallVector<llvm::StringRef, 4> kinds;
  Function schedule;
};

/// The schedule of the first of `schedulers` that is for kernels of this kind
/// and takes it; one that names no kind is offered to all. A schedule that does
/// not pass the verifier is a mistake of its scheduler: a remark, or an error
/// where NNC_STRICT is set in the environment, and the next is asked. Fails,
/// silently but for that, if none is left.
mlir::FailureOr<ScheduledKernel>
scheduleByKind(mlir::func::FuncOp kernel, llvm::ArrayRef<Scheduler> schedulers);

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
    /// ScheduledKernel::refusal of its kernel.
    std::string refusal;
  };
  llvm::StringMap<PhaseInfo> phaseInfos;
  /// Target::loops().
  LoopSupport loops;
  /// Target::sharesLaunches().
  bool sharesLaunches = false;
};

/// Schedules every function of `module` that has the attribute `nnc.kernel`.
/// The module itself is not changed. `maxBatch`: the largest that the phases
/// run with; 0: not known. Fails after a diagnostic.
mlir::FailureOr<Schedule> scheduleKernels(mlir::ModuleOp module,
                                          const Target &target,
                                          int64_t maxBatch = 0);

/// The largest batch that `kernel`, which is being scheduled, runs with.
std::optional<int64_t> largestBatch(mlir::func::FuncOp kernel);

/// What the batch is taken to be where a choice needs a number and none is
/// known, or the choice is not to depend on how large a batch may come.
inline constexpr int64_t kTypicalBatch = 64;

/// The batch that a schedule is best at: the largest, where it is known.
int64_t typicalBatch(mlir::func::FuncOp kernel);

/// Prints what the schedule says of each phase into attributes of its function,
/// for reading.
void annotate(const Schedule &schedule);

} // namespace nnc

#endif // NNC_CODEGEN_SCHEDULEKERNELS_H
