// Ops over windows of the spatial dimensions: pooling, its gradients, resizing.
// Tensors are [n, spatial.., c], with one to three spatial dimensions.
#ifndef NNC_OPS_WINDOW_TD
#define NNC_OPS_WINDOW_TD

include "ir/Attributes.td"
include "ir/Dialect.td"
include "ir/Types.td"

//===- Primitives ----------------------------------------------------------===//
//
// Position o of a dimension covers its elements o * stride + k * dilation - low,
// for k below the window's size; as many positions as keep the windows within
// `low` elements before and `high` elements behind the dimension. Lists have an
// entry a spatial dimension; where they are not given, strides and dilations
// are 1, and low and high are 0.

defvar Nnc_WindowAttributes = (ins
    DenseI64ArrayAttr:$window, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$low, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$high,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dilations);
// Where the result is as large as what windows go over.
defvar Nnc_SpreadAttributes = !con((ins DenseI64ArrayAttr:$size), Nnc_WindowAttributes);
defvar Nnc_AdaptorWindows =
    "makeWindows(adaptor.getWindow(), adaptor.getStrides(), adaptor.getLow(), adaptor.getHigh(), adaptor.getDilations())";
defvar Nnc_WindowsOfOp = [{
  /// What the attributes say, with their defaults.
  ::nnc::Windows getWindows() {
    return ::nnc::makeWindows(getWindow(), getStrides(), getLow(), getHigh(), getDilations());
  }
}];

class Nnc_WindowOp<string mnemonic, list<Trait> traits = []>
    : Nnc_Op<mnemonic, traits # [Nnc_ReadsWindows]> {
  let extraClassDeclaration = Nnc_WindowsOfOp;
}

