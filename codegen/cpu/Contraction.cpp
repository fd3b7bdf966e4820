// The nest around a microtile of sums in registers: tiles of the parallel loop,
// cache blocks, panels. B is the right operand, A the left.
#include "codegen/cpu/Contraction.h"

#include "codegen/ContractionAnalysis.h"
#include "codegen/Vectorize.h"
#include "codegen/cpu/ContractionPhase.h"
#include "codegen/cpu/ContractionTiling.h"
#include "codegen/cpu/PackPanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/Support/MathExtras.h"

#include <functional>

using namespace mlir;
using namespace nnc;

namespace {

/// A half-open range of panels.
struct PanelRange {
  Value from, to;
};

/// What the tiles of the compute phase have in common.
struct Side {
  PanelSource source;
  Tiling::Packing packing;
  Value memory;     // packed panels, or the operand
  Value base;       // where the outer index starts in it
  Value firstPanel; // number of the panel that lies at `base`
};

/// The sums of `rows` x `vectors` vectors, and where they belong.
struct Microtile {
  Value rowPanel, columnPanel;
  Value row, column; // the first
  int64_t rows, vectors;
  Value numRows;            // fewer than `rows` in a dynamic tail, else null
  SmallVector<Value> masks; // a vector's; null where all lanes exist
  Value firstK, numK;
  Value waiting; // offset of the waiting sums, if K has blocks
};

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

  void emit(ArrayRef<int> workspaces);

private:
  void prepare(ArrayRef<int> workspaces);
  void emitTile(Value index);
  void emitBlocks(PanelRange rows, PanelRange columns);
  void emitBlockOfK(PanelRange rows, PanelRange columns, Value firstK);
  void emitColumnPanel(Microtile &tile, PanelRange rows,
                       Value firstColumnPanel);
  void emitMicrotile(Microtile &tile);
  void setColumns(Microtile &tile, Value panel, bool isTail);
  void setRows(Microtile &tile, Value panel, bool isTail);
  void setBase(Side &side);
  void packTile(Side &side, PanelRange panels);

  SmallVector<Value> emitSums(const Microtile &tile);
  SmallVector<Value> addTerms(const Microtile &tile, ArrayRef<Value> rows,
                              Value columns, Value count, BatchSize size,
                              ValueRange sums);
  SmallVector<Value> initialSums(const Microtile &tile);
  Value isFirstBlock(const Microtile &tile);
  Value isLastBlock(const Microtile &tile);
  Value loadWaiting(Value memory, const Microtile &tile, unsigned sum);
  SmallVector<Value> addWaitingSums(const Microtile &tile, ValueRange sums);
  SmallVector<Value> rowOffsets(const Microtile &tile);
  SmallVector<Value> readRow(const Microtile &tile, Value base, Value k);
  void finishSums(const Microtile &tile, ValueRange sums);
  void emitEpilogue(const Microtile &tile, ValueRange sums);
  void emitStagedEpilogue(const Microtile &tile, ValueRange sums);
  void emitRow(const Microtile &tile, Value row, ValueRange sums,
               ArrayRef<ElementCache> columnCaches);
  SmallVector<ElementCache> emitColumnElements(const Microtile &tile);
  Point pointOf(const Microtile &tile, Value row, int64_t vector);

  VectorType vectorType() const {
    return VectorType::get(tiling.lanes, contraction.type);
  }
  Value zeroVector() {
    return arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
  }
  int64_t bytes() const { return contraction.type.getIntOrFloatBitWidth() / 8; }
  int64_t takeScratch(int64_t count);
  Value numPanels(const Side &side) {
    return phase.divideUp(phase.value(side.source.size()), side.source.width);
  }
  Value numWholePanels(const Side &side) {
    return phase.divide(phase.value(side.source.size()), side.source.width);
  }

