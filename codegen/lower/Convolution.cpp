// Convolutions: a contraction over windows each, with strides, dilations and
// padding in the access to the image; a transposed one with strides is a
// contraction for each place between two strides, so that no zero is
// multiplied.
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace nnc;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static SmallVector<OpFoldResult> attributes(KernelBuilder &b,
                                            ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(b.getContext(), values);
}

/// The part of `x` from `starts` of `sizes`, every `strides`-th element.
static Value takePart(KernelBuilder &b, Value x, ArrayRef<int64_t> starts,
                      ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides) {
  RankedTensorType type = typeOf(x).clone(sizes);
  if (type == typeOf(x))
    return x;
  return tensor::ExtractSliceOp::create(b, type, x, attributes(b, starts),
                                        b.sizes(sizes), attributes(b, strides));
}

/// [n, size.., channels] with zeros around its spatial dimensions, or with
/// elements cut off where `low` or `high` is negative.
static Value padImage(KernelBuilder &b, Value x, ArrayRef<int64_t> low,
                      ArrayRef<int64_t> high) {
  SmallVector<int64_t> starts(typeOf(x).getRank(), 0);
  SmallVector<int64_t> offsets(starts), ones(starts.size(), 1);
  SmallVector<int64_t> part(typeOf(x).getShape()), whole(part);
  for (auto [i, before, after] : llvm::enumerate(low, high)) {
    int64_t size = part[i + 1];
    starts[i + 1] = std::max<int64_t>(-before, 0);
    offsets[i + 1] = std::max<int64_t>(before, 0);
    part[i + 1] =
        size + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0);
    whole[i + 1] = size + before + after;
  }
  Value source = takePart(b, x, starts, part, ones);
  if (whole == part)
    return source;
  RankedTensorType type = typeOf(x).clone(whole);
  Value zeros = b.fill(type, scalarConstant(b, type.getElementType(), 0));
  return tensor::InsertSliceOp::create(b, source, zeros, attributes(b, offsets),
                                       b.sizes(part), attributes(b, ones));
}

/// The last dimension as [groups, its share].
static Value splitChannels(KernelBuilder &b, Value x, int64_t groups) {
  if (groups == 1)
    return x;
  SmallVector<int64_t> shape(typeOf(x).getShape());
  shape.back() /= groups;
  shape.insert(shape.end() - 1, groups);
  SmallVector<ReassociationIndices> dims;
  for (int64_t i = 0; i + 1 < typeOf(x).getRank(); ++i)
    dims.push_back({i});
  dims.push_back({typeOf(x).getRank() - 1, typeOf(x).getRank()});
  return tensor::ExpandShapeOp::create(b, typeOf(x).clone(shape), x, dims,
                                       b.sizes(shape));
}

