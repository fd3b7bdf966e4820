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
  let resultTypes = ["inferConvolution(site, x, filter, " # inferred # ")"];
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

#endif // NNC_OPS_CONVOLUTION_TD
