// A memory plan within a budget: launches of the way to a loss run again on the
// way back, so that what they compute need not be kept until then. The same
// kernels on the same operands give the same bits.
#ifndef NNC_CODEGEN_REMATERIALIZE_H
#define NNC_CODEGEN_REMATERIALIZE_H

#include "codegen/PlanMemory.h"

namespace nnc {

/// What some launches of one kernel are about, at the largest batch.
struct LaunchSummary {
  std::string kernel;
  int64_t numLaunches = 0;
  double flop = 0;
  /// Of the values that are kept, or that need not be.
  int64_t sizeBytes = 0;
};

/// What became of an entry point that did not fit.
struct Recomputation {
  std::string entryPoint;
  int64_t numLaunches = 0; // without those that run again
  double flop = 0;         // of them
  /// Of the plan, with everything kept and as it is.
  int64_t peakBytesBefore = 0, peakBytes = 0;
  /// By kernel: what runs again, and what is kept for the way back.
  std::vector<LaunchSummary> again, kept;
};

struct BudgetedPlan {
  MemoryPlan plan;
  std::vector<Recomputation> recomputations;
};

/// planMemory, with state and arena in `budgetBytes` (0: any number). Adds
/// launches to the functions of `module`. Fails after a diagnostic, which says
/// the least that is possible.
mlir::FailureOr<BudgetedPlan> planWithinBudget(mlir::ModuleOp module,
                                               const Schedule &schedule,
                                               int64_t maxBatch,
                                               int64_t budgetBytes);

} // namespace nnc

#endif // NNC_CODEGEN_REMATERIALIZE_H
