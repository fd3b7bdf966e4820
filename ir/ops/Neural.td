// Activations and layers, each defined by other ops.
#ifndef NNC_OPS_NEURAL_TD
#define NNC_OPS_NEURAL_TD

include "ir/Dialect.td"
include "ir/Types.td"

class Nnc_Activation<string mnemonic, dag attributes = (ins)> : Nnc_CompositeOp<mnemonic, [Nnc_Permutable]> {
  let arguments = !con((ins Nnc_FloatTensor:$x), attributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
}
class Nnc_ActivationWithGradient<string mnemonic, dag attributes = (ins), list<Trait> traits = [Nnc_Permutable]>
    : Nnc_CompositeWithGradientOp<mnemonic, traits> {
  let arguments = !con((ins Nnc_FloatTensor:$x), attributes);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
}

//===- Activations ---------------------------------------------------------===//

def ReluOp : Nnc_ActivationWithGradient<"relu"> {
  let summary = "Rectified linear unit";
  let description = [{
    y = max(x, 0).

    dx = dy where y > 0, else 0. It needs y only, so x is not kept.

    ```mlir
    // x: [-1.0, 2.0]
    %y = nnc.relu %x : tensor<2xf32>
    // y: [0.0, 2.0]
    ```
  }];
  let expansion = "maximum(x, 0.0)";
  let gradient = ["select(y > 0.0, dy, 0.0)"];
  let precision = "Follow";
}

def LeakyReluOp : Nnc_Activation<"leaky_relu", (ins DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "0.01">:$slope)> {
  let summary = "Rectified linear unit with a slope below zero";
  let description = [{
    y = x where x > 0, else slope * x.

    dx = dy where x > 0, else slope * dy.

    ```mlir
    // x: [-1.0, 2.0]
    %y = nnc.leaky_relu %x : tensor<2xf32>
    // y: [-0.01, 2.0]
    ```
  }];
  let expansion = "select(x > 0.0, x, x * number(getSlope()))";
  let precision = "Follow";
}

def EluOp : Nnc_Activation<"elu", (ins DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "1.0">:$alpha)> {
  let summary = "Exponential linear unit";
  let description = [{
    y = x where x > 0, else alpha * (e ^ x - 1).

    dx = dy where x > 0, else dy * alpha * e ^ x.

    Source: Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289.

    ```mlir
    // x: [-1.0, 2.0]
    %y = nnc.elu %x : tensor<2xf32>
    // y: [-0.632121, 2.0]
    ```
  }];
  // The minimum keeps the exponential finite where it is not chosen.
  let expansion = "select(x > 0.0, x, expm1(minimum(x, 0.0)) * number(getAlpha()))";
  let precision = "Follow";
}

def GeluOp : Nnc_Activation<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    y = x * Phi(x), with Phi the standard normal distribution function. Exact, not
    the tanh approximation.

    dx = dy * (Phi(x) + x * phi(x)), with phi the standard normal density.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.

    ```mlir
    // x: [-1.0, 0.0, 1.0]
    %y = nnc.gelu %x : tensor<3xf32>
    // y: [-0.158655, 0.0, 0.841345]
    ```
  }];
  let expansion = "0.5 * x * (1.0 + erf(x * (1.0 / std::sqrt(2.0))))";
  let precision = "Follow";
}

