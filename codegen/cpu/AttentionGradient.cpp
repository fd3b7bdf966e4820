// The gradient of attention: for a head of keys, one block of queries by keys
// after the other, in an order that no number of threads changes.
#include "codegen/cpu/AttentionPhases.h"

#include "codegen/Vectorize.h"

using namespace mlir;
using namespace nnc;

AttentionGradient::AttentionGradient(ImplicitLocOpBuilder &b,
                                     func::FuncOp kernel,
                                     const AttentionKernel &attention,
                                     const AttentionTiling &tiling)
    : AttentionPhase(b, kernel, attention, tiling, "gradient"),
      isNarrow(attention.elementType != compute) {
  const AttentionSizes &sizes = attention.sizes;
  query = scratch(sizes.size, tiling.queries());
  queryGradient = scratch(sizes.size, tiling.queries());
  upstream = scratch(sizes.valueSize, tiling.queries());
  weights = scratch(tiling.keys, tiling.queries());
  scores = scratch(tiling.keys, tiling.queries());
  powers = scratch(tiling.rows, tiling.queries());
  if (attention.softCap)
    bends = scratch(tiling.rows, tiling.queries());
  rows = scratch(2, tiling.queries());
  if (isNarrow) {
    wideKeys = scratch(tiling.keys, sizes.size);
    wideValues = scratch(tiling.keys, sizes.valueSize);
    wideQueries = scratch(tiling.queries(), sizes.size);
    wideUpstream = scratch(tiling.queries(), sizes.valueSize);
    keySums = scratch(sizes.keys, sizes.size);
    valueSums = scratch(sizes.keys, sizes.valueSize);
  }
  reserveScores();
}

AttentionPhase::Matrix
AttentionGradient::resultHead(unsigned number, const Place &place, Value head) {
  auto type =
      cast<RankedTensorType>(kernel.getFunctionType().getResult(number));
  return headOf({BufferRef::Result, number}, type, place.sample, head);
}

// Each of q, k and v that is given has a result, in that order.
AttentionPhase::Matrix AttentionGradient::keyGradient(const Place &place) {
  return resultHead(attention.k ? 1 : 0, place,
                    phase.add(place.kvHead, keyOperand().second));
}

AttentionPhase::Matrix AttentionGradient::valueGradient(const Place &place) {
  return resultHead(attention.v   ? 2
                    : attention.k ? 1
                                  : 0,
                    place, phase.add(place.kvHead, valueOperand().second));
}

/// lse and delta of the block's queries; those that do not exist have the
/// last's.
void AttentionGradient::loadRows(const Place &place) {
  Value last = phase.subtract(place.numQueries, phase.index(1));
  Value position = phase.add(phase.multiply(place.sample, attention.sizes.time),
                             place.firstQuery);
  auto load = [&](unsigned number, const Matrix &row) {
    phase.loop(phase.index(0), phase.index(tiling.queries()), 1,
               [&](Value lane) {
                 Value query = phase.add(position, phase.minimum(lane, last));
                 Value from = phase.add(
                     phase.multiply(query, attention.sizes.heads), place.head);
                 storeScalar(row.memory, phase.add(row.first, lane), compute,
                             loadScalar(operand(number), from, compute));
               });
  };
  load(*attention.lse, rows);
  load(*attention.delta, rows.from(*this, phase.index(1)));
}

/// Weights of a tile, from its products of queries and keys.
void AttentionGradient::emitWeights(const Place &place, Value firstKey,
                                    Value row, int64_t numRows,
                                    Values products) {
  Values bent;
  makeScores(place, firstKey, row, numRows, products,
             attention.softCap ? &bent : nullptr);
  Values lse = loadRow(rows, phase.index(0));
  for (int64_t i = 0; i < numRows; ++i) {
    auto own =
        MutableArrayRef(products).slice(i * tiling.vectors, tiling.vectors);
    for (auto [score, logarithm] : llvm::zip(own, lse))
      score = exponential(subtract(score, logarithm));
    storeRow(powers, phase.index(i), own);
    if (attention.softCap)
      storeRow(bends, phase.index(i),
               ArrayRef(bent).slice(i * tiling.vectors, tiling.vectors));
    if (attention.dropout != 0.0)
      for (auto [weight, keep] : llvm::zip(own, keepFactors(phase.add(row, i))))
        weight = multiply(weight, keep);
    storeRow(weights, phase.add(row, i), own);
  }
}

/// Gradients of a tile's scores, from those of its weights.
void AttentionGradient::emitScoreGradients(Value row, int64_t numRows,
                                           Values products) {
  Values delta = loadRow(rows, phase.index(1));
  Value scale = splat(constant(attention.scale));
  for (int64_t i = 0; i < numRows; ++i) {
    auto own =
        MutableArrayRef(products).slice(i * tiling.vectors, tiling.vectors);
    if (attention.dropout != 0.0)
      for (auto [product, keep] :
           llvm::zip(own, keepFactors(phase.add(row, i))))
        product = multiply(product, keep);
    for (auto [product, sum, power] :
         llvm::zip(own, delta, loadRow(powers, phase.index(i))))
      product = multiply(multiply(power, subtract(product, sum)), scale);
    if (attention.softCap)
      for (auto [product, bend] :
           llvm::zip(own, loadRow(bends, phase.index(i))))
        product = multiply(product, bend);
    storeRow(scores, phase.add(row, i), own);
  }
}