  const Contraction &contraction;
  const Tiling &tiling;
  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  ScheduledKernel &kernel;
  Side lhs, rhs;
  SmallVector<Value> outer; // indices of the outer axes
  Value waitingSums, stagedSums;
  Value lostParts; // of long sums: what rounding took from the waiting ones
  SmallVector<const Element *> columnElements;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tiles, blocks and panels
//===----------------------------------------------------------------------===//

/// Reserves `count` sums of scratch; returns where in bytes.
int64_t ComputePhase::takeScratch(int64_t count) {
  int64_t offset = kernel.scratchBytes;
  kernel.scratchBytes += llvm::alignTo(count * bytes(), 64);
  return offset;
}

/// Operands of the epilogue that differ between columns only: bias vectors.
static void collectColumnElements(const Element *element, unsigned axisN,
                                  SmallVectorImpl<const Element *> &found) {
  if (element->operand && element->axes == 1u << axisN &&
      !llvm::is_contained(found, element))
    found.push_back(element);
  for (const Element *input : element->inputs)
    if (input)
      collectColumnElements(input, axisN, found);
}

/// Everything that is the same for all tiles.
void ComputePhase::prepare(ArrayRef<int> workspaces) {
  for (auto [side, workspace] : llvm::zip(std::array{&lhs, &rhs}, workspaces)) {
    if (side->packing == Tiling::Whole)
      side->memory = phase.workspace(workspace);
    else if (side->packing == Tiling::None)
      side->memory = phase.operand(*side->source.element);
  }
  for (const Element *result : contraction.results) {
    phase.emitUniform(result);
    collectColumnElements(result, contraction.axisN(), columnElements);
  }
  int64_t sums = tiling.rows * tiling.columns();
  if (!tiling.oneBlockOfK) {
    int64_t count = tiling.blockRowPanels * tiling.blockColumnPanels * sums;
    waitingSums = phase.scratch(takeScratch(count), count);
    if (tiling.hasLongSums)
      lostParts = phase.scratch(takeScratch(count), count);
  }
  stagedSums = phase.scratch(takeScratch(sums), sums);
  auto takePanels = [&](Side &side, int64_t numPanels) {
    int64_t count = contraction.numTerms.factor * side.source.width * numPanels;
    side.memory = phase.scratch(takeScratch(count), count);
  };
  if (tiling.packLhs == Tiling::Tile)
    takePanels(lhs, tiling.blockRowPanels);
  if (tiling.packRhs == Tiling::Tile)
    takePanels(rhs, tiling.blockColumnPanels);
}

void ComputePhase::emit(ArrayRef<int> workspaces) {
  prepare(workspaces);
  phase.loop(phase.begin(), phase.end(), 1,
             [&](Value index) { emitTile(index); });
}

/// Share `index` of `count` of all `panels`.
static PanelRange shareOf(ContractionPhase &phase, Value panels, Value index,
                          int64_t count) {
  if (count == 1)
    return {phase.index(0), panels};
  auto start = [&](Value share) {
    return phase.divide(phase.multiply(panels, share), count);
  };
  return {start(index), start(phase.add(index, 1))};
}

/// The last of `count` digits of `index`, which is divided by it.
static Value takeDigit(ContractionPhase &phase, Value &index, Value count) {
  ImplicitLocOpBuilder &b = phase.b;
  Value digit = b.createOrFold<arith::RemUIOp>(index, count);
  index = b.createOrFold<arith::DivUIOp>(index, count);
  return digit;
}

/// Where the outer index starts in the side's memory.
void ComputePhase::setBase(Side &side) {
  side.firstPanel = phase.index(0);
  if (side.packing == Tiling::Tile) {
    side.base = phase.index(0);
    return;
  }
  if (side.packing == Tiling::None) {
    const Element &element = *side.source.element;
    side.base = phase.offset(element.strides, outer);
    if (!element.base.isZero())
      side.base = phase.add(side.base, phase.value(element.base));
    return;
  }
  Value number = phase.index(0); // of the side's outer index
  for (unsigned axis : side.source.outerAxes())
    number =
        phase.add(phase.multiply(number, phase.value(contraction.sizes[axis])),
                  outer[axis]);
  Value size =
      phase.multiply(phase.multiply(numPanels(side), side.source.width),
                     phase.value(contraction.numTerms));
  side.base = phase.multiply(number, size);
}

void ComputePhase::emitTile(Value index) {
  Value columnGroup = takeDigit(phase, index, phase.index(tiling.columnGroups));
  Value rowGroup = takeDigit(phase, index, phase.index(tiling.rowGroups));
  outer.assign(contraction.sizes.size(), Value());
  for (int axis = contraction.numOuter - 1; axis >= 0; --axis)
    outer[axis] = takeDigit(phase, index, phase.value(contraction.sizes[axis]));
  setBase(lhs);
  setBase(rhs);
  emitBlocks(shareOf(phase, numPanels(lhs), rowGroup, tiling.rowGroups),
             shareOf(phase, numPanels(rhs), columnGroup, tiling.columnGroups));
}

/// Packs those of the side's panels that this thread is about to read.
void ComputePhase::packTile(Side &side, PanelRange panels) {
  side.firstPanel = panels.from;
  Point point;
  point.indices = outer;
  int64_t panelSize = contraction.numTerms.factor * side.source.width;
  phase.loop(panels.from, panels.to, 1, [&](Value panel) {
    Value offset =
        phase.multiply(phase.subtract(panel, panels.from), panelSize);
    emitPackPanel(phase, side.source, point, panel, side.memory, offset);
  });
}

void ComputePhase::emitBlocks(PanelRange rows, PanelRange columns) {
  phase.loop(columns.from, columns.to, tiling.blockColumnPanels, [&](Value j) {
    PanelRange columnBlock = {
        j, phase.minimum(phase.add(j, tiling.blockColumnPanels), columns.to)};
    if (tiling.packRhs == Tiling::Tile)
      packTile(rhs, columnBlock);
    phase.loop(rows.from, rows.to, tiling.blockRowPanels, [&](Value i) {
      PanelRange rowBlock = {
          i, phase.minimum(phase.add(i, tiling.blockRowPanels), rows.to)};
      if (tiling.packLhs == Tiling::Tile)
        packTile(lhs, rowBlock);
      if (tiling.oneBlockOfK)
        emitBlockOfK(rowBlock, columnBlock, phase.index(0));
      else
        phase.loop(
            phase.index(0), phase.value(contraction.numTerms), tiling.blockK,
            [&](Value firstK) { emitBlockOfK(rowBlock, columnBlock, firstK); });
    });
  });
}

/// Runs `emitPanel` over `panels`: the whole ones as a loop, then the tail.
static void forEachPanel(ContractionPhase &phase, const PanelSource &source,
                         PanelRange panels, Value numWhole,
                         llvm::function_ref<void(Value, bool)> emitPanel) {
  bool hasWhole =
      !source.size().isStatic() || source.size().factor >= source.width;
  if (hasWhole) {
    Value to =
        source.hasTail() ? phase.minimum(panels.to, numWhole) : panels.to;
    phase.loop(panels.from, to, 1,
               [&](Value panel) { emitPanel(panel, /*isTail=*/false); });
  }
  if (source.hasTail()) {
    Value size = phase.value(source.size());
    Value reached = phase.isLess(
        phase.multiply(numWhole, source.width),
        phase.minimum(size, phase.multiply(panels.to, source.width)));
    phase.when(reached, [&] { emitPanel(numWhole, /*isTail=*/true); });
  }
}

void ComputePhase::emitBlockOfK(PanelRange rows, PanelRange columns,
                                Value firstK) {
  Microtile tile;
  tile.firstK = firstK;
  Value k = phase.value(contraction.numTerms);
  tile.numK = tiling.oneBlockOfK ? k
                                 : phase.minimum(phase.index(tiling.blockK),
                                                 phase.subtract(k, firstK));
  forEachPanel(phase, rhs.source, columns, numWholePanels(rhs),
               [&](Value panel, bool isTail) {
                 setColumns(tile, panel, isTail);
                 emitColumnPanel(tile, rows, columns.from);
               });
}

/// Vectors and masks of a column panel.
void ComputePhase::setColumns(Microtile &tile, Value panel, bool isTail) {
  BatchSize n = contraction.n();
  tile.columnPanel = panel;
  tile.column = phase.multiply(panel, tiling.columns());
  tile.vectors = tiling.vectors;
  if (isTail && n.isStatic())
    tile.vectors = llvm::divideCeil(n.factor % tiling.columns(), tiling.lanes);
  tile.masks.assign(tile.vectors, Value());
  if (!isTail)
    return;
  for (int64_t q = 0; q < tile.vectors; ++q) {
    bool whole =
        n.isStatic() && (q + 1) * tiling.lanes <= n.factor % tiling.columns();
    if (!whole)
      tile.masks[q] =
          phase.mask(phase.subtract(phase.value(n),
                                    phase.add(tile.column, q * tiling.lanes)),
                     tiling.lanes);
  }
}

/// A static tail computes its rows; a dynamic one all, and keeps what exists.
void ComputePhase::setRows(Microtile &tile, Value panel, bool isTail) {
  BatchSize m = contraction.m();
  tile.rowPanel = panel;
  tile.row = phase.multiply(panel, tiling.rows);
  tile.rows = isTail && m.isStatic() ? m.factor % tiling.rows : tiling.rows;
  tile.numRows = isTail && !m.isStatic()
                     ? phase.subtract(phase.value(m), tile.row)
                     : Value();
}

void ComputePhase::emitColumnPanel(Microtile &tile, PanelRange rows,
                                   Value firstColumnPanel) {
  forEachPanel(
      phase, lhs.source, rows, numWholePanels(lhs),
      [&](Value panel, bool isTail) {
        setRows(tile, panel, isTail);
        if (waitingSums)
          tile.waiting = phase.multiply(
              phase.add(phase.multiply(
                            phase.subtract(tile.columnPanel, firstColumnPanel),
                            tiling.blockRowPanels),
                        phase.subtract(panel, rows.from)),
              tiling.rows * tiling.columns());
        emitMicrotile(tile);
      });
}

void ComputePhase::emitMicrotile(Microtile &tile) {
  finishSums(tile, emitSums(tile));
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Value ComputePhase::isFirstBlock(const Microtile &tile) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, tile.firstK,
                                       phase.index(0));
}

