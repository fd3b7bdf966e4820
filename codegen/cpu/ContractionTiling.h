// How a contraction is cut into tiles for a CPU: all choices of size are here.
#ifndef NNC_CODEGEN_CPU_CONTRACTIONTILING_H
#define NNC_CODEGEN_CPU_CONTRACTIONTILING_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// The scheme is BLIS's (Van Zee and van de Geijn, ACM TOMS 41(3), 2015): a
/// microtile of rows x (vectors * lanes) sums in registers, fed from packed
/// panels as wide as itself.
struct Tiling {
  enum Packing {
    /// Read where the operand lies.
    None,
    /// By the thread that computes, into its scratch; K is static then.
    Tile,
    /// By a phase of its own, into a workspace.
    Whole
  };

  int64_t lanes;
  int64_t rows;
  int64_t vectors;
  int64_t unroll;
  /// Cache blocks: panels of rows, panels of columns, and steps of K. The sums
  /// of a block wait in scratch where K has more than one block.
  int64_t blockRowPanels;
  int64_t blockColumnPanels;
  int64_t blockK;
  bool oneBlockOfK;
  /// The sums of the blocks of K are added up without an error.
  bool hasLongSums;
  /// Tiles of the parallel loop, an outer index.
  int64_t rowGroups;
  int64_t columnGroups;
  Packing packLhs;
  Packing packRhs;
  /// Neither is, though sums are long.
  bool readsLongSums;
  /// The epilogue is emitted once, as a loop over the rows of a microtile that
  /// waits in scratch, rather than unrolled on registers.
  bool stageEpilogue;

  int64_t columns() const { return vectors * lanes; }
};

Tiling chooseTiling(const Contraction &contraction, const CpuModel &cpu);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_CONTRACTIONTILING_H
