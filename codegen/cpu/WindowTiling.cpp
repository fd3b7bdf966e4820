// See WindowTiling.h.
#include "codegen/cpu/WindowTiling.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/WindowCopy.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace nnc;
using llvm::divideCeil;

static int64_t typical(BatchSize size) { return size.estimate(kTypicalBatch); }

//===----------------------------------------------------------------------===//
// What it is for
//===----------------------------------------------------------------------===//

/// Whether the axis that leads through images first may be the batch's, and no
/// other.
static bool areStaticButFirst(const Contraction &contraction,
                              llvm::ArrayRef<unsigned> axes) {
  return llvm::all_of(llvm::drop_begin(axes), [&](unsigned axis) {
    return contraction.sizes[axis].isStatic();
  });
}

/// Whether the left operand can be read where it or its copy lies, from an
/// offset that is known for all but the first of `axes`.
static bool isReadInPlace(const Contraction &contraction,
                          llvm::ArrayRef<unsigned> axes) {
  const Element &lhs = *contraction.lhs;
  bool isOfType =
      lhs.copied ||
      (lhs.operand &&
       mlir::getElementTypeOrSelf(lhs.tensor.getType()) == contraction.type);
  return isOfType && llvm::all_of(llvm::seq<unsigned>(0, lhs.strides.size()),
                                  [&](unsigned axis) {
                                    return lhs.strides[axis].isStatic() ||
                                           axis == axes.front();
                                  });
}

static llvm::SmallVector<unsigned> rowAxes(const Contraction &contraction) {
  return llvm::to_vector(llvm::seq<unsigned>(0, contraction.axisM() + 1));
}

/// Whether windows are of the rows: every outer axis is the left operand's
/// alone, and sums are of a number of terms that is known.
static bool hasWindowsOfRows(const Contraction &contraction) {
  llvm::SmallVector<unsigned> axes = rowAxes(contraction);
  bool isOuterOfRows = llvm::all_of(
      llvm::seq<unsigned>(0, contraction.numOuter), [&](unsigned axis) {
        return contraction.lhs->dependsOn(axis) &&
               !contraction.rhs->dependsOn(axis);
      });
  return contraction.hasWindows && isOuterOfRows && axes.size() > 1 &&
         contraction.numTerms.isStatic() && contraction.n().isStatic() &&
         areStaticButFirst(contraction, axes) &&
         isReadInPlace(contraction, axes);
}

//===----------------------------------------------------------------------===//
// Microtile
//===----------------------------------------------------------------------===//

/// Cycles for one step of K of a microtile: two multiplications and two loads a
/// cycle, and a sum waits four cycles for the one before (Fog, instruction
/// tables: Haswell to Zen 5). The rest is what loops cost.
static double cyclesOfStep(int64_t rows, int64_t vectors) {
  double multiplications = rows * vectors / 2.0, loads = (rows + vectors) / 2.0;
  return std::max({multiplications, loads, 4.0}) + 0.25;
}

/// The rows, as `height` lines of `width`, and the vectors that take least time
/// for all of M (of `lines` lines) and N.
static void chooseMicrotile(WindowTiling &tiling,
                            const Contraction &contraction, int64_t lines,
                            const CpuModel &cpu) {
  tiling.lanes = cpu.lanes(contraction.type);
  int64_t m = contraction.m().factor,
          allVectors = divideCeil(contraction.n().factor, tiling.lanes);
  double best = 0;
  auto consider = [&](int64_t height, int64_t width, int64_t vectors) {
    int64_t rows = height * width;
    if (rows * vectors + vectors + 1 > cpu.vectorRegisters || rows > 14)
      return;
    int64_t whole = allVectors / vectors, rest = allVectors % vectors;
    double cycles = divideCeil(lines, height) * divideCeil(m, width) *
                    (whole * cyclesOfStep(rows, vectors) +
                     (rest ? cyclesOfStep(rows, rest) : 0));
    if (best && cycles >= best)
      return;
    best = cycles;
    tiling.height = height;
    tiling.width = width;
    tiling.vectors = vectors;
  };
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(allVectors, 4);
       ++vectors)
    for (int64_t width = 1; width <= std::min<int64_t>(m, 14); ++width) {
      consider(1, width, vectors);
      for (int64_t height = 2; width == m && height <= lines; ++height)
        if (lines % height == 0)
          consider(height, width, vectors);
    }
  tiling.rows = tiling.height * tiling.width;
  tiling.unroll = tiling.rows * tiling.vectors > 16 ? 2 : 4;
  // Where the next row is a few terms further, unrolled terms would share
  // elements with other rows, and their vectors wait in registers for that.
  int64_t toNextRow =
      std::abs(contraction.lhs->strides[contraction.axisM()].factor);
  int64_t toNextTerm =
      std::abs(contraction.lhs->strides[contraction.axisK()].factor);
  if (toNextTerm && toNextRow % toNextTerm == 0)
    tiling.unroll =
        std::clamp<int64_t>(toNextRow / toNextTerm, 1, tiling.unroll);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Elements of the left operand from the first to the last that a block reads,
