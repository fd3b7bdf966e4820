// The forward phase of attention on a GPU: a tile of queries a block.
#include "codegen/cuda/AttentionPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nnc;

/// A score below all that are seen, and the logarithm of no sum: as nnc.attend
/// has it.
static constexpr double kFloor = -1e30;

// What comes by.
enum : unsigned { kKeys, kValues };

GpuAttentionForward::GpuAttentionForward(ImplicitLocOpBuilder &b,
                                         func::FuncOp kernel,
                                         const AttentionKernel &attention,
                                         const GpuAttentionTile &tile,
                                         MakeScoreTiles makeTiles)
    : GpuAttentionPhase(b, kernel, kernel, "forward", attention, tile),
      tiles(makeTiles(*this)) {
  tiles->reserve({sizes.size, sizes.valueSize});
}

/// The weights of a tile before they are divided, and for each row what all
/// that was summed up before is scaled by.
GpuAttentionPhase::Values GpuAttentionForward::weigh(ArrayRef<Score> scores,
                                                     Values &maxima,
                                                     Values &totals,
                                                     Values &scales) {
  auto larger = [&](Value lhs, Value rhs) -> Value {
    return arith::MaxNumFOp::create(b, lhs, rhs);
  };
  size_t numColumns = tiles->columns().size();
  Values weights;
  for (size_t i = 0; i < tiles->rows().size(); ++i) {
    ArrayRef<Score> row = scores.slice(i * numColumns, numColumns);
    Value most = maxima[i];
    for (const Score &score : row)
      most = larger(most, score.value);
    most = tiles->alongRow(most, larger);
    Value base = baseOf(most);
    scales.push_back(power(maxima[i], base));
    maxima[i] = most;
    totals[i] = times(totals[i], scales.back());
    for (const Score &score : row) {
      Value weight = power(score.value, base);
      totals[i] = plus(totals[i], weight);
      weights.push_back(score.keep ? times(weight, score.keep) : weight);
    }
  }
  return weights;
}

/// Carried are maxima, each thread's part of the totals, and what is mixed.
GpuAttentionPhase::Values GpuAttentionForward::addBlock(const Place &place,
                                                        Value firstQuery,
                                                        Value firstKey,
                                                        ValueRange carried) {
  size_t numRows = tiles->rows().size();
  Values maxima(carried.take_front(numRows)), scales;
  Values totals(carried.slice(numRows, numRows));
  Pairs pairs = pairsOf(tiles->rows(), tiles->columns(), firstQuery, firstKey,
                        /*rowsAreQueries=*/true);
  Values weights = weigh(scoresOf(place, pairs, tiles->products(query, kKeys)),
                         maxima, totals, scales);
  Values mixed = tiles->scaleRows(carried.drop_front(2 * numRows), scales);
  Values next = maxima;
  llvm::append_range(next, totals);
  llvm::append_range(next, tiles->addWeighted(mixed, weights, kValues));
  return next;
}

void GpuAttentionForward::storeResults(const Place &place, Value firstQuery,
                                       ValueRange carried) {
  size_t numRows = tiles->rows().size();
  auto lseType = cast<RankedTensorType>(kernel.getFunctionType().getResult(1));
  Value one = constant(1.0), isFirst = tiles->isFirstOfRow();
  Values inverses;
  for (size_t i = 0; i < numRows; ++i) {
    Value total =
        tiles->alongRow(carried[numRows + i],
                        [&](Value lhs, Value rhs) { return plus(lhs, rhs); });
    Value isAny = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, total,
                                        constant(0.0));
    Value sum = arith::SelectOp::create(b, isAny, total, one);
    inverses.push_back(arith::DivFOp::create(b, one, sum));
    Value most = times(carried[i], constant(scoreUnit()));
    Value logarithm = plus(most, math::LogOp::create(b, sum));
    Value at = add(firstQuery, tiles->rows()[i]);
    when(both(isFirst, isLess(at, index(sizes.time))), [&] {
      Value row = add(multiply(place.sample, sizes.time), at);
      store(logarithm, {BufferRef::Result, 1}, lseType,
            add(multiply(row, sizes.heads), place.head));
    });
  }
  tiles->storeRows(tiles->scaleRows(carried.drop_front(2 * numRows), inverses),
                   headOf({BufferRef::Result, 0}, place.sample, place.head),
                   firstQuery);
}

Phase GpuAttentionForward::emit() {
  Value firstQuery;
  Place place = placeOfQueries(firstQuery);
  enter(place);
  query = tiles->hold(queries(place), firstQuery, kKeys);
  size_t numRows = tiles->rows().size();
  Values carried(numRows, constant(kFloor / scoreUnit()));
  carried.append(numRows, constant(0.0));
  llvm::append_range(carried, tiles->zeroSums(sizes.valueSize));
  carried =
      tiles->forEach(keyRange(firstQuery), {keys(place), valuesOf(place)},
                     carried, [&](Value firstKey, ValueRange values) {
                       return addBlock(place, firstQuery, firstKey, values);
                     });
  storeResults(place, firstQuery, carried);
  return finish("attention", blocksOf(sizes.heads, sizes.time), tile.threads);
}
