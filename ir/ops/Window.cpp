// Gradients of ops over windows, and what pools and resizing become.
#include "ir/Expr.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

/// The spatial dimensions of x [n, spatial.., c].
static SmallVector<int64_t> spatialOf(Value x) {
  auto shape = cast<RankedTensorType>(x.getType()).getShape();
  return llvm::to_vector(shape.drop_front().drop_back());
}

/// An op whose last attributes are windows, from its other arguments.
template <typename Op, typename... Arguments>
static Value overWindows(OpBuilder &builder, Location loc,
                         const Windows &windows, Arguments... arguments) {
  return Op::create(builder, loc, arguments..., windows.sizes, windows.strides,
                    windows.low, windows.high, windows.dilations);
}

//===----------------------------------------------------------------------===//
// Gradients: each op is linear in x, and its transpose is another
//===----------------------------------------------------------------------===//

using Gradients = FailureOr<SmallVector<Value>>;

Gradients WindowSumOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  return SmallVector<Value>{overWindows<WindowSpreadOp>(
      b, getLoc(), getWindows(), upstream[0], spatialOf(getX()))};
}

Gradients WindowSpreadOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  return SmallVector<Value>{
      overWindows<WindowSumOp>(b, getLoc(), getWindows(), upstream[0])};
}

Gradients WindowNormalizeOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  return SmallVector<Value>{overWindows<WindowNormalizeOp>(
      b, getLoc(), getWindows(), upstream[0], getSize())};
}

Gradients WindowMaxOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  Value position =
      overWindows<WindowArgmaxOp>(b, getLoc(), getWindows(), getX());
  return SmallVector<Value>{overWindows<WindowUnmaxOp>(
      b, getLoc(), getWindows(), upstream[0], position, spatialOf(getX()))};
}

Gradients WindowUnmaxOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  return SmallVector<Value>{overWindows<WindowPickOp>(b, getLoc(), getWindows(),
                                                      upstream[0],
                                                      getPosition()),
                            Value()};
}

Gradients WindowPickOp::buildGradient(OpBuilder &b, ValueRange upstream) {
  return SmallVector<Value>{
      overWindows<WindowUnmaxOp>(b, getLoc(), getWindows(), upstream[0],
                                 getPosition(), spatialOf(getX())),
      Value()};
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

/// The windows of a verified pool.
template <typename Op> static Windows windowsOf(Op op, bool ceilMode) {
  return *resolvePool(OpSite(op.getLoc(), "pool"), op.getX().getType(),
                      op.getWindow(), op.getStride(), op.getPadding(),
                      op.getDilation(), ceilMode);
}

/// One window over all of x, and nothing else.
static Windows wholeOf(Value x) {
  SmallVector<int64_t> extents = spatialOf(x), zeros(extents.size(), 0),
                       ones(extents.size(), 1);
  // The stride says that no other window covers an element.
  return {extents, extents, zeros, zeros, ones};
}

static int64_t elementsOf(const Windows &windows) {
  int64_t elements = 1;
  for (int64_t size : windows.sizes)
    elements *= size;
  return elements;
}

FailureOr<Expansion> MaxPoolOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  return Expansion{overWindows<WindowMaxOp>(
      builder, getLoc(), windowsOf(*this, getCeilMode()), getX())};
}

/// Whether each window covers elements of `size` alone.
static bool areWhole(const Windows &windows, ArrayRef<int64_t> size) {
  for (auto [dim, extent] : llvm::enumerate(size)) {
    int64_t last = (windows.positions(dim, extent) - 1) * windows.strides[dim];
    if (windows.low[dim] > 0 || last + windows.reach(dim) > extent)
      return false;
  }
  return true;
}

