// Shape rules of attention and of positions.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Succeeds for [batch, length, heads, size], of which the first may be the
/// batch.
static LogicalResult checkHeads(const OpSite &site, NamedType operand) {
  if (operand.type.getRank() == 4 &&
      !llvm::is_contained(operand.type.getShape().drop_front(),
                          ShapedType::kDynamic))
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected [batch, time, heads, size]";
}

/// Succeeds if the operand has `count` heads of `size` elements for each sample
/// of q.
static LogicalResult checkPart(const OpSite &site, RankedTensorType q,
                               NamedType operand, int64_t keys, int64_t count,
                               int64_t size) {
  SmallVector<int64_t> expected{q.getDimSize(0), keys, count, size};
  if (operand.type.getShape() == ArrayRef(expected))
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ", q is " << printType(q) << ": expected "
                      << printShape(expected);
}

/// Products of two such numbers and sums of some fit into 64 bits.
static constexpr int64_t kMostHeads = 1000000000;

static LogicalResult checkCount(const OpSite &site, StringRef name,
                                int64_t count) {
  if (count >= 0 && count <= kMostHeads)
    return success();
  return site.error() << name << " is " << count << ": expected 0 to "
                      << kMostHeads;
}

/// Fills in how many heads there are, where that is read from the tensors.
static LogicalResult countHeads(const OpSite &site,
                                const AttentionTensors &tensors,
                                AttentionSizes &sizes) {
  if (!sizes.heads)
    sizes.heads = tensors.q.getDimSize(2);
  if (!sizes.kvHeads && tensors.k)
    sizes.kvHeads = tensors.k.getDimSize(2);
  if (sizes.heads && sizes.kvHeads && sizes.heads % sizes.kvHeads == 0)
    return success();
  return site.error() << "there are " << sizes.heads << " heads of q and "
                      << sizes.kvHeads
                      << " of k: expected a multiple of those of k";
}

FailureOr<AttentionSizes> resolveAttention(const OpSite &site,
                                           const AttentionTensors &tensors,
                                           int64_t heads, int64_t kvHeads) {
  NamedType q{"q", tensors.q}, k{"k", tensors.k}, v{"v", tensors.v};
  if (failed(checkCount(site, "heads", heads)) ||
      failed(checkCount(site, "kv_heads", kvHeads)))
    return failure();
  if (v.type && !k.type)
    return site.error() << "has v and no k";
  for (const NamedType &operand : {q, k, v})
    if (operand.type && (failed(checkHeads(site, operand)) ||
                         failed(checkElementTypes(site, q, operand))))
      return failure();
  AttentionSizes sizes{q.type.getDimSize(0),
                       q.type.getDimSize(1),
                       (k.type ? k : q).type.getDimSize(1),
                       heads,
                       kvHeads,
                       q.type.getDimSize(3),
                       (v.type ? v : q).type.getDimSize(3)};
  if (failed(countHeads(site, tensors, sizes)))
    return failure();
  int64_t all = sizes.heads + (k.type ? 0 : 2 * sizes.kvHeads);
  if (failed(checkPart(site, q.type, q, sizes.time, all, sizes.size)))
    return failure();
  int64_t ofKeys = v.type ? sizes.kvHeads : 2 * sizes.kvHeads;
  if (k.type &&
      failed(checkPart(site, q.type, k, sizes.keys, ofKeys, sizes.size)))
    return failure();
  if (v.type && failed(checkPart(site, q.type, v, sizes.keys, sizes.kvHeads,
                                 sizes.valueSize)))
    return failure();
  return sizes;
}

static SmallVector<int64_t> scoresShape(const AttentionSizes &sizes) {
  return {sizes.batch, sizes.heads, sizes.time, sizes.keys};
}

/// Succeeds if the operand, where it is given, broadcasts to the scores.
static LogicalResult checkBroadcasts(const OpSite &site, NamedType operand,
                                     const AttentionSizes &sizes) {
  if (!operand.type)
    return success();
  SmallVector<int64_t> scores = scoresShape(sizes), shape = scores;
  std::pair<int64_t, int64_t> conflict;
  if (operand.type.getRank() <= 4 &&
      succeeded(broadcastInto(shape, operand.type.getShape(), conflict)) &&
      shape == scores)
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected a shape that broadcasts to "
                      << printShape(scores);
}

static LogicalResult checkVector(const OpSite &site, NamedType operand,
                                 int64_t size) {
  if (!operand.type || operand.type.getShape() == ArrayRef(size))
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected the shape " << printShape(size);
}