Value ComputePhase::isLastBlock(const Microtile &tile) {
  return phase.isLess(
      phase.subtract(phase.value(contraction.numTerms), phase.index(1)),
      phase.add(tile.firstK, tile.numK));
}

/// Vector `sum` of the tile in `memory`, which is laid out as waitingSums is.
Value ComputePhase::loadWaiting(Value memory, const Microtile &tile,
                                unsigned sum) {
  return loadVector(b, phase.loc(), memory,
                    phase.add(tile.waiting, sum * tiling.lanes), tiling.lanes,
                    contraction.type);
}

/// Zeros, or the sums of the blocks of K before.
SmallVector<Value> ComputePhase::initialSums(const Microtile &tile) {
  unsigned count = tile.rows * tile.vectors;
  if (!waitingSums || lostParts)
    return SmallVector<Value>(count, zeroVector());
  SmallVector<Type> types(count, vectorType());
  auto branch = scf::IfOp::create(b, types, isFirstBlock(tile),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, SmallVector<Value>(count, zeroVector()));
  b.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> waited;
  for (unsigned i = 0; i < count; ++i)
    waited.push_back(loadWaiting(waitingSums, tile, i));
  scf::YieldOp::create(b, waited);
  return SmallVector<Value>(branch.getResults());
}

/// Where sums are long: each block of K begins at zero, and its sums are added
/// to the waiting ones without an error, as Neumaier has it (1974,
/// doi:10.1002/zamm.19740540106): what rounding takes from them is added up
/// beside, and counts in the last block.
SmallVector<Value> ComputePhase::addWaitingSums(const Microtile &tile,
                                                ValueRange sums) {
  Value isLast = isLastBlock(tile);
  auto storeLost = [&](unsigned i, Value lost) {
    storeVector(b, phase.loc(), lost, lostParts,
                phase.add(tile.waiting, i * tiling.lanes));
  };
  SmallVector<Type> types(sums.size(), vectorType());
  auto branch = scf::IfOp::create(b, types, isFirstBlock(tile),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  auto waits = scf::IfOp::create(b, isLast, /*withElseRegion=*/true);
  scf::YieldOp::create(b, sums);
  b.setInsertionPointToStart(waits.elseBlock());
  for (unsigned i = 0; i < sums.size(); ++i)
    storeLost(i, zeroVector());

  b.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> totals;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value waiting = loadWaiting(waitingSums, tile, i);
    Value total = arith::AddFOp::create(b, waiting, sum);
    // The error of an addition, whichever term is larger (Knuth, TAOCP vol. 2,
    // 4.2.2, theorem B).
    Value back = arith::SubFOp::create(b, total, waiting);
    Value lost = arith::AddFOp::create(
        b,
        arith::SubFOp::create(b, waiting,
                              arith::SubFOp::create(b, total, back)),
        arith::SubFOp::create(b, sum, back));
    lost = arith::AddFOp::create(b, loadWaiting(lostParts, tile, i), lost);
    storeLost(i, lost);
    // An infinite total has lost nothing, or NaN.
    Value isNumber =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, lost, lost);
    Value whole = arith::SelectOp::create(
        b, isNumber, arith::AddFOp::create(b, total, lost), total);
    totals.push_back(arith::SelectOp::create(b, isLast, whole, total));
  }
  scf::YieldOp::create(b, totals);
  return SmallVector<Value>(branch.getResults());
}