FailureOr<Expansion> AveragePoolOp::buildExpansion(OpBuilder &builder,
                                                   bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Windows windows = windowsOf(*this, getCeilMode());
  Expr sums(b, overWindows<WindowSumOp>(b, getLoc(), windows, getX()));
  // What counts is `size` elements, of which the first is at 0.
  SmallVector<int64_t> size = spatialOf(getX());
  if (getCountPadding()) {
    Windows padded = windowsOf(*this, /*ceilMode=*/false);
    for (auto [dim, extent] : llvm::enumerate(size)) {
      int64_t &high = windows.high[dim];
      int64_t counted = std::min(padded.high[dim], high);
      extent += windows.low[dim] + counted;
      windows.low[dim] = 0;
      high -= counted;
    }
  }
  if (areWhole(windows, size))
    return Expansion{sums * (1.0 / elementsOf(windows))};
  return Expansion{
      overWindows<WindowNormalizeOp>(b, getLoc(), windows, Value(sums), size)};
}

FailureOr<Expansion> GlobalMaxPoolOp::buildExpansion(OpBuilder &builder,
                                                     bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr y(b, overWindows<WindowMaxOp>(b, getLoc(), wholeOf(getX()), getX()));
  return Expansion{reshape(y, toDims(getY().getType().getShape()))};
}

FailureOr<Expansion> GlobalAveragePoolOp::buildExpansion(OpBuilder &builder,
                                                         bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Windows whole = wholeOf(getX());
  Expr sums(b, overWindows<WindowSumOp>(b, getLoc(), whole, getX()));
  return Expansion{reshape(sums, toDims(getY().getType().getShape())) *
                   (1.0 / elementsOf(whole))};
}

//===----------------------------------------------------------------------===//
// Tables along an axis
//===----------------------------------------------------------------------===//

/// x with elements `indices` of `axis` in the place of its own.
static Expr take(Expr x, int64_t axis, ArrayRef<int32_t> indices) {
  if (llvm::equal(indices, llvm::seq<int32_t>(0, x.dim(axis))))
    return x;
  auto type = RankedTensorType::get({int64_t(indices.size())},
                                    x.builder().getI32Type());
  return gather(x, constant(x.builder(), DenseElementsAttr::get(type, indices)),
                axis);
}

/// y[.., o, ..] = sum over i of weights[o][i] * x[.., i, ..] along a spatial
/// axis: the product of a matrix with the rows that the axis' elements are.
static Expr combineAlong(Expr x, int64_t axis, int64_t size,
                         llvm::function_ref<double(int64_t, int64_t)> weight) {
  ImplicitLocOpBuilder &b = x.builder();
  int64_t extent = x.dim(axis);
  auto elementType = cast<FloatType>(x.elementType());
  SmallVector<APFloat> weights;
  for (int64_t o = 0; o < size; ++o)
    for (int64_t i = 0; i < extent; ++i) {
      bool loses;
      weights.push_back(APFloat(weight(o, i)));
      weights.back().convert(elementType.getFloatSemantics(),
                             APFloat::rmNearestTiesToEven, &loses);
    }
  auto type = RankedTensorType::get({size, extent}, elementType);
  Expr matrix = constant(b, DenseElementsAttr::get(type, weights));
  // The dimensions behind the axis are one: rows of the second factor.
  SmallVector<int64_t> dims = x.dims();
  int64_t inner = 1;
  for (int64_t dim : ArrayRef(dims).drop_front(axis + 1))
    inner *= dim;
  SmallVector<int64_t> rows(dims.begin(), dims.begin() + axis + 1);
  rows.push_back(inner);
  dims[axis] = size;
  return reshape(matmul(matrix, reshape(x, rows)), dims); // [.., size, inner]
}

//===----------------------------------------------------------------------===//
// Adaptive pools
//===----------------------------------------------------------------------===//

/// The elements that position `o` of `size` covers of `extent`: PyTorch's
/// start and end index.
static std::pair<int64_t, int64_t> adaptiveWindow(int64_t o, int64_t extent,
                                                  int64_t size) {
  return {o * extent / size, llvm::divideCeil((o + 1) * extent, size)};
}

