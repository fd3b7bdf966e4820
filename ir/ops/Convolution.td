// Products of a filter with every window of a tensor, and their gradients, which
// are products of the same three tensors.
#ifndef NNC_OPS_CONVOLUTION_TD
#define NNC_OPS_CONVOLUTION_TD

include "ir/Dialect.td"
include "ir/Types.td"

// One of the three derivatives of t = sum over n, o, k, i, c of
// x[n, o * stride + k * dilation - low, i] * filter[k, i, c] * y[n, o, c].
class Nnc_Convolution<string mnemonic, dag operands, dag more = (ins)>
    : Nnc_Op<mnemonic, [Nnc_SumsProducts]> {
  dag windows = (ins DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$strides,
                     DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$low,
                     DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$high,
                     DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dilations,
                     DefaultValuedAttr<Nnc_In<"[1, inf)", I64Attr>, "1">:$groups);
  let arguments = !con(operands, more, windows);
  let precision = "Low";
  // How the op says the sizes of a window.
  string window = "::nnc::windowDims(getFilter().getType().getShape())";
  let extraClassDeclaration = "/// The attributes of windows, defaults included.\n"
    # "::nnc::Windows getWindows() {\n"
    # "  return ::nnc::makeWindows(" # window # ", getStrides(), getLow(), getHigh(), getDilations());\n}";
  // The attributes in a shape rule.
  string inferred = "{adaptor.getStrides(), adaptor.getLow(), adaptor.getHigh(), adaptor.getDilations(), "
                    # "static_cast<int64_t>(adaptor.getGroups())}";
}