def WindowSumOp : Nnc_WindowOp<"window_sum"> {
  let summary = "Sum of each window";
  let description = [{
    y[n, o.., c] = sum of x[n, o * stride + k * dilation - low, c] over k, in
    row-major order, where an element outside of x is 0.

    dx = window_spread(dy).

    ```mlir
    // x: [[[1.0], [2.0], [3.0]]]
    %y = nnc.window_sum %x window = [2] : (tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[3.0], [5.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x), Nnc_WindowAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferWindows(site, x, ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let precision = "Follow";
}

def WindowSpreadOp : Nnc_WindowOp<"window_spread"> {
  let summary = "Each element added to all that its window covers";
  let description = [{
    y[n, i.., c] = sum of x[n, o.., c] over all positions o whose windows cover
    i, where y has the spatial dimensions `size`: the transpose of window_sum.

    dx = window_sum(dy).

    ```mlir
    // x: [[[1.0], [2.0]]]
    %y = nnc.window_spread %x size = [3] window = [2] : (tensor<1x2x1xf32>) -> tensor<1x3x1xf32>
    // y: [[[1.0], [3.0], [2.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x), Nnc_SpreadAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferSpread(site, {\"x\", x}, adaptor.getSize(), ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let precision = "Follow";
}

def WindowNormalizeOp : Nnc_Op<"window_normalize", [Nnc_Positional]> {
  let summary = "Divided by the number of elements that each window covers";
  let description = [{
    y[n, o.., c] = x[n, o.., c] / max(1, count of k for which
    o * stride + k * dilation - low lies within `size`): a sum of windows over
    spatial dimensions `size` becomes their mean.

    dx = window_normalize(dy).

    ```mlir
    // x: [[[6.0], [6.0]]]; the first window reaches over the border
    %y = nnc.window_normalize %x size = [3] window = [3] low = [1] : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[3.0], [2.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x), Nnc_SpreadAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferNormalize(site, x, adaptor.getSize(), ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let extraClassDeclaration = Nnc_WindowsOfOp;
  let precision = "Follow";
}

def WindowMaxOp : Nnc_WindowOp<"window_max"> {
  let summary = "Largest element of each window";
  let description = [{
    y[n, o.., c] = max of x[n, o * stride + k * dilation - low, c] over k, where
    an element outside of x is -inf. NaN if there is one.

    dx = window_unmax(dy, window_argmax(x)): all of it to the first of equals.

    ```mlir
    // x: [[[1.0], [4.0], [3.0]]]
    %y = nnc.window_max %x window = [2] : (tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[4.0], [4.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x), Nnc_WindowAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferWindows(site, x, ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let precision = "Follow";
}

def WindowArgmaxOp : Nnc_WindowOp<"window_argmax"> {
  let summary = "Where in each window its largest element is";
  let description = [{
    y[n, o.., c] = the k of the largest element of the window, as one row-major
    number, the first of equals; of element type u8 where the window has at most
    256 elements, else i32. NaN is larger than nothing: where no element is larger
    than -inf, y is 0.

    There is no gradient: an index does not vary smoothly.

    ```mlir
    // x: [[[1.0], [4.0], [3.0]]]
    %y = nnc.window_argmax %x window = [2] : (tensor<1x3x1xf32>) -> tensor<1x2x1xui8>
    // y: [[[1], [0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x), Nnc_WindowAttributes);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = [!strconcat("inferPositions(site, x, ", Nnc_AdaptorWindows, ")")];
  let noGradient = "an index does not vary smoothly with its input";
}

def WindowUnmaxOp : Nnc_WindowOp<"window_unmax"> {
  let summary = "Each element added to the one that was its window's largest";
  let description = [{
    y[n, i.., c] = sum of x[n, o.., c] over all positions o whose windows have i
    at their place `position`[n, o.., c], where y has the spatial dimensions
    `size`: the gradient of window_max. What a position outside of y has is lost.

    dx = window_pick(dy, position).

    ```mlir
    // x: [[[1.0], [2.0]]], position: [[[1], [0]]]
    %y = nnc.window_unmax %x, %position size = [3] window = [2]
        : (tensor<1x2x1xf32>, tensor<1x2x1xui8>) -> tensor<1x3x1xf32>
    // y: [[[0.0], [3.0], [0.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_IntegerTensor:$position), Nnc_SpreadAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferUnmax(site, x, position, adaptor.getSize(), ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let precision = "Follow";
}

def WindowPickOp : Nnc_WindowOp<"window_pick"> {
  let summary = "The element at a place of each window";
  let description = [{
    y[n, o.., c] = x[n, o * stride + k * dilation - low, c], with the k that
    `position`[n, o.., c] is as one row-major number; 0 where that lies outside
    of x or of the window: the transpose of window_unmax.

    dx = window_unmax(dy, position).

    ```mlir
    // x: [[[1.0], [4.0], [3.0]]], position: [[[1], [1]]]
    %y = nnc.window_pick %x, %position window = [2]
        : (tensor<1x3x1xf32>, tensor<1x2x1xui8>) -> tensor<1x2x1xf32>
    // y: [[[4.0], [3.0]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_IntegerTensor:$position), Nnc_WindowAttributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [!strconcat("inferPick(site, x, position, ", Nnc_AdaptorWindows, ")")];
  let hasGradient = 1;
  let precision = "Follow";
}

//===- Pooling -------------------------------------------------------------===//

class Nnc_Pool<string mnemonic> : Nnc_CompositeOp<mnemonic, [Nnc_ChannelsLast]> {
  let results = (outs Nnc_FloatTensor:$y);
  let hasExpansion = 1;
  let precision = "Follow";
}
defvar Nnc_PoolArguments = (ins Nnc_FloatTensor:$x, DenseI64ArrayAttr:$window,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$stride, DefaultValuedAttr<Nnc_Padding, "valid">:$padding,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dilation, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode);
defvar Nnc_InferPool = "inferPool(site, x, adaptor.getWindow(), adaptor.getStride(), adaptor.getPadding(), adaptor.getDilation(), adaptor.getCeilMode())";

def MaxPoolOp : Nnc_Pool<"max_pool"> {
  let summary = "Largest element of each window";
  let description = [{
    y[n, o.., c] = max of x[n, o * stride + k * dilation - low, c] over k below
    `window`, for each channel c by itself. One number is the same for all spatial
    dimensions; `stride` is the window where it is not given. `padding` is none
    (valid), as much as gives ceil(size / stride) positions (same, same_lower), a
    number, or a pair for each dimension, and less than the window reaches; it
    is never the largest. With `ceil_mode` a last window may reach over the end,
    as long as it begins within x or the padding before it.

    dx = dy at the first of each window's largest elements, else 0.

    ```mlir
    // x: [[[1.0], [4.0], [3.0], [2.0]]]
    %y = nnc.max_pool %x window = [2] : (tensor<1x4x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[4.0], [3.0]]]
    ```
  }];
  let arguments = Nnc_PoolArguments;
  let resultTypes = [Nnc_InferPool];
}

def AveragePoolOp : Nnc_Pool<"average_pool"> {
  let summary = "Mean of each window";
  let description = [{
    y[n, o.., c] = mean of x[n, o * stride + k * dilation - low, c] over k below
    `window`, with the arguments of max_pool. What lies outside of x does not
    count; with `count_padding` the padding counts, as zeros, but not what
    `ceil_mode` adds behind it.

    dx = dy / count, added to each element of the window.

    ```mlir
    // x: [[[1.0], [4.0], [3.0], [2.0]]]
    %y = nnc.average_pool %x window = [2] : (tensor<1x4x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[2.5], [2.5]]]
    ```
  }];
  let arguments = !con(Nnc_PoolArguments, (ins DefaultValuedAttr<BoolAttr, "false">:$count_padding));
  let resultTypes = [Nnc_InferPool];
}

class Nnc_GlobalPool<string mnemonic> : Nnc_Pool<mnemonic> {
  let arguments = (ins Nnc_FloatTensor:$x, DefaultValuedAttr<BoolAttr, "false">:$keep_dims);
  let resultTypes = ["inferGlobalPool(site, x, adaptor.getKeepDims())"];
}

def GlobalMaxPoolOp : Nnc_GlobalPool<"global_max_pool"> {
  let summary = "Largest element of each channel";
  let description = [{
    y[n, c] = max of x[n, i.., c] over all i. The spatial dimensions vanish, or
    become 1 with `keep_dims`.

    dx = dy at the first of each channel's largest elements, else 0.

    ```mlir
    // x: [[[1.0], [4.0], [3.0], [2.0]]]
    %y = nnc.global_max_pool %x : (tensor<1x4x1xf32>) -> tensor<1x1xf32>
    // y: [[4.0]]
    ```
  }];
}

def GlobalAveragePoolOp : Nnc_GlobalPool<"global_average_pool"> {
  let summary = "Mean of each channel";
  let description = [{
    y[n, c] = mean of x[n, i.., c] over all i. The spatial dimensions vanish, or
    become 1 with `keep_dims`.

    dx = dy / count.

    ```mlir
    // x: [[[1.0], [4.0], [3.0], [2.0]]]
    %y = nnc.global_average_pool %x : (tensor<1x4x1xf32>) -> tensor<1x1xf32>
    // y: [[2.5]]
    ```
  }];
}

class Nnc_AdaptivePool<string mnemonic> : Nnc_Pool<mnemonic> {
  let arguments = (ins Nnc_FloatTensor:$x, DenseI64ArrayAttr:$size);
  let resultTypes = ["inferAdaptivePool(site, x, adaptor.getSize())"];
}

def AdaptiveMaxPoolOp : Nnc_AdaptivePool<"adaptive_max_pool"> {
  let summary = "Largest elements of as many windows as are asked for";
  let description = [{
    Of each spatial dimension of x, position o of `size` covers the elements from
    floor(o * extent / size) to ceil((o + 1) * extent / size): windows as equal
    as can be, as PyTorch has them. y is the largest element of each. One number
    is the same for all spatial dimensions.

    dx = dy at the first of each window's largest elements, else 0.

    ```mlir
    // x: [[[1.0], [4.0], [3.0]]]
    %y = nnc.adaptive_max_pool %x size = [2] : (tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[4.0], [4.0]]]
    ```
  }];
}

def AdaptiveAveragePoolOp : Nnc_AdaptivePool<"adaptive_average_pool"> {
  let summary = "Means of as many windows as are asked for";
  let description = [{
    y = the mean of each of the windows of adaptive_max_pool.

    dx = dy / count, added to each element of the window.

    ```mlir
    // x: [[[1.0], [4.0], [3.0]]]
    %y = nnc.adaptive_average_pool %x size = [2] : (tensor<1x3x1xf32>) -> tensor<1x2x1xf32>
    // y: [[[2.5], [3.5]]]
    ```
  }];
}

//===- Resizing ------------------------------------------------------------===//

def ResizeOp : Nnc_Pool<"resize"> {
  let summary = "Spatial dimensions of another size, by interpolation";
  let description = [{
    The spatial dimensions become `size`, or floor(extent * `scale`), of which one
    is given; one number is the same for all. Element o of a dimension is taken at

    - `corners = half_pixel`: (o + 0.5) / s - 0.5,
    - `align_corners`: o * (extent - 1) / (size - 1), 0 where the size is 1,
    - `asymmetric`: o / s,

    with s = `scale`, or size / extent. `mode = nearest` takes the element there
    by `rounding`: prefer_floor, prefer_ceil (the nearest, of two the lower or the
    upper one), floor or ceil. `mode = linear` weighs the two around it, in each
    dimension. What lies outside of x is its nearest element.

    dx = dy, weighed alike and added up.

    ```mlir
    // x: [[[1.0], [3.0]]]
    %y = nnc.resize %x size = [4] mode = linear : (tensor<1x2x1xf32>) -> tensor<1x4x1xf32>
    // y: [[[1.0], [1.5], [2.5], [3.0]]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$size,
                       OptionalAttr<Nnc_In<"(0, inf)">>:$scale,
                       DefaultValuedAttr<Nnc_ModeAttr, "::nnc::Mode::nearest">:$mode,
                       DefaultValuedAttr<Nnc_CornersAttr, "::nnc::Corners::half_pixel">:$corners,
                       DefaultValuedAttr<Nnc_RoundingAttr, "::nnc::Rounding::prefer_floor">:$rounding);
  let resultTypes = ["inferResize(site, x, adaptor.getSize(), adaptor.getScale())"];
}

//===- Padding by elements -------------------------------------------------===//

class Nnc_BorderPad<string mnemonic> : Nnc_CompositeOp<mnemonic> {
  let arguments = (ins Nnc_Tensor:$x, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs Nnc_Tensor:$y);
  let hasExpansion = 1;
  let precision = "Follow";
}

def ReflectPadOp : Nnc_BorderPad<"reflect_pad"> {
  let summary = "Surrounded by its mirror image";
  let description = [{
    y = x with `low` elements before and `high` after it in each dimension, as
    pad, which mirror x at its first and last element: less than its extent.
    The batch is not padded.

    dx = dy, that of the images added to their elements.

    ```mlir
    // x: [1.0, 2.0, 3.0]
    %y = nnc.reflect_pad %x low = [2] high = [1] : (tensor<3xf32>) -> tensor<6xf32>
    // y: [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]
    ```
  }];
  let resultTypes = ["inferBorderPad(site, x, adaptor.getLow(), adaptor.getHigh(), -1)"];
}

def ReplicatePadOp : Nnc_BorderPad<"replicate_pad"> {
  let summary = "Surrounded by its outermost elements";
  let description = [{
    y = x with its first element `low` times before and its last one `high` times
    after it in each dimension, as pad. The batch is not padded.

    dx = dy, that of the copies added to their elements.

    ```mlir
    // x: [1.0, 2.0, 3.0]
    %y = nnc.replicate_pad %x low = [2] high = [1] : (tensor<3xf32>) -> tensor<6xf32>
    // y: [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]
    ```
  }];
  let resultTypes = ["inferBorderPad(site, x, adaptor.getLow(), adaptor.getHigh(), std::nullopt)"];
}

def WrapPadOp : Nnc_BorderPad<"wrap_pad"> {
  let summary = "Surrounded by itself";
  let description = [{
    y = x with its last `low` elements before and its first `high` ones after it
    in each dimension, as pad: at most its extent. The batch is not padded.

    dx = dy, that of the copies added to their elements.

    ```mlir
    // x: [1.0, 2.0, 3.0]
    %y = nnc.wrap_pad %x low = [2] high = [1] : (tensor<3xf32>) -> tensor<6xf32>
    // y: [2.0, 3.0, 1.0, 2.0, 3.0, 1.0]
    ```
  }];
  let resultTypes = ["inferBorderPad(site, x, adaptor.getLow(), adaptor.getHigh(), 0)"];
}

#endif // NNC_OPS_WINDOW_TD