/// Where the elements of A for the first k of each row lie.
SmallVector<Value> ComputePhase::rowOffsets(const Microtile &tile) {
  SmallVector<Value> offsets;
  if (lhs.packing != Tiling::None) {
    Value k = phase.value(contraction.numTerms);
    Value number = phase.subtract(tile.rowPanel, lhs.firstPanel);
    Value panel = phase.add(phase.multiply(number, k), tile.firstK);
    Value base = phase.add(lhs.base, phase.multiply(panel, tiling.rows));
    for (int64_t row = 0; row < tile.rows; ++row)
      offsets.push_back(phase.add(base, row));
    return offsets;
  }
  const Element &element = *contraction.lhs;
  BatchSize stride = element.strides[contraction.axisM()];
  Value firstK = phase.multiply(
      tile.firstK, phase.value(element.strides[contraction.axisK()]));
  Value base = phase.add(lhs.base, firstK);
  Value last = phase.subtract(phase.value(contraction.m()), phase.index(1));
  for (int64_t row = 0; row < tile.rows; ++row) {
    // Rows that a dynamic tail lacks repeat its last.
    Value index = phase.add(tile.row, row);
    if (tile.numRows)
      index = phase.minimum(index, last);
    else if (stride.isStatic()) {
      offsets.push_back(
          phase.add(phase.add(base, phase.multiply(tile.row, stride.factor)),
                    row * stride.factor));
      continue;
    }
    offsets.push_back(
        phase.add(base, phase.multiply(index, phase.value(stride))));
  }
  return offsets;
}

