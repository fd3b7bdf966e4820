// The gradient of attention on a GPU: a phase whose blocks have tiles of keys,
// and one whose blocks have tiles of queries. Both compute scores anew.
#include "codegen/cuda/AttentionPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

GpuAttentionGradient::GpuAttentionGradient(ImplicitLocOpBuilder &b,
                                           func::FuncOp kernel,
                                           Operation *previous,
                                           const Twine &suffix,
                                           const AttentionKernel &attention,
                                           const GpuAttentionTile &tile)
    : GpuAttentionPhase(b, kernel, previous, suffix, attention, tile) {}

GpuAttentionGradient::Weight
GpuAttentionGradient::weightOf(const Place &place, Value query, Value key,
                               Value product, Value upstreamProduct, Value lse,
                               Value delta) {
  Score score = scoreOf(place, query, key, product);
  Value power = exponential(minus(score.value, lse));
  Weight weight{power, {}};
  if (score.keep) {
    weight.kept = times(power, score.keep);
    upstreamProduct = times(upstreamProduct, score.keep);
  }
  weight.gradient = times(times(power, minus(upstreamProduct, delta)),
                          constant(attention.scale));
  if (score.bend)
    weight.gradient = times(weight.gradient, score.bend);
  return weight;
}

//===----------------------------------------------------------------------===//
// By queries
//===----------------------------------------------------------------------===//

GpuQueryGradient::GpuQueryGradient(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                                   Operation *previous,
                                   const AttentionKernel &attention,
                                   const GpuAttentionTile &tile)
    : GpuAttentionGradient(b, kernel, previous, "queries", attention, tile),
      query(rows(tile.rows, sizes.size)), dy(rows(tile.rows, sizes.valueSize)),
      key(rows(tile.columns, sizes.size)),
      value(rows(tile.columns, sizes.valueSize)),
      scores(rows(tile.rows, tile.columns)) {}

GpuAttentionPhase::Values GpuQueryGradient::addBlock(const Place &place,
                                                     Value firstQuery,
                                                     Value firstKey,
                                                     ValueRange sums) {
  // All have read what was there before.
  barrier();
  fill(key, keys(place), firstKey);
  fill(value, valuesOf(place), firstKey);
  barrier();
  Values ofKeys = products(query, key), ofValues = products(dy, value),
         gradients;
  for (int64_t i = 0; i < tile.ownRows(); ++i)
    for (int64_t j = 0; j < tile.ownColumns(); ++j) {
      size_t at = gradients.size();
      gradients.push_back(weightOf(place, add(firstQuery, rowOf(i)),
                                   add(firstKey, columnOf(j)), ofKeys[at],
                                   ofValues[at], lse[i], delta[i])
                              .gradient);
    }
  put(gradients, scores);
  barrier();
  return addWeighted(sums, scores, key);
}

Phase GpuQueryGradient::emit() {
  Value firstQuery;
  Place place = placeOfQueries(firstQuery);
  enter(place);
  fill(query, queries(place), firstQuery);
  fill(dy, upstream(place), firstQuery);
  for (int64_t i = 0; i < tile.ownRows(); ++i) {
    Value at = add(firstQuery, rowOf(i));
    lse.push_back(numberOf(*attention.lse, place, at));
    delta.push_back(numberOf(*attention.delta, place, at));
  }
  auto [from, to] = keyRange(firstQuery);
  Values sums = loop(from, to, index(tile.columns), zeroSums(sizes.size),
                     [&](Value firstKey, ValueRange values) {
                       return addBlock(place, firstQuery, firstKey, values);
                     });
  storeRows(sums, headOf({BufferRef::Result, 0}, place.sample, place.head),
            firstQuery);
  return finish("attention", blocksOf(sizes.heads, sizes.time),
                GpuAttentionTile::kThreads);
}

//===----------------------------------------------------------------------===//
// By keys and values
//===----------------------------------------------------------------------===//

GpuKeyGradient::GpuKeyGradient(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                               const AttentionKernel &attention,
                               const GpuAttentionTile &tile)
    : GpuAttentionGradient(b, kernel, kernel, "keys", attention, tile),
      key(rows(tile.rows, sizes.size)), value(rows(tile.rows, sizes.valueSize)),
      query(rows(tile.columns, sizes.size)),
      dy(rows(tile.columns, sizes.valueSize)),
      weights(rows(tile.rows, tile.columns)),
      scores(rows(tile.rows, tile.columns)) {}

