// Attention as products and a softmax.
// In comments: B batch, T time, S keys, H heads of queries, K of keys and
// values, G = H / K, D size of a head, E that of a value.
#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/Layout.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// attend and its gradients, by primitives
//===----------------------------------------------------------------------===//

/// A score that a query gives no key, and the logarithm of no sum at all.
static constexpr double kFloor = -1e30;

namespace {

/// What the three ops of this family compute with.
struct Attention {
  ImplicitLocOpBuilder &b;
  AttentionSizes sizes;
  /// What scores are computed in.
  Type compute;
  /// By head: [B, H, T, D], [B, K, S, D], [B, K, S, E].
  Expr q, k, v;
  Expr lengths, bias, slopes, mask;
  bool causal;
  int64_t window;
  double softCap, scale, dropout;
  SmallVector<Value> counter;

  Expr distance() const;
  Expr seen() const;
  Expr scaled() const;
  Expr scores(Expr scaled) const;
  FailureOr<Expr> drop(OpSite site, Expr x) const;
};

} // namespace

static AttentionTensors tensorsOf(Value q, Value k, Value v) {
  auto type = [](Value value) {
    return value ? cast<RankedTensorType>(value.getType()) : RankedTensorType();
  };
  return {type(q), type(k), type(v)};
}

template <typename Op> static AttentionSizes sizesOf(Op op) {
  FailureOr<AttentionSizes> sizes =
      resolveAttention(OpSite(op.getLoc(), Op::getSignature().name),
                       tensorsOf(op.getQ(), op.getK(), op.getV()),
                       op.getHeads(), op.getKvHeads());
  assert(succeeded(sizes) && "the op's types were inferred by this");
  return *sizes;
}

/// Heads [first, first + count) of x [B, T, N, D] as [B, count, T, D].
static Expr byHead(Expr x, int64_t first, int64_t count) {
  SmallVector<int64_t> dims = x.dims();
  dims[2] = count;
  if (count != x.dim(2))
    x = slice(x, {0, 0, first, 0}, dims);
  return transpose(x, {0, 2, 1, 3});
}

template <typename Op>
static Attention readAttention(ImplicitLocOpBuilder &b, Op op) {
  AttentionSizes sizes = sizesOf(op);
  auto optional = [&](Value value) { return value ? Expr(b, value) : Expr(); };
  Expr q(b, op.getQ()), k = optional(op.getK()), v = optional(op.getV());
  Expr keys = k ? k : q, values = v ? v : keys;
  int64_t firstKey = k ? 0 : sizes.heads;
  int64_t firstValue = v ? 0 : firstKey + sizes.kvHeads;
  Type type = q.elementType();
  Type compute = type.getIntOrFloatBitWidth() < 32 ? b.getF32Type() : type;
  return {b,
          sizes,
          compute,
          byHead(q, 0, sizes.heads),
          byHead(keys, firstKey, sizes.kvHeads),
          byHead(values, firstValue, sizes.kvHeads),
          optional(op.getLengths()),
          optional(op.getBias()),
          optional(op.getSlopes()),
          optional(op.getMask()),
          op.getCausal(),
          int64_t(op.getWindow()),
          number(op.getSoftCap()),
          number(op.getScale()),
          number(op.getDropout()),
          llvm::to_vector(op.getCounter())};
}

/// p(i) - j: [T, S], integers.
Expr Attention::distance() const {
  Type i32 = b.getI32Type();
  Expr rows = iota(b, {sizes.time, 1}, 0, i32);
  Expr columns = iota(b, {1, sizes.keys}, 1, i32);
  return rows + double(sizes.keys - sizes.time) - columns;
}

/// Which keys each query sees, as it broadcasts to [B, H, T, S]. Null where all
/// are seen.
Expr Attention::seen() const {
  Expr all = mask;
  auto require = [&](Expr condition) {
    all = all ? logicalAnd(all, condition) : condition;
  };
  if (causal)
    require(distance() >= scalar(distance(), 0.0));
  if (window) {
    Expr apart = causal ? distance() : abs(distance());
    require(apart < double(window));
  }
  if (lengths) {
    Expr column = iota(b, {sizes.keys}, 0, lengths.elementType());
    require(column < reshape(lengths, {lengths.dim(0), 1, 1, 1}));
  }
  return all;
}

