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

/// Whether every outer axis is the left operand's alone.
static bool hasOuterOfRows(const Contraction &contraction) {
  return llvm::all_of(llvm::seq<unsigned>(0, contraction.numOuter),
                      [&](unsigned axis) {
                        return contraction.lhs->dependsOn(axis) &&
                               !contraction.rhs->dependsOn(axis);
                      });
}

/// Whether windows are of the rows, and sums of a number of terms that is
/// known.
static bool hasWindowsOfRows(const Contraction &contraction) {
  llvm::SmallVector<unsigned> axes = rowAxes(contraction);
  return contraction.hasWindows && hasOuterOfRows(contraction) &&
         axes.size() > 1 && contraction.numTerms.isStatic() &&
         contraction.n().isStatic() && areStaticButFirst(contraction, axes) &&
         isReadInPlace(contraction, axes);
}

/// As they lead through images.
static llvm::SmallVector<unsigned> sumAxes(const Contraction &contraction) {
  llvm::SmallVector<unsigned> axes = llvm::to_vector(contraction.outerAxesK());
  axes.push_back(contraction.axisK());
  return axes;
}

/// Whether K has several axes and goes through images, as in the gradient of a
/// filter, and the number of sums is known.
static bool hasSumsOverImages(const Contraction &contraction) {
  llvm::SmallVector<unsigned> axes = sumAxes(contraction);
  bool areRowsStatic = llvm::all_of(rowAxes(contraction), [&](unsigned axis) {
    return contraction.sizes[axis].isStatic();
  });
  return axes.size() > 1 && hasOuterOfRows(contraction) && areRowsStatic &&
         contraction.n().isStatic() && areStaticButFirst(contraction, axes) &&
         isReadInPlace(contraction, axes) &&
         isVectorAlong(contraction.rhs, contraction.axisN());
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

/// Of a tile that is as wide as the image and leaves out what is zero: the mean
/// of all places in the window. Else of any.
static double cyclesOfTile(const Contraction &contraction, int64_t height,
                           int64_t width, int64_t vectors) {
  for (const ZeroTerms &zero : contraction.zeroTerms) {
    if (zero.rowAxis != contraction.axisM() || !contraction.m().is(width))
      continue;
    int64_t count = contraction.sizes[zero.axisK].factor / zero.termsOfK;
    double cycles = 0;
    for (int64_t k = 0; k < count; ++k) {
      int64_t rows = llvm::count_if(
          llvm::seq(width), [&](int64_t row) { return !zero.isZero(row, k); });
      cycles += cyclesOfStep(rows * height, vectors) / count;
    }
    return cycles;
  }
  return cyclesOfStep(height * width, vectors);
}

/// The share of terms that are not zero, where the rows of a tile have one
/// index of the axis before M.
static double shareOfTerms(const Contraction &contraction, int64_t height) {
  for (const ZeroTerms &zero : contraction.zeroTerms) {
    if (zero.rowAxis + 1 != contraction.axisM() || height > 1)
      continue;
    int64_t lines = contraction.sizes[zero.rowAxis].factor,
            count = contraction.sizes[zero.axisK].factor, kept = 0;
    for (int64_t line = 0; line < lines; ++line)
      for (int64_t k = 0; k < count; ++k)
        kept += !zero.isZero(line, k);
    return double(kept) / double(lines * count);
  }
  return 1;
}

/// The rows, as `height` lines of `width`, and the vectors that take least time
/// for all of M and N.
static void chooseMicrotile(WindowTiling &tiling,
                            const Contraction &contraction,
                            const CpuModel &cpu) {
  tiling.lanes = cpu.lanes(contraction.type);
  int64_t lines = 1;
  if (contraction.numOuter &&
      contraction.sizes[contraction.numOuter - 1].isStatic())
    lines = contraction.sizes[contraction.numOuter - 1].factor;
  int64_t m = contraction.m().factor,
          allVectors = divideCeil(contraction.n().factor, tiling.lanes);
  double best = 0;
  auto consider = [&](int64_t height, int64_t width, int64_t vectors) {
    int64_t rows = height * width;
    if (rows * vectors + vectors + 1 > cpu.vectorRegisters || rows > 16)
      return;
    int64_t whole = allVectors / vectors, rest = allVectors % vectors;
    auto cyclesOf = [&](int64_t vectors) {
      return cyclesOfTile(contraction, height, width, vectors);
    };
    double cycles = divideCeil(lines, height) * divideCeil(m, width) *
                    shareOfTerms(contraction, height) *
                    (whole * cyclesOf(vectors) + (rest ? cyclesOf(rest) : 0));
    if (best && cycles >= best)
      return;
    best = cycles;
    tiling.height = height;
    tiling.width = width;
    tiling.vectors = vectors;
  };
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(allVectors, 4);
       ++vectors)
    for (int64_t width = 1; width <= std::min<int64_t>(m, 16); ++width) {
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

/// The largest blocks of up to `wanted` indices of their axes, whose windows
/// take up to `budget` elements; more of both where smaller ones would gain
/// little.
static void chooseBlock(WindowTiling &tiling, const Contraction &contraction,
                        int64_t wanted, int64_t budget, int64_t stepOfLast,
                        int64_t stepBeforeLast) {
  AxisBlock &block = tiling.block;
  unsigned numAxes = block.axes.size();
  auto stepAt = [&](unsigned level) {
    return level + 1 == numAxes   ? stepOfLast
           : level + 2 == numAxes ? stepBeforeLast
                                  : 1;
  };
  for (unsigned level = 0; level < numAxes; ++level) {
    block.level = level;
    int64_t inner = 1;
    for (unsigned axis : block.inner())
      inner *= contraction.sizes[axis].factor;
    int64_t step = stepAt(level);
    int64_t size = typical(contraction.sizes[block.axis()]);
    block.count = step;
    int64_t span = spanOf(contraction, block, step);
    bool fits = inner * step <= wanted && span <= budget;
    // A window of several lines reaches over nearly as much if a line is cut.
    AxisBlock next = block;
    ++next.level;
    bool isWorthCutting =
        level + 1 < numAxes &&
        (inner * step > 4 * wanted ||
         2 * spanOf(contraction, next, stepAt(level + 1)) < span);
    if (!fits && isWorthCutting)
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
  chooseMicrotile(tiling, contraction, cpu);
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

//===----------------------------------------------------------------------===//
// Sums over images
//===----------------------------------------------------------------------===//

/// Whether M is the last dimension of what is copied, all of it and no more.
static bool isAlongCopy(const Contraction &contraction) {
  const Element &lhs = *contraction.lhs;
  if (!lhs.copied || !lhs.strides[contraction.axisM()].isOne())
    return false;
  unsigned last = lhs.copied->shape.size() - 1;
  int64_t columns = lhs.copied->shape.back().factor;
  auto isOfRows = [&](BatchSize place) { return place.factor % columns == 0; };
  bool isCut =
      llvm::any_of(lhs.copied->element->bounds, [&](const Bound &bound) {
        return bound.index.dependsOn(last);
      });
  return !isCut && contraction.m().is(columns) && isOfRows(lhs.base) &&
         llvm::all_of(llvm::seq<unsigned>(0, lhs.strides.size()),
                      [&](unsigned axis) {
                        return axis == contraction.axisM() ||
                               isOfRows(lhs.strides[axis]);
                      });
}

static int64_t largestDivisor(int64_t number, int64_t most) {
  int64_t divisor = std::min(number, most);
  while (number % divisor)
    --divisor;
  return divisor;
}

/// Groups of column panels, and of row panels if need be, so that the sums of a
/// tile and its copies of windows each take a third of the second cache.
static void chooseGroups(ImageSumTiling &tiling, const Contraction &contraction,
                         const CpuModel &cpu) {
  constexpr int64_t kPanelsTogether = 16;
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  tiling.columnPanels = divideCeil(contraction.n().factor, tiling.columns());
  tiling.panelsOfM = divideCeil(contraction.m().factor, tiling.width);
  tiling.tilesOfPanel = 1;
  for (unsigned axis = 0; axis < contraction.numOuter; ++axis)
    tiling.tilesOfPanel *= contraction.sizes[axis].factor;
  tiling.tilesOfPanel /= tiling.height;
  int64_t waitingBytes =
      tiling.rows * tiling.columns() * bytes * (tiling.hasLongSums ? 2 : 1);
  int64_t tiles = std::max<int64_t>(1, cpu.l2Bytes / 3 / waitingBytes);
  // Each group copies the windows of its blocks; one of rows packs the columns
  // again, too.
  tiling.columnGroups = std::min<int64_t>(
      tiling.columnPanels,
      divideCeil(tiling.rowPanels() * tiling.columnPanels, tiles));
  int64_t panels = tiles / (tiling.tilesOfPanel * tiling.maxColumnPanels());
  if (tiling.copiesPanels)
    panels =
        std::min(panels, cpu.l2Bytes / 3 / (tiling.copiedPanelSize * bytes));
  panels = std::clamp<int64_t>(panels, 1, tiling.panelsOfM);
  // Groups of one size, if that takes less than twice as many: their panels can
  // then be copied several at a time.
  int64_t equal = largestDivisor(tiling.panelsOfM, panels);
  bool areEqual = 2 * equal > panels;
  tiling.panelsTogether = areEqual ? largestDivisor(equal, kPanelsTogether) : 1;
  tiling.rowGroups = divideCeil(tiling.panelsOfM, areEqual ? equal : panels);
}

/// Enough parts for some threads, each of some blocks, and no more than some
/// megabytes of sums to add up.
static void chooseParts(ImageSumTiling &tiling, const Contraction &contraction,
                        int64_t blocks) {
  constexpr int64_t kTiles = 32, kMaxBytes = 4 << 20;
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  int64_t partBytes = tiling.rowPanels() * tiling.columnPanels * tiling.rows *
                      tiling.columns() * bytes;
  int64_t wanted = divideCeil(kTiles, tiling.rowGroups * tiling.columnGroups);
  tiling.numParts =
      std::clamp<int64_t>(std::min<int64_t>(wanted, kMaxBytes / partBytes), 1,
                          std::max<int64_t>(1, blocks / 2));
}

/// A block's sums are one chain, and those of a part's blocks another, as long
/// as these are few at the plan's largest batch.
static bool needsLongSums(const ImageSumTiling &tiling,
                          const Contraction &contraction) {
  constexpr int64_t kFewBlocks = 64;
  std::optional<int64_t> batch = largestBatch(contraction.kernel);
  int64_t terms =
      contraction.numTerms.estimate(std::max(batch.value_or(0), kTypicalBatch));
  return terms / tiling.blockTerms > kFewBlocks * tiling.numParts;
}

std::optional<ImageSumTiling>
nnc::chooseImageSumTiling(const Contraction &contraction, const CpuModel &cpu) {
  if (!hasSumsOverImages(contraction))
    return std::nullopt;
  ImageSumTiling tiling = {};
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  chooseMicrotile(tiling, contraction, cpu);
  tiling.copiesPanels = tiling.height == 1 && isAlongCopy(contraction);
  tiling.block.axes = sumAxes(contraction);
  int64_t columns =
      tiling.copiesPanels ? contraction.m().factor / tiling.width : 1;
  bool copies = contraction.lhs->copied;
  // As many terms as keep a panel of columns in the first cache, with a panel
  // of the windows.
  constexpr int64_t kTerms = 256;
  chooseBlock(tiling, contraction, kTerms,
              copies ? cpu.l2Bytes / 3 / bytes * std::max<int64_t>(columns, 1)
                     : std::numeric_limits<int64_t>::max(),
              1, 1);
  if (copies && tiling.blockSpan * bytes / std::max<int64_t>(columns, 1) >
                    4 * cpu.l2Bytes)
    return std::nullopt;
  if (tiling.copiesPanels)
    tiling.copiedPanelSize =
        copiedSize(*contraction.lhs->copied, tiling.blockSpan, tiling.lanes) /
            contraction.m().factor * tiling.width +
        tiling.lanes;
  // All sums of a panel of M wait together.
  int64_t sumsOfPanel = tiling.rows * tiling.columns();
  for (unsigned axis = 0; axis < contraction.numOuter; ++axis)
    sumsOfPanel = llvm::SaturatingMultiply<uint64_t>(
        sumsOfPanel, contraction.sizes[axis].factor);
  if (sumsOfPanel < 0 || sumsOfPanel > 2 * cpu.l2Bytes / bytes)
    return std::nullopt;
  tiling.blockTerms = tiling.block.count;
  for (unsigned axis : tiling.block.inner())
    tiling.blockTerms *= contraction.sizes[axis].factor;
  for (bool isLong : {false, true}) {
    tiling.hasLongSums = isLong;
    chooseGroups(tiling, contraction, cpu);
    chooseParts(tiling, contraction, numBlocks(tiling, contraction));
    if (!needsLongSums(tiling, contraction))
      break;
  }
  tiling.packLhs = Tiling::None;
  tiling.packRhs = Tiling::Tile;
  // A vector or two of each term need not be packed for a few rows.
  bool readsVectors =
      contraction.rhs->operand &&
      contraction.rhs->strides[contraction.axisN()].isOne() &&
      mlir::getElementTypeOrSelf(contraction.rhs->tensor.getType()) ==
          contraction.type;
  if (readsVectors && (tiling.columnPanels == 1 || tiling.rowPanels() < 8))
    tiling.packRhs = Tiling::None;
  tiling.stageEpilogue = contraction.numEpilogueOps > 6;
  return tiling;
}
