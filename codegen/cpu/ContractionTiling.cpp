// See ContractionTiling.h. Figures are from interleaved runs against PyTorch
// (docs/performance.md); the rest follows from the model of the CPU.
#include "codegen/cpu/ContractionTiling.h"

#include "codegen/KernelForms.h"
#include "codegen/ScheduleKernels.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace nnc;
using llvm::divideCeil;

static int64_t typical(BatchSize size) { return size.estimate(kTypicalBatch); }

/// Of so many vectors a row, how many at most `most` are summed at a time: as
/// many as leave no others over, if half as many do.
static int64_t vectorsOfOneRow(int64_t vectors, int64_t most) {
  for (int64_t count = std::min(vectors, most); 2 * count > most; --count)
    if (vectors % count == 0)
      return count;
  return std::min(vectors, most);
}

static bool isPlain(const Element *element) {
  return element->operand.has_value();
}

/// Whether `element` is read of what a loop around the kernel leaves as it is:
/// a packed copy serves all steps.
static bool isInvariant(const Contraction &contraction,
                        const Element *element) {
  mlir::func::FuncOp kernel = contraction.kernel;
  return isPlain(element) &&
         kernel.getArgAttr(1 + *element->operand, kInvariantAttr);
}

/// The registers hold the sums, a row of the right panel, and one broadcast
/// element of the left. Two vectors a row balance loads against
/// multiplications; a narrow product takes one, and more rows instead; few rows
/// take more vectors. One row alone has nothing to share what it reads with: as
/// much of a row of the right operand as registers hold is read in one stream.
static void chooseMicrotile(Tiling &tiling, const Contraction &contraction,
                            const CpuModel &cpu) {
  tiling.lanes = cpu.lanes(contraction.type);
  BatchSize m = contraction.m(), n = contraction.n();
  tiling.vectors = 2;
  if (n.isStatic() && n.factor <= tiling.lanes)
    tiling.vectors = 1;
  else if (m.isStatic() && m.factor == 1 && n.isStatic())
    tiling.vectors = vectorsOfOneRow(divideCeil(n.factor, tiling.lanes),
                                     (cpu.vectorRegisters - 1) / 2);
  else if (m.isStatic() && m.factor <= 2 && typical(n) > 2 * tiling.lanes)
    tiling.vectors = 4;
  int64_t spare = cpu.vectorRegisters - tiling.vectors - 1;
  // More than 14 rows do not help: eight sums hide the latency already.
  tiling.rows = std::min<int64_t>(spare / tiling.vectors, 14);
  // In a step of a loop the rows are a thread's samples, few and a power of two
  // at most times: 16 are two tiles of 8, and not one of 14 and a rest of 2.
  // (100 steps of an LSTM of 64 units took 0.82 ms so and take 0.64.)
  if (!m.isStatic() && isInvariant(contraction, contraction.rhs))
    tiling.rows = llvm::bit_floor(uint64_t(tiling.rows));
  // Tiles of about as many rows each: a rest of few takes as long as more.
  if (m.isStatic())
    tiling.rows = divideCeil(m.factor, divideCeil(m.factor, tiling.rows));
  tiling.unroll = tiling.rows * tiling.vectors > 16 ? 2 : 4;
}

/// Whether elements of `element` that are neighbours along `axis` are read as
/// vectors without packing.
static bool isContiguous(const Element *element, unsigned axis) {
  return isPlain(element) &&
         (element->strides[axis].isOne() || element->strides[axis].isZero());
}

static bool convertsOnRead(const Contraction &contraction,
                           const Element *element) {
  return !isPlain(element) ||
         mlir::getElementTypeOrSelf(element->tensor.getType()) !=
             contraction.type;
}

/// Whether sums have many more terms than there are rows, and both operands are
/// read well where they lie: a few vectors of each step of K, of which a block
/// stays in the second cache. Packed, all of them would be written to memory
/// and read again, to be read but a few times.
/// (100x256x3200 with A^T: 205 GFLOP/s packed and 250 so, on one thread.)
static bool readsLongSumsInPlace(const Tiling &tiling,
                                 const Contraction &contraction,
                                 const CpuModel &cpu) {
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  int64_t m = typical(contraction.m()), n = typical(contraction.n()),
          k = typical(contraction.numTerms);
  auto isReadWell = [&](const Element *element, unsigned axis) {
    if (!isContiguous(element, axis) || convertsOnRead(contraction, element))
      return false;
    BatchSize stride = element->strides[contraction.axisK()];
    return stride.isStatic() &&
           stride.factor * tiling.blockK * bytes <= cpu.l2Bytes / 2;
  };
  return !tiling.oneBlockOfK && contraction.hasOneAxisK() && k >= 8 * m &&
         k * n * bytes > cpu.l2Bytes &&
         isReadWell(contraction.lhs, contraction.axisM()) &&
         isReadWell(contraction.rhs, contraction.axisN());
}

