// Attention of one position: keys and values of the positions before are in the
// state, and those of its own join them when it is done.
//
// Attention to what is in the state gives y and the logarithm of the sum of its
// weights; the position's own key is one weight more:
//
//   y' = (y e^(lse - m) + v e^(s - m)) / (e^(lse - m) + e^(s - m)), m =
//   max(lse, s)
//
// S sequences, T positions, H heads of queries, K of keys, D elements a head.
#include "passes/SequenceStep.h"

#include "passes/EntryPoints.h"

#include "ir/Expr.h"

using namespace mlir;

namespace nnc {

/// What no weight is seen of: as in nnc.attend.
static constexpr double kFloor = -1e30;

static int64_t headsOf(Expr x) { return x.dim(2); }

/// Heads `first` to `first + count` of x [S, 1, heads, D].
static Expr takeHeads(Expr x, int64_t first, int64_t count) {
  if (first == 0 && count == headsOf(x))
    return x;
  return slice(x, {0, 0, first, 0}, {x.dim(0), x.dim(1), count, x.dim(3)});
}

namespace {
/// One position's part of an attention.
struct Position {
  Expr q, k, v;      // [S, 1, H, D], [S, 1, K, D], [S, 1, K, E]
  Expr keys, values; // [S, T, ..]; values null where keys have them too
  Expr place;        // i32, a scalar
  Expr lengths;      // [S] i32, or null
  Expr bias, mask;   // [.., 1, T], or null
  Expr slopes;       // [H], or null
};
} // namespace

Value SequenceStep::keep(Value now, Location loc) {
  auto type = cast<RankedTensorType>(now.getType());
  auto shape = llvm::to_vector(type.getShape());
  shape[1] = length;
  const std::string name = ("generation.sequence." + Twine(numKept++)).str();
  ParameterOp all = declareState(name, type.clone(shape), loc);
  ParameterOp next = declareState(name + ".next", type, loc);
  next->setAttr(kAppendsToAttr, FlatSymbolRefAttr::get(all));
  rearranged.push_back({all, 0});
  ImplicitLocOpBuilder b(loc, builder);
  Value before = ReadOp::create(b, all.getType(), all.getSymName());
  AssignOp::create(b, next.getSymName(), now);
  return before;
}

/// Has attention see the keys before the position alone, as causality, the
/// window and slopes say.
static Expr attendBefore(AttendOp op, const Position &at, Expr &lse) {
  ImplicitLocOpBuilder &b = at.q.builder();
  const int64_t length = at.keys.dim(1);
  Expr seen = broadcast(reshape(at.place, {1}), {at.q.dim(0)});
  if (at.lengths)
    seen = minimum(seen, at.lengths);
  Expr distance = at.place - iota(b, {1, 1, 1, length}, 3, b.getI32Type());
  Expr mask = at.mask, bias = at.bias;
  if (int64_t window = op.getWindow()) {
    Expr isNear = distance < double(window);
    mask = mask ? logicalAnd(mask, isNear) : isNear;
  }
  if (at.slopes) {
    Expr slopes = reshape(at.slopes, {1, at.slopes.dim(0), 1, 1});
    Expr lean = -(slopes * cast(distance, at.slopes.elementType()));
    bias = bias ? bias + lean : lean;
  }
  auto attend = AttendOp::create(
      b, op.getLoc(), at.q, at.keys, at.values, seen, bias, Value(), mask,
      ValueRange(), op.getHeads(), op.getKvHeads(), op.getScale(),
      /*causal=*/false, /*window=*/0, op.getSoftCap(), APFloat(0.0));
  lse = Expr(b, attend.getLse());
  return Expr(b, attend.getY());
}

/// [.., 1, T] at the position's own column, as [S or 1, 1, H or 1].
static Expr ownColumn(Expr x, Expr place) {
  Expr column = gather(x, reshape(place, {1}), x.rank() - 1);
  SmallVector<int64_t> shape(4 - column.rank(), 1);
  llvm::append_range(shape, column.dims());
  return reshape(column, {shape[0], 1, shape[1]});
}

/// The score of the position's own key, [S, 1, H], in f32 at least.
static Expr ownScore(AttendOp op, const Position &at, Type type) {
  const int64_t sequences = at.q.dim(0), heads = headsOf(at.q),
                kvHeads = headsOf(at.k), size = at.q.dim(3);
  Expr q =
      reshape(cast(at.q, type), {sequences, 1, kvHeads, heads / kvHeads, size});
  Expr k = reshape(cast(at.k, type), {sequences, 1, kvHeads, 1, size});
  Expr score =
      reshape(sum(q * k, {4}) * number(op.getScale()), {sequences, 1, heads});
  if (double cap = number(op.getSoftCap()); cap != 0)
    score = tanh(score / cap) * cap;
  if (at.bias)
    score = score + cast(ownColumn(at.bias, at.place), type);
  return score;
}

/// Whether the position sees its own key, [S or 1, 1, H or 1]; null: always.
static Expr seesItself(const Position &at) {
  Expr sees;
  if (at.mask)
    sees = ownColumn(at.mask, at.place);
  if (at.lengths) {
    Expr isInside = reshape(at.place < at.lengths, {at.lengths.dim(0), 1, 1});
    sees = sees ? logicalAnd(sees, isInside) : isInside;
  }
  return sees;
}

/// The position's own key and value beside those before.
static Expr joinOwn(AttendOp op, const Position &at, Expr before, Expr &lse) {
  const int64_t sequences = at.q.dim(0), heads = headsOf(at.q),
                kvHeads = headsOf(at.k), size = at.v.dim(3);
  Type type = lse.elementType();
  Expr score = ownScore(op, at, type);
  Expr sees = seesItself(at);
  if (sees)
    score = select(sees, score, kFloor);
  Expr top = maximum(lse, score);
  Expr share = exp(lse - top), own = exp(score - top);
  if (sees)
    own = select(sees, own, 0.0);
  Expr total = share + own;
  auto spread = [&](Expr x) { return reshape(x, {sequences, 1, heads, 1}); };
  Expr v =
      broadcast(reshape(cast(at.v, type), {sequences, 1, kvHeads, 1, size}),
                {sequences, 1, kvHeads, heads / kvHeads, size});
  v = reshape(v, {sequences, 1, heads, size});
  lse = top + log(total);
  return cast(cast(before, type) * spread(share / total) +
                  v * spread(own / total),
              at.q.elementType());
}

LogicalResult SequenceStep::rewriteAttend(AttendOp op) {
  auto isSteppedAt = [&](Value value, int64_t axis) {
    return isStepped(value) && lookup(value).axis == axis;
  };
  Value keys = op.getK() ? op.getK() : op.getQ();
  if (!isSteppedAt(op.getQ(), 1))
    return refuse(*op, "its queries are of no position, and its keys are");
  if ((op.getLengths() && isStepped(op.getLengths())) ||
      (op.getSlopes() && isStepped(op.getSlopes())))
    return refuse(*op, "what it sees depends on the tokens");
  if (!isStepped(keys))
    return rewriteCrossAttend(op);
  if (!isSteppedAt(keys, 1) || (op.getV() && !isSteppedAt(op.getV(), 1)))
    return refuse(*op, "its keys and values are not of the same positions");
  if (!op.getCausal())
    return refuse(*op, "a position sees later ones; with causal = true it sees "
                       "those before it");
  usesPosition = true;
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  const int64_t heads = op.getHeads(), kvHeads = op.getKvHeads();
  Position at;
  Expr q(b, lookup(op.getQ()).value), k(b, lookup(keys).value);
  at.place = Expr(b, position());
  at.q = takeHeads(q, 0, heads);
  const int64_t first = op.getK() ? 0 : heads;
  if (op.getV()) {
    at.k = k;
    at.v = Expr(b, lookup(op.getV()).value);
    at.values = Expr(b, keep(at.v, op.getLoc()));
    at.keys = Expr(b, keep(at.k, op.getLoc()));
  } else {
    at.k = takeHeads(k, first, kvHeads);
    at.v = takeHeads(k, first + kvHeads, kvHeads);
    at.keys = Expr(b, keep(takeHeads(k, first, 2 * kvHeads), op.getLoc()));
  }
  if (op.getLengths())
    at.lengths = Expr(b, whole(op.getLengths()));
  if (op.getSlopes())
    at.slopes = Expr(b, whole(op.getSlopes()));
  if (op.getBias())
    at.bias = Expr(b, operandAt(op.getBias(), 1));
  if (op.getMask())
    at.mask = Expr(b, operandAt(op.getMask(), 1));
  Expr lse;
  Expr before = attendBefore(op, at, lse);
  mapStepped(op.getY(), {joinOwn(op, at, before, lse), 1});
  mapStepped(op.getLse(), {lse, 1});
  return success();
}

/// Queries of the position, and keys and values of another sequence.
LogicalResult SequenceStep::rewriteCrossAttend(AttendOp op) {
  if (op.getCausal() || op.getWindow() || op.getSlopes())
    return refuse(*op, "it compares positions with those of another sequence");
  if (op.getV() && isStepped(op.getV()))
    return refuse(*op, "its keys and values are not of the same positions");
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    const bool isOfRows = operand == op.getBias() || operand == op.getMask();
    operands.push_back(isOfRows               ? operandAt(operand, 1)
                       : operand == op.getQ() ? lookup(operand).value
                                              : whole(operand));
  }
  Operation *copied = copy(*op, operands);
  if (!copied)
    return failure();
  mapStepped(op.getY(), {copied->getResult(0), 1});
  mapStepped(op.getLse(), {copied->getResult(1), 1});
  return success();
}

} // namespace nnc
