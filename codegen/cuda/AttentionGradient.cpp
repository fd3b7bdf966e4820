// The gradient of attention on a GPU: a phase whose blocks have tiles of keys,
// and one whose blocks have tiles of queries. Both compute scores anew.
#include "codegen/cuda/AttentionPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

GpuAttentionGradient::GpuAttentionGradient(
    ImplicitLocOpBuilder &b, func::FuncOp kernel, Operation *previous,
    const Twine &suffix, const AttentionKernel &attention,
    const GpuAttentionTile &tile, MakeScoreTiles makeTiles)
    : GpuAttentionPhase(b, kernel, previous, suffix, attention, tile),
      tiles(makeTiles(*this)) {
  tiles->reserve({sizes.size, sizes.valueSize});
}

/// Of the logarithm of the sum of its powers, which is in units of 1.
Value GpuAttentionGradient::baseOfWeights(const Place &place, Value query) {
  Value lse = numberOf(*attention.lse, place, query);
  return elementType() == compute ? lse
                                  : times(lse, constant(llvm::numbers::log2e));
}

/// What has the exponents of f32 is scaled last, once for all of a row.
static bool isScaledLast(Type elementType) {
  return elementType.isF32() || elementType.isBF16();
}

GpuAttentionPhase::Values GpuAttentionGradient::scaled(ValueRange sums) {
  if (!isScaledLast(elementType()))
    return Values(sums);
  Values factors(tiles->rows().size(), constant(attention.scale));
  return tiles->scaleRows(sums, factors);
}

GpuAttentionGradient::Weight
GpuAttentionGradient::weightOf(const Score &score, Value upstreamProduct,
                               Value base, Value delta) {
  Value kept = power(score.value, base);
  Weight weight{kept, {}};
  if (score.keep) {
    weight.kept = times(kept, score.keep);
    upstreamProduct = times(upstreamProduct, score.keep);
  }
  weight.gradient = times(kept, minus(upstreamProduct, delta));
  if (!isScaledLast(elementType()))
    weight.gradient = times(weight.gradient, constant(attention.scale));
  if (score.bend)
    weight.gradient = times(weight.gradient, score.bend);
  return weight;
}

//===----------------------------------------------------------------------===//
// By queries
//===----------------------------------------------------------------------===//

// What comes by.
enum : unsigned { kKeys, kValues };

GpuQueryGradient::GpuQueryGradient(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                                   Operation *previous,
                                   const AttentionKernel &attention,
                                   const GpuAttentionTile &tile,
                                   MakeScoreTiles makeTiles)
    : GpuAttentionGradient(b, kernel, previous, "queries", attention, tile,
                           makeTiles) {}

GpuAttentionPhase::Values GpuQueryGradient::addBlock(const Place &place,
                                                     Value firstQuery,
                                                     Value firstKey,
                                                     ValueRange sums) {
  Pairs pairs = pairsOf(tiles->rows(), tiles->columns(), firstQuery, firstKey,
                        /*rowsAreQueries=*/true);
  SmallVector<Score> scores =
      scoresOf(place, pairs, tiles->products(query, kKeys));
  Values upstream = tiles->products(dy, kValues), gradients;
  for (size_t at = 0; at < scores.size(); ++at) {
    size_t row = at / tiles->columns().size();
    gradients.push_back(
        weightOf(scores[at], upstream[at], bases[row], delta[row]).gradient);
  }
  return tiles->addWeighted(sums, gradients, kKeys);
}

Phase GpuQueryGradient::emit() {
  Value firstQuery;
  Place place = placeOfQueries(firstQuery);
  enter(place);
  query = tiles->hold(queries(place), firstQuery, kKeys);
  dy = tiles->hold(upstream(place), firstQuery, kValues);
  for (Value row : tiles->rows()) {
    Value at = add(firstQuery, row);
    bases.push_back(baseOfWeights(place, at));
    delta.push_back(numberOf(*attention.delta, place, at));
  }
  Values sums = tiles->forEach(
      keyRange(firstQuery), {keys(place), valuesOf(place)},
      tiles->zeroSums(sizes.size), [&](Value firstKey, ValueRange values) {
        return addBlock(place, firstQuery, firstKey, values);
      });
  tiles->storeRows(scaled(sums),
                   headOf({BufferRef::Result, 0}, place.sample, place.head),
                   firstQuery);
  return finish("attention", blocksOf(sizes.heads, sizes.time), tile.threads);
}

