// Shape rules of ops that go over windows of the spatial dimensions.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "mlir/IR/BuiltinAttributes.h"

#include <cmath>

using namespace mlir;

namespace nnc {

/// Of sizes, strides, dilations and padding: the product of two fits.
static constexpr int64_t kMostOfWindow = int64_t(1) << 30;

/// Of what a table of constants has for each pair of elements: 64 MiB of f32.
static constexpr int64_t kMostOfTable = int64_t(1) << 24;
static constexpr int64_t kOne[] = {1};

bool isPadding(Attribute padding) {
  if (auto keyword = dyn_cast<StringAttr>(padding))
    return llvm::is_contained({"valid", "same", "same_lower"},
                              keyword.getValue());
  return isa<DenseI64ArrayAttr>(padding);
}

/// The numbers that are spatial dimensions of x [n, spatial.., c].
static FailureOr<ArrayRef<int64_t>> spatialDims(const OpSite &site,
                                                RankedTensorType x) {
  ArrayRef<int64_t> shape = x.getShape();
  if (shape.size() < 3 || shape.size() > 5 ||
      llvm::any_of(shape.drop_front(), ShapedType::isDynamic))
    return site.error() << "x is " << printType(x)
                        << ": expected [samples, spatial.., channels] with 1 "
                           "to 3 spatial dimensions, none of them the batch";
  return shape.drop_front().drop_back();
}

/// `values` for each dimension, from 1 on.
static LogicalResult resolveEach(const OpSite &site, RankedTensorType x,
                                 StringRef name, ArrayRef<int64_t> values,
                                 SmallVectorImpl<int64_t> &resolved) {
  size_t count = x.getRank() - 2;
  for (int64_t value : values)
    if (value < 1 || value > kMostOfWindow)
      return site.error() << name << " is " << printDims(values)
                          << ": expected numbers from 1 to " << kMostOfWindow;
  if (values.size() == 1)
    resolved.assign(count, values.front());
  else
    resolved.assign(values.begin(), values.end());
  if (resolved.size() == count)
    return success();
  return site.error() << name << " has " << values.size() << " entries: x is "
                      << printType(x) << ", which has " << count
                      << " spatial dimensions";
}

/// So that there are ceil(extent / stride) positions.
static void padToSame(ArrayRef<int64_t> extents, bool isLower,
                      Windows &windows) {
  for (auto [dim, extent] : llvm::enumerate(extents)) {
    int64_t stride = windows.strides[dim];
    int64_t positions = (extent + stride - 1) / stride;
    int64_t total = std::max<int64_t>(0, (positions - 1) * stride +
                                             windows.reach(dim) - extent);
    int64_t less = total / 2, more = total - less;
    windows.low.push_back(isLower ? more : less);
    windows.high.push_back(isLower ? less : more);
  }
}

static LogicalResult padByNumbers(const OpSite &site, RankedTensorType x,
                                  ArrayRef<int64_t> padding, Windows &windows) {
  size_t count = x.getRank() - 2;
  for (int64_t value : padding)
    if (value < 0 || value > kMostOfWindow)
      return site.error() << "padding is " << printDims(padding)
                          << ": expected numbers from 0 to " << kMostOfWindow;
  if (padding.size() == 1) {
    windows.low.assign(count, padding.front());
    windows.high = windows.low;
    return success();
  }
  if (padding.size() != 2 * count)
    return site.error() << "padding is " << printDims(padding) << ": x is "
                        << printType(x) << ", whose " << count
                        << " spatial dimensions take one number, or one for "
                           "each of their "
                        << 2 * count << " sides";
  for (size_t dim = 0; dim < count; ++dim) {
    windows.low.push_back(padding[2 * dim]);
    windows.high.push_back(padding[2 * dim + 1]);
  }
  return success();
}

static LogicalResult failNoPosition(const OpSite &site, RankedTensorType x,
                                    unsigned dim, const Windows &windows) {
  return site.error() << "the window does not fit in spatial dimension " << dim
                      << ": x is " << printType(x)
                      << ", the window reaches over " << windows.reach(dim)
                      << ", padding adds "
                      << windows.low[dim] + windows.high[dim];
}

FailureOr<Windows> resolveSteps(const OpSite &site, RankedTensorType x,
                                ArrayRef<int64_t> sizes,
                                ArrayRef<int64_t> strides, Attribute padding,
                                ArrayRef<int64_t> dilations) {
  FailureOr<ArrayRef<int64_t>> extents = spatialDims(site, x);
  Windows windows;
  if (failed(extents) ||
      failed(resolveEach(site, x, "window", sizes, windows.sizes)) ||
      failed(resolveEach(site, x, "stride",
                         strides.empty() ? ArrayRef(kOne) : strides,
                         windows.strides)) ||
      failed(resolveEach(site, x, "dilation",
                         dilations.empty() ? ArrayRef(kOne) : dilations,
                         windows.dilations)))
    return failure();
  if (auto keyword = dyn_cast<StringAttr>(padding)) {
    SmallVector<int64_t> none(extents->size(), 0);
    if (keyword.getValue() == "valid")
      windows.low = windows.high = none;
    else
      padToSame(*extents, keyword.getValue() == "same_lower", windows);
  } else if (failed(padByNumbers(site, x,
                                 cast<DenseI64ArrayAttr>(padding).asArrayRef(),
                                 windows))) {
    return failure();
  }
  return windows;
}

FailureOr<Windows> resolveWindows(const OpSite &site, RankedTensorType x,
                                  ArrayRef<int64_t> sizes,
                                  ArrayRef<int64_t> strides, Attribute padding,
                                  ArrayRef<int64_t> dilations) {
  FailureOr<Windows> windows =
      resolveSteps(site, x, sizes, strides, padding, dilations);
  if (failed(windows))
    return failure();
  for (auto [dim, extent] : llvm::enumerate(spatialDims(x.getShape())))
    if (windows->positions(dim, extent) < 1)
      return failNoPosition(site, x, dim, *windows);
  return windows;
}

//===----------------------------------------------------------------------===//
// Primitives
//===----------------------------------------------------------------------===//

/// Succeeds if there is an entry for each of `count` spatial dimensions, from
/// `least` on.
static LogicalResult checkEntries(const OpSite &site, StringRef name,
                                  ArrayRef<int64_t> values, size_t count,
                                  int64_t least) {
  auto isInRange = [&](int64_t value) {
    return least <= value && value <= kMostOfWindow;
  };
  if (values.size() == count && llvm::all_of(values, isInRange))
    return success();
  return site.error() << name << " is " << printDims(values) << ": expected "
                      << count << " numbers from " << least << " to "
                      << kMostOfWindow << ", one a spatial dimension";
}

static LogicalResult checkWindows(const OpSite &site, size_t count,
                                  const Windows &windows) {
  if (failed(checkEntries(site, "window", windows.sizes, count, 1)) ||
      failed(checkEntries(site, "strides", windows.strides, count, 1)) ||
      failed(checkEntries(site, "low", windows.low, count, 0)) ||
      failed(checkEntries(site, "high", windows.high, count, 0)) ||
      failed(checkEntries(site, "dilations", windows.dilations, count, 1)))
    return failure();
  int64_t elements = 1;
  for (int64_t size : windows.sizes)
    elements = std::min(elements * size, kMostOfWindow + 1);
  if (elements <= kMostOfWindow)
    return success();
  return site.error() << "window is " << printDims(windows.sizes)
                      << ": expected at most " << kMostOfWindow << " elements";
}

/// The shape of what has an element a window over x.
static FailureOr<SmallVector<int64_t>>
windowShape(const OpSite &site, RankedTensorType x, const Windows &windows) {
  FailureOr<ArrayRef<int64_t>> extents = spatialDims(site, x);
  if (failed(extents) || failed(checkWindows(site, extents->size(), windows)))
    return failure();
  SmallVector<int64_t> shape{x.getShape().front()};
  for (auto [dim, extent] : llvm::enumerate(*extents)) {
    shape.push_back(windows.positions(dim, extent));
    if (shape.back() < 1)
      return failNoPosition(site, x, dim, windows);
  }
  shape.push_back(x.getShape().back());
  return shape;
}

TypeOrFailure inferWindows(const OpSite &site, RankedTensorType x,
                           const Windows &windows) {
  FailureOr<SmallVector<int64_t>> shape = windowShape(site, x, windows);
  if (failed(shape))
    return failure();
  return makeTensor(site, *shape, x.getElementType());
}

TypeOrFailure inferPositions(const OpSite &site, RankedTensorType x,
                             const Windows &windows) {
  int64_t elements = 1;
  for (int64_t size : windows.sizes)
    elements = std::min<int64_t>(elements * std::min<int64_t>(size, 257), 257);
  MLIRContext *context = x.getContext();
  Type type = elements <= 256
                  ? IntegerType::get(context, 8, IntegerType::Unsigned)
                  : IntegerType::get(context, 32);
  return withElementType(inferWindows(site, x, windows), type);
}

TypeOrFailure inferSpread(const OpSite &site, NamedType operand,
                          ArrayRef<int64_t> size, const Windows &windows) {
  RankedTensorType x = operand.type;
  FailureOr<ArrayRef<int64_t>> positions = spatialDims(site, x);
  if (failed(positions) ||
      failed(checkEntries(site, "size", size, positions->size(), 1)))
    return failure();
  SmallVector<int64_t> shape{x.getShape().front()};
  llvm::append_range(shape, size);
  shape.push_back(x.getShape().back());
  TypeOrFailure whole = makeTensor(site, shape, x.getElementType());
  if (failed(whole))
    return failure();
  FailureOr<SmallVector<int64_t>> expected = windowShape(site, *whole, windows);
  if (failed(expected))
    return failure();
  if (x.getShape() == ArrayRef<int64_t>(*expected))
    return whole;
  return site.error() << operand.name
                      << " does not have an element a window: " << operand.name
                      << " is " << printType(x) << ", the windows over "
                      << printShape(shape) << " are " << printShape(*expected);
}

TypeOrFailure inferNormalize(const OpSite &site, RankedTensorType x,
                             ArrayRef<int64_t> size, const Windows &windows) {
  if (failed(inferSpread(site, {"x", x}, size, windows)))
    return failure();
  return x;
}

static LogicalResult checkPosition(const OpSite &site, RankedTensorType x,
                                   ArrayRef<int64_t> expected,
                                   RankedTensorType position) {
  if (position.getShape() == expected)
    return success();
  return site.error() << "position is " << printType(position)
                      << ": expected a number a window, "
                      << printShape(expected) << "; x is " << printType(x);
}

TypeOrFailure inferUnmax(const OpSite &site, RankedTensorType x,
                         RankedTensorType position, ArrayRef<int64_t> size,
                         const Windows &windows) {
  if (failed(checkPosition(site, x, x.getShape(), position)))
    return failure();
  return inferSpread(site, {"x", x}, size, windows);
}

TypeOrFailure inferPick(const OpSite &site, RankedTensorType x,
                        RankedTensorType position, const Windows &windows) {
  TypeOrFailure y = inferWindows(site, x, windows);
  if (failed(y) || failed(checkPosition(site, x, y->getShape(), position)))
    return failure();
  return y;
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

FailureOr<Windows> resolvePool(const OpSite &site, RankedTensorType x,
                               ArrayRef<int64_t> window,
                               ArrayRef<int64_t> stride, Attribute padding,
                               ArrayRef<int64_t> dilation, bool ceilMode) {
  FailureOr<Windows> windows = resolveWindows(
      site, x, window, stride.empty() ? window : stride, padding, dilation);
  if (failed(windows))
    return failure();
  for (auto [dim, extent] :
       llvm::enumerate(x.getShape().drop_front().drop_back())) {
    int64_t low = windows->low[dim], &high = windows->high[dim];
    int64_t reach = windows->reach(dim), step = windows->strides[dim];
    if (low >= reach || high >= reach)
      return site.error() << "padding of " << low << " and " << high
                          << " in spatial dimension " << dim
                          << ": expected less than the window, which reaches "
                             "over "
                          << reach;
    if (!ceilMode)
      continue;
    int64_t last = (extent + low + high - reach + step - 1) / step;
    // As ONNX and PyTorch have it: a window begins before the end of x.
    if (last * step >= extent + low)
      --last;
    high = std::max<int64_t>(0, last * step + reach - extent - low);
  }
  if (failed(windowShape(site, x, *windows)))
    return failure();
  return windows;
}

TypeOrFailure inferPool(const OpSite &site, RankedTensorType x,
                        ArrayRef<int64_t> window, ArrayRef<int64_t> stride,
                        Attribute padding, ArrayRef<int64_t> dilation,
                        bool ceilMode) {
  FailureOr<Windows> windows =
      resolvePool(site, x, window, stride, padding, dilation, ceilMode);
  if (failed(windows))
    return failure();
  return inferWindows(site, x, *windows);
}

TypeOrFailure inferGlobalPool(const OpSite &site, RankedTensorType x,
                              bool keepDims) {
  FailureOr<ArrayRef<int64_t>> extents = spatialDims(site, x);
  if (failed(extents) || failed(checkEntries(site, "the spatial size", *extents,
                                             extents->size(), 1)))
    return failure();
  SmallVector<int64_t> shape{x.getShape().front()};
  if (keepDims)
    shape.append(extents->size(), 1);
  shape.push_back(x.getShape().back());
  return makeTensor(site, shape, x.getElementType());
}

/// x with its spatial dimensions of another size, for an op that makes a table
/// of each of them.
static TypeOrFailure resizeTo(const OpSite &site, RankedTensorType x,
                              ArrayRef<int64_t> size) {
  FailureOr<ArrayRef<int64_t>> extents = spatialDims(site, x);
  SmallVector<int64_t> resolved;
  if (failed(extents) || failed(resolveEach(site, x, "size", size, resolved)))
    return failure();
  for (auto [dim, extent] : llvm::enumerate(*extents))
    if (extent > kMostOfTable / resolved[dim])
      return site.error() << "spatial dimension " << dim << " goes from "
                          << extent << " to " << resolved[dim]
                          << ": expected a product of at most " << kMostOfTable;
  SmallVector<int64_t> shape{x.getShape().front()};
  llvm::append_range(shape, resolved);
  shape.push_back(x.getShape().back());
  return makeTensor(site, shape, x.getElementType());
}

TypeOrFailure inferAdaptivePool(const OpSite &site, RankedTensorType x,
                                ArrayRef<int64_t> size) {
  return resizeTo(site, x, size);
}

TypeOrFailure inferResize(const OpSite &site, RankedTensorType x,
                          ArrayRef<int64_t> size,
                          std::optional<APFloat> scale) {
  if (size.empty() != scale.has_value())
    return site.error() << "needs one of its arguments 'size' and 'scale'";
  if (!scale)
    return resizeTo(site, x, size);
  FailureOr<ArrayRef<int64_t>> extents = spatialDims(site, x);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> scaled;
  for (int64_t extent : *extents) {
    // A product that no size has is refused as such.
    double product = std::floor(extent * scale->convertToDouble());
    scaled.push_back(std::clamp(product, 0.0, kMostOfWindow + 1.0));
  }
  return resizeTo(site, x, scaled);
}

TypeOrFailure inferBorderPad(const OpSite &site, RankedTensorType x,
                             ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                             std::optional<int64_t> beyond) {
  TypeOrFailure y = inferPad(site, x, low, high, {});
  if (failed(y))
    return failure();
  for (auto [dim, extent] : llvm::enumerate(x.getShape())) {
    if (ShapedType::isDynamic(extent))
      continue;
    int64_t most = beyond ? extent + *beyond : kMostOfTable;
    if (low[dim] > most || high[dim] > most)
      return site.error() << "padding of " << low[dim] << " and " << high[dim]
                          << " in dimension " << dim << ": x is "
                          << printType(x) << ", expected at most " << most;
    if (low[dim] + high[dim] > 0 && y->getDimSize(dim) > kMostOfTable)
      return site.error() << "dimension " << dim << " becomes "
                          << y->getDimSize(dim) << ": expected at most "
                          << kMostOfTable;
  }
  return y;
}

} // namespace nnc