/// The tile's columns of B at step `k`.
SmallVector<Value> ComputePhase::readRow(const Microtile &tile, Value base,
                                         Value k) {
  Value stride =
      rhs.packing == Tiling::None
          ? phase.value(contraction.rhs->strides[contraction.axisK()])
          : phase.index(tiling.columns());
  Value index = phase.add(base, phase.multiply(k, stride));
  SmallVector<Value> row;
  for (int64_t q = 0; q < tile.vectors; ++q)
    row.push_back(loadVector(
        b, phase.loc(), rhs.memory, phase.add(index, q * tiling.lanes),
        tiling.lanes, contraction.type,
        rhs.packing == Tiling::None ? tile.masks[q] : Value()));
  return row;
}

/// The offset of the panel's first row of B.
static Value columnOffset(ContractionPhase &phase,
                          const Contraction &contraction, const Side &side,
                          const Microtile &tile) {
  if (side.packing == Tiling::None) {
    ArrayRef<BatchSize> strides = contraction.rhs->strides;
    Value k =
        phase.multiply(tile.firstK, phase.value(strides[contraction.axisK()]));
    // The stride along N is 1, or N is.
    return phase.add(phase.add(side.base, k), tile.column);
  }
  Value panel = phase.subtract(tile.columnPanel, side.firstPanel);
  Value row = phase.add(
      phase.multiply(panel, phase.value(contraction.numTerms)), tile.firstK);
  return phase.add(side.base, phase.multiply(row, side.source.width));
}

/// `sums` and `count` more terms, of which the first lie at `rows` of A and at
/// `columns` of B; `size` is `count` where it is known.
SmallVector<Value> ComputePhase::addTerms(const Microtile &tile,
                                          ArrayRef<Value> rows, Value columns,
                                          Value count, BatchSize size,
                                          ValueRange sums) {
  Value stride =
      lhs.packing == Tiling::None
          ? phase.value(contraction.lhs->strides[contraction.axisK()])
          : phase.index(tiling.rows);
  auto step = [&](Value k, SmallVector<Value> &sums) {
    SmallVector<Value> right = readRow(tile, columns, k);
    Value left = phase.multiply(k, stride);
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value index = phase.add(rows[row], left);
      Value scalar = memref::LoadOp::create(b, lhs.memory, index);
      Value factor = vector::BroadcastOp::create(b, vectorType(), scalar);
      for (int64_t q = 0; q < tile.vectors; ++q) {
        Value &sum = sums[row * tile.vectors + q];
        sum = vector::FMAOp::create(b, factor, right[q], sum);
      }
    }
  };
  auto steps = [&](Value from, Value to, int64_t count,
                   ValueRange initial) -> SmallVector<Value> {
    auto loop = scf::ForOp::create(b, from, to, phase.index(count), initial);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> sums(loop.getRegionIterArgs());
    for (int64_t u = 0; u < count; ++u)
      step(phase.add(loop.getInductionVar(), u), sums);
    scf::YieldOp::create(b, sums);
    return SmallVector<Value>(loop.getResults());
  };
  int64_t unroll = tiling.unroll;
  Value whole = phase.multiply(phase.divide(count, unroll), unroll);
  SmallVector<Value> totals = steps(phase.index(0), whole, unroll, sums);
  if (!size.isStatic() || size.factor % unroll)
    totals = steps(whole, count, 1, totals);
  return totals;
}

