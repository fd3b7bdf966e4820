// From a model in the dialect to a plan: every stage in its order, and a look
// at each.
#ifndef NNC_CODEGEN_COMPILE_H
#define NNC_CODEGEN_COMPILE_H

#include "codegen/Rematerialize.h"
#include "codegen/ShortEntries.h"
#include "codegen/Target.h"
#include "passes/Pipeline.h"

#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

struct CompileOptions {
  /// Never null when compiling; borrowed.
  const Target *target = nullptr;
  /// The largest batch that the plan runs; 0: the recipe's.
  int64_t maxBatch = 0;
  /// What state and arena may take together, 0 for any number; none: the
  /// recipe's memory_budget.
  std::optional<int64_t> memoryBudgetBytes;
  /// The plan carries the kernels' text too, where the target has one.
  bool keepText = false;
  PipelineOptions passes;
  /// Where to write a reproducer when a pass fails; empty: nowhere.
  std::string reproducerPath;
};

/// A stage that `emitStage` knows, with what it shows.
struct StageDescription {
  llvm::StringRef name, summary;
  /// The families of the targets that have it; empty: every target.
  llvm::SmallVector<llvm::StringRef, 2> targets;
};

/// The stages in their order, those of targets last.
std::vector<StageDescription> stages();

/// Whether a stage of the target's is made with what Target::checkTools() looks
/// for.
bool needsTools(llvm::StringRef stage, const Target &target);

/// Brings `module` to the stage of that name and prints it. Fails after a
/// diagnostic, one of which is that the target has no such stage.
mlir::LogicalResult emitStage(mlir::ModuleOp module, llvm::StringRef stage,
                              const CompileOptions &options,
                              llvm::raw_ostream &os);

struct CompiledPlan {
  std::vector<uint8_t> bytes;
  int64_t maxBatch = 0;
  /// What a session allocates: parameters and optimizer state, and the arena of
  /// the largest entry point.
  int64_t stateBytes = 0;
  int64_t peakBytes = 0;
  /// The budget that it keeps to, 0 for none, and what it took.
  int64_t memoryBudgetBytes = 0;
  std::vector<Recomputation> recomputations;
  /// CodeImage::report.
  std::string report;
};

/// The largest batch that a plan of `module` runs, of which entry points have
/// been built.
int64_t maxBatchOf(mlir::ModuleOp module, const CompileOptions &options);

/// Brings a model as written to a stage inside the dialect. Fails after a
/// diagnostic, as what follows does.
mlir::LogicalResult runToStage(mlir::ModuleOp module, Stage stage,
                               const CompileOptions &options);

/// From entry points of primitives, fused or not, to launches, and the kernels
/// as the target schedules them.
mlir::FailureOr<Schedule> scheduleFused(mlir::ModuleOp module,
                                        const CompileOptions &options);

/// The memory plan of what has been scheduled, within the budget.
mlir::FailureOr<BudgetedPlan> planSchedule(mlir::ModuleOp module,
                                           const Schedule &schedule,
                                           const CompileOptions &options);

/// Compiles `module`, which is changed on the way, with the entry points of
/// `shorter`. Fails after a diagnostic.
mlir::FailureOr<CompiledPlan>
compileToPlan(mlir::ModuleOp module, const CompileOptions &options,
              llvm::ArrayRef<ShortModel> shorter = {});

} // namespace nnc

#endif // NNC_CODEGEN_COMPILE_H
