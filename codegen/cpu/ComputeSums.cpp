// The sums of a microtile: which terms, from where, and how the sums of blocks
// of K are added up.
#include "codegen/cpu/ComputePhase.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <functional>

using namespace mlir;
using namespace nnc;

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
  if (!waitingSums || lostParts)
    return zeroSums(tile);
  SmallVector<Type> types(tile.rows * tile.vectors, vectorType());
  auto branch = scf::IfOp::create(b, types, isFirstBlock(tile),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, zeroSums(tile));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loadSums(tile, waitingSums, tile.waiting));
  return SmallVector<Value>(branch.getResults());
}

/// Where sums are long: each block of K begins at zero, and its sums are added
/// to the waiting ones without an error: what rounding takes from them is added
/// up beside, and counts in the last block.
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
    Value total = loadWaiting(waitingSums, tile, i);
    Value lost = loadWaiting(lostParts, tile, i);
    addWithoutError(total, lost, sum);
    storeLost(i, lost);
    totals.push_back(
        arith::SelectOp::create(b, isLast, withLostPart(total, lost), total));
  }
  scf::YieldOp::create(b, totals);
  return SmallVector<Value>(branch.getResults());
}

/// Where the elements of A for the first k of each row lie.
SmallVector<std::pair<Value, int64_t>>
ComputePhase::rowOffsets(const Microtile &tile) {
  SmallVector<std::pair<Value, int64_t>> offsets;
  if (lhs.packing != Tiling::None) {
    Value k = phase.value(contraction.numTerms);
    Value number = phase.subtract(tile.rowPanel, lhs.firstPanel);
    Value panel = phase.add(phase.multiply(number, k), tile.firstK);
    Value base = phase.add(lhs.base, phase.multiply(panel, tiling.rows));
    for (int64_t row = 0; row < tile.rows; ++row)
      offsets.push_back({base, row});
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
          {phase.add(base, phase.multiply(tile.row, stride.factor)),
           row * stride.factor});
      continue;
    }
    offsets.push_back(
        {phase.add(base, phase.multiply(index, phase.value(stride))), 0});
  }
  return offsets;
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
  auto strideOf = [&](const Side &side) {
    return side.packing == Tiling::None
               ? phase.value(side.source.element->strides[contraction.axisK()])
               : phase.index(side.source.width);
  };
  Terms terms = {lhs.memory,
                 rowOffsets(tile),
                 strideOf(lhs),
                 rhs.memory,
                 columnOffset(phase, contraction, rhs, tile),
                 strideOf(rhs),
                 /*masksColumns=*/rhs.packing == Tiling::None};
  if (tiling.readsLongSums)
    terms.lastAhead = phase.subtract(
        phase.subtract(phase.value(contraction.numTerms), tile.firstK),
        phase.index(tiling.unroll));
  SmallVector<Value> initial = initialSums(tile);
  bool isFlat = lhs.packing != Tiling::None && rhs.packing != Tiling::None;
  if (isFlat || contraction.hasOneAxisK())
    return addTerms(tile, terms, tile.numK, contraction.numTerms, initial);
  // What is read where it lies is walked axis by axis.
  SmallVector<Value> indices(contraction.sizes.size());
  BatchSize size = contraction.sizes[contraction.axisK()];
  std::function<SmallVector<Value>(ArrayRef<unsigned>, Value, ValueRange)>
      walk = [&](ArrayRef<unsigned> axes, Value number, ValueRange sums) {
        if (axes.empty()) {
          Terms here = terms;
          for (auto &[place, behind] : here.rows)
            place = advanceAroundK(phase, lhs, place, indices, number);
          here.columns =
              advanceAroundK(phase, rhs, here.columns, indices, number);
          return addTerms(tile, here, phase.value(size), size, sums);
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
  storeSums(totals, waitingSums, tile.waiting);
}