/// What each key of the block has to give to the results.
void AttentionGradient::emitBlock(const Place &place, Value firstKey,
                                  Value numKeys) {
  const AttentionSizes &sizes = attention.sizes;
  Matrix keyRows =
      widened(keys(place).from(*this, firstKey), numKeys, sizes.size, wideKeys);
  Matrix valueRows = widened(valuesOf(place).from(*this, firstKey), numKeys,
                             sizes.valueSize, wideValues);
  prepareBlock(place, firstKey, numKeys);
  auto multiplyRows = [&](const Matrix &block, Value row, int64_t numRows,
                          const Matrix &with, int64_t size) {
    Matrix own = block.from(*this, row);
    return addProducts({own.memory, own.first, own.stride, 1, own.element},
                       {with, phase.index(0), tiling.vectors, tiling.lanes},
                       phase.index(size), zeros(numRows * tiling.vectors));
  };
  forTiles(numKeys, sizes.keys, {}, [&](Value row, int64_t count, ValueRange) {
    emitWeights(place, firstKey, row, count,
                multiplyRows(keyRows, row, count, query, sizes.size));
    emitScoreGradients(
        row, count,
        multiplyRows(valueRows, row, count, upstream, sizes.valueSize));
    return Values();
  });
  addBlock(place, firstKey, numKeys, keyRows);
}

/// Adds the products of a block's weights and gradients of scores to the sums.
void AttentionGradient::addBlock(const Place &place, Value firstKey,
                                 Value numKeys, const Matrix &keyRows) {
  const AttentionSizes &sizes = attention.sizes;
  Matrix dy = headOf({BufferRef::Operand, *attention.dy},
                     operandType(*attention.dy), place.sample, place.head)
                  .from(*this, place.firstQuery);
  Matrix ofKeys = isNarrow ? keySums : keyGradient(place);
  Matrix ofValues = isNarrow ? valueSums : valueGradient(place);
  Value zero = phase.index(0);
  addToRows(ofValues.from(*this, firstKey), numKeys, sizes.keys,
            sizes.valueSize, {weights.memory, zero, weights.stride, 1, compute},
            isNarrow ? wideUpstream : dy, place.numQueries);
  addToRows(ofKeys.from(*this, firstKey), numKeys, sizes.keys, sizes.size,
            {scores.memory, zero, scores.stride, 1, compute},
            isNarrow ? wideQueries : queries(place), place.numQueries);
  addToRows(queryGradient, phase.index(sizes.size), sizes.size,
            tiling.queries(),
            {keyRows.memory, keyRows.first, 1, keyRows.stride, keyRows.element},
            scores, numKeys);
}

void AttentionGradient::emitQueries(const Place &place) {
  const AttentionSizes &sizes = attention.sizes;
  Matrix own = queries(place);
  Matrix dy = headOf({BufferRef::Operand, *attention.dy},
                     operandType(*attention.dy), place.sample, place.head)
                  .from(*this, place.firstQuery);
  transposeIn(own, place.numQueries, sizes.size, attention.scale, query);
  transposeIn(dy, place.numQueries, sizes.valueSize, 1.0, upstream);
  widened(own, place.numQueries, sizes.size, wideQueries);
  widened(dy, place.numQueries, sizes.valueSize, wideUpstream);
  loadRows(place);
  fill(queryGradient, phase.index(sizes.size), tiling.queries());
  auto [from, to] = keyRange(place);
  phase.loop(from, to, tiling.keys, [&, to = to](Value firstKey) {
    emitBlock(
        place, firstKey,
        phase.minimum(phase.subtract(to, firstKey), phase.index(tiling.keys)));
  });
  Values ones(tiling.vectors, splat(constant(1.0)));
  transposeOut(queryGradient, ones, sizes.size, place.numQueries,
               resultHead(0, place, place.head).from(*this, place.firstQuery));
}

/// All queries that share a head of keys.
void AttentionGradient::emitKeysOfHead(Place place) {
  const AttentionSizes &sizes = attention.sizes;
  Value numKeys = phase.index(sizes.keys);
  fill(isNarrow ? keySums : keyGradient(place), numKeys, sizes.size);
  fill(isNarrow ? valueSums : valueGradient(place), numKeys, sizes.valueSize);
  Value firstHead = phase.multiply(place.kvHead, sizes.groups());
  phase.loop(phase.index(0), phase.index(sizes.groups()), 1, [&](Value group) {
    place.head = phase.add(firstHead, group);
    phase.loop(phase.index(0), phase.index(sizes.time), tiling.queries(),
               [&](Value firstQuery) {
                 place.firstQuery = firstQuery;
                 place.numQueries = phase.minimum(
                     phase.subtract(phase.index(sizes.time), firstQuery),
                     phase.index(tiling.queries()));
                 emitQueries(place);
               });
  });
  if (!isNarrow)
    return;
  copyRows(keySums, numKeys, sizes.size, keyGradient(place));
  copyRows(valueSums, numKeys, sizes.valueSize, valueGradient(place));
}

void AttentionGradient::emit(ScheduledKernel &scheduled) {
  const AttentionSizes &sizes = attention.sizes;
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Place place;
    place.kvHead = phase.remainder(index, sizes.kvHeads);
    place.sample = phase.divide(index, sizes.kvHeads);
    emitKeysOfHead(place);
  });
  scheduled.phases.push_back(
      phase.finish("attention", extentOf(sizes.kvHeads), /*grain=*/1));
  scheduled.scratchBytes = scratchBytes;
}
