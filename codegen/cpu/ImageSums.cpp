// See ImageSums.h.
#include "codegen/cpu/ImageSums.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/WindowCopy.h"
#include "codegen/cpu/WindowPhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void ImageSums::takeMemory() {
  const Element &element = *contraction.lhs;
  strides = element.strides;
  if (tiling.copiesPanels) {
    image = takeScratch(tiling.maxPanelsOfM() * tiling.copiedPanelSize);
    for (auto [axis, stride] : llvm::enumerate(strides))
      if (axis != contraction.axisM())
        stride.factor = stride.factor / contraction.m().factor * tiling.width;
  } else if (element.copied) {
    image = takeScratch(
        copiedSize(*element.copied, tiling.blockSpan, tiling.lanes));
  } else {
    image = phase.operand(element);
  }
  packed = tiling.packRhs == Tiling::Tile
               ? takeScratch(tiling.blockTerms * tiling.columns())
               : phase.operand(*contraction.rhs);
  int64_t count =
      tiling.maxRowPanels() * tiling.maxColumnPanels() * sumsOfTile();
  waiting = takeScratch(count);
  if (tiling.hasLongSums)
    lostParts = takeScratch(count);
}

void ImageSums::emit(std::optional<unsigned> workspace) {
  prepareEpilogue();
  takeMemory();
  if (workspace)
    parts = phase.workspace(*workspace);
  phase.loop(phase.begin(), phase.end(), 1,
             [&](Value index) { emitTile(index); });
}

/// The panels of a share, with what waits for them; `startPanel` before those
/// of one column panel.
void ImageSums::forEachTile(PanelRange rows, PanelRange columnShare,
                            llvm::function_ref<void(Microtile &)> startPanel,
                            llvm::function_ref<void(Microtile &)> emitTile) {
  forEachPanel(phase, columns, columnShare, [&](Value panel, bool isTail) {
    Microtile tile;
    setColumns(tile, panel, isTail);
    startPanel(tile);
    Value before = phase.multiply(phase.subtract(panel, columnShare.from),
                                  tiling.maxRowPanels());
    phase.loop(rows.from, rows.to, 1, [&](Value row) {
      setRows(tile, row);
      tile.waiting = phase.multiply(
          phase.add(before, phase.subtract(row, rows.from)), sumsOfTile());
      emitTile(tile);
    });
  });
}

