// Positions as tables of sines and cosines, and how they turn pairs of elements.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

/// base ^ (-i / count) for i below `count`.
static std::vector<double> frequencies(int64_t count, double base) {
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = std::pow(base, -double(i) / double(count));
  return values;
}

static Expr table(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape,
                  FloatType type, ArrayRef<double> values) {
  std::vector<APFloat> rounded;
  rounded.reserve(values.size());
  for (double value : values) {
    bool losesInfo;
    rounded.emplace_back(value).convert(
        type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  }
  return constant(
      b, DenseElementsAttr::get(RankedTensorType::get(shape, type), rounded));
}

namespace {
/// A cosine and a sine for each pair of a position, with ones for the heads.
struct Turn {
  Expr cos, sin;
};
} // namespace

/// [T, N / 2] for positions that count from 0: known here, so that no step has
/// to compute an angle.
static Turn knownTurn(ImplicitLocOpBuilder &b, int64_t time, int64_t pairs,
                      double base, FloatType type) {
  std::vector<double> rates = frequencies(pairs, base), cosines, sines;
  for (int64_t position = 0; position < time; ++position)
    for (double rate : rates) {
      cosines.push_back(std::cos(double(position) * rate));
      sines.push_back(std::sin(double(position) * rate));
    }
  return {table(b, {time, pairs}, type, cosines),
          table(b, {time, pairs}, type, sines)};
}

/// [.., N / 2] for positions [..].
static Turn computedTurn(Expr positions, int64_t pairs, double base,
                         FloatType type) {
  ImplicitLocOpBuilder &b = positions.builder();
  Expr rates = table(b, {pairs}, type, frequencies(pairs, base));
  SmallVector<int64_t> dims = positions.dims();
  dims.push_back(1);
  Expr angle = cast(reshape(positions, dims), type) * rates;
  return {cos(angle), sin(angle)};
}

/// Of each position of x [B, T, ..]: [T, 1, N / 2] or [B, T, 1, N / 2].
static Turn turnOf(RotaryOp op, ImplicitLocOpBuilder &b, int64_t pairs) {
  Expr x(b, op.getX());
  // Angles of 16 bits would be wrong by whole turns.
  auto type = cast<FloatType>(x.elementType().getIntOrFloatBitWidth() < 32
                                  ? b.getF32Type()
                                  : x.elementType());
  // What stands in the plan beside weights of many times the size.
  constexpr int64_t kMostKnown = int64_t(1) << 20;
  int64_t time = x.dim(1);
  double base = number(op.getBase());
  Turn turn;
  if (op.getCos()) {
    auto rows = [&](Value given) {
      Expr known(b, given);
      return op.getPositions() ? gather(known, Expr(b, op.getPositions()))
                               : slice(known, {0, 0}, {time, pairs});
    };
    turn = {rows(op.getCos()), rows(op.getSin())};
  } else if (op.getPositions()) {
    turn = computedTurn(Expr(b, op.getPositions()), pairs, base, type);
  } else if (time <= kMostKnown / pairs) {
    turn = knownTurn(b, time, pairs, base, type);
  } else {
    turn = computedTurn(iota(b, {time}, 0, b.getI32Type()), pairs, base, type);
  }
  for (Expr *part : {&turn.cos, &turn.sin}) {
    SmallVector<int64_t> dims = part->dims();
    dims.insert(dims.end() - 1, 1);
    *part = reshape(cast(*part, x.elementType()), dims);
  }
  return turn;
}

/// [B, T, `heads`, N / 2] of the pairs in the first N = `size` elements of the
/// first heads of x: their first elements, or their second ones.
static Expr halfOf(Expr x, int64_t heads, int64_t size, bool interleaved,
                   int64_t which) {
  SmallVector<int64_t> dims{x.dim(0), x.dim(1), heads, size / 2};
  if (!interleaved)
    return slice(x, {0, 0, 0, which * (size / 2)}, dims);
  return slice(x, {0, 0, 0, which}, dims, {1, 1, 1, 2});
}

/// The inverse of taking halves.
static Expr joinHalves(Expr first, Expr second, bool interleaved) {
  if (!interleaved)
    return concat({first, second}, 3);
  SmallVector<int64_t> column = first.dims(), joined = first.dims();
  column.push_back(1);
  joined[3] *= 2;
  Expr pairs = concat({reshape(first, column), reshape(second, column)}, 4);
  return reshape(pairs, joined);
}

FailureOr<Expansion> RotaryOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  int64_t heads = getHeads() ? int64_t(getHeads()) : x.dim(2);
  int64_t size = getRotated() ? int64_t(getRotated()) : x.dim(3);
  Turn turn = turnOf(*this, b, size / 2);
  Expr sine = getInverse() ? -turn.sin : turn.sin;
  Expr first = halfOf(x, heads, size, getInterleaved(), 0);
  Expr second = halfOf(x, heads, size, getInterleaved(), 1);
  Expr y = joinHalves(first * turn.cos - second * sine,
                      second * turn.cos + first * sine, getInterleaved());
  // What is not turned.
  SmallVector<int64_t> rest = x.dims();
  rest[2] = heads;
  rest[3] -= size;
  if (rest[3])
    y = concat({y, slice(x, {0, 0, 0, size}, rest)}, 3);
  rest = x.dims();
  rest[2] -= heads;
  if (rest[2])
    y = concat({y, slice(x, {0, 0, heads, 0}, rest)}, 2);
  return Expansion{y};
}

FailureOr<SmallVector<Value>> RotaryOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  SmallVector<Value> gradients(getNumOperands());
  gradients[0] = RotaryOp::create(
      b, b.getLoc(), upstream[0], getPositions(), getCos(), getSin(), getBase(),
      getInterleaved(), getRotated(), getHeads(), !getInverse());
  return gradients;
}

FailureOr<Expansion> SinusoidalPositionsOp::buildExpansion(OpBuilder &builder,
                                                           bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  int64_t length = getLength(), width = getWidth(), pairs = width / 2;
  std::vector<double> rates = frequencies(pairs, number(getBase()));
  std::vector<double> values(length * width);
  int64_t stride = getInterleaved() ? 2 : 1;
  int64_t toCosine = getInterleaved() ? 1 : pairs;
  for (int64_t position = 0; position < length; ++position)
    for (int64_t i = 0; i < pairs; ++i) {
      double *sine = &values[position * width + i * stride];
      sine[0] = std::sin(double(position) * rates[i]);
      sine[toCosine] = std::cos(double(position) * rates[i]);
    }
  auto type = cast<FloatType>(getY().getType().getElementType());
  return Expansion{table(b, {length, width}, type, values)};
}