/// lhs [B, H, T, X] times rhs [B, K, X, Y], or rhs transposed: [B, H, T, Y].
/// The queries of the heads that share one of keys stand below each other.
static Expr multiplyGroups(Expr lhs, Expr rhs, unsigned flags) {
  SmallVector<int64_t> dims = lhs.dims(), grouped = dims;
  grouped[1] = rhs.dim(1);
  grouped[2] = dims[2] * (dims[1] / rhs.dim(1));
  Expr product = matmul(reshape(lhs, grouped), rhs, flags);
  dims[3] = product.dim(3);
  return reshape(product, dims);
}

/// lhs [B, H, T, X] and rhs [B, H, T, Y] summed over T and groups: [B, K, X,
/// Y].
static Expr sumGroups(Expr lhs, Expr rhs, int64_t kvHeads) {
  auto group = [&](Expr x) {
    SmallVector<int64_t> dims = x.dims();
    dims[2] *= dims[1] / kvHeads;
    dims[1] = kvHeads;
    return reshape(x, dims);
  };
  return matmul(group(lhs), group(rhs), kTransposeLhs);
}

/// scale * q k^T: [B, H, T, S].
Expr Attention::scaled() const {
  return cast(multiplyGroups(q, k, kTransposeRhs), compute) * scale;
}

static Expr capped(Expr scaled, double softCap) {
  return softCap ? tanh(scaled * (1.0 / softCap)) * softCap : scaled;
}

Expr Attention::scores(Expr scaled) const {
  Expr scores = capped(scaled, softCap);
  if (bias)
    scores = scores + cast(bias, compute);
  if (slopes) {
    Expr slope = reshape(cast(slopes, compute), {sizes.heads, 1, 1});
    scores = scores - slope * cast(abs(distance()), compute);
  }
  return scores;
}

/// x [B, H, T, S] where dropout keeps it, scaled up, else zero.
FailureOr<Expr> Attention::drop(OpSite site, Expr x) const {
  if (dropout == 0.0)
    return x;
  if (counter.size() != 3)
    return site.error() << "has no seed, step and stream to drop weights by";
  Expr seed(b, counter[0]), step(b, counter[1]), stream(b, counter[2]);
  double keep = 1.0 - dropout;
  Expr kept = randomMask(Counter{seed, step}, stream, x.dims(), keep);
  return select(kept, x * (1.0 / keep), 0.0);
}

/// [B, H, T, 1] of [B, T, H], and back.
static Expr toColumn(Expr rows) {
  SmallVector<int64_t> dims{rows.dim(0), rows.dim(2), rows.dim(1), 1};
  return reshape(transpose(rows, {0, 2, 1}), dims);
}
static Expr fromColumn(Expr column) {
  SmallVector<int64_t> dims = column.dims();
  return transpose(reshape(column, ArrayRef(dims).drop_back()), {0, 2, 1});
}

FailureOr<Expansion> AttendOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Attention attention = readAttention(b, *this);
  Expr scores = attention.scores(attention.scaled());
  Expr seen = attention.seen();
  // A bias may be -inf.
  bool mayBeEmpty = seen || attention.bias;
  if (seen)
    scores = select(seen, scores, kFloor);
  Expr top = reduceMax(scores, {3}, /*keepDims=*/true);
  if (mayBeEmpty)
    top = maximum(top, kFloor);
  Expr powers = exp(scores - top);
  if (seen)
    powers = select(seen, powers, 0.0);
  Expr total = sum(powers, {3}, /*keepDims=*/true);
  if (mayBeEmpty)
    total = select(total > scalar(total, 0.0), total, 1.0);
  FailureOr<Expr> weights =
      attention.drop(OpSite(getLoc(), "attend"), powers / total);
  if (failed(weights))
    return failure();
  Type type = attention.q.elementType();
  Expr y = multiplyGroups(cast(*weights, type), attention.v, kPlain);
  return Expansion{transpose(y, {0, 2, 1, 3}), fromColumn(top + log(total))};
}

namespace {
/// Gradients by the scores, as they are summed up: [B, H, T, S].
struct ScoresGradient {
  Expr weights; // after dropout
  Expr scores;  // after the soft cap
  Expr scaled;  // before it
};
} // namespace