static LogicalResult checkMasks(const OpSite &site, RankedTensorType q,
                                const AttentionSizes &sizes,
                                const AttentionMasks &masks) {
  NamedType query{"q", q}, bias{"bias", masks.bias};
  NamedType slopes{"slopes", masks.slopes};
  for (const NamedType &operand : {bias, slopes})
    if (operand.type && failed(checkElementTypes(site, query, operand)))
      return failure();
  if (failed(checkVector(site, {"lengths", masks.lengths}, sizes.batch)) ||
      failed(checkVector(site, slopes, sizes.heads)) ||
      failed(checkBroadcasts(site, bias, sizes)))
    return failure();
  return checkBroadcasts(site, {"mask", masks.mask}, sizes);
}

TypeOrFailure inferAttention(const OpSite &site,
                             const AttentionTensors &tensors, int64_t heads,
                             int64_t kvHeads, const AttentionMasks &masks) {
  FailureOr<AttentionSizes> sizes =
      resolveAttention(site, tensors, heads, kvHeads);
  if (failed(sizes) || failed(checkMasks(site, tensors.q, *sizes, masks)))
    return failure();
  return makeTensor(site,
                    {sizes->batch, sizes->time, sizes->heads, sizes->valueSize},
                    tensors.q.getElementType());
}

/// What is summed up in f32 at least.
static Type sumType(Type elementType) {
  return elementType.getIntOrFloatBitWidth() < 32
             ? Float32Type::get(elementType.getContext())
             : elementType;
}

TypeOrFailure inferAttentionRows(const OpSite &site,
                                 const AttentionTensors &tensors, int64_t heads,
                                 int64_t kvHeads) {
  FailureOr<AttentionSizes> sizes =
      resolveAttention(site, tensors, heads, kvHeads);
  if (failed(sizes))
    return failure();
  return makeTensor(site, {sizes->batch, sizes->time, sizes->heads},
                    sumType(tensors.q.getElementType()));
}

TypeOrFailure inferAttentionScores(const OpSite &site,
                                   const AttentionTensors &tensors,
                                   int64_t heads, int64_t kvHeads) {
  FailureOr<AttentionSizes> sizes =
      resolveAttention(site, tensors, heads, kvHeads);
  if (failed(sizes))
    return failure();
  return makeTensor(site, scoresShape(*sizes),
                    sumType(tensors.q.getElementType()));
}

TypesOrFailure inferAttendGradient(const OpSite &site,
                                   const AttentionTensors &tensors,
                                   int64_t heads, int64_t kvHeads,
                                   const AttentionResults &results) {
  TypeOrFailure y = inferAttention(site, tensors, heads, kvHeads, {});
  TypeOrFailure rows = inferAttentionRows(site, tensors, heads, kvHeads);
  if (failed(y) || failed(rows))
    return failure();
  for (auto [operand, expected] :
       {std::pair(NamedType{"lse", results.lse}, *rows),
        std::pair(NamedType{"delta", results.delta}, *rows),
        std::pair(NamedType{"dy", results.dy}, *y)})
    if (operand.type != expected)
      return site.error() << operand.name << " is " << printType(operand.type)
                          << ": expected " << printType(expected);
  SmallVector<RankedTensorType> types;
  for (RankedTensorType type : {tensors.q, tensors.k, tensors.v})
    if (type)
      types.push_back(type);
  return types;
}

//===----------------------------------------------------------------------===//
// Multi-head attention
//===----------------------------------------------------------------------===//

/// Succeeds for [batch, length, width], of which the first may be the batch.
static LogicalResult checkSequence(const OpSite &site, NamedType operand) {
  if (operand.type.getRank() == 3 &&
      !llvm::is_contained(operand.type.getShape().drop_front(),
                          ShapedType::kDynamic))
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected [batch, time, width]";
}

FailureOr<HeadCounts> resolveHeads(const OpSite &site, RankedTensorType x,
                                   HeadCounts counts) {
  if (failed(checkSequence(site, {"x", x})) ||
      failed(checkCount(site, "heads", counts.heads)) ||
      failed(checkCount(site, "kv_heads", counts.kvHeads)) ||
      failed(checkCount(site, "head_size", counts.headSize)))
    return failure();
  int64_t width = x.getDimSize(2);
  if (counts.heads < 1)
    return site.error() << "heads is " << counts.heads
                        << ": expected at least 1";
  if (!counts.kvHeads)
    counts.kvHeads = counts.heads;
  if (!counts.headSize && width % counts.heads != 0)
    return site.error() << "heads is " << counts.heads
                        << ": expected a divisor of the width of x, "
                        << printType(x) << " (" << width << "), or a head_size";
  if (!counts.headSize)
    counts.headSize = width / counts.heads;
  if (counts.heads % counts.kvHeads == 0)
    return counts;
  return site.error() << "kv_heads is " << counts.kvHeads
                      << ": expected a divisor of heads, " << counts.heads;
}