def ConvolutionOp : Nnc_Convolution<"convolution",
    (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$filter)> {
  let summary = "Product of a filter with every window";
  let description = [{
    y[n, o, c] = sum over k and i of x[n, o * stride + k * dilation - low, i] *
    filter[k, i, c], where o and k have an entry for each of 1 to 3 spatial
    dimensions: x is [n, size.., channels], filter [window.., channels / groups,
    out], y [n, count.., out]. Outside of x there are `low` zeros before and `high`
    after. With groups, the g-th part of the channels makes the g-th part of out.

    dx = convolution_transpose(dy, filter), dfilter = convolution_filter(x, dy).

    ```mlir
    // x: [[[1.0], [2.0], [3.0]]], filter: [[[10.0]], [[1.0]]]
    %y = nnc.convolution %x, %filter : (tensor<1x3x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[12.0], [23.0]]]
    ```
  }];
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferConvolution(site, x, {\"filter\", filter}, " # inferred # ")"];
  let gradient = [
    "convolutionTranspose(dy, filter, spatialDims(getX().getType().getShape()), getWindows(), getGroups())",
    "convolutionFilter(x, dy, getWindows(), getGroups())"
  ];
}

def ConvolutionTransposeOp : Nnc_Convolution<"convolution_transpose",
    (ins Nnc_FloatTensor:$y, Nnc_FloatTensor:$filter), (ins DenseI64ArrayAttr:$sizes)> {
  let summary = "Every element times a filter, added up where the windows lie";
  let description = [{
    x[n, p, i] = sum of y[n, o, c] * filter[k, i, c] over the windows o, their
    elements k and c with o * stride + k * dilation - low = p: the gradient of
    `convolution` with respect to its first operand, whose spatial dimensions
    are `sizes`; several have the same number of windows.

    dy = convolution(dx, filter), dfilter = convolution_filter(dx, y), where dx
    is the gradient of the result.

    ```mlir
    // y: [[[1.0], [2.0]]], filter: [[[10.0]], [[1.0]]]
    %x = nnc.convolution_transpose %y, %filter sizes = [3]
        : (tensor<1x2x1xf32>, tensor<2x1x1xf32>) -> tensor<1x3x1xf32>
    // x: [[[10.0], [21.0], [2.0]]]
    ```
  }];
  let results = (outs Nnc_FloatTensor:$x);
  let resultTypes = ["inferConvolutionTranspose(site, y, filter, adaptor.getSizes(), " # inferred # ")"];
  let hasGradient = 1;
}

def ConvolutionFilterOp : Nnc_Convolution<"convolution_filter",
    (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$y), (ins DenseI64ArrayAttr:$sizes)> {
  let summary = "Products of windows with what they made, summed over windows";
  let description = [{
    filter[k, i, c] = sum over n and o of x[n, o * stride + k * dilation - low, i] *
    y[n, o, c]: the gradient of `convolution` with respect to its filter, whose
    spatial dimensions are `sizes`.

    With dfilter for the gradient of the result: dx =
    convolution_transpose(y, dfilter), dy = convolution(x, dfilter).

    ```mlir
    // x: [[[1.0], [2.0], [3.0]]], y: [[[1.0], [10.0]]]
    %filter = nnc.convolution_filter %x, %y sizes = [2]
        : (tensor<1x3x1xf32>, tensor<1x2x1xf32>) -> tensor<2x1x1xf32>
    // filter: [[[21.0]], [[32.0]]]
    ```
  }];
  let results = (outs Nnc_FloatTensor:$filter);
  let window = "getSizes()";
  let resultTypes = ["inferConvolutionFilter(site, x, y, adaptor.getSizes(), " # inferred # ")"];
  let hasGradient = 1;
}

//===- Layers --------------------------------------------------------------===//

// A filter for each of `channels` over 1, 2 or 3 spatial dimensions; a
// transposed layer has `outputPadding`, what its expansion is given more.
class Nnc_ConvolutionLayer<string mnemonic, int numSpatial, dag more = (ins), string outputPadding = "">
    : Nnc_CompositeOp<mnemonic, [Nnc_ChannelsLast, DeclareOpInterfaceMethods<Nnc_Layer>]> {
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$weight, Optional<Nnc_FloatTensor>:$bias,
                            DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$stride,
                            DefaultValuedAttr<Nnc_Padding, "valid">:$padding,
                            DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dilation,
                            DefaultValuedAttr<Nnc_In<"[1, inf)", I64Attr>, "1">:$groups), more);
  let results = (outs Nnc_FloatTensor:$y);
  let layerArguments = [Nnc_LayerArgument<"channels", "Integer">, Nnc_LayerArgument<"kernel", "Dims">,
                        Nnc_LayerArgument<"bias", "Bool", "true">];
  let hasExpansion = 1;
  let precision = "Low";
  string inferred = "{" # numSpatial # ", adaptor.getStride(), adaptor.getPadding(), adaptor.getDilation(), "
                    # "static_cast<int64_t>(adaptor.getGroups())}";
  let extraClassDeclaration = "/// The attributes, as they are given.\n"
    # "::nnc::ConvolutionLayer getLayer() {\n"
    # "  return {" # numSpatial # ", getStride(), getPadding(), getDilation(), static_cast<int64_t>(getGroups())};\n}";
  // The same for all, in the file that shares this one's stem.
  bit isTransposed = !ne(outputPadding, "");
  string site = "::nnc::OpSite(getLoc(), \"" # mnemonic # "\")";
  string definitions =
    "::llvm::FailureOr<::nnc::Expansion> $cppClass::buildExpansion(::mlir::OpBuilder &builder, bool) {\n"
    # "  return ::nnc::expand" # !if(isTransposed, "Transposed", "Convolution") # "Layer(builder, " # site
    # ", getX(), getWeight(), getBias(), getLayer()" # outputPadding # ");\n}\n"
    # "::llvm::FailureOr<::llvm::SmallVector<::nnc::LayerParameter>> $cppClass::getLayerParameters(\n"
    # "    ::mlir::Location loc, ::mlir::ValueRange given, ::mlir::DictionaryAttr arguments) {\n"
    # "  return ::nnc::makeConvolutionParameters(::nnc::OpSite(loc, \"" # mnemonic # "\"), given, arguments, "
    # numSpatial # ", " # !if(isTransposed, "true", "false") # ");\n}\n";
  let extraClassDefinition = computingDefinition # definitions;
}

class Nnc_ForwardLayer<string mnemonic, int numSpatial> : Nnc_ConvolutionLayer<mnemonic, numSpatial> {
  let resultTypes = ["inferConvolutionLayer(site, x, weight, bias, " # inferred # ")"];
}

class Nnc_TransposedLayer<string mnemonic, int numSpatial>
    : Nnc_ConvolutionLayer<mnemonic, numSpatial,
                           (ins DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$output_padding),
                           ", getOutputPadding()"> {
  let resultTypes = ["inferTransposedLayer(site, x, weight, bias, adaptor.getOutputPadding(), " # inferred # ")"];
}

def Conv1dOp : Nnc_ForwardLayer<"conv1d", 1> {
  let summary = "Convolution over one dimension";
  let description = [{
    As conv2d, over x [n, length, channels] with weight [window, channels / groups,
    out].

    The gradient is that of the definition.

    ```mlir
    // x: [[[1.0], [2.0], [3.0]]], weight: [[[10.0]], [[1.0]]]
    %y = nnc.conv1d %x, %weight : (tensor<1x3x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[12.0], [23.0]]]
    ```
  }];
}

def Conv2dOp : Nnc_ForwardLayer<"conv2d", 2> {
  let summary = "Convolution over two dimensions";
  let description = [{
    y = convolution(x, weight) + bias, with x [n, height, width, channels], weight
    [window height, window width, channels / groups, out] and bias [out], which may
    be absent. A program may leave both out and give `channels` (= out), `kernel`
    (the window's sizes, or one for all of them) and `bias`.

    `padding` is `valid`, none; `same`, zeros so that there are size / stride
    windows, rounded up; a number of zeros at each side; or a pair of numbers a
    dimension. `stride` and `dilation` are numbers, or one a dimension. With
    `groups` = channels each channel has filters of its own.

    The gradient is that of the definition.

    ```mlir
    // x: [[[[1.0], [2.0]], [[3.0], [4.0]]]], weight: [[[[1.0]], [[10.0]]]], bias: [0.5]
    %y = nnc.conv2d %x, %weight, %bias
        : (tensor<1x2x2x1xf32>, tensor<1x2x1x1xf32>, tensor<1xf32>) -> tensor<1x2x1x1xf32>
    // y: [[[[21.5]], [[43.5]]]]
    ```
  }];
}

def Conv3dOp : Nnc_ForwardLayer<"conv3d", 3> {
  let summary = "Convolution over three dimensions";
  let description = [{
    As conv2d, over x [n, depth, height, width, channels] with weight [window depth,
    window height, window width, channels / groups, out].

    The gradient is that of the definition.

    ```mlir
    // x: [[[[[1.0], [2.0]]]]], weight: [[[[[1.0]], [[10.0]]]]]
    %y = nnc.conv3d %x, %weight : (tensor<1x1x1x2x1xf32>, tensor<1x1x2x1x1xf32>) -> tensor<1x1x1x1x1xf32>
    // y: [[[[[21.0]]]]]
    ```
  }];
}

def Conv1dTransposeOp : Nnc_TransposedLayer<"conv1d_transpose", 1> {
  let summary = "Transposed convolution over one dimension";
  let description = [{
    As conv2d_transpose, over x [n, length, channels] with weight [window, out /
    groups, channels].

    The gradient is that of the definition.

    ```mlir
    // x: [[[1.0], [2.0]]], weight: [[[10.0]], [[1.0]]]
    %y = nnc.conv1d_transpose %x, %weight : (tensor<1x2x1xf32>, tensor<2x1x1xf32>) -> tensor<1x3x1xf32>
    // y: [[[10.0], [21.0], [2.0]]]
    ```
  }];
}

def Conv2dTransposeOp : Nnc_TransposedLayer<"conv2d_transpose", 2> {
  let summary = "Transposed convolution over two dimensions";
  let description = [{
    y = convolution_transpose(x, weight) + bias: each place of x adds its window to
    y, `stride` places apart. x is [n, height, width, channels], weight [window
    height, window width, out / groups, channels], bias [out], which may be absent.
    A program may leave both out and give `channels` (= out), `kernel` and `bias`.

    y has (size - 1) * stride + window + output_padding places in a dimension, less
    what `padding` cuts off at both sides; with `same` it has size * stride.
    `output_padding`, below the stride, is how many more there are at the end.

    The gradient is that of the definition.

    ```mlir
    // x: [[[[1.0], [2.0]]]], weight: [[[[1.0]], [[10.0]]]]
    %y = nnc.conv2d_transpose %x, %weight stride = [1, 2]
        : (tensor<1x1x2x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x4x1xf32>
    // y: [[[[1.0], [10.0], [2.0], [20.0]]]]
    ```
  }];
}

def Conv3dTransposeOp : Nnc_TransposedLayer<"conv3d_transpose", 3> {
  let summary = "Transposed convolution over three dimensions";
  let description = [{
    As conv2d_transpose, over x [n, depth, height, width, channels] with weight
    [window depth, window height, window width, out / groups, channels].

    The gradient is that of the definition.

    ```mlir
    // x: [[[[[1.0], [2.0]]]]], weight: [[[[[1.0]], [[10.0]]]]]
    %y = nnc.conv3d_transpose %x, %weight stride = [1, 1, 2]
        : (tensor<1x1x1x2x1xf32>, tensor<1x1x2x1x1xf32>) -> tensor<1x1x1x4x1xf32>
    // y: [[[[[1.0], [10.0], [2.0], [20.0]]]]]
    ```
  }];
}

#endif // NNC_OPS_CONVOLUTION_TD
