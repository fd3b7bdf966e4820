// Which keys a query sees, and what is done to their scores: a key is a row of
// a tile, a query a lane.
#include "codegen/cpu/AttentionPhase.h"

#include "codegen/RandomBits.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

void AttentionPhase::reserveScores() {
  if (attention.bias || attention.mask)
    addends = scratch(tiling.keys, tiling.queries());
  if (attention.dropout == 0.0)
    return;
  kept = scratch(tiling.keys, tiling.queries());
  // Words come by 32, from the group on that has the first key's.
  words = scratch(tiling.queries(), tiling.keys + 2 * kRandomLanes);
}

//===----------------------------------------------------------------------===//
// Which keys are seen
//===----------------------------------------------------------------------===//

/// How many keys the sample has.
Value AttentionPhase::lengthOf(const Place &place) {
  Value length =
      nnc::loadScalar(b, b.getLoc(), operand(*attention.lengths), place.sample,
                      operandType(*attention.lengths).getElementType());
  Value wide = arith::IndexCastOp::create(b, b.getIndexType(), length);
  Value atLeast = arith::MaxSIOp::create(b, wide, phase.index(0));
  return arith::MinSIOp::create(b, atLeast, phase.index(attention.sizes.keys));
}

/// A signed number that is not below 0 as an index, else 0.
static Value atLeastZero(ImplicitLocOpBuilder &b, Value number) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  return arith::MaxSIOp::create(b, number, zero);
}

std::pair<Value, Value> AttentionPhase::keyRange(const Place &place) {
  const AttentionSizes &sizes = attention.sizes;
  Value from = phase.index(0), to = phase.index(sizes.keys);
  Value firstPosition = phase.add(place.firstQuery, sizes.keys - sizes.time);
  Value beyond = phase.add(firstPosition, place.numQueries);
  if (attention.window) {
    Value first =
        atLeastZero(b, phase.add(firstPosition, 1 - attention.window));
    from = phase.subtract(first, phase.remainder(first, tiling.rows));
    from = phase.minimum(from, to);
    if (!attention.causal)
      to = phase.minimum(
          to, atLeastZero(b, phase.add(beyond, attention.window - 1)));
  }
  if (attention.causal)
    to = phase.minimum(to, atLeastZero(b, beyond));
  if (attention.lengths)
    to = phase.minimum(to, lengthOf(place));
  // Whole tiles, as far as there are keys.
  to = phase.multiply(phase.divideUp(to, tiling.rows), tiling.rows);
  return {from, phase.minimum(to, phase.index(sizes.keys))};
}

/// p(i) of a vector of queries, in 32 bits.
Value AttentionPhase::positionsOf(const Place &place, int64_t vector) {
  auto type = VectorType::get(tiling.lanes, b.getI32Type());
  SmallVector<int32_t> numbers =
      llvm::to_vector(llvm::seq<int32_t>(0, tiling.lanes));
  Value steps = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value first =
      phase.add(place.firstQuery, attention.sizes.keys - attention.sizes.time +
                                      vector * tiling.lanes);
  Value base = vector::BroadcastOp::create(
      b, type, arith::IndexCastOp::create(b, b.getI32Type(), first));
  return arith::AddIOp::create(b, base, steps);
}