/// The largest window of a dimension.
static int64_t adaptiveReach(int64_t extent, int64_t size) {
  int64_t reach = 0;
  for (int64_t o = 0; o < size; ++o) {
    auto [begin, end] = adaptiveWindow(o, extent, size);
    reach = std::max(reach, end - begin);
  }
  return reach;
}

/// Windows that lie side by side, of as many elements as `reach` says.
static Windows sideBySide(ArrayRef<int64_t> reach) {
  SmallVector<int64_t> zeros(reach.size(), 0), ones(reach.size(), 1);
  return {llvm::to_vector(reach), llvm::to_vector(reach), zeros, zeros, ones};
}

FailureOr<Expansion> AdaptiveMaxPoolOp::buildExpansion(OpBuilder &builder,
                                                       bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SmallVector<int64_t> reach;
  for (auto [dim, size] : llvm::enumerate(spatialOf(getY()))) {
    int64_t extent = x.dim(1 + dim);
    reach.push_back(adaptiveReach(extent, size));
    // A smaller window takes its last element again, which is none of the
    // first.
    SmallVector<int32_t> indices;
    for (int64_t o = 0; o < size; ++o) {
      auto [begin, end] = adaptiveWindow(o, extent, size);
      for (int64_t k = 0; k < reach.back(); ++k)
        indices.push_back(std::min(begin + k, end - 1));
    }
    x = take(x, 1 + dim, indices);
  }
  return Expansion{
      overWindows<WindowMaxOp>(b, getLoc(), sideBySide(reach), Value(x))};
}

FailureOr<Expansion> AdaptiveAveragePoolOp::buildExpansion(OpBuilder &builder,
                                                           bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SmallVector<int64_t> extents = spatialOf(getX()), sizes = spatialOf(getY());
  SmallVector<int64_t> reach;
  bool isEven = true;
  for (auto [extent, size] : llvm::zip(extents, sizes)) {
    isEven &= extent % size == 0;
    reach.push_back(extent / size);
  }
  if (isEven) {
    Windows windows = sideBySide(reach);
    Expr sums(b, overWindows<WindowSumOp>(b, getLoc(), windows, getX()));
    return Expansion{sums * (1.0 / elementsOf(windows))};
  }
  for (auto [dim, sizes] : llvm::enumerate(llvm::zip(extents, sizes))) {
    auto [extent, size] = sizes;
    auto weight = [extent = extent, size = size](int64_t o, int64_t i) {
      auto [begin, end] = adaptiveWindow(o, extent, size);
      return begin <= i && i < end ? 1.0 / (end - begin) : 0.0;
    };
    x = combineAlong(x, 1 + dim, size, weight);
  }
  return Expansion{x};
}

//===----------------------------------------------------------------------===//
// Resizing
//===----------------------------------------------------------------------===//

namespace {
/// One dimension as it is resized.
struct Resizing {
  int64_t extent, size;
  double scale;
  Corners corners;
  Rounding rounding;

  /// Where element `o` of the result lies among those of the operand.
  double place(int64_t o) const {
    switch (corners) {
    case Corners::half_pixel:
      return (o + 0.5) / scale - 0.5;
    case Corners::align_corners:
      return size == 1 ? 0.0 : double(o) * (extent - 1) / (size - 1);
    case Corners::asymmetric:
      break;
    }
    return o / scale;
  }

  int64_t clampIndex(double index) const {
    return std::clamp(index, 0.0, double(extent - 1));
  }

  int64_t nearest(int64_t o) const {
    double at = place(o);
    switch (rounding) {
    case Rounding::prefer_floor:
      return clampIndex(std::ceil(at - 0.5));
    case Rounding::prefer_ceil:
      return clampIndex(std::floor(at + 0.5));
    case Rounding::floor:
      return clampIndex(std::floor(at));
    case Rounding::ceil:
      break;
    }
    return clampIndex(std::ceil(at));
  }