/// Weights of a tile and gradients of its scores, to shared memory.
void GpuKeyGradient::emitTile(const Place &place, Value firstQuery,
                              Value firstKey) {
  Values ofKeys = products(key, query), ofValues = products(value, dy);
  Values lse, delta, kept, gradients;
  for (int64_t j = 0; j < tile.ownColumns(); ++j) {
    Value at = add(firstQuery, columnOf(j));
    lse.push_back(numberOf(*attention.lse, place, at));
    delta.push_back(numberOf(*attention.delta, place, at));
  }
  for (int64_t i = 0; i < tile.ownRows(); ++i)
    for (int64_t j = 0; j < tile.ownColumns(); ++j) {
      size_t at = kept.size();
      Weight weight =
          weightOf(place, add(firstQuery, columnOf(j)), add(firstKey, rowOf(i)),
                   ofKeys[at], ofValues[at], lse[j], delta[j]);
      kept.push_back(weight.kept);
      gradients.push_back(weight.gradient);
    }
  put(kept, weights);
  put(gradients, scores);
}

/// Sums are those of keys, then of values.
GpuAttentionPhase::Values GpuKeyGradient::addBlock(const Place &place,
                                                   Value firstQuery,
                                                   Value firstKey,
                                                   ValueRange sums) {
  // All have read what was there before.
  barrier();
  fill(query, queries(place), firstQuery);
  fill(dy, upstream(place), firstQuery);
  barrier();
  emitTile(place, firstQuery, firstKey);
  barrier();
  size_t ofKeys = zeroSums(sizes.size).size();
  Values next = addWeighted(sums.take_front(ofKeys), scores, query);
  llvm::append_range(next, addWeighted(sums.drop_front(ofKeys), weights, dy));
  return next;
}

/// What the queries of one head give to the keys that it reads.
GpuAttentionPhase::Values GpuKeyGradient::addHead(Place place, Value firstKey,
                                                  ValueRange sums) {
  enter(place);
  auto [from, to] = queryRange(firstKey);
  return loop(from, to, index(tile.columns), sums,
              [&](Value firstQuery, ValueRange values) {
                return addBlock(place, firstQuery, firstKey, values);
              });
}

Phase GpuKeyGradient::emit() {
  int64_t tiles = llvm::divideCeil(sizes.keys, tile.rows);
  Value rest = divide(block(), tiles);
  Value firstKey = multiply(remainder(block(), tiles), tile.rows);
  Place place;
  place.kvHead = remainder(rest, sizes.kvHeads);
  place.sample = divide(rest, sizes.kvHeads);
  fill(key, keys(place), firstKey);
  fill(value, valuesOf(place), firstKey);
  Values zeros = zeroSums(sizes.size);
  size_t ofKeys = zeros.size();
  llvm::append_range(zeros, zeroSums(sizes.valueSize));
  Value firstHead = multiply(place.kvHead, sizes.groups());
  Values sums = loop(index(0), index(sizes.groups()), index(1), zeros,
                     [&](Value group, ValueRange values) {
                       place.head = add(firstHead, group);
                       return addHead(place, firstKey, values);
                     });
  // Each of q, k and v that is given has a result, in that order.
  unsigned keyResult = attention.k ? 1 : 0;
  unsigned valueResult = keyResult + (attention.v ? 1 : 0);
  Value keyHead = attention.k ? place.kvHead : add(place.kvHead, sizes.heads);
  Value valueHead = attention.v ? place.kvHead : add(keyHead, sizes.kvHeads);
  ValueRange all(sums);
  storeRows(all.take_front(ofKeys),
            headOf({BufferRef::Result, keyResult}, place.sample, keyHead),
            firstKey);
  storeRows(all.drop_front(ofKeys),
            headOf({BufferRef::Result, valueResult}, place.sample, valueHead),
            firstKey);
  return finish("attention", blocksOf(sizes.kvHeads, sizes.keys),
                GpuAttentionTile::kThreads);
}
