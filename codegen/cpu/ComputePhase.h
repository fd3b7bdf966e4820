// The phase of a contraction that multiplies: the nest around a microtile of
// sums in registers: tiles of the parallel loop, cache blocks, panels. B is the
// right operand, A the left.
#ifndef NNC_CODEGEN_CPU_COMPUTEPHASE_H
#define NNC_CODEGEN_CPU_COMPUTEPHASE_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/ContractionPhase.h"
#include "codegen/cpu/ContractionTiling.h"
#include "codegen/cpu/PackPanels.h"

namespace nnc {

/// A half-open range of panels.
struct PanelRange {
  mlir::Value from, to;
};

/// What the tiles of the compute phase have in common.
struct Side {
  PanelSource source;
  Tiling::Packing packing;
  mlir::Value memory;     // packed panels, or the operand
  mlir::Value base;       // where the outer index starts in it
  mlir::Value firstPanel; // number of the panel that lies at `base`
};

/// The sums of `rows` x `vectors` vectors, and where they belong.
struct Microtile {
  mlir::Value rowPanel, columnPanel;
  mlir::Value row, column; // the first
  int64_t rows, vectors;
  mlir::Value numRows; // fewer than `rows` in a dynamic tail, else null
  /// A vector's; null where all lanes exist.
  llvm::SmallVector<mlir::Value> masks;
  mlir::Value firstK, numK;
  mlir::Value waiting; // offset of the waiting sums, if K has blocks
};

/// Emits the body of the phase; workspaces of packed operands are given by
/// their numbers.
class ComputePhase {
public:
  ComputePhase(const Contraction &contraction, const Tiling &tiling,
               ContractionPhase &phase, ScheduledKernel &kernel)
      : contraction(contraction), tiling(tiling), phase(phase), b(phase.b),
        kernel(kernel), lhs{{contraction, contraction.lhs, contraction.axisM(),
                             tiling.rows, tiling.lanes},
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
  void setColumns(Microtile &tile, mlir::Value panel, bool isTail);
  void setRows(Microtile &tile, mlir::Value panel, bool isTail);
  void setBase(Side &side);
  void packTile(Side &side, PanelRange panels);

  llvm::SmallVector<mlir::Value> emitSums(const Microtile &tile);
  llvm::SmallVector<mlir::Value> addTerms(const Microtile &tile,
                                          llvm::ArrayRef<mlir::Value> rows,
                                          mlir::Value columns,
                                          mlir::Value count, BatchSize size,
                                          mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> initialSums(const Microtile &tile);
  mlir::Value isFirstBlock(const Microtile &tile);
  mlir::Value isLastBlock(const Microtile &tile);
  mlir::Value loadWaiting(mlir::Value memory, const Microtile &tile,
                          unsigned sum);
  llvm::SmallVector<mlir::Value> addWaitingSums(const Microtile &tile,
                                                mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> rowOffsets(const Microtile &tile);
  llvm::SmallVector<mlir::Value> readRow(const Microtile &tile,
                                         mlir::Value base, mlir::Value k);
  void finishSums(const Microtile &tile, mlir::ValueRange sums);
  void emitEpilogue(const Microtile &tile, mlir::ValueRange sums);
  void emitStagedEpilogue(const Microtile &tile, mlir::ValueRange sums);
  void emitRow(const Microtile &tile, mlir::Value row, mlir::ValueRange sums,
               llvm::ArrayRef<ElementCache> columnCaches);
  llvm::SmallVector<ElementCache> emitColumnElements(const Microtile &tile);
  Point pointOf(const Microtile &tile, mlir::Value row, int64_t vector);

  mlir::VectorType vectorType() const {
    return mlir::VectorType::get(tiling.lanes, contraction.type);
  }
  mlir::Value zeroVector();
  int64_t bytes() const { return contraction.type.getIntOrFloatBitWidth() / 8; }
  int64_t takeScratch(int64_t count);
  mlir::Value numPanels(const Side &side) {
    return phase.divideUp(phase.value(side.source.size()), side.source.width);
  }
  mlir::Value numWholePanels(const Side &side) {
    return phase.divide(phase.value(side.source.size()), side.source.width);
  }

  const Contraction &contraction;
  const Tiling &tiling;
  ContractionPhase &phase;
  mlir::ImplicitLocOpBuilder &b;
  ScheduledKernel &kernel;
  Side lhs, rhs;
  llvm::SmallVector<mlir::Value> outer; // indices of the outer axes
  mlir::Value waitingSums, stagedSums;
  /// Of long sums: what rounding took from the waiting ones.
  mlir::Value lostParts;
  llvm::SmallVector<const Element *> columnElements;
};

/// Share `index` of `count` of all `panels`.
PanelRange shareOf(ContractionPhase &phase, mlir::Value panels,
                   mlir::Value index, int64_t count);

/// The last of `count` digits of `index`, which is divided by it.
mlir::Value takeDigit(ContractionPhase &phase, mlir::Value &index,
                      mlir::Value count);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_COMPUTEPHASE_H
