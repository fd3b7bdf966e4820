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
                                 NamedType filter) {
  if (failed(checkElementTypes(site, image, filter)))
    return failure();
  if (filter.type.getRank() == image.type.getRank() &&
      filter.type.hasStaticShape())
    return success();
  return site.error() << filter.name << " is " << printType(filter.type)
                      << ": expected " << image.type.getRank() - 2
                      << " sizes of a window, then channels in and out; "
                      << image.name << " is " << printType(image.type);
}

TypeOrFailure inferConvolution(const OpSite &site, RankedTensorType x,
                               NamedType filter,
                               const ConvolutionAttributes &given) {
  NamedType image{"x", x};
  if (failed(checkImage(site, image)) ||
      failed(checkFilter(site, image, filter)) ||
      failed(checkWindows(site, x.getRank() - 2, given)))
    return failure();
  int64_t channels = x.getShape().back(), out = filter.type.getShape().back();
  if (failed(checkGroups(site, image, channels, out, given.groups)))
    return failure();
  int64_t inputs = filter.type.getDimSize(filter.type.getRank() - 2);
  if (inputs != channels / given.groups) {
    InFlightDiagnostic diagnostic = site.error();
    diagnostic << "channels differ: x is " << printType(x) << " (" << channels
               << "), " << filter.name << " is " << printType(filter.type)
               << " (" << inputs;
    if (given.groups != 1)
      diagnostic << " in each of " << given.groups << " groups";
    return diagnostic << ')';
  }
  FailureOr<SmallVector<int64_t>> counts =
      countWindows(site, x, windowDims(filter.type.getShape()), given);
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
  TypeOrFailure made = inferConvolution(site, x, {"filter", filter}, given);
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
      failed(checkFilter(site, image, {"filter", filter})))
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

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// Succeeds if the image and the weight have the layer's dimensions.
static LogicalResult checkRanks(const OpSite &site, RankedTensorType x,
                                RankedTensorType weight, int64_t numSpatial) {
  if (x.getRank() != numSpatial + 2)
    return site.error() << "x is " << printType(x) << ": expected a batch, "
                        << numSpatial << " spatial dimension"
                        << (numSpatial == 1 ? "" : "s") << ", and channels";
  if (failed(checkImage(site, {"x", x})))
    return failure();
  return checkFilter(site, {"x", x}, {"weight", weight});
}

static ConvolutionAttributes attributesOf(const Windows &windows,
                                          int64_t groups) {
  return {windows.strides, windows.low, windows.high, windows.dilations,
          groups};
}

FailureOr<Windows> resolveLayer(const OpSite &site, RankedTensorType x,
                                RankedTensorType weight,
                                const ConvolutionLayer &layer) {
  return resolveWindows(site, x, windowDims(weight.getShape()), layer.strides,
                        layer.padding, layer.dilations);
}

TypeOrFailure inferConvolutionLayer(const OpSite &site, RankedTensorType x,
                                    RankedTensorType weight,
                                    RankedTensorType bias,
                                    const ConvolutionLayer &layer) {
  if (failed(checkRanks(site, x, weight, layer.numSpatial)))
    return failure();
  FailureOr<Windows> windows = resolveLayer(site, x, weight, layer);
  if (failed(windows))
    return failure();
  if (bias &&
      failed(checkRow(site, {"bias", bias}, x, weight.getShape().back())))
    return failure();
  return inferConvolution(site, x, {"weight", weight},
                          attributesOf(*windows, layer.groups));
}

/// How many places more a transposed layer makes in each dimension.
static FailureOr<SmallVector<int64_t>>
resolveOutputPadding(const OpSite &site, const Windows &windows,
                     ArrayRef<int64_t> given) {
  size_t numSpatial = windows.sizes.size();
  SmallVector<int64_t> more = resolveDims(numSpatial, given, 0);
  if (more.size() == 1)
    more.assign(numSpatial, more.front());
  if (more.size() != numSpatial)
    return site.error() << "output_padding has " << given.size()
                        << " entries: expected one for each of the "
                        << numSpatial << " spatial dimensions";
  for (auto [dim, places] : llvm::enumerate(more))
    if (places < 0 || places >= windows.strides[dim])
      return site.error() << "output_padding is " << printDims(given)
                          << ": expected at least 0 and less than the stride, "
                          << windows.strides[dim] << " in spatial dimension "
                          << dim;
  return more;
}

/// [n, sizes.., channels], if there is such a tensor.
static TypeOrFailure makeImage(const OpSite &site, RankedTensorType like,
                               ArrayRef<int64_t> sizes, int64_t channels) {
  SmallVector<int64_t> shape{like.getDimSize(0)};
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (size < 1)
      return site.error() << "nothing is left in spatial dimension " << dim
                          << ": padding cuts off more than there is of "
                          << printType(like);
    shape.push_back(size);
  }
  shape.push_back(channels);
  return makeTensor(site, shape, like.getElementType());
}

FailureOr<TransposedLayer>
resolveTransposedLayer(const OpSite &site, RankedTensorType x,
                       RankedTensorType weight, ArrayRef<int64_t> outputPadding,
                       const ConvolutionLayer &layer) {
  ArrayRef<int64_t> window = windowDims(weight.getShape());
  FailureOr<Windows> steps = resolveSteps(site, x, window, layer.strides,
                                          layer.padding, layer.dilations);
  if (failed(steps))
    return failure();
  FailureOr<SmallVector<int64_t>> more =
      resolveOutputPadding(site, *steps, outputPadding);
  if (failed(more))
    return failure();
  auto keyword = dyn_cast<StringAttr>(layer.padding);
  bool isSame = keyword && keyword.getValue() != "valid";
  TransposedLayer made;
  for (auto [dim, size] : llvm::enumerate(spatialDims(x.getShape()))) {
    int64_t stride = steps->strides[dim];
    int64_t same = size * stride + (*more)[dim];
    int64_t whole = (size - 1) * stride + steps->reach(dim) + (*more)[dim];
    made.sizes.push_back(isSame ? same
                                : whole - steps->low[dim] - steps->high[dim]);
  }
  TypeOrFailure y = makeImage(site, x, made.sizes, 1);
  if (failed(y))
    return failure();
  made.windows = *steps;
  if (!isSame)
    return made;
  FailureOr<Windows> windows = resolveSteps(site, *y, window, layer.strides,
                                            layer.padding, layer.dilations);
  if (failed(windows))
    return failure();
  made.windows = *windows;
  return made;
}

TypeOrFailure inferTransposedLayer(const OpSite &site, RankedTensorType x,
                                   RankedTensorType weight,
                                   RankedTensorType bias,
                                   ArrayRef<int64_t> outputPadding,
                                   const ConvolutionLayer &layer) {
  if (failed(checkRanks(site, x, weight, layer.numSpatial)))
    return failure();
  int64_t inputs = weight.getShape().back(), channels = x.getShape().back();
  if (inputs != channels)
    return site.error() << "channels differ: x is " << printType(x) << " ("
                        << channels << "), weight is " << printType(weight)
                        << " (" << inputs << ')';
  FailureOr<TransposedLayer> made =
      resolveTransposedLayer(site, x, weight, outputPadding, layer);
  if (failed(made))
    return failure();
  TypeOrFailure y = inferConvolutionTranspose(
      site, x, weight, made->sizes, attributesOf(made->windows, layer.groups));
  if (failed(y) ||
      (bias && failed(checkRow(site, {"bias", bias}, x, y->getShape().back()))))
    return failure();
  return y;
}

} // namespace nnc
