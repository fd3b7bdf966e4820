// How a contraction whose left operand is read in windows is cut for a CPU: all
// choices of size of such contractions are here.
#ifndef NNC_CODEGEN_CPU_WINDOWTILING_H
#define NNC_CODEGEN_CPU_WINDOWTILING_H

#include "codegen/cpu/ContractionTiling.h"

#include "llvm/Support/MathExtras.h"

namespace nnc {

/// Some axes of a contraction that lead through images, outermost first, and
/// how they are cut into blocks: before `level` one index, at `level` up to
/// `count`, and all behind it.
struct AxisBlock {
  llvm::SmallVector<unsigned> axes;
  unsigned level = 0; // an index of `axes`
  int64_t count = 1;

  llvm::ArrayRef<unsigned> outer() const {
    return llvm::ArrayRef(axes).take_front(level);
  }
  unsigned axis() const { return axes[level]; }
  llvm::ArrayRef<unsigned> inner() const {
    return llvm::ArrayRef(axes).drop_front(level + 1);
  }
};

/// Rows of a microtile are `height` x `width`, indices of the last outer axis
/// and of M.
struct WindowTiling : Tiling {
  int64_t width;
  int64_t height;
  /// A tile's share of the image: of the axes of rows where these go through
  /// images, else of K's.
  AxisBlock block;
  /// Elements between the first and the last that a block's windows read.
  int64_t blockSpan;
  /// Shares of the block's axis `level` 0, where the batch may be there.
  int64_t numShares;
  /// Outermost axes of K after each index of which the sums begin anew, so that
  /// no chain of additions is too long.
  unsigned numChainAxes = 0;
};

/// Of sums over images, in which the axes of K go through them and a block is
/// of K: the sums of a tile wait in scratch from one block to the next.
struct ImageSumTiling : WindowTiling {
  /// Terms of a block.
  int64_t blockTerms;
  /// Parts of K, each summed by itself, in an order that no thread and no batch
  /// changes; added up by a phase of their own where there are several.
  int64_t numParts;

  /// Panels of M, and how many microtiles have each: those of the outer axes.
  int64_t panelsOfM, tilesOfPanel, columnPanels;
  /// The image is copied in these panels, where M is its last dimension.
  bool copiesPanels;
  /// Elements of a panel's copy, and how many panels are copied at a time.
  int64_t copiedPanelSize, panelsTogether;

  int64_t rowPanels() const { return panelsOfM * tilesOfPanel; }
  int64_t maxPanelsOfM() const {
    return llvm::divideCeil(panelsOfM, rowGroups);
  }
  int64_t maxRowPanels() const { return maxPanelsOfM() * tilesOfPanel; }
  int64_t maxColumnPanels() const {
    return llvm::divideCeil(columnPanels, columnGroups);
  }
};

/// None where no windows are of the rows, or a block of them would not fit into
/// a thread's scratch.
std::optional<WindowTiling> chooseWindowTiling(const Contraction &contraction,
                                               const CpuModel &cpu);

/// None where K does not go through images, or a block of them would not fit
/// into a thread's scratch.
std::optional<ImageSumTiling>
chooseImageSumTiling(const Contraction &contraction, const CpuModel &cpu);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINDOWTILING_H