template <typename Op>
static FailureOr<ScoresGradient> scoresGradient(const Attention &attention,
                                                Op op) {
  ImplicitLocOpBuilder &b = attention.b;
  Expr lse = toColumn(Expr(b, op.getLse()));
  Expr delta = toColumn(Expr(b, op.getDelta()));
  Expr dy = transpose(Expr(b, op.getDy()), {0, 2, 1, 3}); // [B, H, T, E]
  Expr scaled = attention.scaled(), seen = attention.seen();
  Expr powers = exp(attention.scores(scaled) - lse);
  if (seen)
    powers = select(seen, powers, 0.0);
  Expr dweights =
      cast(multiplyGroups(dy, attention.v, kTransposeRhs), attention.compute);
  OpSite site(op.getLoc(), Op::getSignature().name);
  FailureOr<Expr> weights = attention.drop(site, powers);
  FailureOr<Expr> dpowers = attention.drop(site, dweights);
  if (failed(weights) || failed(dpowers))
    return failure();
  Expr dscores = powers * (*dpowers - delta);
  Expr dscaled = dscores;
  if (attention.softCap) {
    Expr bent = tanh(scaled * (1.0 / attention.softCap));
    dscaled = dscores * (1.0 - bent * bent);
  }
  return ScoresGradient{*weights, dscores, dscaled * attention.scale};
}

FailureOr<Expansion> AttendGradientOp::buildExpansion(OpBuilder &builder,
                                                      bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Attention attention = readAttention(b, *this);
  FailureOr<ScoresGradient> gradient = scoresGradient(attention, *this);
  if (failed(gradient))
    return failure();
  Type type = attention.q.elementType();
  int64_t kvHeads = attention.sizes.kvHeads;
  Expr dy = transpose(Expr(b, getDy()), {0, 2, 1, 3});
  Expr dscaled = cast(gradient->scaled, type);
  auto back = [](Expr x) { return transpose(x, {0, 2, 1, 3}); };
  Expr dq = back(multiplyGroups(dscaled, attention.k, kPlain));
  Expr dk = back(sumGroups(dscaled, attention.q, kvHeads));
  Expr dv = back(sumGroups(cast(gradient->weights, type), dy, kvHeads));
  if (getV())
    return Expansion{dq, dk, dv};
  if (getK())
    return Expansion{dq, concat({dk, dv}, 2)};
  return Expansion{concat({dq, dk, dv}, 2)};
}

FailureOr<Expansion> AttendScoresGradientOp::buildExpansion(OpBuilder &builder,
                                                            bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Attention attention = readAttention(b, *this);
  FailureOr<ScoresGradient> gradient = scoresGradient(attention, *this);
  if (failed(gradient))
    return failure();
  return Expansion{gradient->scores};
}

/// `Op` with the operands and attributes of `attend`, given lse, delta and dy.
template <typename Op>
static Op createGradient(ImplicitLocOpBuilder &b, AttendOp attend, Value lse,
                         Value delta, Value dy) {
  return Op::create(b, b.getLoc(), attend.getQ(), lse, delta, dy, attend.getK(),
                    attend.getV(), attend.getLengths(), attend.getBias(),
                    attend.getSlopes(), attend.getMask(), attend.getCounter(),
                    attend.getHeads(), attend.getKvHeads(), attend.getScale(),
                    attend.getCausal(), attend.getWindow(), attend.getSoftCap(),
                    attend.getDropout());
}

// What is not used goes again: scores have a gradient in memory only where a
// bias or slopes are trained.
FailureOr<SmallVector<Value>> AttendOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr y(b, getY()), lse(b, getLse());
  Type compute = lse.elementType();
  Expr dy =
      upstream[0] ? Expr(b, upstream[0]) : broadcastLike(scalar(y, 0.0), y);
  Expr delta = sum(cast(dy, compute) * cast(y, compute), {3}); // [B, T, H]
  if (upstream[1])
    delta = delta - Expr(b, upstream[1]);
  auto gradient = createGradient<AttendGradientOp>(b, *this, lse, delta, dy);
  SmallVector<Value> gradients(gradient.getGradients());
  if (getLengths())
    gradients.push_back({});
  if (!getBias() && !getSlopes()) {
    gradients.resize(getNumOperands());
    return gradients;
  }
  Expr dscores(
      b, createGradient<AttendScoresGradientOp>(b, *this, lse, delta, dy));
  if (getBias())
    gradients.push_back(cast(dscores, y.elementType()));
  if (getSlopes()) {
    Expr apart = abs(readAttention(b, *this).distance());
    Expr dslopes = -sum(dscores * cast(apart, compute), {0, 2, 3});
    gradients.push_back(cast(dslopes, y.elementType()));
  }
  gradients.resize(getNumOperands());
  return gradients;
}