//===----------------------------------------------------------------------===//
// By keys and values
//===----------------------------------------------------------------------===//

// What comes by.
enum : unsigned { kQueries, kUpstream };

GpuKeyGradient::GpuKeyGradient(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                               const AttentionKernel &attention,
                               const GpuAttentionTile &tile,
                               MakeScoreTiles makeTiles)
    : GpuAttentionGradient(b, kernel, kernel, "keys", attention, tile,
                           makeTiles) {}

/// Sums are those of keys, then of values.
GpuAttentionPhase::Values GpuKeyGradient::addBlock(const Place &place,
                                                   Value firstQuery,
                                                   Value firstKey,
                                                   ValueRange sums) {
  Values bases, delta, kept, gradients;
  for (Value column : tiles->columns()) {
    Value at = add(firstQuery, column);
    bases.push_back(baseOfWeights(place, at));
    delta.push_back(numberOf(*attention.delta, place, at));
  }
  Pairs pairs = pairsOf(tiles->rows(), tiles->columns(), firstKey, firstQuery,
                        /*rowsAreQueries=*/false);
  SmallVector<Score> scores =
      scoresOf(place, pairs, tiles->products(key, kQueries));
  Values upstream = tiles->products(value, kUpstream);
  for (size_t at = 0; at < scores.size(); ++at) {
    size_t column = at % tiles->columns().size();
    Weight weight =
        weightOf(scores[at], upstream[at], bases[column], delta[column]);
    kept.push_back(weight.kept);
    gradients.push_back(weight.gradient);
  }
  size_t ofKeys = tiles->zeroSums(sizes.size).size();
  Values next =
      tiles->addWeighted(sums.take_front(ofKeys), gradients, kQueries);
  llvm::append_range(
      next, tiles->addWeighted(sums.drop_front(ofKeys), kept, kUpstream));
  return next;
}

/// What the queries of one head give to the keys that it reads.
GpuAttentionPhase::Values GpuKeyGradient::addHead(Place place, Value firstKey,
                                                  ValueRange sums) {
  enter(place);
  return tiles->forEach(queryRange(firstKey), {queries(place), upstream(place)},
                        sums, [&](Value firstQuery, ValueRange values) {
                          return addBlock(place, firstQuery, firstKey, values);
                        });
}

/// Each of q, k and v that is given has a result, in that order.
void GpuKeyGradient::storeResults(const Place &place, Value firstKey,
                                  ValueRange sums) {
  unsigned keyResult = attention.k ? 1 : 0;
  unsigned valueResult = keyResult + (attention.v ? 1 : 0);
  Value keyHead = attention.k ? place.kvHead : add(place.kvHead, sizes.heads);
  Value valueHead = attention.v ? place.kvHead : add(keyHead, sizes.kvHeads);
  size_t ofKeys = tiles->zeroSums(sizes.size).size();
  tiles->storeRows(
      scaled(sums.take_front(ofKeys)),
      headOf({BufferRef::Result, keyResult}, place.sample, keyHead), firstKey);
  tiles->storeRows(
      sums.drop_front(ofKeys),
      headOf({BufferRef::Result, valueResult}, place.sample, valueHead),
      firstKey);
}

Phase GpuKeyGradient::emit() {
  int64_t numTiles = llvm::divideCeil(sizes.keys, tile.rows);
  Value rest = divide(block(), numTiles);
  Value firstKey = multiply(remainder(block(), numTiles), tile.rows);
  Place place;
  place.kvHead = remainder(rest, sizes.kvHeads);
  place.sample = divide(rest, sizes.kvHeads);
  key = tiles->hold(keys(place), firstKey, kQueries);
  value = tiles->hold(valuesOf(place), firstKey, kUpstream);
  Values zeros = tiles->zeroSums(sizes.size);
  llvm::append_range(zeros, tiles->zeroSums(sizes.valueSize));
  Value firstHead = multiply(place.kvHead, sizes.groups());
  Values sums = loop(index(0), index(sizes.groups()), index(1), zeros,
                     [&](Value group, ValueRange values) {
                       place.head = add(firstHead, group);
                       return addHead(place, firstKey, values);
                     });
  storeResults(place, firstKey, sums);
  return finish("attention", blocksOf(sizes.kvHeads, sizes.keys), tile.threads);
}
