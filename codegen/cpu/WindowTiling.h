// How a contraction whose left operand is read in windows is cut for a CPU: all
// choices of size of such contractions are here.
#ifndef NNC_CODEGEN_CPU_WINDOWTILING_H
#define NNC_CODEGEN_CPU_WINDOWTILING_H

#include "codegen/cpu/ContractionTiling.h"

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

/// None where no windows are of the rows, or a block of them would not fit into
/// a thread's scratch.
std::optional<WindowTiling> chooseWindowTiling(const Contraction &contraction,
                                               const CpuModel &cpu);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINDOWTILING_H
