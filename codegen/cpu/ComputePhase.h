// The phase of a contraction that multiplies: the nest around a microtile of
// sums in registers: tiles of the parallel loop, cache blocks, panels. B is the
// right operand, A the left.
#ifndef NNC_CODEGEN_CPU_COMPUTEPHASE_H
#define NNC_CODEGEN_CPU_COMPUTEPHASE_H

#include "codegen/cpu/Microtile.h"

namespace nnc {

/// What the tiles of the compute phase have in common.
struct Side {
  PanelSource source;
  Tiling::Packing packing;
  mlir::Value memory;     // packed panels, or the operand
  mlir::Value base;       // where the outer index starts in it
  mlir::Value firstPanel; // number of the panel that lies at `base`
};

/// Emits the body of the phase; workspaces of packed operands are given by
/// their numbers.
class ComputePhase : MicrotilePhase {
public:
  ComputePhase(const Contraction &contraction, const Tiling &tiling,
               ContractionPhase &phase, ScheduledKernel &kernel)
      : MicrotilePhase(contraction, tiling, phase, kernel),
        lhs{{contraction, contraction.lhs, contraction.axisM(), tiling.rows,
             tiling.lanes},
            tiling.packLhs,
            {},
            {},
            {}},
        rhs{{contraction, contraction.rhs, contraction.axisN(),
             tiling.columns(), tiling.lanes},
            tiling.packRhs,
            {},
            {},
            {}} {}

  void emit(llvm::ArrayRef<int> workspaces);

private:
  void prepare(llvm::ArrayRef<int> workspaces);
  void emitTile(mlir::Value index);
  void emitBlocks(PanelRange rows, PanelRange columns);
  void emitBlockOfK(PanelRange rows, PanelRange columns, mlir::Value firstK);
  void emitColumnPanel(Microtile &tile, PanelRange rows,
                       mlir::Value firstColumnPanel);
  void emitMicrotile(Microtile &tile);
  void setRows(Microtile &tile, mlir::Value panel, bool isTail);
  void setBase(Side &side);
  void packTile(Side &side, PanelRange panels);

  llvm::SmallVector<mlir::Value> emitSums(const Microtile &tile);
  llvm::SmallVector<mlir::Value> initialSums(const Microtile &tile);
  mlir::Value isFirstBlock(const Microtile &tile);
  mlir::Value isLastBlock(const Microtile &tile);
  mlir::Value loadWaiting(mlir::Value memory, const Microtile &tile,
                          unsigned sum);
  llvm::SmallVector<mlir::Value> addWaitingSums(const Microtile &tile,
                                                mlir::ValueRange sums);
  llvm::SmallVector<std::pair<mlir::Value, int64_t>>
  rowOffsets(const Microtile &tile);
  void finishSums(const Microtile &tile, mlir::ValueRange sums);

  mlir::Value numPanels(const Side &side) {
    return phase.divideUp(phase.value(side.source.size()), side.source.width);
  }

  Side lhs, rhs;
  mlir::Value waitingSums;
  /// Of long sums: what rounding took from the waiting ones.
  mlir::Value lostParts;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_COMPUTEPHASE_H