/// Where a side goes on from `offset` as the axes of K around the innermost
/// reach `indices`, which are number `number`.
static Value advanceAroundK(ContractionPhase &phase, const Side &side,
                            Value offset, ArrayRef<Value> indices,
                            Value number) {
  const Contraction &contraction = side.source.contraction;
  if (side.packing == Tiling::None)
    return phase.add(offset,
                     phase.offset(side.source.element->strides, indices));
  Value terms = phase.value(contraction.sizes[contraction.axisK()]);
  return phase.add(
      offset, phase.multiply(phase.multiply(number, terms), side.source.width));
}

SmallVector<Value> ComputePhase::emitSums(const Microtile &tile) {
  SmallVector<Value> rows = rowOffsets(tile), initial = initialSums(tile);
  Value columns = columnOffset(phase, contraction, rhs, tile);
  bool isFlat = lhs.packing != Tiling::None && rhs.packing != Tiling::None;
  if (isFlat || contraction.hasOneAxisK())
    return addTerms(tile, rows, columns, tile.numK, contraction.numTerms,
                    initial);
  // What is read where it lies is walked axis by axis.
  SmallVector<Value> indices(contraction.sizes.size());
  BatchSize terms = contraction.sizes[contraction.axisK()];
  std::function<SmallVector<Value>(ArrayRef<unsigned>, Value, ValueRange)>
      walk = [&](ArrayRef<unsigned> axes, Value number, ValueRange sums) {
        if (axes.empty()) {
          auto offsets = llvm::map_to_vector(rows, [&](Value row) {
            return advanceAroundK(phase, lhs, row, indices, number);
          });
          return addTerms(tile, offsets,
                          advanceAroundK(phase, rhs, columns, indices, number),
                          phase.value(terms), terms, sums);
        }
        Value count = phase.value(contraction.sizes[axes.front()]);
        return phase.loop(phase.index(0), count, phase.index(1), sums,
                          [&](Value index, ValueRange carried) {
                            indices[axes.front()] = index;
                            Value inner =
                                phase.add(phase.multiply(number, count), index);
                            return walk(axes.drop_front(), inner, carried);
                          });
      };
  return walk(llvm::to_vector(contraction.outerAxesK()), phase.index(0),
              initial);
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

/// Lets the sums wait for the next block of K, or computes the results.
void ComputePhase::finishSums(const Microtile &tile, ValueRange sums) {
  if (!waitingSums)
    return emitEpilogue(tile, sums);
  SmallVector<Value> totals(sums);
  if (lostParts)
    totals = addWaitingSums(tile, sums);
  auto branch =
      scf::IfOp::create(b, isLastBlock(tile), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitEpilogue(tile, totals);
  b.setInsertionPointToStart(branch.elseBlock());
  for (auto [i, sum] : llvm::enumerate(totals))
    storeVector(b, phase.loc(), sum, waitingSums,
                phase.add(tile.waiting, i * tiling.lanes));
}

Point ComputePhase::pointOf(const Microtile &tile, Value row, int64_t vector) {
  Point point;
  point.indices = outer;
  point.indices[contraction.axisM()] = row;
  point.indices[contraction.axisN()] =
      phase.add(tile.column, vector * tiling.lanes);
  point.vectorAxis = contraction.axisN();
  point.lanes = tiling.lanes;
  point.mask = tile.masks[vector];
  return point;
}

/// What is the same for all rows, read once.
SmallVector<ElementCache>
ComputePhase::emitColumnElements(const Microtile &tile) {
  SmallVector<ElementCache> caches(tile.vectors);
  for (int64_t q = 0; q < tile.vectors; ++q)
    for (const Element *element : columnElements)
      phase.element(element, pointOf(tile, Value(), q), caches[q]);
  return caches;
}

/// The results of one row. Everything of a vector is read before anything of it
/// is written: results may lie where operands do.
void ComputePhase::emitRow(const Microtile &tile, Value row, ValueRange sums,
                           ArrayRef<ElementCache> columnCaches) {
  for (int64_t q = 0; q < tile.vectors; ++q) {
    Point point = pointOf(tile, row, q);
    ElementCache cache = columnCaches[q];
    cache[contraction.product] = sums[q];
    SmallVector<Value> values;
    for (const Element *result : contraction.results)
      values.push_back(broadcastToLanes(
          b, phase.loc(), phase.element(result, point, cache), tiling.lanes));
    for (auto [i, value] : llvm::enumerate(values))
      storeVector(b, phase.loc(), value, phase.result(i),
                  phase.offset(contraction.resultStrides[i], point.indices),
                  point.mask);
  }
}

void ComputePhase::emitEpilogue(const Microtile &tile, ValueRange sums) {
  if (tiling.stageEpilogue || tile.numRows)
    return emitStagedEpilogue(tile, sums);
  SmallVector<ElementCache> columnCaches = emitColumnElements(tile);
  for (int64_t row = 0; row < tile.rows; ++row)
    emitRow(tile, phase.add(tile.row, row),
            sums.slice(row * tile.vectors, tile.vectors), columnCaches);
}

void ComputePhase::emitStagedEpilogue(const Microtile &tile, ValueRange sums) {
  for (auto [i, sum] : llvm::enumerate(sums))
    storeVector(b, phase.loc(), sum, stagedSums, phase.index(i * tiling.lanes));
  SmallVector<ElementCache> columnCaches = emitColumnElements(tile);
  Value numRows = tile.numRows ? tile.numRows : phase.index(tile.rows);
  phase.loop(phase.index(0), numRows, 1, [&](Value row) {
    SmallVector<Value> staged;
    Value offset = phase.multiply(row, tile.vectors * tiling.lanes);
    for (int64_t q = 0; q < tile.vectors; ++q)
      staged.push_back(loadVector(b, phase.loc(), stagedSums,
                                  phase.add(offset, q * tiling.lanes),
                                  tiling.lanes, contraction.type));
    emitRow(tile, phase.add(tile.row, row), staged, columnCaches);
  });
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// `factor` for each index of some axes.
static std::optional<BatchSize> sizeOf(const Contraction &contraction,
                                       ArrayRef<unsigned> axes,
                                       int64_t factor) {
  std::optional<BatchSize> size(factor);
  for (unsigned axis : axes)
    if (size)
      size = size->times(contraction.sizes[axis]);
  return size;
}

/// Bytes of all panels: the axis rounded up to whole ones.
static std::optional<Extent> panelBytes(const PanelSource &source) {
  const Contraction &contraction = source.contraction;
  BatchSize size = source.size();
  std::optional<BatchSize> bytes =
      sizeOf(contraction, source.outerAxes(),
             contraction.type.getIntOrFloatBitWidth() / 8);
  if (bytes)
    bytes = bytes->times(contraction.numTerms);
  if (!bytes)
    return std::nullopt;
  if (size.isStatic()) {
    bytes = bytes->times(llvm::alignTo(size.factor, source.width));
    return bytes ? std::optional(Extent::of(*bytes)) : std::nullopt;
  }
  std::optional<BatchSize> padding = bytes->times(source.width - 1),
                           perBatch = bytes->times(size);
  if (!padding || !perBatch)
    return std::nullopt;
  return Extent{padding->factor, perBatch->factor, 1};
}

/// The fewest tiles worth handing to a thread, of 16 k multiplications.
static int64_t grainOf(const Contraction &contraction, int64_t tiles) {
  uint64_t work = 1;
  for (BatchSize size :
       ArrayRef(contraction.sizes).drop_front(contraction.numOuter))
    work = llvm::SaturatingMultiply<uint64_t>(work, size.estimate(32));
  return std::max<uint64_t>(1,
                            (16 << 10) * tiles / std::max<uint64_t>(work, 1));
}

namespace {

class Scheduler {
public:
  Scheduler(Contraction contraction, const CpuModel &cpu, Refusal &refusal)
      : contraction(std::move(contraction)),
        tiling(chooseTiling(this->contraction, cpu)), refusal(refusal) {}

  FailureOr<ScheduledKernel> run();

private:
  FailureOr<int> packWhole(const PanelSource &source, StringRef suffix);
  Operation *previous() {
    return scheduled.phases.empty()
               ? contraction.kernel.getOperation()
               : scheduled.phases.back().function.getOperation();
  }
  /// Leaves no trace.
  LogicalResult giveUp() {
    for (Phase &phase : scheduled.phases)
      phase.function.erase();
    return failure();
  }

  Contraction contraction;
  Tiling tiling;
  Refusal &refusal;
  ScheduledKernel scheduled;
};

} // namespace

/// A phase that packs all panels of an operand into a new workspace.
FailureOr<int> Scheduler::packWhole(const PanelSource &source,
                                    StringRef suffix) {
  constexpr int64_t kGroups = 32;
  std::optional<Extent> workspaceBytes = panelBytes(source);
  SmallVector<unsigned> outerAxes = source.outerAxes();
  std::optional<BatchSize> extent = sizeOf(contraction, outerAxes, kGroups);
  if (!workspaceBytes || !extent)
    return refusal.because("its packed operand depends on the batch squared");
  unsigned workspace = scheduled.workspaceBytes.size();
  scheduled.workspaceBytes.push_back(*workspaceBytes);

  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(), suffix);
  phase.emitUniform(source.element);
  Value memory = phase.workspace(workspace);
  Value panels = phase.divideUp(phase.value(source.size()), source.width);
  Value panelSize =
      phase.multiply(phase.value(contraction.numTerms), source.width);
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value number = index; // becomes the outer index
    Value group = takeDigit(phase, number, phase.index(kGroups));
    Value firstPanel = phase.multiply(number, panels);
    Point point;
    point.indices.assign(contraction.sizes.size(), Value());
    for (unsigned axis : llvm::reverse(outerAxes))
      point.indices[axis] =
          takeDigit(phase, number, phase.value(contraction.sizes[axis]));
    PanelRange share = shareOf(phase, panels, group, kGroups);
    phase.loop(share.from, share.to, 1, [&](Value panel) {
      Value offset = phase.multiply(phase.add(firstPanel, panel), panelSize);
      emitPackPanel(phase, source, point, panel, memory, offset);
    });
  });
  scheduled.phases.push_back(
      phase.finish(Extent::of(*extent), /*grain=*/1, {}));
  return workspace;
}