//===----------------------------------------------------------------------===//
// attention
//===----------------------------------------------------------------------===//

/// Lengths as nnc.attend takes them. Beyond all keys is as far as they go.
static Value narrowLengths(ImplicitLocOpBuilder &b, Value lengths,
                           int64_t keys) {
  return lengths ? Value(narrowIndices(Expr(b, lengths), keys + 1)) : Value();
}

/// nnc.attend of an op that programs name: with its masks, in training with its
/// dropout. `bias` is added to scores.
template <typename Op>
static FailureOr<Expr> attend(Op op, Expr q, Expr k, Expr v, HeadCounts counts,
                              Value bias, bool training) {
  ImplicitLocOpBuilder &b = q.builder();
  APFloat scale =
      op.getScale().value_or(APFloat(1.0 / std::sqrt(double(counts.headSize))));
  APFloat dropout = training ? op.getDropout() : APFloat(0.0);
  SmallVector<Value> counter;
  if (!dropout.isZero()) {
    FailureOr<Counter> given = requireCounter(b, op, op.getCounter());
    if (failed(given))
      return failure();
    // A number of its own, so that equal layers have equal kernels.
    Expr stream = constant(b, 2.0 * double(op.getStream()), b.getI64Type());
    counter = {given->seed, given->step, stream};
  }
  int64_t keys = (k ? k : q).dim(1);
  auto attend = AttendOp::create(
      b, b.getLoc(), q, k, v, narrowLengths(b, op.getLengths(), keys), bias,
      op.getSlopes(), op.getMask(), counter, counts.heads, counts.kvHeads,
      scale, op.getCausal(), op.getWindow(), op.getSoftCap(), dropout);
  return Expr(b, attend.getY());
}

FailureOr<Expansion> AttentionOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr q(b, getQ()), k(b, getK()), v(b, getV());
  FailureOr<Expr> y = attend(*this, q, k, v, {q.dim(2), k.dim(2), q.dim(3)},
                             getBias(), training);
  if (failed(y))
    return failure();
  return Expansion{*y};
}

LogicalResult AttentionOp::verify() {
  return checkCounter(*this, getCounter(), getStream());
}

//===----------------------------------------------------------------------===//
// multi_head_attention
//===----------------------------------------------------------------------===//

/// x [B, T, W] weight + bias as [B, T, heads, D].
static Expr project(Expr x, Expr weight, Expr bias, int64_t headSize) {
  Expr y = matmul(x, weight);
  if (bias)
    y = y + bias;
  return reshape(y, {y.dim(0), y.dim(1), y.dim(2) / headSize, headSize});
}

/// x with the first `heads` turned, if the layer says so.
static Expr turn(Expr x, MultiHeadAttentionOp layer, Value positions,
                 int64_t heads) {
  if (!layer.getRotary())
    return x;
  ImplicitLocOpBuilder &b = x.builder();
  return Expr(b, RotaryOp::create(b, b.getLoc(), x, positions, Value(), Value(),
                                  layer.getRotaryBase(),
                                  layer.getRotaryInterleaved(),
                                  layer.getRotarySize(), heads,
                                  /*inverse=*/false));
}