static Value compare(ImplicitLocOpBuilder &b, arith::CmpIPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

/// Which lanes see `key`, by causality and window. Null where all do.
Value AttentionPhase::isSeen(const Place &place, int64_t vector, Value key) {
  if (!attention.causal && !attention.window)
    return {};
  auto type = VectorType::get(tiling.lanes, b.getI32Type());
  auto splatOf = [&](Value index) -> Value {
    return vector::BroadcastOp::create(
        b, type, arith::IndexCastOp::create(b, b.getI32Type(), index));
  };
  Value positions = positionsOf(place, vector), seen;
  auto require = [&](Value condition) {
    seen = seen ? Value(arith::AndIOp::create(b, seen, condition)) : condition;
  };
  if (attention.causal)
    require(compare(b, arith::CmpIPredicate::sge, positions, splatOf(key)));
  if (attention.window)
    require(compare(b, arith::CmpIPredicate::slt, positions,
                    splatOf(phase.add(key, attention.window))));
  if (attention.window && !attention.causal)
    require(compare(b, arith::CmpIPredicate::sgt, positions,
                    splatOf(phase.add(key, -attention.window))));
  return seen;
}

//===----------------------------------------------------------------------===//
// What is added, and what is dropped
//===----------------------------------------------------------------------===//

/// Where an operand that broadcasts to [batch, heads, time, keys] has the
/// element of a query and a key.
Value AttentionPhase::broadcastAt(unsigned operand, const Place &place,
                                  Value query, Value key) {
  ArrayRef<int64_t> shape = operandType(operand).getShape();
  Value indices[] = {place.sample, place.head, query, key};
  Value at = phase.index(0);
  for (auto [size, index] :
       llvm::zip(shape, ArrayRef(indices).take_back(shape.size()))) {
    at = phase.multiply(at, phase.size(size));
    if (size != 1)
      at = phase.add(at, index);
  }
  return at;
}

/// A bias as a row of neighbouring keys for each query, if it is one and there
/// is nothing to add to it.
std::optional<AttentionPhase::Matrix>
AttentionPhase::biasRows(const Place &place, Value firstKey) {
  if (attention.mask)
    return std::nullopt;
  RankedTensorType type = operandType(*attention.bias);
  ArrayRef<int64_t> shape = type.getShape();
  int64_t keys = attention.sizes.keys;
  if (shape.empty() || shape.back() != keys)
    return std::nullopt;
  bool isOfQuery = shape.size() > 1 && shape[shape.size() - 2] != 1;
  Value first = broadcastAt(*attention.bias, place, place.firstQuery, firstKey);
  return Matrix{operand(*attention.bias), first, isOfQuery ? keys : 0,
                type.getElementType()};
}

void AttentionPhase::fillAddends(const Place &place, Value firstKey,
                                 Value numKeys) {
  if (std::optional<Matrix> rows = biasRows(place, firstKey))
    return transposeIn(*rows, place.numQueries, numKeys, 1.0, *addends);
  Value hidden = constant(-std::numeric_limits<double>::infinity());
  phase.loop(phase.index(0), place.numQueries, 1, [&](Value lane) {
    Value query = phase.add(place.firstQuery, lane);
    phase.loop(phase.index(0), numKeys, 1, [&](Value row) {
      Value key = phase.add(firstKey, row), value = constant(0.0);
      if (attention.bias)
        value = loadScalar(operand(*attention.bias),
                           broadcastAt(*attention.bias, place, query, key),
                           operandType(*attention.bias).getElementType());
      if (attention.mask) {
        Value seen = nnc::loadScalar(
            b, b.getLoc(), operand(*attention.mask),
            broadcastAt(*attention.mask, place, query, key), b.getI1Type());
        value = arith::SelectOp::create(b, seen, value, hidden);
      }
      Value at = phase.add(phase.multiply(row, tiling.queries()), lane);
      storeScalar(addends->memory, at, compute, value);
    });
  });
}

/// What words of a query's keys keep, as factors: the first key's in column
/// kRandomLanes of the query's row.
void AttentionPhase::fillWords(const Place &place, Value lane, Value firstKey,
                               Value numKeys, ValueRange counter) {
  const AttentionSizes &sizes = attention.sizes;
  constexpr int64_t kBits = 24;
  double keep = 1.0 - attention.dropout;
  auto type = VectorType::get(kRandomLanes, b.getI32Type());
  auto factors = VectorType::get(kRandomLanes, compute);
  auto splatOf = [&](VectorType of, Attribute value) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(of, value));
  };
  Value threshold = splatOf(
      type, b.getI32IntegerAttr(int32_t(std::round(keep * (1 << kBits)))));
  Value one = splatOf(factors, b.getFloatAttr(compute, 1.0 / keep));
  Value none = splatOf(factors, b.getFloatAttr(compute, 0.0));
  Value heads =
      phase.add(phase.multiply(place.sample, sizes.heads), place.head);
  Value query = phase.add(phase.multiply(heads, sizes.time),
                          phase.add(place.firstQuery, lane));
  Value first = phase.add(phase.multiply(query, sizes.keys), firstKey);
  Value shift = phase.remainder(first, kRandomLanes);
  Value group = phase.subtract(first, shift);
  Value row = phase.subtract(
      phase.add(phase.multiply(lane, words->stride), kRandomLanes), shift);
  phase.loop(
      phase.index(0), phase.add(shift, numKeys), kRandomLanes, [&](Value word) {
        Value drawn = emitRandomBits(b, kBits, phase.add(group, word), counter);
        Value stays = compare(b, arith::CmpIPredicate::ult, drawn, threshold);
        nnc::storeVector(b, b.getLoc(),
                         arith::SelectOp::create(b, stays, one, none),
                         words->memory, phase.add(row, word));
      });
}

