// See Microtile.h.
#include "codegen/cpu/Microtile.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

PanelRange nnc::shareOf(ContractionPhase &phase, Value panels, Value index,
                        int64_t count) {
  if (count == 1)
    return {phase.index(0), panels};
  auto start = [&](Value share) {
    return phase.divide(phase.multiply(panels, share), count);
  };
  return {start(index), start(phase.add(index, 1))};
}

Value nnc::takeDigit(ContractionPhase &phase, Value &index, Value count) {
  ImplicitLocOpBuilder &b = phase.b;
  Value digit = b.createOrFold<arith::RemUIOp>(index, count);
  index = b.createOrFold<arith::DivUIOp>(index, count);
  return digit;
}

void nnc::forEachPanel(ContractionPhase &phase, const PanelSource &source,
                       PanelRange panels,
                       llvm::function_ref<void(Value, bool)> emitPanel) {
  Value numWhole = phase.divide(phase.value(source.size()), source.width);
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

void MicrotilePhase::setColumns(Microtile &tile, Value panel, bool isTail) {
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

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Value MicrotilePhase::takeScratch(int64_t count) {
  int64_t offsetBytes = kernel.scratchBytes;
  kernel.scratchBytes += llvm::alignTo(count * bytes(), 64);
  return phase.scratch(offsetBytes, count);
}

Value MicrotilePhase::zeroVector() {
  return arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
}

SmallVector<Value> MicrotilePhase::zeroSums(const Microtile &tile) {
  return SmallVector<Value>(tile.rows * tile.vectors, zeroVector());
}

SmallVector<Value> MicrotilePhase::loadSums(const Microtile &tile, Value memory,
                                            Value offset) {
  SmallVector<Value> sums;
  for (int64_t i = 0; i < tile.rows * tile.vectors; ++i)
    sums.push_back(loadVector(b, phase.loc(), memory,
                              phase.add(offset, i * tiling.lanes), tiling.lanes,
                              contraction.type));
  return sums;
}

void MicrotilePhase::storeSums(ValueRange sums, Value memory, Value offset) {
  for (auto [i, sum] : llvm::enumerate(sums))
    storeVector(b, phase.loc(), sum, memory,
                phase.add(offset, i * tiling.lanes));
}

Terms Terms::withRowsMoved(ContractionPhase &phase, Value step) const {
  Terms moved = *this;
  Value before, after;
  for (auto &[place, behind] : moved.rows) {
    if (place != before) {
      before = place;
      after = phase.add(place, step);
    }
    place = after;
  }
  return moved;
}

SmallVector<std::pair<Value, int64_t>>
MicrotilePhase::rowsInPlace(const Microtile &tile, Value first,
                            ArrayRef<BatchSize> strides) {
  unsigned m = contraction.axisM();
  SmallVector<std::pair<Value, int64_t>> rows;
  for (int64_t row = 0; row < tile.rows; ++row) {
    int64_t line = row / tile.width, along = row % tile.width;
    int64_t behind = along * strides[m].factor;
    if (line)
      behind += line * strides[m - 1].factor;
    rows.push_back({first, behind});
  }
  return rows;
}

PanelRange MicrotilePhase::withoutZeros(const ZeroTerms &zero, Value row,
                                        PanelRange range) {
  auto atLeastZero = [&](Value value) {
    return b.createOrFold<arith::MaxSIOp>(value, phase.index(0));
  };
  int64_t step = std::abs(zero.strideK), last = zero.size - 1;
  // Of the element for k = 0: it is `before` the first that is no padding, and
  // `behind` the last.
  Value at =
      phase.add(phase.multiply(row, zero.rowStride), phase.index(zero.base));
  Value before = phase.subtract(phase.index(0), at),
        behind = phase.subtract(at, phase.index(last));
  if (zero.strideK < 0)
    std::swap(before, behind);
  Value from = phase.divideUp(atLeastZero(before), step);
  // Steps that are left until the other end is reached.
  Value left =
      atLeastZero(phase.add(phase.subtract(phase.index(0), behind), step));
  Value to = phase.divide(left, step);
  PanelRange kept = {b.createOrFold<arith::MaxSIOp>(range.from, from),
                     phase.minimum(range.to, to)};
  kept.to = b.createOrFold<arith::MaxSIOp>(kept.from, kept.to);
  return kept;
}

// Neumaier's sum (1974, doi:10.1002/zamm.19740540106), with the error of an
// addition whichever term is larger (Knuth, TAOCP vol. 2, 4.2.2, theorem B).
void MicrotilePhase::addWithoutError(Value &total, Value &lost, Value sum) {
  Value before = total;
  total = arith::AddFOp::create(b, before, sum);
  Value back = arith::SubFOp::create(b, total, before);
  Value error = arith::AddFOp::create(
      b,
      arith::SubFOp::create(b, before, arith::SubFOp::create(b, total, back)),
      arith::SubFOp::create(b, sum, back));
  lost = arith::AddFOp::create(b, lost, error);
}

Value MicrotilePhase::withLostPart(Value total, Value lost) {
  // An infinite total has lost nothing, or NaN.
  Value isNumber =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, lost, lost);
  Value whole = arith::AddFOp::create(b, total, lost);
  return arith::SelectOp::create(b, isNumber, whole, total);
}

/// The tile's columns at step `k`.
SmallVector<Value> MicrotilePhase::readRow(const Microtile &tile,
                                           const Terms &terms, Value k) {
  Value index = phase.add(terms.columns, phase.multiply(k, terms.rhsStride));
  SmallVector<Value> row;
  for (int64_t q = 0; q < tile.vectors; ++q)
    row.push_back(loadVector(b, phase.loc(), terms.rhs,
                             phase.add(index, q * tiling.lanes), tiling.lanes,
                             contraction.type,
                             terms.masksColumns ? tile.masks[q] : Value()));
  return row;
}

/// Asks for the terms of step `later`.
void MicrotilePhase::prefetchTerms(const Microtile &tile, const Terms &terms,
                                   Value later) {
  auto ask = [&](Value memory, Value place) {
    memref::PrefetchOp::create(b, memory, place, /*isWrite=*/false,
                               /*localityHint=*/3, /*isDataCache=*/true);
  };
  Value column =
      phase.add(terms.columns, phase.multiply(later, terms.rhsStride));
  for (int64_t q = 0; q < tile.vectors; q += vectorsOfLine())
    ask(terms.rhs, phase.add(column, q * tiling.lanes));
  Terms there =
      terms.withRowsMoved(phase, phase.multiply(later, terms.lhsStride));
  ask(terms.lhs,
      phase.add(there.rows.front().first, there.rows.front().second));
  if (tile.rows * bytes() > kLineBytes / 2) // likely in two lines
    ask(terms.lhs,
        phase.add(there.rows.back().first, there.rows.back().second));
}

SmallVector<Value> MicrotilePhase::addTerms(const Microtile &tile,
                                            const Terms &terms, Value count,
                                            BatchSize size, ValueRange sums) {
  auto step = [&](Value k, SmallVector<Value> &sums) {
    SmallVector<Value> right = readRow(tile, terms, k);
    Terms here = terms.withRowsMoved(phase, phase.multiply(k, terms.lhsStride));
    for (int64_t row = 0; row < tile.rows; ++row) {
      auto [place, behind] = here.rows[row];
      Value index = phase.add(place, behind);
      Value scalar = memref::LoadOp::create(b, terms.lhs, index);
      Value factor = vector::BroadcastOp::create(b, vectorType(), scalar);
      for (int64_t q = 0; q < tile.vectors; ++q) {
        Value &sum = sums[row * tile.vectors + q];
        sum = vector::FMAOp::create(b, factor, right[q], sum);
      }
    }
  };
  // So many steps ahead as are summed while memory answers.
  constexpr int64_t kStepsAhead = 32;
  auto ahead = [&](Value k, int64_t count) {
    Value later = phase.minimum(phase.add(k, kStepsAhead), terms.lastAhead);
    for (int64_t u = 0; u < count; ++u)
      prefetchTerms(tile, terms, phase.add(later, u));
  };
  auto steps = [&](Value from, Value to, int64_t count, ValueRange initial) {
    return phase.loop(from, to, phase.index(count), initial,
                      [&](Value k, ValueRange carried) {
                        SmallVector<Value> sums(carried);
                        if (terms.lastAhead)
                          ahead(k, count);
                        for (int64_t u = 0; u < count; ++u)
                          step(phase.add(k, u), sums);
                        return sums;
                      });
  };
  int64_t unroll = tiling.unroll;
  Value whole = phase.multiply(phase.divide(count, unroll), unroll);
  SmallVector<Value> totals = steps(phase.index(0), whole, unroll, sums);
  if (!size.isStatic() || size.factor % unroll)
    totals = steps(whole, count, 1, totals);
  return totals;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Operands of the epilogue for which `isWanted` holds.
static void collectElements(const Element *element,
                            llvm::function_ref<bool(const Element *)> isWanted,
                            SmallVectorImpl<const Element *> &found) {
  if (element->operand && isWanted(element) &&
      !llvm::is_contained(found, element))
    found.push_back(element);
  for (const Element *input : element->inputs)
    if (input)
      collectElements(input, isWanted, found);
}

void MicrotilePhase::prepareEpilogue() {
  for (const Element *result : contraction.results) {
    phase.emitUniform(result);
    collectElements(
        result,
        [&](const Element *element) { // bias vectors
          return element->axes == 1u << contraction.axisN();
        },
        columnElements);
    collectElements(
        result,
        [&](const Element *element) {
          return element->dependsOn(contraction.axisM()) &&
                 element->strides[contraction.axisN()].isOne();
        },
        rowElements);
  }
  stagedSums = takeScratch(sumsOfTile());
}

Point MicrotilePhase::pointOf(const Microtile &tile, Value row,
                              int64_t vector) {
  Point point;
  point.indices = outer;
  if (row) {
    unsigned m = contraction.axisM();
    Value along = row;
    if (tile.width < tile.rows) {
      along = phase.remainder(row, tile.width);
      point.indices[m - 1] =
          phase.add(outer[m - 1], phase.divide(row, tile.width));
    }
    point.indices[m] = phase.add(tile.row, along);
  }
  point.indices[contraction.axisN()] =
      phase.add(tile.column, vector * tiling.lanes);
  point.vectorAxis = contraction.axisN();
  point.lanes = tiling.lanes;
  point.mask = tile.masks[vector];
  return point;
}

/// What is the same for all rows, read once.
SmallVector<ElementCache>
MicrotilePhase::emitColumnElements(const Microtile &tile) {
  SmallVector<ElementCache> caches(tile.vectors);
  for (int64_t q = 0; q < tile.vectors; ++q)
    for (const Element *element : columnElements)
      phase.element(element, pointOf(tile, Value(), q), caches[q]);
  return caches;
}

/// The results of row number `row` of the tile.
void MicrotilePhase::emitRow(const Microtile &tile, Value row, ValueRange sums,
                             ArrayRef<ElementCache> columnCaches) {
  for (int64_t q = 0; q < tile.vectors; ++q)
    phase.storeResults(pointOf(tile, row, q), sums[q], columnCaches[q]);
}

void MicrotilePhase::prefetchRows(const Microtile &tile) {
  // Sums of fewer terms are over before anything arrives.
  constexpr int64_t kFewTerms = 32;
  if (tile.numRows || contraction.numTerms.estimate(kFewTerms) < kFewTerms)
    return;
  for (const Element *element : rowElements)
    for (int64_t row = 0; row < tile.rows; ++row)
      for (int64_t q = 0; q < tile.vectors; q += vectorsOfLine())
        if (!tile.masks[q])
          phase.prefetch(*element, pointOf(tile, phase.index(row), q));
}

void MicrotilePhase::emitEpilogue(const Microtile &tile, ValueRange sums) {
  if (tiling.stageEpilogue || tile.firstRow || tile.numRows)
    return emitStagedEpilogue(tile, sums);
  SmallVector<ElementCache> columnCaches = emitColumnElements(tile);
  for (int64_t row = 0; row < tile.rows; ++row)
    emitRow(tile, phase.index(row),
            sums.slice(row * tile.vectors, tile.vectors), columnCaches);
}

void MicrotilePhase::emitStagedEpilogue(const Microtile &tile,
                                        ValueRange sums) {
  storeSums(sums, stagedSums, phase.index(0));
  SmallVector<ElementCache> columnCaches = emitColumnElements(tile);
  Value numRows = tile.numRows ? tile.numRows : phase.index(tile.rows);
  Value firstRow = tile.firstRow ? tile.firstRow : phase.index(0);
  phase.loop(firstRow, numRows, 1, [&](Value row) {
    SmallVector<Value> staged;
    Value offset = phase.multiply(row, tile.vectors * tiling.lanes);
    for (int64_t q = 0; q < tile.vectors; ++q)
      staged.push_back(loadVector(b, phase.loc(), stagedSums,
                                  phase.add(offset, q * tiling.lanes),
                                  tiling.lanes, contraction.type));
    emitRow(tile, row, staged, columnCaches);
  });
}