/// The reverse: [.., groups, share] to [.., groups * share].
static Value joinChannels(KernelBuilder &b, Value x, int64_t groups) {
  if (groups == 1)
    return x;
  int64_t rank = typeOf(x).getRank() - 1;
  SmallVector<int64_t> shape(typeOf(x).getShape());
  shape.pop_back();
  shape.back() *= typeOf(x).getShape().back();
  SmallVector<ReassociationIndices> dims;
  for (int64_t i = 0; i + 1 < rank; ++i)
    dims.push_back({i});
  dims.push_back({rank - 1, rank});
  return tensor::CollapseShapeOp::create(b, typeOf(x).clone(shape), x, dims);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {

/// The loops of a convolution in the order in which they are named: first those
/// of the result's dimensions.
class Loops {
public:
  explicit Loops(KernelBuilder &b) : b(b) {}

  AffineExpr add(utils::IteratorType iterator) {
    iterators.push_back(iterator);
    return b.getAffineDimExpr(iterators.size() - 1);
  }
  AffineExpr parallel() { return add(utils::IteratorType::parallel); }
  AffineExpr reduction() { return add(utils::IteratorType::reduction); }
  SmallVector<AffineExpr> several(int64_t count, utils::IteratorType iterator) {
    SmallVector<AffineExpr> loops;
    for (int64_t i = 0; i < count; ++i)
      loops.push_back(add(iterator));
    return loops;
  }

  /// Sums of products of `lhs` and `rhs` into zeros of `type`, which is of the
  /// type that is summed in; each is read where its indices say.
  Value sumProducts(RankedTensorType type, Value lhs, Value rhs,
                    ArrayRef<AffineExpr> lhsIndices,
                    ArrayRef<AffineExpr> rhsIndices,
                    ArrayRef<AffineExpr> indices) {
    auto map = [&](ArrayRef<AffineExpr> results) {
      return AffineMap::get(iterators.size(), 0, results, b.getContext());
    };
    AffineMap maps[] = {map(lhsIndices), map(rhsIndices), map(indices)};
    Value zeros = b.fill(type, scalarConstant(b, type.getElementType(), 0));
    return b
        .generic({lhs, rhs}, zeros, maps, iterators,
                 [](ImplicitLocOpBuilder &b, ValueRange x) {
                   Value product = arith::MulFOp::create(b, x[0], x[1]);
                   return SmallVector<Value>{
                       arith::AddFOp::create(b, x[2], product)};
                 })
        .front();
  }

private:
  KernelBuilder &b;
  SmallVector<utils::IteratorType> iterators;
};

constexpr auto kParallel = utils::IteratorType::parallel;
constexpr auto kReduction = utils::IteratorType::reduction;

} // namespace

/// `lists` one after another; a group that is not there is a null expression.
static SmallVector<AffineExpr>
joinIndices(ArrayRef<ArrayRef<AffineExpr>> lists) {
  SmallVector<AffineExpr> joined;
  for (ArrayRef<AffineExpr> list : lists)
    for (AffineExpr index : list)
      if (index)
        joined.push_back(index);
  return joined;
}

/// Where element k of window o is in a padded image.
static SmallVector<AffineExpr> slide(ArrayRef<AffineExpr> windows,
                                     ArrayRef<AffineExpr> elements,
                                     const Windows &steps) {
  SmallVector<AffineExpr> places;
  for (auto [i, o, k] : llvm::enumerate(windows, elements))
    places.push_back(o * steps.strides[i] + k * steps.dilations[i]);
  return places;
}

/// The shape of `x` with the last dimension as [groups, its share].
static SmallVector<int64_t> splitShape(ArrayRef<int64_t> shape,
                                       int64_t groups) {
  SmallVector<int64_t> split(shape);
  if (groups == 1)
    return split;
  split.back() /= groups;
  split.insert(split.end() - 1, groups);
  return split;
}

/// 16-bit floats are summed in f32 and rounded once.
static Value roundOnce(KernelBuilder &b, Value sum, RankedTensorType type) {
  if (typeOf(sum) == type)
    return sum;
  return b.elementwise(
      type, sum, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
}

//===----------------------------------------------------------------------===//
// The three convolutions
//===----------------------------------------------------------------------===//

static FailureOr<Value> lowerConvolution(KernelBuilder &b, ConvolutionOp op,
                                         ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows steps = op.getWindows();
  int64_t groups = op.getGroups(), numSpatial = type.getRank() - 2;
  Value x = padImage(b, operands[0], steps.low, steps.high);

  Loops loops(b);
  AffineExpr n = loops.parallel();
  auto o = loops.several(numSpatial, kParallel);
  AffineExpr g = groups == 1 ? AffineExpr() : loops.parallel();
  AffineExpr c = loops.parallel();
  auto k = loops.several(numSpatial, kReduction);
  AffineExpr i = loops.reduction();

  Type sumType = computeType(type.getElementType());
  Value sum = loops.sumProducts(
      RankedTensorType::get(splitShape(type.getShape(), groups), sumType),
      splitChannels(b, x, groups), splitChannels(b, operands[1], groups),
      joinIndices({n, slide(o, k, steps), g, i}), joinIndices({k, i, g, c}),
      joinIndices({n, o, g, c}));
  return roundOnce(b, joinChannels(b, sum, groups), type);
}

static FailureOr<Value> lowerFilter(KernelBuilder &b, ConvolutionFilterOp op,
                                    ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows steps = op.getWindows();
  int64_t groups = op.getGroups(), numSpatial = type.getRank() - 2;
  Value x = padImage(b, operands[0], steps.low, steps.high);

  Loops loops(b);
  auto k = loops.several(numSpatial, kParallel);
  AffineExpr i = loops.parallel();
  AffineExpr g = groups == 1 ? AffineExpr() : loops.parallel();
  AffineExpr c = loops.parallel();
  AffineExpr n = loops.reduction();
  auto o = loops.several(numSpatial, kReduction);

  Type sumType = computeType(type.getElementType());
  Value sum = loops.sumProducts(
      RankedTensorType::get(splitShape(type.getShape(), groups), sumType),
      splitChannels(b, x, groups), splitChannels(b, operands[1], groups),
      joinIndices({n, slide(o, k, steps), g, i}), joinIndices({n, o, g, c}),
      joinIndices({k, i, g, c}));
  return roundOnce(b, joinChannels(b, sum, groups), type);
}

//===----------------------------------------------------------------------===//
// Transposed, a place between two strides after another
//===----------------------------------------------------------------------===//

namespace {

/// Along one spatial dimension, the places first + q * stride of a transposed
/// convolution's result and the elements tap + j * tapStep of the window that
/// reach them, from window (first + low - tap * dilation) / stride + q - j *
/// windowStep.
struct Phase {
  int64_t first, places;
  int64_t tap, tapStep, taps;
  int64_t windowStep;
  int64_t before, after; ///< Padding of y, or what is cut off where negative.
};

} // namespace

/// The phases of dimension `dim` that any window reaches.
static SmallVector<Phase> findPhases(const Windows &steps, int64_t dim,
                                     int64_t size, int64_t window,
                                     int64_t numWindows) {
  int64_t stride = steps.strides[dim], dilation = steps.dilations[dim];
  int64_t low = steps.low[dim], common = std::gcd(stride, dilation);
  SmallVector<Phase> phases;
  for (int64_t first = 0; first < std::min(stride, size); ++first) {
    Phase phase{first, (size - 1 - first) / stride + 1,
                0,     stride / common,
                0,     dilation / common,
                0,     0};
    int64_t candidates = std::min(phase.tapStep, window);
    while (phase.tap < candidates &&
           (first + low - phase.tap * dilation) % stride != 0)
      ++phase.tap;
    if (phase.tap == candidates)
      continue;
    phase.taps = (window - 1 - phase.tap) / phase.tapStep + 1;
    int64_t origin = (first + low - phase.tap * dilation) / stride;
    int64_t lowest = origin - (phase.taps - 1) * phase.windowStep;
    int64_t highest = origin + phase.places - 1;
    if (highest < 0 || lowest >= numWindows)
      continue;
    phase.before = -lowest;
    phase.after = highest - (numWindows - 1);
    phases.push_back(phase);
  }
  return phases;
}

/// Every choice of one phase a dimension.
static SmallVector<SmallVector<Phase>>
combine(ArrayRef<SmallVector<Phase>> dimensions) {
  SmallVector<SmallVector<Phase>> combined{{}};
  for (ArrayRef<Phase> phases : dimensions) {
    SmallVector<SmallVector<Phase>> longer;
    for (const SmallVector<Phase> &start : combined)
      for (const Phase &phase : phases) {
        longer.push_back(start);
        longer.back().push_back(phase);
      }
    combined = std::move(longer);
  }
  return combined;
}

/// The sums at the places of `phases`: [n, places.., (groups,) channels].
static Value sumPhase(KernelBuilder &b, ArrayRef<Phase> phases, Value y,
                      Value filter, int64_t groups, Type sumType) {
  SmallVector<int64_t> before, after, starts, taps, tapSteps;
  for (const Phase &phase : phases) {
    before.push_back(phase.before);
    after.push_back(phase.after);
    starts.push_back(phase.tap);
    taps.push_back(phase.taps);
    tapSteps.push_back(phase.tapStep);
  }
  ArrayRef<int64_t> channels = typeOf(filter).getShape().take_back(2);
  starts.append(2, 0);
  llvm::append_range(taps, channels);
  tapSteps.append(2, 1);
  filter = takePart(b, filter, starts, taps, tapSteps);

  Loops loops(b);
  AffineExpr n = loops.parallel();
  auto q = loops.several(phases.size(), kParallel);
  AffineExpr g = groups == 1 ? AffineExpr() : loops.parallel();
  AffineExpr i = loops.parallel();
  auto j = loops.several(phases.size(), kReduction);
  AffineExpr c = loops.reduction();
  SmallVector<AffineExpr> places;
  SmallVector<int64_t> shape{typeOf(y).getDimSize(0)};
  for (auto [phase, at, tap] : llvm::zip(phases, q, j)) {
    places.push_back(at - tap * phase.windowStep +
                     (phase.taps - 1) * phase.windowStep);
    shape.push_back(phase.places);
  }
  if (groups != 1)
    shape.push_back(groups);
  shape.push_back(channels.front());
  return loops.sumProducts(
      RankedTensorType::get(shape, sumType),
      splitChannels(b, padImage(b, y, before, after), groups),
      splitChannels(b, filter, groups), joinIndices({n, places, g, c}),
      joinIndices({j, i, g, c}), joinIndices({n, q, g, i}));
}

/// Puts the sums of a phase into the result.
static Value insertPhase(KernelBuilder &b, ArrayRef<Phase> phases, Value part,
                         Value into, const Windows &steps) {
  SmallVector<int64_t> offsets{0}, strides{1};
  for (auto [i, phase] : llvm::enumerate(phases)) {
    offsets.push_back(phase.first);
    strides.push_back(phase.places == 1 ? 1 : steps.strides[i]);
  }
  offsets.push_back(0);
  strides.push_back(1);
  return tensor::InsertSliceOp::create(b, part, into, attributes(b, offsets),
                                       b.sizes(typeOf(part).getShape()),
                                       attributes(b, strides));
}

/// y with zeros between its elements, as many as a stride passes over: what
/// slides over it has no strides.
static Value spreadWindows(KernelBuilder &b, Value y, Windows &steps) {
  SmallVector<int64_t> shape(typeOf(y).getShape()), strides{1};
  for (auto [i, stride] : llvm::enumerate(steps.strides))
    shape[i + 1] = (shape[i + 1] - 1) * stride + 1;
  llvm::append_range(strides, steps.strides);
  strides.push_back(1);
  RankedTensorType type = typeOf(y).clone(shape);
  Value zeros = b.fill(type, scalarConstant(b, type.getElementType(), 0));
  steps.strides.assign(steps.strides.size(), 1);
  return tensor::InsertSliceOp::create(
      b, y, zeros, attributes(b, SmallVector<int64_t>(shape.size(), 0)),
      b.sizes(typeOf(y).getShape()), attributes(b, strides));
}

/// Code for more contractions than this would be too long for what it saves.
static constexpr int64_t kMostPhases = 64;

/// How many phases there may be at most.
static int64_t boundPhases(const Windows &steps, ArrayRef<int64_t> window) {
  int64_t count = 1;
  for (auto [stride, size] : llvm::zip(steps.strides, window))
    count *= std::min({stride, size, kMostPhases + 1});
  return count;
}

static FailureOr<Value> lowerTranspose(KernelBuilder &b,
                                       ConvolutionTransposeOp op,
                                       ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows steps = op.getWindows();
  int64_t groups = op.getGroups();
  ArrayRef<int64_t> window = windowDims(typeOf(operands[1]).getShape());
  Value y = operands[0];
  if (boundPhases(steps, window) > kMostPhases)
    y = spreadWindows(b, y, steps);
  ArrayRef<int64_t> numWindows = spatialDims(typeOf(y).getShape());
  SmallVector<SmallVector<Phase>> dimensions;
  for (auto [i, size] : llvm::enumerate(op.getSizes()))
    dimensions.push_back(findPhases(steps, i, size, window[i], numWindows[i]));

  Type sumType = computeType(type.getElementType());
  RankedTensorType sums = type.clone(sumType);
  Value x;
  for (ArrayRef<Phase> phases : combine(dimensions)) {
    Value part = joinChannels(
        b, sumPhase(b, phases, y, operands[1], groups, sumType), groups);
    if (typeOf(part) == sums)
      return roundOnce(b, part, type);
    if (!x)
      x = b.fill(sums, scalarConstant(b, sumType, 0));
    x = insertPhase(b, phases, part, x, steps);
  }
  if (!x)
    x = b.fill(sums, scalarConstant(b, sumType, 0));
  return roundOnce(b, x, type);
}

void nnc::addConvolutionLowerings(Lowerings &lowerings) {
  lowerings.add<ConvolutionOp>(lowerConvolution);
  lowerings.add<ConvolutionTransposeOp>(lowerTranspose);
  lowerings.add<ConvolutionFilterOp>(lowerFilter);
}
