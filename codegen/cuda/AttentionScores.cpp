// Which keys a query sees, and what is done to their scores, on a GPU.
#include "codegen/cuda/AttentionPhase.h"

#include "codegen/lower/RandomWord.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

/// Of smaller ones the score that is below all would be beyond f32.
static constexpr double kLeastUnit = 1e-6;

Value GpuAttentionPhase::position(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value)));
}

Value GpuAttentionPhase::position(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

static Value compare(ImplicitLocOpBuilder &b, arith::CmpIPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

/// A window beyond all distances is as good as the largest of them.
static int64_t windowOf(const AttentionKernel &attention) {
  return std::min(attention.window,
                  attention.sizes.time + attention.sizes.keys);
}

/// Positions as indices: the first of a tile of columns, and the end.
std::pair<Value, Value> GpuAttentionPhase::wholeTiles(Value from, Value to) {
  auto toIndex = [&](Value number) -> Value {
    Value atLeast = arith::MaxSIOp::create(b, number, position(int64_t(0)));
    return arith::IndexCastOp::create(b, b.getIndexType(), atLeast);
  };
  Value first = toIndex(from);
  return {subtract(first, remainder(first, tile.columns)), toIndex(to)};
}

std::pair<Value, Value> GpuAttentionPhase::keyRange(Value firstQuery) {
  int64_t shift = sizes.keys - sizes.time, window = windowOf(attention);
  Value first = add(position(firstQuery), position(shift));
  Value from = position(int64_t(0)), to = position(sizes.keys);
  auto endBy = [&](Value other) { to = arith::MinSIOp::create(b, to, other); };
  if (window)
    from = add(first, position(1 - window));
  if (attention.causal)
    endBy(add(first, position(tile.rows)));
  else if (window)
    endBy(add(first, position(tile.rows + window - 1)));
  if (length)
    endBy(length);
  return wholeTiles(from, to);
}

std::pair<Value, Value> GpuAttentionPhase::queryRange(Value firstKey) {
  int64_t shift = sizes.keys - sizes.time, window = windowOf(attention);
  Value key = position(firstKey);
  Value from = position(int64_t(0)), to = position(sizes.time);
  if (attention.causal)
    from = add(key, position(-shift));
  else if (window)
    from = add(key, position(1 - window - shift));
  if (window)
    to = arith::MinSIOp::create(
        b, to, add(key, position(tile.rows - 1 + window - shift)));
  if (length)
    to = arith::SelectOp::create(
        b, compare(b, arith::CmpIPredicate::slt, key, length), to,
        position(int64_t(0)));
  return wholeTiles(from, to);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void GpuAttentionPhase::enter(const Place &place) {
  if (attention.lengths) {
    Value given = loadOperand(*attention.lengths, place.sample);
    length = position(
        indexWithin(given, /*isUnsigned=*/false, BatchSize(sizes.keys + 1)));
  }
  if (attention.slopes)
    slope = loadOperand(*attention.slopes, place.head);
  counter.clear();
  if (attention.dropout != 0.0)
    for (unsigned operand :
         {*attention.seed, *attention.step, *attention.stream})
      counter.push_back(loadOperand(operand, index(0)));
}

bool GpuAttentionPhase::isAllSeen() const {
  bool mayGoBeyond = sizes.time % tile.columns || sizes.keys % tile.columns;
  return !mayGoBeyond && !attention.lengths && !attention.causal &&
         !attention.window && !attention.mask;
}

Value GpuAttentionPhase::isSeen(const Place &place, Value query, Value key) {
  Value seen;
  auto require = [&](Value condition) {
    seen = seen ? both(seen, condition) : condition;
  };
  Value column = position(key);
  Value at = add(position(query), position(sizes.keys - sizes.time));
  // Tiles may go beyond the end.
  if (sizes.time % tile.columns)
    require(isLess(query, index(sizes.time)));
  if (length)
    require(compare(b, arith::CmpIPredicate::slt, column, length));
  else if (sizes.keys % tile.columns)
    require(isLess(key, index(sizes.keys)));
  if (attention.causal)
    require(compare(b, arith::CmpIPredicate::sge, at, column));
  if (int64_t window = windowOf(attention)) {
    require(compare(b, arith::CmpIPredicate::slt, at,
                    add(column, position(window))));
    if (!attention.causal)
      require(compare(b, arith::CmpIPredicate::sgt, at,
                      add(column, position(-window))));
  }
  if (attention.mask)
    require(broadcastOperand(*attention.mask, place, query, key));
  return seen;
}

/// Whether each of the queries sees each of the keys: what most tiles ask once,
/// and not for each pair. Null where only pairs can say.
Value GpuAttentionPhase::areSeen(const Pairs &pairs) {
  if (attention.mask)
    return {};
  Value all = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto require = [&](arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    all = both(all, compare(b, predicate, lhs, rhs));
  };
  using Predicate = arith::CmpIPredicate;
  int64_t shift = sizes.keys - sizes.time, window = windowOf(attention);
  Value query = position(pairs.firstQuery), key = position(pairs.firstKey);
  Value first = add(query, position(shift));
  Value lastKey = add(key, position(pairs.numKeys - 1));
  if (sizes.time % tile.columns)
    require(Predicate::sle, query, position(sizes.time - pairs.numQueries));
  if (length)
    require(Predicate::slt, lastKey, length);
  else if (sizes.keys % tile.columns)
    require(Predicate::slt, lastKey, position(sizes.keys));
  if (attention.causal)
    require(Predicate::sge, first, lastKey);
  if (!window)
    return all;
  require(Predicate::slt, add(first, position(pairs.numQueries - 1)),
          add(key, position(window)));
  if (!attention.causal)
    require(Predicate::sgt, first, add(lastKey, position(-window)));
  return all;
}

Value GpuAttentionPhase::keepFactor(const Place &place, Value query,
                                    Value key) {
  constexpr int64_t kBits = 24;
  double keep = 1.0 - attention.dropout;
  // Scores may be more than an index of 32 bits counts.
  auto wide = [&](Value index) -> Value {
    return arith::IndexCastUIOp::create(b, b.getI64Type(), index);
  };
  auto wideSize = [&](int64_t size) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(size));
  };
  Value at = wide(place.sample);
  for (auto [size, number] : {std::pair(sizes.heads, place.head),
                              {sizes.time, query},
                              {sizes.keys, key}})
    at = add(multiply(at, wideSize(size)), wide(number));
  Value word = emitRandomWord(b, kBits, at, counter);
  int64_t threshold = int64_t(std::round(keep * (1 << kBits)));
  Value stays =
      compare(b, arith::CmpIPredicate::ult, word, position(threshold));
  return arith::SelectOp::create(b, stays, constant(1.0 / keep), constant(0.0));
}

double GpuAttentionPhase::scoreUnit() const {
  // The largest product has the largest score.
  bool isScaledAlone = attention.scale > kLeastUnit && !attention.softCap &&
                       !attention.slopes && !attention.bias;
  return isScaledAlone && attention.elementType != compute ? attention.scale
                                                           : 1.0;
}

GpuAttentionPhase::Score GpuAttentionPhase::scoreOf(const Place &place,
                                                    Value query, Value key,
                                                    Value product) {
  Score score{product, {}, {}};
  if (scoreUnit() == 1.0)
    score.value = times(product, constant(attention.scale));
  if (attention.softCap) {
    Value bent = math::TanhOp::create(
        b, times(score.value, constant(1.0 / attention.softCap)));
    score.value = times(bent, constant(attention.softCap));
    score.bend = minus(constant(1.0), times(bent, bent));
  }
  if (attention.slopes) {
    Value at = add(position(query), position(sizes.keys - sizes.time));
    Value apart = subtract(at, position(key));
    Value distance =
        math::AbsFOp::create(b, arith::SIToFPOp::create(b, compute, apart));
    score.value = minus(score.value, times(slope, distance));
  }
  if (attention.bias)
    score.value =
        plus(score.value, broadcastOperand(*attention.bias, place, query, key));
  if (attention.dropout != 0.0)
    score.keep = keepFactor(place, query, key);
  return score;
}

GpuAttentionPhase::Pairs
GpuAttentionPhase::pairsOf(ValueRange rows, ValueRange columns, Value firstRow,
                           Value firstColumn, bool rowsAreQueries) {
  Pairs pairs{firstRow, firstColumn, tile.rows, tile.columns, {}};
  if (!rowsAreQueries) {
    std::swap(pairs.firstQuery, pairs.firstKey);
    std::swap(pairs.numQueries, pairs.numKeys);
  }
  for (Value row : rows)
    for (Value column : columns) {
      Value ofRow = add(firstRow, row), ofColumn = add(firstColumn, column);
      pairs.all.push_back(rowsAreQueries ? std::pair(ofRow, ofColumn)
                                         : std::pair(ofColumn, ofRow));
    }
  return pairs;
}

SmallVector<GpuAttentionPhase::Score>
GpuAttentionPhase::scoresOf(const Place &place, const Pairs &pairs,
                            ValueRange products) {
  SmallVector<Score> scores;
  for (auto [pair, product] : llvm::zip_equal(pairs.all, products))
    scores.push_back(scoreOf(place, pair.first, pair.second, product));
  if (isAllSeen())
    return scores;
  Values values = llvm::map_to_vector(
      scores, [](const Score &score) { return score.value; });
  auto hide = [&] {
    Value nothing = constant(-std::numeric_limits<double>::infinity());
    Values seen;
    for (auto [pair, value] : llvm::zip_equal(pairs.all, values))
      seen.push_back(arith::SelectOp::create(
          b, isSeen(place, pair.first, pair.second), value, nothing));
    return seen;
  };
  Value areAll = areSeen(pairs);
  Values seen = areAll ? choose(
                             areAll, TypeRange(ValueRange(values)),
                             [&] { return values; }, hide)
                       : hide();
  for (auto [score, value] : llvm::zip_equal(scores, seen))
    score.value = value;
  return scores;
}