/// Whether the rows of the left operand lie one behind another, and whole ones
/// are summed: a tile of them is then in one piece without being packed.
static bool hasDenseRows(const Tiling &tiling, const Contraction &contraction) {
  const Element *lhs = contraction.lhs;
  return tiling.oneBlockOfK && contraction.hasOneAxisK() && isPlain(lhs) &&
         lhs->strides[contraction.axisK()].isOne() &&
         lhs->strides[contraction.axisM()] == contraction.numTerms;
}

static void choosePacking(Tiling &tiling, const Contraction &contraction,
                          const CpuModel &cpu) {
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  int64_t m = typical(contraction.m()), n = typical(contraction.n()),
          k = typical(contraction.numTerms);
  int64_t columnPanels = divideCeil(n, tiling.columns());
  tiling.readsLongSums = readsLongSumsInPlace(tiling, contraction, cpu);
  if (tiling.readsLongSums) {
    tiling.packLhs = tiling.packRhs = Tiling::None;
    return;
  }
  // An operand is read where it lies along one axis of K, or from the first
  // index of all of them.
  bool mayReadDirectly = contraction.hasOneAxisK() || tiling.oneBlockOfK;
  bool mustPackLhs =
      convertsOnRead(contraction, contraction.lhs) || !mayReadDirectly;
  // A window read by way of a workspace would lie there once for each of its
  // places.
  bool packsWindows = mustPackLhs && !contraction.hasOneAxisK() &&
                      contraction.numTerms.isStatic();

  // Rows of the right operand are read once a row panel. Packing pays where
  // they are not vectors, or too many for the first cache.
  bool large = m * n * k >= (int64_t)320 * 320 * 320;
  bool direct = isContiguous(contraction.rhs, contraction.axisN()) &&
                !convertsOnRead(contraction, contraction.rhs) &&
                mayReadDirectly &&
                (m <= 2 * tiling.rows || k * n * bytes <= cpu.l1Bytes);
  if (direct)
    tiling.packRhs = Tiling::None;
  else if (!large && tiling.oneBlockOfK && !packsWindows &&
           !isInvariant(contraction, contraction.rhs) &&
           (columnPanels >= 16 || (columnPanels >= 4 && m <= 256)))
    // Few wide tiles would each go over all of a long left operand.
    tiling.packRhs = Tiling::Tile;
  else
    tiling.packRhs = Tiling::Whole;

  bool maySpreadRows =
      large && columnPanels >= 8 && !hasDenseRows(tiling, contraction);
  tiling.packLhs = packsWindows                   ? Tiling::Tile
                   : mustPackLhs || maySpreadRows ? Tiling::Whole
                                                  : Tiling::None;
}

static void chooseBlocks(Tiling &tiling, const Contraction &contraction,
                         const CpuModel &cpu) {
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  BatchSize k = contraction.numTerms;
  // Half of the first cache for a panel of the right operand.
  int64_t wanted = std::max<int64_t>(
      64, llvm::alignDown(cpu.l1Bytes / 2 / (tiling.columns() * bytes), 32));
  // One block, if the sums would otherwise wait for little.
  tiling.oneBlockOfK = k.isStatic() && k.factor <= 2 * wanted;
  tiling.blockK = wanted;
  if (k.isStatic()) {
    int64_t blocks = tiling.oneBlockOfK ? 1 : divideCeil(k.factor, wanted);
    tiling.blockK = llvm::alignTo(divideCeil(k.factor, blocks), tiling.unroll);
  }
  if (tiling.oneBlockOfK)
    tiling.blockK = k.factor;
  // Of a few blocks, one chain of additions rounds as well, and is faster.
  constexpr int64_t kFewBlocks = 8;
  std::optional<int64_t> batch =
      k.isStatic() ? int64_t(1) : largestBatch(contraction.kernel);
  tiling.hasLongSums =
      !tiling.oneBlockOfK &&
      (!batch || *batch > kFewBlocks * tiling.blockK / k.factor);
  // A block is one chain: as long as those of other sums (Rows.cpp).
  if (tiling.hasLongSums)
    tiling.blockK = std::min<int64_t>(tiling.blockK, 256);
  // A quarter of the second cache for a block of the left operand.
  tiling.blockRowPanels = std::max<int64_t>(
      1, cpu.l2Bytes / 4 / (tiling.blockK * tiling.rows * bytes));
  tiling.blockRowPanels =
      std::min<int64_t>(tiling.blockRowPanels, divideCeil(96, tiling.rows));
}