FailureOr<Expansion> MultiHeadAttentionOp::buildExpansion(OpBuilder &builder,
                                                          bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  OpSite site(getLoc(), "multi_head_attention");
  FailureOr<HeadCounts> counts = resolveHeads(
      site, getX().getType(),
      {int64_t(getHeads()), int64_t(getKvHeads()), int64_t(getHeadSize())});
  assert(succeeded(counts) && "the op's types were inferred by this");
  auto [heads, kvHeads, size] = *counts;
  auto optional = [&](Value value) { return value ? Expr(b, value) : Expr(); };

  Expr x(b, getX());
  Expr q =
      project(x, Expr(b, getInProjWeight()), optional(getInProjBias()), size);
  Expr k; // [B, S, 2 K, D], null where all is in q
  if (getMemory()) {
    q = turn(q, *this, getPositions(), heads);
    k = project(Expr(b, getMemory()), Expr(b, getMemoryProjWeight()),
                optional(getMemoryProjBias()), size);
    k = turn(k, *this, Value(), kvHeads);
  } else {
    q = turn(q, *this, getPositions(), heads + kvHeads);
  }
  FailureOr<Expr> mixed =
      attend(*this, q, k, Expr(), *counts, getScoreBias(), training);
  if (failed(mixed))
    return failure();
  Expr y = reshape(*mixed, {x.dim(0), x.dim(1), heads * size});
  y = matmul(y, Expr(b, getOutProjWeight()));
  return Expansion{getOutProjBias() ? y + Expr(b, getOutProjBias()) : y};
}

// What the expansion's ops would not take is refused here, where it was said.
LogicalResult MultiHeadAttentionOp::verify() {
  OpSite site(getLoc(), "multi_head_attention");
  RankedTensorType x = getX().getType();
  FailureOr<HeadCounts> counts = resolveHeads(
      site, x,
      {int64_t(getHeads()), int64_t(getKvHeads()), int64_t(getHeadSize())});
  if (failed(counts))
    return failure();
  auto [heads, kvHeads, size] = *counts;
  auto typeOf = [](Value value) {
    return value ? cast<RankedTensorType>(value.getType()) : RankedTensorType();
  };
  auto byHeads = [&, size = size](RankedTensorType sequence, int64_t count) {
    SmallVector<int64_t> shape(sequence.getShape().drop_back());
    shape.append({count, size});
    return RankedTensorType::get(shape, sequence.getElementType());
  };
  RankedTensorType memory = typeOf(getMemory());
  AttentionTensors tensors{
      byHeads(x, memory ? heads : heads + 2 * kvHeads), {}, {}};
  if (memory)
    tensors.k = byHeads(memory, 2 * kvHeads);
  if (failed(inferAttention(site, tensors, heads, kvHeads,
                            {typeOf(getLengths()), typeOf(getScoreBias()),
                             typeOf(getSlopes()), typeOf(getMask())})))
    return failure();
  if (getPositions() && !getRotary())
    return site.error() << "has positions, which rotary = true is for";
  if (getRotary() && failed(inferRotary(site, tensors.q, typeOf(getPositions()),
                                        {}, {}, getRotarySize(), heads)))
    return failure();
  return checkCounter(*this, getCounter(), getStream());
}

static int64_t integerOf(DictionaryAttr arguments, StringRef name) {
  auto value = arguments.getAs<IntegerAttr>(name);
  return value ? value.getInt() : 0;
}

FailureOr<SmallVector<LayerParameter>>
MultiHeadAttentionOp::getLayerParameters(Location loc, ValueRange given,
                                         DictionaryAttr arguments) {
  OpSite site(loc, "multi_head_attention");
  TypeOrFailure x = getLayerInput(site, given);
  if (failed(x))
    return failure();
  constexpr unsigned kContext = 5;
  Value other = given.size() > kContext ? given[kContext] : Value();
  auto memory =
      other ? dyn_cast<RankedTensorType>(other.getType()) : RankedTensorType();
  TypesOrFailure types = projectionTypes(site, *x, memory,
                                         {integerOf(arguments, "heads"),
                                          integerOf(arguments, "kv_heads"),
                                          integerOf(arguments, "head_size")});
  if (failed(types))
    return failure();
  auto bias = arguments.getAs<BoolAttr>("bias");
  SmallVector<LayerParameter> parameters;
  static constexpr StringLiteral names[] = {
      "in_proj_weight",   "in_proj_bias",    "memory_proj_weight",
      "memory_proj_bias", "out_proj_weight", "out_proj_bias"};
  for (auto [name, type] : llvm::zip_equal(names, *types)) {
    bool isBias = name.ends_with("bias");
    if (!type || (isBias && bias && !bias.getValue()))
      continue;
    parameters.push_back({name, type,
                          makeInitializer(loc->getContext(),
                                          isBias ? "zeros" : "glorot_uniform"),
                          isBias ? SmallVector<int64_t>() : pytorchDims(2)});
  }
  return parameters;
}
