// Tiles, blocks and panels.
#include "codegen/cpu/ComputePhase.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

/// Everything that is the same for all tiles.
void ComputePhase::prepare(ArrayRef<int> workspaces) {
  for (auto [side, workspace] : llvm::zip(std::array{&lhs, &rhs}, workspaces)) {
    if (side->packing == Tiling::Whole)
      side->memory = phase.workspace(workspace);
    else if (side->packing == Tiling::None)
      side->memory = phase.operand(*side->source.element);
  }
  if (!tiling.oneBlockOfK) {
    int64_t count =
        tiling.blockRowPanels * tiling.blockColumnPanels * sumsOfTile();
    waitingSums = takeScratch(count);
    if (tiling.hasLongSums)
      lostParts = takeScratch(count);
  }
  prepareEpilogue();
  auto takePanels = [&](Side &side, int64_t numPanels) {
    side.memory = takeScratch(contraction.numTerms.factor * side.source.width *
                              numPanels);
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

void ComputePhase::emitBlockOfK(PanelRange rows, PanelRange columns,
                                Value firstK) {
  Microtile tile;
  tile.firstK = firstK;
  Value k = phase.value(contraction.numTerms);
  tile.numK = tiling.oneBlockOfK ? k
                                 : phase.minimum(phase.index(tiling.blockK),
                                                 phase.subtract(k, firstK));
  forEachPanel(phase, rhs.source, columns, [&](Value panel, bool isTail) {
    setColumns(tile, panel, isTail);
    emitColumnPanel(tile, rows, columns.from);
  });
}

/// A static tail computes its rows; a dynamic one all, and keeps what exists.
void ComputePhase::setRows(Microtile &tile, Value panel, bool isTail) {
  BatchSize m = contraction.m();
  tile.rowPanel = panel;
  tile.row = phase.multiply(panel, tiling.rows);
  tile.rows = isTail && m.isStatic() ? m.factor % tiling.rows : tiling.rows;
  tile.width = tile.rows;
  tile.numRows = isTail && !m.isStatic()
                     ? phase.subtract(phase.value(m), tile.row)
                     : Value();
}

void ComputePhase::emitColumnPanel(Microtile &tile, PanelRange rows,
                                   Value firstColumnPanel) {
  forEachPanel(phase, lhs.source, rows, [&](Value panel, bool isTail) {
    setRows(tile, panel, isTail);
    if (waitingSums)
      tile.waiting = phase.multiply(
          phase.add(
              phase.multiply(phase.subtract(tile.columnPanel, firstColumnPanel),
                             tiling.blockRowPanels),
              phase.subtract(panel, rows.from)),
          tiling.rows * tiling.columns());
    emitMicrotile(tile);
  });
}

void ComputePhase::emitMicrotile(Microtile &tile) {
  if (tiling.oneBlockOfK)
    prefetchRows(tile);
  finishSums(tile, emitSums(tile));
}
