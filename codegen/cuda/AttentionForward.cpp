// The forward phase of attention on a GPU: a tile of queries a block.
#include "codegen/cuda/AttentionPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnc;

/// A score below all that are seen, and the logarithm of no sum: as nnc.attend
/// has it.
static constexpr double kFloor = -1e30;

GpuAttentionForward::GpuAttentionForward(ImplicitLocOpBuilder &b,
                                         func::FuncOp kernel,
                                         const AttentionKernel &attention,
                                         const GpuAttentionTile &tile)
    : GpuAttentionPhase(b, kernel, kernel, "forward", attention, tile),
      query(rows(tile.rows, sizes.size)), key(rows(tile.columns, sizes.size)),
      value(rows(tile.columns, sizes.valueSize)),
      weights(rows(tile.rows, tile.columns)) {}

/// Puts the weights of a tile, before they are divided, into shared memory;
/// what all that was summed up before is scaled by, a row at a time.
GpuAttentionPhase::Values GpuAttentionForward::emitWeights(const Place &place,
                                                           Value firstQuery,
                                                           Value firstKey,
                                                           Values &maxima,
                                                           Values &totals) {
  Values tileProducts = products(query, key), all, scales;
  auto larger = [&](Value lhs, Value rhs) -> Value {
    return arith::MaxNumFOp::create(b, lhs, rhs);
  };
  for (int64_t i = 0; i < tile.ownRows(); ++i) {
    SmallVector<Score> row;
    Value most = maxima[i];
    for (int64_t j = 0; j < tile.ownColumns(); ++j) {
      row.push_back(scoreOf(place, add(firstQuery, rowOf(i)),
                            add(firstKey, columnOf(j)),
                            tileProducts[i * tile.ownColumns() + j]));
      most = larger(most, row.back().value);
    }
    most = acrossLanes(most, larger);
    scales.push_back(exponential(minus(maxima[i], most)));
    maxima[i] = most;
    totals[i] = times(totals[i], scales.back());
    for (const Score &score : row) {
      Value power = exponential(minus(score.value, most));
      totals[i] = plus(totals[i], power);
      all.push_back(score.keep ? times(power, score.keep) : power);
    }
  }
  put(all, weights);
  return scales;
}

/// Carried are maxima, each lane's part of the totals, and what is mixed.
GpuAttentionPhase::Values GpuAttentionForward::addBlock(const Place &place,
                                                        Value firstQuery,
                                                        Value firstKey,
                                                        ValueRange carried) {
  int64_t numRows = tile.ownRows();
  // All have read what was there before.
  barrier();
  fill(key, keys(place), firstKey);
  fill(value, valuesOf(place), firstKey);
  barrier();
  Values maxima(carried.take_front(numRows));
  Values totals(carried.slice(numRows, numRows));
  Values mixed(carried.drop_front(2 * numRows));
  Values scales = emitWeights(place, firstQuery, firstKey, maxima, totals);
  barrier();
  for (auto [i, sum] : llvm::enumerate(mixed))
    sum = times(sum, scales[i / (mixed.size() / numRows)]);
  Values next = maxima;
  llvm::append_range(next, totals);
  llvm::append_range(next, addWeighted(mixed, weights, value));
  return next;
}

void GpuAttentionForward::storeResults(const Place &place, Value firstQuery,
                                       ValueRange carried) {
  int64_t numRows = tile.ownRows();
  Values mixed(carried.drop_front(2 * numRows));
  auto lseType = cast<RankedTensorType>(kernel.getFunctionType().getResult(1));
  Value one = constant(1.0);
  for (int64_t i = 0; i < numRows; ++i) {
    Value total = acrossLanes(carried[numRows + i], [&](Value lhs, Value rhs) {
      return plus(lhs, rhs);
    });
    Value isAny = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, total,
                                        constant(0.0));
    Value sum = arith::SelectOp::create(b, isAny, total, one);
    Value inverse = arith::DivFOp::create(b, one, sum);
    int64_t perRow = int64_t(mixed.size()) / numRows;
    for (int64_t j = 0; j < perRow; ++j)
      mixed[i * perRow + j] = times(mixed[i * perRow + j], inverse);
    Value logarithm = plus(carried[i], math::LogOp::create(b, sum));
    Value at = add(firstQuery, rowOf(i));
    Value isFirst = isEqual(columnOf(0), index(0));
    when(both(isFirst, isLess(at, index(sizes.time))), [&] {
      Value row = add(multiply(place.sample, sizes.time), at);
      store(logarithm, {BufferRef::Result, 1}, lseType,
            add(multiply(row, sizes.heads), place.head));
    });
  }
  storeRows(mixed, headOf({BufferRef::Result, 0}, place.sample, place.head),
            firstQuery);
}

Phase GpuAttentionForward::emit() {
  Value firstQuery;
  Place place = placeOfQueries(firstQuery);
  enter(place);
  fill(query, queries(place), firstQuery);
  Values carried(tile.ownRows(), constant(kFloor));
  carried.append(tile.ownRows(), constant(0.0));
  llvm::append_range(carried, zeroSums(sizes.valueSize));
  auto [from, to] = keyRange(firstQuery);
  carried = loop(from, to, index(tile.columns), carried,
                 [&](Value firstKey, ValueRange values) {
                   return addBlock(place, firstQuery, firstKey, values);
                 });
  storeResults(place, firstQuery, carried);
  return finish("attention", blocksOf(sizes.heads, sizes.time),
                GpuAttentionTile::kThreads);
}