  double weight(int64_t o, int64_t i) const {
    double at = place(o), below = std::floor(at), part = at - below;
    return (clampIndex(below) == i ? 1 - part : 0.0) +
           (clampIndex(below + 1) == i ? part : 0.0);
  }
};
} // namespace

/// How often each element of the dimension stands in the result, in order; 0
/// where they are not repeated alike.
static int64_t repeatsOf(const Resizing &resizing) {
  int64_t times = resizing.size / resizing.extent;
  auto isRepeated = [&](int64_t o) { return resizing.nearest(o) == o / times; };
  bool isEven = resizing.size % resizing.extent == 0;
  return isEven && llvm::all_of(llvm::seq(resizing.size), isRepeated) ? times
                                                                      : 0;
}

static Expr resizeNearest(Expr x, ArrayRef<Resizing> dims) {
  ImplicitLocOpBuilder &b = x.builder();
  SmallVector<int64_t> times = llvm::map_to_vector(dims, repeatsOf), sizes;
  for (const Resizing &resizing : dims)
    sizes.push_back(resizing.size);
  // Each element fills a window of its own.
  if (!llvm::is_contained(times, 0))
    return Expr(b, overWindows<WindowSpreadOp>(b, b.getLoc(), sideBySide(times),
                                               Value(x), sizes));
  for (auto [dim, resizing] : llvm::enumerate(dims)) {
    SmallVector<int32_t> indices;
    for (int64_t o = 0; o < resizing.size; ++o)
      indices.push_back(resizing.nearest(o));
    x = take(x, 1 + dim, indices);
  }
  return x;
}

FailureOr<Expansion> ResizeOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SmallVector<Resizing> dims;
  for (auto [extent, size] : llvm::zip(spatialOf(getX()), spatialOf(getY())))
    dims.push_back({extent, size,
                    getScale() ? number(*getScale()) : double(size) / extent,
                    getCorners(), getRounding()});
  if (getMode() == Mode::nearest)
    return Expansion{resizeNearest(x, dims)};
  for (auto [dim, resizing] : llvm::enumerate(dims)) {
    auto weight = [&resizing = resizing](int64_t o, int64_t i) {
      return resizing.weight(o, i);
    };
    if (resizing.extent != resizing.size || resizing.scale != 1)
      x = combineAlong(x, 1 + dim, resizing.size, weight);
  }
  return Expansion{x};
}

//===----------------------------------------------------------------------===//
// Padding by elements
//===----------------------------------------------------------------------===//

/// `source`: the element of a dimension of `extent` that stands at `index`,
/// which may be outside.
template <typename Op>
static Expansion padBy(Op op, OpBuilder &builder,
                       int64_t (*source)(int64_t index, int64_t extent)) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Expr x(b, op.getX());
  for (int64_t dim = 0; dim < x.rank(); ++dim) {
    if (op.getLow()[dim] + op.getHigh()[dim] == 0)
      continue;
    int64_t extent = x.dim(dim);
    SmallVector<int32_t> indices;
    for (int64_t i = -op.getLow()[dim]; i < extent + op.getHigh()[dim]; ++i)
      indices.push_back(source(i, extent));
    x = take(x, dim, indices);
  }
  return Expansion{x};
}

FailureOr<Expansion> ReflectPadOp::buildExpansion(OpBuilder &builder,
                                                  bool training) {
  return padBy(*this, builder, [](int64_t index, int64_t extent) {
    int64_t inside = std::abs(index);
    return inside < extent ? inside : 2 * (extent - 1) - inside;
  });
}

FailureOr<Expansion> ReplicatePadOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  return padBy(*this, builder, [](int64_t index, int64_t extent) {
    return std::clamp<int64_t>(index, 0, extent - 1);
  });
}

FailureOr<Expansion> WrapPadOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  return padBy(*this, builder, [](int64_t index, int64_t extent) {
    return (index + extent) % extent;
  });
}
