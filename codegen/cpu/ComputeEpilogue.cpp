// What becomes of a microtile's sums: they wait, or results are computed of
// them.
#include "codegen/cpu/ComputePhase.h"

#include "codegen/Vectorize.h"

using namespace mlir;
using namespace nnc;

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

/// The results of one row.
void ComputePhase::emitRow(const Microtile &tile, Value row, ValueRange sums,
                           ArrayRef<ElementCache> columnCaches) {
  for (int64_t q = 0; q < tile.vectors; ++q)
    phase.storeResults(pointOf(tile, row, q), sums[q], columnCaches[q]);
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
