// The forward phase of attention: a block of queries after the other.
#include "codegen/cpu/AttentionPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnc;

/// A score below all that are seen, and the logarithm of no sum: as nnc.attend
/// has it.
static constexpr double kFloor = -1e30;

AttentionForward::AttentionForward(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                                   const AttentionKernel &attention,
                                   const AttentionTiling &tiling)
    : AttentionPhase(b, kernel, attention, tiling, "forward") {
  const AttentionSizes &sizes = attention.sizes;
  query = scratch(sizes.size, tiling.queries());
  mixed = scratch(sizes.valueSize, tiling.queries());
  weights = scratch(tiling.keys, tiling.queries());
  logarithms = scratch(1, tiling.queries());
  if (attention.elementType != compute) {
    wideKeys = scratch(tiling.keys, sizes.size);
    wideValues = scratch(tiling.keys, sizes.valueSize);
  }
  reserveScores();
}

/// Scores of a block of keys, and the largest of each query.
AttentionPhase::Values AttentionForward::emitScores(const Place &place,
                                                    Value firstKey,
                                                    Value numKeys,
                                                    ValueRange maxima) {
  int64_t size = attention.sizes.size;
  Matrix block =
      widened(keys(place).from(*this, firstKey), numKeys, size, wideKeys);
  Vectors queryRows{query, phase.index(0), tiling.vectors, tiling.lanes};
  auto emitTile = [&](Value row, int64_t rows, ValueRange carried) {
    Matrix own = block.from(*this, row);
    Factors factors{own.memory, own.first, own.stride, 1, own.element};
    Values scores = addProducts(factors, queryRows, phase.index(size),
                                zeros(rows * tiling.vectors));
    makeScores(place, firstKey, row, rows, scores, nullptr);
    Values largest(carried);
    for (int64_t i = 0; i < rows; ++i) {
      auto own = ArrayRef(scores).slice(i * tiling.vectors, tiling.vectors);
      storeRow(weights, phase.add(row, i), own);
      for (auto [most, score] : llvm::zip(largest, own))
        most = arith::MaxNumFOp::create(b, most, score);
    }
    return largest;
  };
  return forTiles(numKeys, attention.sizes.keys, maxima, emitTile);
}

/// Scores become weights before they are divided; what the totals are then.
AttentionPhase::Values AttentionForward::emitPowers(Value numKeys,
                                                    ValueRange maxima,
                                                    ValueRange totals) {
  return phase.loop(
      phase.index(0), numKeys, phase.index(1), totals,
      [&](Value row, ValueRange carried) {
        Values sums(carried), powers = loadRow(weights, row);
        for (auto [power, sum, most] : llvm::zip(powers, sums, maxima)) {
          power = exponential(subtract(power, most));
          sum = add(sum, power);
        }
        if (attention.dropout != 0.0)
          for (auto [power, keep] : llvm::zip(powers, keepFactors(row)))
            power = multiply(power, keep);
        storeRow(weights, row, powers);
        return sums;
      });
}

/// What is mixed so far, scaled, and the block's values.
void AttentionForward::emitValues(const Place &place, Value firstKey,
                                  Value numKeys, ValueRange scales) {
  int64_t size = attention.sizes.valueSize;
  Matrix block =
      widened(valuesOf(place).from(*this, firstKey), numKeys, size, wideValues);
  Vectors weightRows{weights, phase.index(0), tiling.vectors, tiling.lanes};
  auto emitTile = [&](Value row, int64_t rows, ValueRange) {
    Values sums;
    for (int64_t i = 0; i < rows; ++i)
      for (auto [sum, scale] :
           llvm::zip(loadRow(mixed, phase.add(row, i)), scales))
        sums.push_back(multiply(sum, scale));
    Factors factors{block.memory, phase.add(block.first, row), 1, block.stride,
                    block.element};
    sums = addProducts(factors, weightRows, numKeys, sums);
    for (int64_t i = 0; i < rows; ++i)
      storeRow(mixed, phase.add(row, i),
               ArrayRef(sums).slice(i * tiling.vectors, tiling.vectors));
    return Values();
  };
  forTiles(phase.index(size), size, {}, emitTile);
}

