// A microtile of a contraction, rows x vectors of sums in registers: how terms
// are added to it, and how results are computed of it.
#ifndef NNC_CODEGEN_CPU_MICROTILE_H
#define NNC_CODEGEN_CPU_MICROTILE_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/ContractionPhase.h"
#include "codegen/cpu/ContractionTiling.h"
#include "codegen/cpu/PackPanels.h"

namespace nnc {

/// The sums of `rows` x `vectors` vectors, and where they belong.
struct Microtile {
  mlir::Value rowPanel, columnPanel;
  mlir::Value panelOfM;    // where row panels are of several axes
  mlir::Value row, column; // the first
  int64_t rows, vectors;
  /// Rows along M; those beyond are at the next indices of the last outer axis.
  int64_t width;
  /// Rows from `firstRow` on and before `numRows` are this tile's to write;
  /// null where all are.
  mlir::Value firstRow, numRows;
  /// A vector's; null where all lanes exist.
  llvm::SmallVector<mlir::Value> masks;
  mlir::Value firstK, numK;
  mlir::Value waiting; // offset of the waiting sums, if K has blocks
};

/// Where the factors of terms lie: for each row of a microtile, and for its
/// columns, the first one; and how far it is to that of the next term.
struct Terms {
  mlir::Value lhs;
  /// A place and how far behind it: what is known is added last, so that it
  /// becomes part of the instruction that loads, and takes no register.
  llvm::SmallVector<std::pair<mlir::Value, int64_t>> rows;
  mlir::Value lhsStride;
  mlir::Value rhs, columns, rhsStride;
  /// Lanes of the columns that do not exist are not read.
  bool masksColumns = false;
  /// Where both sides are asked for some terms ahead: the last from which on
  /// as many exist as are added at a time.
  mlir::Value lastAhead;

  /// The same with rows that lie `step` further.
  Terms withRowsMoved(ContractionPhase &phase, mlir::Value step) const;
};

/// A half-open range: of panels, or of indices of an axis.
struct PanelRange {
  mlir::Value from, to;
};

/// What the phases that multiply have in common.
class MicrotilePhase {
protected:
  MicrotilePhase(const Contraction &contraction, const Tiling &tiling,
                 ContractionPhase &phase, ScheduledKernel &kernel)
      : contraction(contraction), tiling(tiling), phase(phase), b(phase.b),
        kernel(kernel) {}

  /// Before all else: what is the same for all tiles.
  void prepareEpilogue();
  /// Vectors and masks of a column panel.
  void setColumns(Microtile &tile, mlir::Value panel, bool isTail);
  /// Of a left operand that is read where it lies, or its copy does: places of
  /// the tile's rows, of which the first lies at `first`. `strides`: one an
  /// axis.
  llvm::SmallVector<std::pair<mlir::Value, int64_t>>
  rowsInPlace(const Microtile &tile, mlir::Value first,
              llvm::ArrayRef<BatchSize> strides);
  /// What of `range`, of indices of K, has terms that are not zero in row
  /// `row`; empty ranges begin where they end.
  PanelRange withoutZeros(const ZeroTerms &zero, mlir::Value row,
                          PanelRange range);
  /// `sums` and `count` more terms; `size` is `count` where it is known.
  llvm::SmallVector<mlir::Value> addTerms(const Microtile &tile,
                                          const Terms &terms, mlir::Value count,
                                          BatchSize size,
                                          mlir::ValueRange sums);
  void emitEpilogue(const Microtile &tile, mlir::ValueRange sums);
  /// Asks for what the epilogue will read of each row, before the sums: it
  /// arrives while they are computed.
  void prefetchRows(const Microtile &tile);

  llvm::SmallVector<mlir::Value> zeroSums(const Microtile &tile);
  /// The sums of a microtile that lie in `memory` from `offset` on.
  llvm::SmallVector<mlir::Value>
  loadSums(const Microtile &tile, mlir::Value memory, mlir::Value offset);
  void storeSums(mlir::ValueRange sums, mlir::Value memory, mlir::Value offset);
  /// total + sum, and what rounding took from it added to `lost`.
  void addWithoutError(mlir::Value &total, mlir::Value &lost, mlir::Value sum);
  /// What is left of a total when nothing follows.
  mlir::Value withLostPart(mlir::Value total, mlir::Value lost);
  /// Reserves `count` sums of scratch.
  mlir::Value takeScratch(int64_t count);

  mlir::VectorType vectorType() const {
    return mlir::VectorType::get(tiling.lanes, contraction.type);
  }
  mlir::Value zeroVector();
  int64_t bytes() const { return contraction.type.getIntOrFloatBitWidth() / 8; }
  /// Of a cache.
  static constexpr int64_t kLineBytes = 64;
  int64_t vectorsOfLine() const {
    return std::max<int64_t>(1, kLineBytes / (tiling.lanes * bytes()));
  }
  int64_t sumsOfTile() const { return tiling.rows * tiling.columns(); }

  const Contraction &contraction;
  const Tiling &tiling;
  ContractionPhase &phase;
  mlir::ImplicitLocOpBuilder &b;
  ScheduledKernel &kernel;
  llvm::SmallVector<mlir::Value> outer; // indices of the outer axes

private:
  void prefetchTerms(const Microtile &tile, const Terms &terms,
                     mlir::Value later);
  llvm::SmallVector<mlir::Value> readRow(const Microtile &tile,
                                         const Terms &terms, mlir::Value k);
  void emitStagedEpilogue(const Microtile &tile, mlir::ValueRange sums);
  void emitRow(const Microtile &tile, mlir::Value row, mlir::ValueRange sums,
               llvm::ArrayRef<ElementCache> columnCaches);
  llvm::SmallVector<ElementCache> emitColumnElements(const Microtile &tile);
  Point pointOf(const Microtile &tile, mlir::Value row, int64_t vector);

  mlir::Value stagedSums;
  llvm::SmallVector<const Element *> columnElements;
  /// What differs from row to row, of which neighbours are vectors.
  llvm::SmallVector<const Element *> rowElements;
};

/// Share `index` of `count` of all `panels`.
PanelRange shareOf(ContractionPhase &phase, mlir::Value panels,
                   mlir::Value index, int64_t count);

/// The last of `count` digits of `index`, which is divided by it.
mlir::Value takeDigit(ContractionPhase &phase, mlir::Value &index,
                      mlir::Value count);

/// Runs `emitPanel` over `panels` of a side: the whole ones as a loop, then the
/// tail.
void forEachPanel(ContractionPhase &phase, const PanelSource &source,
                  PanelRange panels,
                  llvm::function_ref<void(mlir::Value, bool)> emitPanel);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_MICROTILE_H