/// Of tiles that each go over a right operand that no second cache holds, as
/// many in all, but with more rows and fewer columns where that reads less: for
/// each group of rows all columns are read, and for each of columns all rows.
/// (100x256x3200 with A^T: 145 GFLOP/s with groups of 14 rows, LSTM's
/// gradient.)
static void balanceGroups(Tiling &tiling, const Contraction &contraction,
                          int64_t leastRowGroups) {
  int64_t m = typical(contraction.m()), n = typical(contraction.n());
  int64_t rowPanels = divideCeil(m, tiling.rows);
  int64_t columnPanels = divideCeil(n, tiling.columns());
  int64_t tiles = tiling.rowGroups * tiling.columnGroups;
  int64_t least = tiling.rowGroups * n + tiling.columnGroups * m;
  for (int64_t groups = tiling.columnGroups + 1;
       groups <= std::min(columnPanels, tiles); ++groups) {
    int64_t panels = divideCeil(columnPanels, groups);
    int64_t columnGroups = divideCeil(columnPanels, panels);
    int64_t rowGroups = std::clamp<int64_t>(divideCeil(tiles, columnGroups),
                                            leastRowGroups, rowPanels);
    int64_t read = rowGroups * n + columnGroups * m;
    if (read >= least)
      continue;
    least = read;
    tiling.rowGroups = rowGroups;
    tiling.columnGroups = columnGroups;
    tiling.blockColumnPanels = panels;
  }
}

/// Enough tiles for some threads, each large enough to be worth its packing.
static void chooseGroups(Tiling &tiling, const Contraction &contraction,
                         const CpuModel &cpu) {
  int64_t rowPanels = divideCeil(typical(contraction.m()), tiling.rows);
  int64_t columnPanels = divideCeil(typical(contraction.n()), tiling.columns());
  if (tiling.packRhs == Tiling::Tile) {
    // No panel is packed twice.
    tiling.rowGroups = 1;
    tiling.columnGroups = std::min<int64_t>(columnPanels, 64);
    tiling.blockColumnPanels =
        std::min<int64_t>(4, divideCeil(columnPanels, tiling.columnGroups));
    return;
  }
  if (tiling.packLhs == Tiling::Tile) {
    // All of K is packed at once, and no more rows than there are.
    int64_t panelBytes = contraction.numTerms.factor * tiling.rows *
                         contraction.type.getIntOrFloatBitWidth() / 8;
    tiling.blockRowPanels =
        std::clamp<int64_t>(cpu.l2Bytes / 4 / panelBytes, 1,
                            std::min(rowPanels, tiling.blockRowPanels));
  }
  if (tiling.readsLongSums) {
    // Each goes over all rows that its columns meet, if there are enough.
    tiling.blockColumnPanels = 1;
    tiling.columnGroups = columnPanels;
    tiling.rowGroups =
        std::min<int64_t>(rowPanels, divideCeil(8, columnPanels));
    return;
  }
  // One row keeps nothing in a cache that more columns could share.
  const bool isOneRow =
      contraction.m().isStatic() && contraction.m().factor == 1;
  tiling.blockColumnPanels = isOneRow ? 1 : divideCeil(256, tiling.columns());
  tiling.columnGroups = divideCeil(columnPanels, tiling.blockColumnPanels);
  int64_t blocks = divideCeil(rowPanels, tiling.blockRowPanels);
  tiling.rowGroups = std::max<int64_t>(
      blocks,
      std::min<int64_t>(rowPanels, divideCeil(16, tiling.columnGroups)));
  int64_t rightBytes = typical(contraction.numTerms) *
                       typical(contraction.n()) *
                       contraction.type.getIntOrFloatBitWidth() / 8;
  if (tiling.packRhs == Tiling::Whole && tiling.packLhs != Tiling::Tile &&
      !isOneRow && rightBytes > cpu.l2Bytes)
    balanceGroups(tiling, contraction, std::min(blocks, rowPanels));
}

Tiling nnc::chooseTiling(const Contraction &contraction, const CpuModel &cpu) {
  Tiling tiling;
  chooseMicrotile(tiling, contraction, cpu);
  chooseBlocks(tiling, contraction, cpu);
  choosePacking(tiling, contraction, cpu);
  chooseGroups(tiling, contraction, cpu);
  // Twelve copies of a long epilogue would cost more to compile than they save.
  tiling.stageEpilogue = contraction.numEpilogueOps > 6;
  return tiling;
}