void ImageSums::emitTile(Value index) {
  Value columnGroup = takeDigit(phase, index, phase.index(tiling.columnGroups));
  Value rowGroup = takeDigit(phase, index, phase.index(tiling.rowGroups));
  outer.assign(contraction.sizes.size(), Value());
  PanelRange panelsOfM = shareOf(phase, phase.index(tiling.panelsOfM), rowGroup,
                                 tiling.rowGroups),
             rows = {phase.multiply(panelsOfM.from, tiling.tilesOfPanel),
                     phase.multiply(panelsOfM.to, tiling.tilesOfPanel)},
             columnShare = shareOf(phase, phase.index(tiling.columnPanels),
                                   columnGroup, tiling.columnGroups);
  auto nothing = [](Microtile &) {};
  forEachTile(rows, columnShare, nothing, [&](Microtile &tile) {
    storeSums(zeroSums(tile), waiting, tile.waiting);
    if (lostParts)
      storeSums(zeroSums(tile), lostParts, tile.waiting);
  });
  const AxisBlock &block = tiling.block;
  Value blocks =
      phase.divideUp(phase.value(contraction.sizes[block.axis()]), block.count);
  for (unsigned axis : block.outer())
    blocks = phase.multiply(blocks, phase.value(contraction.sizes[axis]));
  firstPanelOfM = panelsOfM.from;
  PanelRange share = shareOf(phase, blocks, index, tiling.numParts);
  phase.loop(share.from, share.to, 1, [&](Value number) {
    emitBlock(number, panelsOfM, rows, columnShare);
  });
  forEachTile(rows, columnShare, nothing,
              [&](Microtile &tile) { finish(tile, index); });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

PanelRange ImageSums::rangeOf(unsigned axis, PanelRange range) {
  if (axis == tiling.block.axis())
    return range;
  return {phase.index(0), phase.value(contraction.sizes[axis])};
}

/// Copies what has to be, and says where the block's windows begin.
void ImageSums::setBases(PanelRange range, PanelRange panelsOfM) {
  const Element &element = *contraction.lhs;
  int64_t start = element.base.factor;
  if (tiling.copiesPanels)
    start = start / contraction.m().factor * tiling.width;
  base = phase.value(BatchSize(start, element.base.perBatch));
  if (element.copied) {
    auto [first, last] =
        blockSpan(phase, contraction, tiling.block, outer, range);
    std::optional<CopiedPanels> panels;
    if (tiling.copiesPanels)
      panels = {tiling.width, tiling.copiedPanelSize, panelsOfM.from,
                panelsOfM.to, tiling.panelsTogether};
    base =
        phase.subtract(base, emitWindowCopy(phase, *element.copied, first, last,
                                            image, tiling.lanes, panels));
  }
  columnBase = phase.value(contraction.rhs->base);
  for (unsigned axis : tiling.block.outer()) {
    base = phase.add(base,
                     phase.multiply(outer[axis], phase.value(strides[axis])));
    if (tiling.packRhs == Tiling::None)
      columnBase = phase.add(
          columnBase,
          phase.multiply(outer[axis],
                         phase.value(contraction.rhs->strides[axis])));
  }
}

void ImageSums::emitBlock(Value number, PanelRange panelsOfM, PanelRange rows,
                          PanelRange columnShare) {
  const AxisBlock &block = tiling.block;
  Value size = phase.value(contraction.sizes[block.axis()]);
  Value inAxis = takeDigit(phase, number, phase.divideUp(size, block.count));
  for (unsigned axis : llvm::reverse(block.outer()))
    outer[axis] =
        takeDigit(phase, number, phase.value(contraction.sizes[axis]));
  Value from = phase.multiply(inAxis, block.count);
  PanelRange range = {from, phase.minimum(phase.add(from, block.count), size)};

  setBases(range, panelsOfM);
  auto axes = ArrayRef(block.axes).drop_front(block.level);
  forEachTile(
      rows, columnShare,
      [&](Microtile &tile) {
        if (tiling.packRhs == Tiling::Tile)
          packColumns(tile, range, axes, phase.index(0));
      },
      [&](Microtile &tile) {
        wait(tile, addBlock(tile, termsOf(tile), range, axes, phase.index(0),
                            zeroSums(tile)));
      });
}

/// The tile's columns for each term of the block; `number` counts the indices
/// of the axes before `axes`.
void ImageSums::packColumns(const Microtile &tile, PanelRange range,
                            ArrayRef<unsigned> axes, Value number) {
  unsigned axis = axes.front();
  auto [from, to] = rangeOf(axis, range);
  Value count = phase.subtract(to, from);
  Value before = phase.multiply(number, count);
  if (axes.size() > 1) {
    phase.loop(from, to, 1, [&, from = from](Value index) {
      outer[axis] = index;
      packColumns(tile, range, axes.drop_front(),
                  phase.add(before, phase.subtract(index, from)));
    });
    return;
  }
  phase.unrolledLoop(count, [&, from = from](Value term) {
    Point point;
    point.indices = outer;
    point.indices[axis] = phase.add(from, term);
    point.vectorAxis = contraction.axisN();
    point.lanes = tiling.lanes;
    Value place = phase.multiply(phase.add(before, term), tiling.columns());
    for (int64_t q = 0; q < tile.vectors; ++q) {
      point.indices[contraction.axisN()] =
          phase.add(tile.column, q * tiling.lanes);
      point.mask = tile.masks[q];
      storeVector(b, phase.loc(), phase.factor(contraction.rhs, point), packed,
                  phase.add(place, q * tiling.lanes));
    }
  });
}

/// Rows of panel number `panel` of M and of all outer axes, which change first.
/// The last one along M lies wholly within it, and leaves rows to the one
/// before.
void ImageSums::setRows(Microtile &tile, Value panel) {
  tile.rowPanel = panel;
  tile.rows = tiling.rows;
  tile.width = tiling.width;
  for (int axis = int(contraction.numOuter) - 1; axis >= 0; --axis) {
    int64_t step = axis + 1 == int(contraction.numOuter) ? tiling.height : 1;
    Value index = takeDigit(phase, panel,
                            phase.index(contraction.sizes[axis].factor / step));
    outer[axis] = phase.multiply(index, step);
  }
  int64_t m = contraction.m().factor;
  Value from = phase.multiply(panel, tiling.width);
  tile.panelOfM = panel;
  tile.row = from;
  if (m % tiling.width) {
    tile.row = phase.minimum(from, phase.index(m - tiling.width));
    tile.firstRow = phase.subtract(from, tile.row);
  }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Where the factors of a block's first term lie.
Terms ImageSums::termsOf(const Microtile &tile) {
  unsigned m = contraction.axisM(), k = contraction.axisK();
  Value alongM =
      tiling.copiesPanels
          ? phase.multiply(phase.subtract(tile.panelOfM, firstPanelOfM),
                           tiling.copiedPanelSize)
          : phase.multiply(tile.row, phase.value(strides[m]));
  Value first =
      phase.add(phase.add(base, phase.offset(ArrayRef(strides).take_front(m),
                                             ArrayRef(outer).take_front(m))),
                alongM);
  Terms terms;
  terms.lhs = image;
  terms.rows = rowsInPlace(tile, first, strides);
  terms.lhsStride = phase.value(strides[k]);
  terms.rhs = packed;
  terms.columns = phase.index(0);
  terms.rhsStride = phase.index(tiling.columns());
  if (tiling.packRhs == Tiling::None) {
    terms.columns = phase.add(columnBase, tile.column);
    terms.rhsStride = phase.value(contraction.rhs->strides[k]);
    terms.masksColumns = true;
  }
  return terms;
}

/// What of an axis' range has terms that are not zero in the tile's rows, which
/// have one index of each outer axis.
PanelRange ImageSums::withoutZerosOf(unsigned axis, PanelRange range) {
  for (const ZeroTerms &zero : contraction.zeroTerms) {
    bool isOfTile =
        zero.rowAxis + 1 < contraction.axisM() ||
        (zero.rowAxis + 1 == contraction.axisM() && tiling.height == 1);
    if (zero.axisK == axis && zero.termsOfK == 1 && isOfTile)
      return withoutZeros(zero, outer[zero.rowAxis], range);
  }
  return range;
}

/// `sums` and one more for each term of the block along `axes`; `number` counts
/// the indices of those before.
SmallVector<Value> ImageSums::addBlock(const Microtile &tile,
                                       const Terms &terms, PanelRange range,
                                       ArrayRef<unsigned> axes, Value number,
                                       ValueRange sums) {
  unsigned axis = axes.front();
  PanelRange whole = rangeOf(axis, range), part = withoutZerosOf(axis, whole);
  Value before = phase.multiply(number, phase.subtract(whole.to, whole.from));
  auto at = [&](Value index) {
    Terms there = terms.withRowsMoved(
        phase, phase.multiply(index, phase.value(strides[axis])));
    if (tiling.packRhs == Tiling::None)
      there.columns = phase.add(
          terms.columns,
          phase.multiply(index, phase.value(contraction.rhs->strides[axis])));
    return there;
  };
  auto numberOf = [&](Value index) {
    return phase.add(before, phase.subtract(index, whole.from));
  };
  if (axes.size() == 1) {
    Terms here = at(part.from);
    if (tiling.packRhs == Tiling::Tile)
      here.columns = phase.multiply(numberOf(part.from), tiling.columns());
    bool isWhole = axis != tiling.block.axis() && part.to == whole.to;
    return addTerms(tile, here, phase.subtract(part.to, part.from),
                    isWhole ? contraction.sizes[axis] : BatchSize(1, true),
                    sums);
  }
  return phase.loop(part.from, part.to, phase.index(1), sums,
                    [&](Value index, ValueRange carried) {
                      return addBlock(tile, at(index), range, axes.drop_front(),
                                      numberOf(index), carried);
                    });
}

/// Adds the sums of a block to those that wait.
void ImageSums::wait(const Microtile &tile, ValueRange sums) {
  SmallVector<Value> totals = loadSums(tile, waiting, tile.waiting);
  if (!lostParts) {
    for (auto [total, sum] : llvm::zip(totals, sums))
      total = arith::AddFOp::create(b, total, sum);
    return storeSums(totals, waiting, tile.waiting);
  }
  SmallVector<Value> lost = loadSums(tile, lostParts, tile.waiting);
  for (auto [total, part, sum] : llvm::zip(totals, lost, sums))
    addWithoutError(total, part, sum);
  storeSums(totals, waiting, tile.waiting);
  storeSums(lost, lostParts, tile.waiting);
}

/// What waited, as results or as a part of them.
void ImageSums::finish(const Microtile &tile, Value part) {
  SmallVector<Value> totals = loadSums(tile, waiting, tile.waiting);
  if (lostParts) {
    SmallVector<Value> lost = loadSums(tile, lostParts, tile.waiting);
    for (auto [total, lostPart] : llvm::zip(totals, lost))
      total = withLostPart(total, lostPart);
  }
  if (!parts)
    return emitEpilogue(tile, totals);
  Value panel = phase.add(
      phase.multiply(
          phase.add(phase.multiply(part, tiling.rowPanels()), tile.rowPanel),
          tiling.columnPanels),
      tile.columnPanel);
  storeSums(totals, parts, phase.multiply(panel, sumsOfTile()));
}

void ImageSums::emitTotals(unsigned workspace) {
  prepareEpilogue();
  outer.assign(contraction.sizes.size(), Value());
  parts = phase.workspace(workspace);
  Value panels = phase.index(tiling.rowPanels() * tiling.columnPanels);
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value rowPanel = phase.divide(index, tiling.columnPanels),
          columnPanel = phase.remainder(index, tiling.columnPanels);
    PanelRange one = {columnPanel, phase.add(columnPanel, 1)};
    forEachPanel(phase, columns, one, [&](Value panel, bool isTail) {
      Microtile tile;
      setColumns(tile, panel, isTail);
      setRows(tile, rowPanel);
      auto partAt = [&](Value part) {
        Value number = phase.add(phase.multiply(part, panels), index);
        return loadSums(tile, parts, phase.multiply(number, sumsOfTile()));
      };
      SmallVector<Value> totals = phase.loop(
          phase.index(1), phase.index(tiling.numParts), phase.index(1),
          partAt(phase.index(0)), [&](Value part, ValueRange carried) {
            SmallVector<Value> sums = partAt(part);
            for (auto [sum, before] : llvm::zip(sums, carried))
              sum = arith::AddFOp::create(b, before, sum);
            return sums;
          });
      emitEpilogue(tile, totals);
    });
  });
}