def SiluOp : Nnc_Activation<"silu"> {
  let summary = "Sigmoid linear unit";
  let description = [{
    y = x * sigmoid(x).

    dx = dy * (sigmoid(x) + y * (1 - sigmoid(x))).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.silu %x : tensor<2xf32>
    // y: [0.0, 0.731059]
    ```
  }];
  let expansion = "x * sigmoid(x)";
  let precision = "Follow";
}

def MishOp : Nnc_Activation<"mish"> {
  let summary = "Mish, a smooth activation";
  let description = [{
    y = x * tanh(softplus(x)).

    dx = dy * (t + x * (1 - t * t) * sigmoid(x)) with t = tanh(softplus(x)).

    Source: Misra 2019, arXiv:1908.08681, equation 1.

    ```mlir
    // x: [-1.0, 0.0, 1.0]
    %y = nnc.mish %x : tensor<3xf32>
    // y: [-0.303401, 0.0, 0.865098]
    ```
  }];
  let expansion = "x * tanh(softplus(x))";
  let precision = "Follow";
}

def SoftplusOp : Nnc_ActivationWithGradient<"softplus"> {
  let summary = "Smooth rectifier";
  let description = [{
    y = ln(1 + e ^ x), computed as max(x, 0) + ln(1 + e ^ -|x|) so that no
    exponent is positive.

    dx = dy * sigmoid(x), which has no kink at 0 as the parts have.

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.softplus %x : tensor<2xf32>
    // y: [0.693147, 1.313262]
    ```
  }];
  let expansion = "maximum(x, 0.0) + log1p(exp(-abs(x)))";
  let gradient = ["dy * sigmoid(x)"];
}

defvar Nnc_AxisOfX = [{
  /// The axis as it counts from 0.
  int64_t getResolvedAxis() { return ::nnc::resolveAxis(getX().getType().getRank(), getAxis()); }
}];

def SoftmaxOp : Nnc_ActivationWithGradient<"softmax", (ins DefaultValuedAttr<I64Attr, "-1">:$axis), []> {
  let summary = "Normalised exponential along one axis";
  let description = [{
    y[i] = e ^ (x[i] - m) / sum_j e ^ (x[j] - m) over `axis`, with m = max(x) so
    that no exponent is positive.

    dx = y * (dy - sum(dy * y)). It needs y only, so x is not kept.

    Where m is infinite, all of y is NaN; a -inf beside finite elements gives 0.

    ```mlir
    // x: [[0.0, 0.0], [1.0, 0.0]]
    %y = nnc.softmax %x : tensor<2x2xf32>
    // y: [[0.5, 0.5], [0.731059, 0.268941]]
    ```
  }];
  let resultTypes = ["inferAlongAxis(site, x, adaptor.getAxis())"];
  let hasExpansion = 1;
  let gradient = ["y * (dy - sum(dy * y, {getResolvedAxis()}, true))"];
  let extraClassDeclaration = Nnc_AxisOfX;
}

def LogSoftmaxOp : Nnc_ActivationWithGradient<"log_softmax", (ins DefaultValuedAttr<I64Attr, "-1">:$axis), []> {
  let summary = "Logarithm of the normalised exponential";
  let description = [{
    y = x - m - ln(sum(e ^ (x - m))) over `axis`, with m = max(x), which is
    subtracted from x first: x - logsumexp(x) would lose the logarithm beside a
    large m.

    dx = dy - e ^ y * sum(dy). It needs y only, so x is not kept.

    ```mlir
    // x: [[0.0, 0.0]]
    %y = nnc.log_softmax %x : tensor<1x2xf32>
    // y: [[-0.693147, -0.693147]]
    ```
  }];
  let resultTypes = ["inferAlongAxis(site, x, adaptor.getAxis())"];
  let hasExpansion = 1;
  let gradient = ["dy - exp(y) * sum(dy, {getResolvedAxis()}, true)"];
  let extraClassDeclaration = Nnc_AxisOfX;
}

//===- Layers --------------------------------------------------------------===//

