// What becomes of a loop over time: where the values of a step lie, what is
// copied, what runs once before it, and whether threads share out its samples.
#ifndef NNC_CODEGEN_LOOPPLAN_H
#define NNC_CODEGEN_LOOPPLAN_H

#include "codegen/ScheduleKernels.h"
#include "ir/Ops.h"

#include "llvm/ADT/DenseSet.h"

namespace nnc {

/// The value whose buffer `value` is another name for.
mlir::Value skipReshapes(mlir::Value value);

/// Calls `visit` with each use of the buffer of `value`, by whatever name.
void forEachUse(mlir::Value value,
                llvm::function_ref<void(mlir::OpOperand &)> visit);

struct LoopPlan {
  /// Where a carried value lies.
  enum class Form {
    /// Each of its values in a slot of its own: one more than there are steps.
    Each,
    /// What is read and what is written in two slots in turn.
    InTurn,
    /// Where it was before.
    InPlace
  };
  /// What a step writes for later: the next value of a carried one, or its slot
  /// of a kept one.
  struct Place {
    bool isCarried;
    unsigned index;
  };
  /// Where the slots of a kept value are.
  struct Kept {
    /// Among those of a carried value, as it is before a step or after it.
    std::optional<unsigned> carried;
    bool isBefore = false;
    /// Those of an earlier kept value, which is the same.
    std::optional<unsigned> sameAs;
  };

  llvm::SmallVector<Form> carried;
  llvm::SmallVector<Kept> kept;
  /// Results of launches that are written where they are to be.
  llvm::DenseMap<mlir::Value, Place> places;
  /// Copies at the end of each step.
  llvm::SmallVector<std::pair<mlir::Value, Place>> copies;
  /// Phases that compute the same at each step, by their number in the launch.
  llvm::DenseSet<std::pair<mlir::Operation *, unsigned>> hoisted;
  /// Results that only such phases write.
  llvm::DenseSet<mlir::Value> invariant;
  /// The most samples that a thread takes through the steps at a time; 0: they
  /// are not shared out.
  int64_t rows = 0;
  /// The fewest that are worth a thread.
  int64_t grain = 1;
  /// One launch runs all steps, each block with samples of its own.
  bool isJoined = false;

  bool isHoisted(mlir::Operation *launch, unsigned phase) const {
    return hoisted.contains({launch, phase});
  }
};

/// Whether parts of that size, one behind another, may be buffers.
bool mayLieInSlots(mlir::Type part, const LoopSupport &support);

/// Plans a loop over launches, reshapes and constants.
LoopPlan planLoop(ScanOp scan, const Schedule &schedule, int64_t maxBatch);

} // namespace nnc

#endif // NNC_CODEGEN_LOOPPLAN_H