FailureOr<ScheduledKernel> Scheduler::run() {
  std::optional<BatchSize> extent =
      sizeOf(contraction,
             llvm::to_vector(llvm::seq<unsigned>(0, contraction.numOuter)),
             tiling.rowGroups * tiling.columnGroups);
  if (!extent)
    return refusal.because("its tiles depend on the batch squared");
  int workspaces[2] = {-1, -1};
  if (tiling.packLhs == Tiling::Whole) {
    auto packed = packWhole({contraction, contraction.lhs, contraction.axisM(),
                             tiling.rows, tiling.lanes},
                            "pack_lhs");
    if (failed(packed))
      return giveUp();
    workspaces[0] = *packed;
  }
  if (tiling.packRhs == Tiling::Whole) {
    auto packed = packWhole({contraction, contraction.rhs, contraction.axisN(),
                             tiling.columns(), tiling.lanes},
                            "pack_rhs");
    if (failed(packed))
      return giveUp();
    workspaces[1] = *packed;
  }
  scheduled.mayAlias = contraction.mayAlias();
  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(), "compute");
  ComputePhase(contraction, tiling, phase, scheduled).emit(workspaces);
  scheduled.phases.push_back(
      phase.finish(Extent::of(*extent),
                   grainOf(contraction, tiling.rowGroups * tiling.columnGroups),
                   scheduled.mayAlias));
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleContraction(func::FuncOp kernel,
                                                    const CpuModel &cpu,
                                                    Refusal &refusal) {
  FailureOr<Contraction> contraction = analyzeContraction(kernel, refusal);
  if (failed(contraction))
    return failure();
  return Scheduler(std::move(*contraction), cpu, refusal).run();
}