TypesOrFailure projectionTypes(const OpSite &site, RankedTensorType x,
                               RankedTensorType memory, HeadCounts counts) {
  FailureOr<HeadCounts> heads = resolveHeads(site, x, counts);
  if (failed(heads))
    return failure();
  NamedType input{"x", x}, other{"memory", memory};
  if (memory && (failed(checkSequence(site, other)) ||
                 failed(checkElementTypes(site, input, other))))
    return failure();
  int64_t ofQueries = heads->heads * heads->headSize;
  int64_t ofKeys = 2 * heads->kvHeads * heads->headSize;
  SmallVector<RankedTensorType> types;
  auto add = [&](int64_t from, int64_t to) -> LogicalResult {
    TypeOrFailure weight = makeTensor(site, {from, to}, x.getElementType());
    if (failed(weight))
      return failure();
    types.push_back(*weight);
    types.push_back(RankedTensorType::get(to, x.getElementType()));
    return success();
  };
  int64_t width = x.getDimSize(2);
  if (failed(add(width, memory ? ofQueries : ofQueries + ofKeys)))
    return failure();
  if (!memory)
    types.append(2, RankedTensorType());
  else if (failed(add(memory.getDimSize(2), ofKeys)))
    return failure();
  if (failed(add(ofQueries, width)))
    return failure();
  return types;
}

TypeOrFailure inferMultiHeadAttention(const OpSite &site, RankedTensorType x,
                                      RankedTensorType memory,
                                      ArrayRef<NamedType> projections,
                                      HeadCounts counts) {
  TypesOrFailure expected = projectionTypes(site, x, memory, counts);
  if (failed(expected))
    return failure();
  for (auto [projection, type] : llvm::zip_equal(projections, *expected)) {
    if (projection.type && !type)
      return site.error() << "has " << projection.name << " and no memory";
    bool isBias = type && type.getRank() == 1;
    if (projection.type == type || (!projection.type && isBias))
      continue;
    if (!projection.type)
      return site.error() << "needs its operand '" << projection.name << "'";
    return site.error() << projection.name << " is "
                        << printType(projection.type) << ": expected "
                        << printType(type);
  }
  return x;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// Succeeds if positions are [time] or [batch, time] of x.
static LogicalResult checkPositions(const OpSite &site, RankedTensorType x,
                                    RankedTensorType positions) {
  ArrayRef<int64_t> sequence = x.getShape().take_front(2);
  if (!positions || positions.getShape() == sequence ||
      positions.getShape() == sequence.drop_front())
    return success();
  return site.error() << "positions is " << printType(positions) << ", x is "
                      << printType(x) << ": expected "
                      << printShape(sequence.drop_front()) << " or "
                      << printShape(sequence);
}

/// Succeeds if the operand has a row of `size` for each of `least` positions.
static LogicalResult checkTable(const OpSite &site, RankedTensorType x,
                                NamedType operand, int64_t least,
                                int64_t size) {
  if (failed(checkElementTypes(site, {"x", x}, operand)))
    return failure();
  if (operand.type.getRank() == 2 && operand.type.hasStaticShape() &&
      operand.type.getDimSize(0) >= least && operand.type.getDimSize(1) == size)
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected " << size << " columns and at least "
                      << least << " rows";
}

TypeOrFailure inferRotary(const OpSite &site, RankedTensorType x,
                          RankedTensorType positions, RankedTensorType cos,
                          RankedTensorType sin, int64_t rotated,
                          int64_t heads) {
  if (failed(checkHeads(site, {"x", x})) ||
      failed(checkPositions(site, x, positions)))
    return failure();
  if (failed(checkCount(site, "rotated", rotated)) ||
      failed(checkCount(site, "heads", heads)))
    return failure();
  int64_t size = x.getDimSize(3);
  int64_t turned = rotated ? rotated : size;
  if (turned > size || turned % 2 != 0)
    return site.error() << "rotated is " << turned
                        << ": expected an even number of the " << size
                        << " elements of a head";
  if (heads > x.getDimSize(2))
    return site.error() << "heads is " << heads << ": x is " << printType(x);
  if (!cos != !sin)
    return site.error() << "has " << (cos ? "cos" : "sin") << " and no "
                        << (cos ? "sin" : "cos");
  int64_t least = positions ? 1 : x.getDimSize(1);
  if (cos && (failed(checkTable(site, x, {"cos", cos}, least, turned / 2)) ||
              failed(checkTable(site, x, {"sin", sin}, least, turned / 2))))
    return failure();
  return x;
}

TypeOrFailure inferSinusoidal(const OpSite &site, int64_t length, int64_t width,
                              std::optional<Type> elementType) {
  // They are part of the plan.
  constexpr int64_t kMostElements = int64_t(1) << 24;
  if (length < 1 || width < 1 || width % 2 != 0)
    return site.error() << "length is " << length << ", width is " << width
                        << ": expected an even width and both above 0";
  if (length > kMostElements / width)
    return site.error() << "length is " << length << ", width is " << width
                        << ": expected at most " << kMostElements
                        << " elements";
  return inferRandom(site, {length, width}, elementType);
}

} // namespace nnc