void AttentionPhase::fillKept(const Place &place, Value firstKey,
                              Value numKeys) {
  SmallVector<Value> counter;
  for (unsigned number : {*attention.seed, *attention.step, *attention.stream})
    counter.push_back(nnc::loadScalar(b, b.getLoc(), operand(number),
                                      phase.index(0), b.getI64Type()));
  phase.loop(phase.index(0), place.numQueries, 1, [&](Value lane) {
    fillWords(place, lane, firstKey, numKeys, counter);
  });
  Matrix ofKeys = *words;
  ofKeys.first = phase.index(kRandomLanes);
  transposeIn(ofKeys, place.numQueries, tiling.keys, 1.0, *kept);
}

void AttentionPhase::prepareBlock(const Place &place, Value firstKey,
                                  Value numKeys) {
  if (addends)
    fillAddends(place, firstKey, numKeys);
  if (kept)
    fillKept(place, firstKey, numKeys);
}

AttentionPhase::Values AttentionPhase::keepFactors(Value row) {
  return loadRow(*kept, row);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// slopes[head] * |p(i) - key|.
Value AttentionPhase::slopeTimesDistance(const Place &place, int64_t vector,
                                         Value key) {
  Value slope = loadScalar(operand(*attention.slopes), place.head,
                           operandType(*attention.slopes).getElementType());
  Value positions = positionsOf(place, vector);
  Value column = vector::BroadcastOp::create(
      b, positions.getType(),
      arith::IndexCastOp::create(b, b.getI32Type(), key));
  Value apart = arith::SubIOp::create(b, positions, column);
  Value distance =
      math::AbsFOp::create(b, arith::SIToFPOp::create(b, vectorType(), apart));
  return multiply(splat(slope), distance);
}

void AttentionPhase::makeScores(const Place &place, Value firstKey, Value row,
                                int64_t rows, Values &products, Values *bends) {
  Value hidden = splat(constant(-std::numeric_limits<double>::infinity()));
  Value length = attention.lengths ? lengthOf(place) : Value();
  for (int64_t i = 0; i < rows; ++i) {
    Value own = phase.add(row, i), key = phase.add(firstKey, own);
    Values added = addends ? loadRow(*addends, own) : Values();
    Value exists;
    if (length)
      exists = compare(b, arith::CmpIPredicate::ult, key, length);
    for (int64_t v = 0; v < tiling.vectors; ++v) {
      Value &score = products[i * tiling.vectors + v];
      if (attention.softCap) {
        Value bent = math::TanhOp::create(
            b, multiply(score, splat(constant(1.0 / attention.softCap))));
        score = multiply(bent, splat(constant(attention.softCap)));
        if (bends)
          bends->push_back(
              subtract(splat(constant(1.0)), multiply(bent, bent)));
      }
      if (attention.slopes)
        score = subtract(score, slopeTimesDistance(place, v, key));
      if (addends)
        score = add(score, added[v]);
      if (Value seen = isSeen(place, v, key))
        score = arith::SelectOp::create(b, seen, score, hidden);
      if (exists)
        score = arith::SelectOp::create(b, exists, score, hidden);
    }
  }
}