/// if it has `count` indices at its level.
static int64_t spanOf(const Contraction &contraction, const AxisBlock &block,
                      int64_t count) {
  int64_t span = 1;
  for (auto [axis, stride] : llvm::enumerate(contraction.lhs->strides)) {
    if (llvm::is_contained(block.outer(), axis) || stride.isZero())
      continue;
    int64_t size =
        axis == block.axis() ? count : contraction.sizes[axis].factor;
    span += (size - 1) * std::abs(stride.factor);
  }
  return span;
}

/// The largest blocks of up to `wanted` indices of their axes, and more only if
/// these do not divide, whose windows take up to `budget` elements.
static void chooseBlock(WindowTiling &tiling, const Contraction &contraction,
                        int64_t wanted, int64_t budget, int64_t stepOfLast,
                        int64_t stepBeforeLast) {
  AxisBlock &block = tiling.block;
  unsigned numAxes = block.axes.size();
  for (unsigned level = 0; level < numAxes; ++level) {
    block.level = level;
    int64_t inner = 1;
    for (unsigned axis : block.inner())
      inner *= contraction.sizes[axis].factor;
    int64_t step = level + 1 == numAxes   ? stepOfLast
                   : level + 2 == numAxes ? stepBeforeLast
                                          : 1;
    int64_t size = typical(contraction.sizes[block.axis()]);
    block.count = step;
    bool fits =
        inner * step <= wanted && spanOf(contraction, block, step) <= budget;
    if (!fits && level + 1 < numAxes)
      continue;
    while (block.count + step <= std::max(size, step) &&
           inner * (block.count + step) <= wanted &&
           spanOf(contraction, block, block.count + step) <= budget)
      block.count += step;
    // Blocks of one size, where that takes no more of them.
    int64_t blocks = divideCeil(size, block.count);
    block.count = std::min(
        block.count, int64_t(llvm::alignTo(divideCeil(size, blocks), step)));
    break;
  }
  tiling.blockSpan = spanOf(contraction, block, block.count);
}

/// Blocks of the whole image, as far as they are told apart by the parallel
/// loop.
static int64_t numBlocks(const WindowTiling &tiling,
                         const Contraction &contraction) {
  int64_t blocks = 1;
  for (unsigned axis : tiling.block.outer())
    blocks *= typical(contraction.sizes[axis]);
  return blocks * divideCeil(typical(contraction.sizes[tiling.block.axis()]),
                             tiling.block.count);
}

/// A chain of additions rounds as often as it has terms: up to the longest that
/// other contractions have.
static bool chooseChains(WindowTiling &tiling, const Contraction &contraction) {
  constexpr int64_t kLongestChain = 2048;
  int64_t terms = contraction.numTerms.factor;
  for (unsigned axis : contraction.outerAxesK()) {
    if (terms <= kLongestChain)
      break;
    terms /= contraction.sizes[axis].factor;
    ++tiling.numChainAxes;
  }
  return terms <= kLongestChain;
}

std::optional<WindowTiling>
nnc::chooseWindowTiling(const Contraction &contraction, const CpuModel &cpu) {
  if (!hasWindowsOfRows(contraction))
    return std::nullopt;
  WindowTiling tiling = {};
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  BatchSize lines = contraction.sizes[contraction.numOuter - 1];
  chooseMicrotile(tiling, contraction, lines.isStatic() ? lines.factor : 1,
                  cpu);
  if (!chooseChains(tiling, contraction))
    return std::nullopt;
  tiling.block.axes = rowAxes(contraction);
  // Some hundred rows, so that a panel of the right operand comes from the
  // second cache once for many microtiles, and their windows in a third of it.
  bool copies = contraction.lhs->copied;
  constexpr int64_t kRows = 256;
  chooseBlock(tiling, contraction, kRows,
              copies ? cpu.l2Bytes / 3 / bytes
                     : std::numeric_limits<int64_t>::max(),
              tiling.width, tiling.height);
  // Windows as deep as that are left to panels.
  if (copies && tiling.blockSpan * bytes > 4 * cpu.l2Bytes)
    return std::nullopt;
  // Each group of columns copies the windows again: a few percent of the time
  // of four panels.
  int64_t panels =
      divideCeil(contraction.n().factor, tiling.vectors * tiling.lanes);
  tiling.columnGroups = divideCeil(panels, 4);
  tiling.numShares = numBlocks(tiling, contraction);
  tiling.packLhs = Tiling::None;
  tiling.packRhs = Tiling::Whole;
  tiling.stageEpilogue = contraction.numEpilogueOps > 6;
  return tiling;
}