def DropoutOp : Nnc_CompositeOp<"dropout", [Nnc_ChannelsLast, Nnc_Permutable]> {
  let summary = "Elements set to zero at random, when training";
  let description = [{
    In training y = x / (1 - rate) with probability 1 - rate, else 0; elsewhere
    y = x. With `channels`, x is [n, spatial.., c], and all elements of a channel
    of a sample are dropped or kept together (Tompson et al. 2015,
    arXiv:1411.4280). The counter (seed and step) and the stream are added by
    passes.

    dx = dy * y / x: the same elements.

    Source: Srivastava et al. 2014, JMLR 15(56).

    ```mlir
    // x: [1.0, 2.0, 3.0, 4.0]; the second and third are dropped
    %y = nnc.dropout %x rate = 0.5 : tensor<4xf32>
    // y: [2.0, 0.0, 0.0, 8.0]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Variadic<Nnc_CountScalar>:$counter, Nnc_In<"[0, 1)">:$rate,
                       DefaultValuedAttr<BoolAttr, "false">:$channels,
                       DefaultValuedAttr<I64Attr, "-1">:$stream);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
  let hasExpansion = 1;
  let hasVerifier = 1;
  let precision = "Follow";
}

def DenseOp : Nnc_CompositeOp<"dense", [DeclareOpInterfaceMethods<Nnc_Layer>]> {
  let summary = "Affine map of the last dimension";
  let description = [{
    y = x weight + bias, with weight [in, out] and bias [out], which may be absent.
    A program may leave both out and give `units` (= out) and `bias`.

    The gradient is that of the definition.

    ```mlir
    // x: [[1.0, 2.0]], weight: [[3.0], [4.0]], bias: [0.5]
    %y = nnc.dense %x, %weight, %bias : (tensor<1x2xf32>, tensor<2x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
    // y: [[11.5]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$weight, Optional<Nnc_FloatTensor>:$bias);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferDense(site, x, weight, bias)"];
  let layerArguments = [Nnc_LayerArgument<"units", "Integer">, Nnc_LayerArgument<"bias", "Bool", "true">];
  let expansion = "bias ? matmul(x, weight) + bias : matmul(x, weight)";
  let precision = "Low";
}

def EmbeddingOp : Nnc_CompositeOp<"embedding", [
    DeclareOpInterfaceMethods<Nnc_Layer>, DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "A vector for each number";
  let description = [{
    y[.., :] = table[indices[..], :], with table [vocabulary, width]. A program may
    leave the table out and give `vocabulary` and `width`. An index outside of the
    table takes its first or last row, whichever is nearer. One that is
    `padding_index` gives zeros, and the row in its place is neither read nor
    trained.

    dtable = scatter_add(indices, dy).

    ```mlir
    // indices: [1, 0], table: [[1.0, 2.0], [3.0, 4.0]]
    %y = nnc.embedding %indices, %table : (tensor<2xi32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    // y: [[3.0, 4.0], [1.0, 2.0]]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$indices, Nnc_FloatTensor:$table, OptionalAttr<I64Attr>:$padding_index);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferEmbedding(site, table, indices, adaptor.getPaddingIndex())"];
  let layerArguments = [Nnc_LayerArgument<"vocabulary", "Integer">, Nnc_LayerArgument<"width", "Integer">];
  let hasExpansion = 1;
  let precision = "Follow";
}

def FlattenOp : Nnc_CompositeOp<"flatten"> {
  let summary = "All dimensions but the first made one";
  let description = [{
    y[i, :] = the elements of x[i, ..] in row-major order.

    dx = dy in the shape of x.

    ```mlir
    // x: [[[1.0, 2.0], [3.0, 4.0]]]
    %y = nnc.flatten %x : (tensor<1x2x2xf32>) -> tensor<1x4xf32>
    // y: [[1.0, 2.0, 3.0, 4.0]]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x);
  let results = (outs Nnc_Tensor:$y);
  let resultTypes = ["inferFlatten(site, x)"];
  let expansion = "reshape(x, toDims(getY().getType().getShape()))";
  let precision = "Follow";
}

def OneHotOp : Nnc_CompositeOp<"one_hot", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "A one at each number, else zeros";
  let description = [{
    y[.., c] = 1 where x[..] = c, else 0, for c below `classes`; of element type
    `type`, f32 if it is not given. A number that is no class gives a row of zeros.

    ```mlir
    // x: [1, 0]
    %y = nnc.one_hot %x classes = 3 : (tensor<2xi32>) -> tensor<2x3xf32>
    // y: [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$x, I64Attr:$classes, OptionalAttr<TypeAttr>:$type);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferOneHot(site, x, adaptor.getClasses(), adaptor.getType())"];
  let expansion = "cast(classMask(x, getClasses()), getY().getType().getElementType())";
}

#endif // NNC_OPS_NEURAL_TD
