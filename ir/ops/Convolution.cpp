// The gradients of the two convolutions that are gradients themselves, and
// convolutional layers.
#include "ir/ConvolutionLayers.h"
#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/Layout.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

FailureOr<SmallVector<Value>>
ConvolutionTransposeOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dx(b, upstream[0]), y(b, getY()), filter(b, getFilter());
  return SmallVector<Value>{
      convolution(dx, filter, getWindows(), getGroups()),
      convolutionFilter(dx, y, getWindows(), getGroups())};
}

FailureOr<SmallVector<Value>>
ConvolutionFilterOp::buildGradient(OpBuilder &builder, ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr dfilter(b, upstream[0]), x(b, getX()), y(b, getY());
  ArrayRef<int64_t> sizes = spatialDims(x.type().getShape());
  return SmallVector<Value>{
      convolutionTranspose(y, dfilter, sizes, getWindows(), getGroups()),
      convolution(x, dfilter, getWindows(), getGroups())};
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// The sizes of the window that the caller gave.
static FailureOr<SmallVector<int64_t>>
getKernel(const OpSite &site, DictionaryAttr arguments, int64_t numSpatial) {
  auto given = arguments.getAs<DenseI64ArrayAttr>("kernel");
  if (!given)
    return site.error() << "needs its argument 'kernel'";
  SmallVector<int64_t> kernel(given.asArrayRef());
  if (kernel.size() == 1)
    kernel.assign(numSpatial, kernel.front());
  if (int64_t(kernel.size()) != numSpatial)
    return site.error() << "kernel has " << kernel.size()
                        << " entries: expected one, or one for each of the "
                        << numSpatial << " spatial dimensions";
  for (int64_t size : kernel)
    if (size < 1)
      return site.error() << "kernel is " << size << ": expected at least 1";
  return kernel;
}

FailureOr<SmallVector<LayerParameter>>
nnc::makeConvolutionParameters(const OpSite &site, ValueRange given,
                               DictionaryAttr arguments, int64_t numSpatial,
                               bool isTransposed) {
  TypeOrFailure x = getLayerInput(site, given);
  FailureOr<int64_t> channels = getLayerSize(site, arguments, "channels");
  FailureOr<SmallVector<int64_t>> shape =
      getKernel(site, arguments, numSpatial);
  if (failed(x) || failed(channels) || failed(shape))
    return failure();
  auto groupsAttr = arguments.getAs<IntegerAttr>("groups");
  int64_t groups = groupsAttr ? groupsAttr.getInt() : 1;
  int64_t inputs = x->getShape().back();
  int64_t shared = isTransposed ? *channels : inputs;
  if (groups < 1 || inputs % groups != 0 || *channels % groups != 0)
    return site.error() << "groups is " << groups << ": expected a divisor of "
                        << inputs << " channels of x and of " << *channels
                        << " that are made";
  shape->push_back(shared / groups);
  shape->push_back(isTransposed ? inputs : *channels);
  TypeOrFailure weight = makeType(site, *shape, x->getElementType());
  if (failed(weight))
    return failure();
  MLIRContext *context = site.location.getContext();
  SmallVector<LayerParameter> parameters{
      {"weight", *weight, makeInitializer(context, "glorot_uniform"),
       pytorchDims(weight->getRank())}};
  auto bias = arguments.getAs<BoolAttr>("bias");
  if (!bias || bias.getValue())
    parameters.push_back(
        {"bias", RankedTensorType::get({*channels}, x->getElementType()),
         makeInitializer(context, "zeros")});
  return parameters;
}

FailureOr<Expansion>
nnc::expandConvolutionLayer(OpBuilder &builder, const OpSite &site, Value x,
                            Value weight, Value bias,
                            const ConvolutionLayer &layer) {
  ImplicitLocOpBuilder b(site.location, builder);
  Expr image(b, x), filter(b, weight);
  FailureOr<Windows> windows =
      resolveLayer(site, image.type(), filter.type(), layer);
  if (failed(windows))
    return failure();
  Expr y = convolution(image, filter, *windows, layer.groups);
  return Expansion{bias ? y + Expr(b, bias) : y};
}

FailureOr<Expansion> nnc::expandTransposedLayer(
    OpBuilder &builder, const OpSite &site, Value x, Value weight, Value bias,
    const ConvolutionLayer &layer, ArrayRef<int64_t> outputPadding) {
  ImplicitLocOpBuilder b(site.location, builder);
  Expr image(b, x), filter(b, weight);
  FailureOr<TransposedLayer> made = resolveTransposedLayer(
      site, image.type(), filter.type(), outputPadding, layer);
  if (failed(made))
    return failure();
  Expr y = convolutionTranspose(image, filter, made->sizes, made->windows,
                                layer.groups);
  return Expansion{bias ? y + Expr(b, bias) : y};
}
