// Shape rules of convolutions.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

Windows makeWindows(ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides,
                    ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                    ArrayRef<int64_t> dilations) {
  size_t count = sizes.size();
  return {llvm::to_vector(sizes), resolveDims(count, strides, 1),
          resolveDims(count, low, 0), resolveDims(count, high, 0),
          resolveDims(count, dilations, 1)};
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// Succeeds if the tensor is [n, size.., channels] with 1 to 3 sizes, and only
/// n may be the batch.
static LogicalResult checkImage(const OpSite &site, NamedType image) {
  int64_t rank = image.type.getRank();
  if (rank < 3 || rank > 5)
    return site.error() << image.name << " is " << printType(image.type)
                        << ": expected a batch, 1 to 3 spatial dimensions, and "
                           "channels";
  if (llvm::is_contained(image.type.getShape().drop_front(),
                         ShapedType::kDynamic))
    return site.error() << image.name << " is " << printType(image.type)
                        << ": expected the batch as its first dimension";
  return success();
}

static LogicalResult checkEntries(const OpSite &site, StringRef name,
                                  ArrayRef<int64_t> values, int64_t numSpatial,
                                  int64_t least) {
  if (!values.empty() && int64_t(values.size()) != numSpatial)
    return site.error() << name << " has " << values.size()
                        << " entries: expected one for each of the "
                        << numSpatial << " spatial dimensions";
  for (int64_t value : values)
    if (value < least || value > kMaxElements)
      return site.error() << name << " is " << printDims(values)
                          << ": expected at least " << least
                          << (value < least ? "" : ", and no more than 2^40");
  return success();
}

/// Succeeds if every attribute has an entry a spatial dimension, in range.
static LogicalResult checkWindows(const OpSite &site, int64_t numSpatial,
                                  const ConvolutionAttributes &given) {
  if (failed(checkEntries(site, "strides", given.strides, numSpatial, 1)) ||
      failed(checkEntries(site, "low", given.low, numSpatial, 0)) ||
      failed(checkEntries(site, "high", given.high, numSpatial, 0)))
    return failure();
  return checkEntries(site, "dilations", given.dilations, numSpatial, 1);
}

/// The number of windows in each spatial dimension, if there are any.
static FailureOr<SmallVector<int64_t>>
countWindows(const OpSite &site, RankedTensorType x, ArrayRef<int64_t> window,
             const ConvolutionAttributes &given) {
  Windows windows = makeWindows(window, given.strides, given.low, given.high,
                                given.dilations);
  SmallVector<int64_t> counts;
  for (auto [i, size] : llvm::enumerate(spatialDims(x.getShape()))) {
    // A reach above 2^40 does not fit anywhere, and may not overflow.
    bool isHuge = window[i] > kMaxElements / windows.dilations[i];
    counts.push_back(isHuge ? 0 : windows.positions(i, size));
    if (counts.back() > 0)
      continue;
    InFlightDiagnostic diagnostic = site.error();
    diagnostic << "the window does not fit into x: x is " << printType(x)
               << ", the window " << printShape(window);
    if (windows.dilations[i] != 1)
      diagnostic << " with dilations " << printShape(windows.dilations);
    return diagnostic << ", padding " << windows.low[i] << " and "
                      << windows.high[i] << " in spatial dimension " << i;
  }
  return counts;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Succeeds if `channels` and `out` can be cut into `groups`.
static LogicalResult checkGroups(const OpSite &site, NamedType image,
                                 int64_t channels, int64_t out,
                                 int64_t groups) {
  if (groups >= 1 && channels % groups == 0 && out % groups == 0)
    return success();
  return site.error() << "groups is " << groups << ": expected a divisor of "
                      << channels << " channels and of " << out
                      << " that are made; " << image.name << " is "
                      << printType(image.type);
}

/// Succeeds if `filter` is [window.., channels / groups, out] beside an image
/// with `numSpatial` spatial dimensions.
static LogicalResult checkFilter(const OpSite &site, NamedType image,
                                 RankedTensorType filter) {
  if (failed(checkElementTypes(site, image, {"filter", filter})))
    return failure();
  if (filter.getRank() == image.type.getRank() && filter.hasStaticShape())
    return success();
  return site.error() << "filter is " << printType(filter) << ": expected "
                      << image.type.getRank() - 2
                      << " sizes of a window, then channels in and out; "
                      << image.name << " is " << printType(image.type);
}

TypeOrFailure inferConvolution(const OpSite &site, RankedTensorType x,
                               RankedTensorType filter,
                               const ConvolutionAttributes &given) {
  NamedType image{"x", x};
  if (failed(checkImage(site, image)) ||
      failed(checkFilter(site, image, filter)) ||
      failed(checkWindows(site, x.getRank() - 2, given)))
    return failure();
  int64_t channels = x.getShape().back(), out = filter.getShape().back();
  if (failed(checkGroups(site, image, channels, out, given.groups)))
    return failure();
  int64_t inputs = filter.getDimSize(filter.getRank() - 2);
  if (inputs != channels / given.groups) {
    InFlightDiagnostic diagnostic = site.error();
    diagnostic << "channels differ: x is " << printType(x) << " (" << channels
               << "), filter is " << printType(filter) << " (" << inputs;
    if (given.groups != 1)
      diagnostic << " in each of " << given.groups << " groups";
    return diagnostic << ')';
  }
  FailureOr<SmallVector<int64_t>> counts =
      countWindows(site, x, windowDims(filter.getShape()), given);
  if (failed(counts))
    return failure();
  SmallVector<int64_t> shape{x.getDimSize(0)};
  llvm::append_range(shape, *counts);
  shape.push_back(out);
  return makeTensor(site, shape, x.getElementType());
}

/// `type`, if a convolution of `x` and `filter` makes what y is.
static TypeOrFailure checkConvolution(const OpSite &site, RankedTensorType x,
                                      RankedTensorType filter,
                                      RankedTensorType y, TypeOrFailure type,
                                      const ConvolutionAttributes &given) {
  TypeOrFailure made = inferConvolution(site, x, filter, given);
  if (failed(made))
    return failure();
  if (*made == y)
    return type;
  return site.error() << "y is " << printType(y) << ", but "
                      << printType(filter) << " over " << printType(x)
                      << " makes " << printType(*made);
}

TypeOrFailure inferConvolutionTranspose(const OpSite &site, RankedTensorType y,
                                        RankedTensorType filter,
                                        ArrayRef<int64_t> sizes,
                                        const ConvolutionAttributes &given) {
  NamedType image{"y", y};
  if (failed(checkImage(site, image)) ||
      failed(checkFilter(site, image, filter)))
    return failure();
  if (int64_t(sizes.size()) != y.getRank() - 2)
    return site.error() << "sizes has " << sizes.size()
                        << " entries: expected one for each of the "
                        << y.getRank() - 2 << " spatial dimensions";
  int64_t inputs = filter.getDimSize(filter.getRank() - 2);
  if (given.groups > kMaxElements / inputs)
    return checkGroups(site, image, inputs, inputs, given.groups);
  SmallVector<int64_t> dims = toDims(y.getShape());
  llvm::copy(sizes, dims.begin() + 1);
  dims.back() = inputs * given.groups;
  TypeOrFailure x = makeType(site, dims, y.getElementType());
  if (failed(x) || failed(checkImage(site, {"x", *x})))
    return failure();
  return checkConvolution(site, *x, filter, y, x, given);
}

TypeOrFailure inferConvolutionFilter(const OpSite &site, RankedTensorType x,
                                     RankedTensorType y,
                                     ArrayRef<int64_t> window,
                                     const ConvolutionAttributes &given) {
  NamedType image{"x", x}, made{"y", y};
  if (failed(checkImage(site, image)) || failed(checkImage(site, made)) ||
      failed(checkElementTypes(site, image, made)))
    return failure();
  int64_t channels = x.getShape().back(), out = y.getShape().back();
  if (failed(checkGroups(site, image, channels, out, given.groups)))
    return failure();
  SmallVector<int64_t> dims = llvm::to_vector(window);
  llvm::append_values(dims, channels / given.groups, out);
  TypeOrFailure filter = makeType(site, dims, x.getElementType());
  if (failed(filter))
    return failure();
  return checkConvolution(site, x, *filter, y, filter, given);
}

} // namespace nnc
