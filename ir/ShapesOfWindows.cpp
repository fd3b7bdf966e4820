// Shape rules of ops that go over windows of the spatial dimensions.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace nnc {

/// Of sizes, strides, dilations and padding: the product of two fits.
static constexpr int64_t kMostOfWindow = int64_t(1) << 30;

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
      return site.error() << "the window does not fit in spatial dimension "
                          << dim << ": x is " << printType(x)
                          << ", the window reaches over " << windows->reach(dim)
                          << ", padding adds "
                          << windows->low[dim] + windows->high[dim];
  return windows;
}

} // namespace nnc