/// Carried are the maxima and the totals so far.
AttentionPhase::Values AttentionForward::emitBlock(const Place &place,
                                                   Value firstKey,
                                                   Value numKeys,
                                                   ValueRange carried) {
  ValueRange maxima = carried.take_front(tiling.vectors);
  prepareBlock(place, firstKey, numKeys);
  Values largest = emitScores(place, firstKey, numKeys, maxima);
  Values scales, totals;
  for (auto [before, most, total] :
       llvm::zip(maxima, largest, carried.drop_front(tiling.vectors))) {
    scales.push_back(exponential(subtract(before, most)));
    totals.push_back(multiply(total, scales.back()));
  }
  totals = emitPowers(numKeys, largest, totals);
  emitValues(place, firstKey, numKeys, scales);
  llvm::append_range(largest, totals);
  return largest;
}

void AttentionForward::emitResults(const Place &place, ValueRange maxima,
                                   ValueRange totals) {
  Values inverses, logs;
  Value zero = splat(constant(0.0)), one = splat(constant(1.0));
  for (auto [most, total] : llvm::zip(maxima, totals)) {
    Value isAny =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, total, zero);
    Value sum = arith::SelectOp::create(b, isAny, total, one);
    inverses.push_back(arith::DivFOp::create(b, one, sum));
    logs.push_back(add(most, math::LogOp::create(b, sum)));
  }
  auto resultType = [&](unsigned number) {
    return cast<RankedTensorType>(kernel.getFunctionType().getResult(number));
  };
  Matrix y =
      headOf({BufferRef::Result, 0}, resultType(0), place.sample, place.head)
          .from(*this, place.firstQuery);
  transposeOut(mixed, inverses, attention.sizes.valueSize, place.numQueries, y);
  storeRow(logarithms, phase.index(0), logs);
  Value lse = phase.buffer({BufferRef::Result, 1}, resultType(1));
  Value position = phase.add(phase.multiply(place.sample, attention.sizes.time),
                             place.firstQuery);
  phase.loop(phase.index(0), place.numQueries, 1, [&](Value lane) {
    Value value = loadScalar(logarithms.memory, lane, compute);
    Value at = phase.add(
        phase.multiply(phase.add(position, lane), attention.sizes.heads),
        place.head);
    storeScalar(lse, at, compute, value);
  });
}

void AttentionForward::emitQueries(const Place &place) {
  transposeIn(queries(place), place.numQueries, attention.sizes.size,
              attention.scale, query);
  fill(mixed, phase.index(attention.sizes.valueSize), tiling.queries());
  Values carried(tiling.vectors, splat(constant(kFloor)));
  llvm::append_range(carried, zeros(tiling.vectors));
  auto [from, to] = keyRange(place);
  carried = phase.loop(from, to, phase.index(tiling.keys), carried,
                       [&, to = to](Value firstKey, ValueRange values) {
                         Value numKeys =
                             phase.minimum(phase.subtract(to, firstKey),
                                           phase.index(tiling.keys));
                         return emitBlock(place, firstKey, numKeys, values);
                       });
  ValueRange values(carried);
  emitResults(place, values.take_front(tiling.vectors),
              values.drop_front(tiling.vectors));
}

void AttentionForward::emit(ScheduledKernel &scheduled) {
  const AttentionSizes &sizes = attention.sizes;
  int64_t blocks = llvm::divideCeil(sizes.time, tiling.queries());
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Place place;
    Value rest = phase.divide(index, blocks);
    place.firstQuery =
        phase.multiply(phase.remainder(index, blocks), tiling.queries());
    place.numQueries =
        phase.minimum(phase.subtract(phase.index(sizes.time), place.firstQuery),
                      phase.index(tiling.queries()));
    place.head = phase.remainder(rest, sizes.heads);
    place.kvHead = phase.divide(place.head, sizes.groups());
    place.sample = phase.divide(rest, sizes.heads);
    emitQueries(place);
  });
  scheduled.phases.push_back(
      phase.finish("attention", extentOf(sizes.heads * blocks), /*grain=*/1));
  scheduled.scratchBytes = scratchBytes;
}
