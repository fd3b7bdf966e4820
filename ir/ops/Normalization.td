// Normalisation: elements with mean 0 and variance 1 over some axes, as layers
// that scale and shift them.
#ifndef NNC_OPS_NORMALIZATION_TD
#define NNC_OPS_NORMALIZATION_TD

include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"

// A layer over x with `scale` and whatever operands `others` are.
class Nnc_NormLayer<string mnemonic, dag others, dag attributes = (ins), list<Trait> traits = []>
    : Nnc_CompositeOp<mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_Layer>]> {
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$scale), others, attributes,
                       (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-5">:$epsilon));
  let results = (outs Nnc_FloatTensor:$y);
  let hasExpansion = 1;
}

def NormalizeOp : Nnc_CompositeWithGradientOp<"normalize"> {
  let summary = "Mean 0 and variance 1 over axes, then scaled and shifted";
  let description = [{
    y = (x - mean) / sqrt(variance + epsilon) * scale + bias, with the mean of x over
    `axes` and variance = mean((x - mean) ^ 2), each with ones for these axes. What
    the layers of this family are made of.

    With n elements a mean, c = x - mean and r = 1 / sqrt(variance + epsilon):
    dx = r * (g - sum(g) / n - c * r^2 * sum(g * c) / n), where g = dy * scale;
    dscale = sum(dy * c) * r; dbias = sum(dy). A scale that is the same along the
    axes is a factor of these sums, which are then those of dscale and dbias.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.

    ```mlir
    // x: [[1.0], [3.0]], scale: [2.0], bias: [0.5]
    %y, %mean, %variance = nnc.normalize %x, %scale, %bias axes = [0] epsilon = 0.0
        : (tensor<2x1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<2x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>)
    // y: [[-1.5], [2.5]], mean: [[2.0]], variance: [[1.0]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$scale, Nnc_FloatTensor:$bias,
                       DenseI64ArrayAttr:$axes, Nnc_In<"[0, inf)">:$epsilon);
  let results = (outs Nnc_FloatTensor:$y, Nnc_FloatTensor:$mean, Nnc_FloatTensor:$variance);
  let resultTypes = ["inferNormalize(site, x, {{\"scale\", scale}, {\"bias\", bias}})",
                     "inferReduction(site, x, adaptor.getAxes(), /*keepDims=*/true)",
                     "inferReduction(site, x, adaptor.getAxes(), /*keepDims=*/true)"];
  let category = "Internal";
  let hasExpansion = 1;
  let hasGradient = 1;
  let extraClassDeclaration = [{
    /// The axes as they count from 0, ascending; all of them where none are named.
    ::llvm::SmallVector<int64_t> getReducedAxes() {
      return ::nnc::resolveAxes(getX().getType().getRank(), getAxes());
    }
  }];
}

def LayerNormOp : Nnc_NormLayer<"layer_norm", (ins Nnc_FloatTensor:$bias)> {
  let summary = "Each row with mean 0 and variance 1, then scaled and shifted";
  let description = [{
    y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + bias over the last axis,
    with var(x) = mean((x - mean(x)) ^ 2).

    The gradient is that of nnc.normalize.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.

    ```mlir
    // x: [[1.0, 3.0]], scale: [1.0, 1.0], bias: [0.0, 0.0]
    %y = nnc.layer_norm %x, %scale, %bias epsilon = 0.0
        : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    // y: [[-1.0, 1.0]]
    ```
  }];
  let resultTypes = ["inferNormalized(site, x, 0, {{\"scale\", scale}, {\"bias\", bias}})"];
}

def RmsNormOp : Nnc_CompositeWithGradientOp<"rms_norm", [DeclareOpInterfaceMethods<Nnc_Layer>]> {
  let summary = "Each row with mean square 1, then scaled";
  let description = [{
    y = x * r * scale over the last axis, with r = 1 / sqrt(mean(x ^ 2) + epsilon).

    With g = dy * scale: dx = r * (g - x * r^2 * mean(g * x)); dscale = sum(dy * x * r)
    over the rows.

    Source: Zhang and Sennrich 2019, arXiv:1910.07467, equation 4.

    ```mlir
    // x: [[3.0, 4.0]], scale: [1.0, 5.0]
    %y = nnc.rms_norm %x, %scale epsilon = 0.0 : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    // y: [[0.848528, 5.656854]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$scale,
                       DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-5">:$epsilon);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferNormalized(site, x, 0, {{\"scale\", scale}})"];
  let hasExpansion = 1;
  let hasGradient = 1;
}

def InstanceNormOp : Nnc_NormLayer<"instance_norm", (ins Nnc_FloatTensor:$bias), (ins), [Nnc_ChannelsLast]> {
  let summary = "Each channel of a sample with mean 0 and variance 1, then scaled and shifted";
  let description = [{
    y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + bias over all axes but the
    first and the last, for x [samples, .., channels].

    The gradient is that of nnc.normalize.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022.

    ```mlir
    // x: [[[1.0], [3.0]]], scale: [2.0], bias: [0.5]
    %y = nnc.instance_norm %x, %scale, %bias epsilon = 0.0
        : (tensor<1x2x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x1xf32>
    // y: [[[-1.5], [2.5]]]
    ```
  }];
  let precision = "Inner";
  let resultTypes = ["inferNormalized(site, x, 3, {{\"scale\", scale}, {\"bias\", bias}})"];
}

def GroupNormOp : Nnc_NormLayer<"group_norm", (ins Nnc_FloatTensor:$bias), (ins I64Attr:$groups),
                                [Nnc_ChannelsLast]> {
  let summary = "Groups of a sample's channels with mean 0 and variance 1, then scaled and shifted";
  let description = [{
    y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + bias for x [samples, ..,
    channels], over all axes but the first and, of the channels, over each of `groups`
    parts of neighbours.

    The moments of a group are made of those of its channels: its variance is the mean
    of theirs, and of the square of what their means differ from its own.

    The gradient is that of this definition; with one group, that of nnc.normalize.

    Source: Wu and He 2018, arXiv:1803.08494.

    ```mlir
    // x: [[1.0, 3.0, 5.0, 5.0]], scale: [1.0, 2.0, 1.0, 1.0], bias: [0.0, 0.0, 0.5, 0.0]
    %y = nnc.group_norm %x, %scale, %bias groups = 2
        : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
    // y: [[-0.999995, 1.99999, 0.5, 0.0]]
    ```
  }];
  let precision = "Inner";
  let resultTypes = ["inferGroupNorm(site, x, adaptor.getGroups(), {{\"scale\", scale}, {\"bias\", bias}})"];
}

def BatchNormOp : Nnc_NormLayer<"batch_norm",
    (ins Nnc_FloatTensor:$bias, Nnc_FloatTensor:$running_mean, Nnc_FloatTensor:$running_variance),
    (ins OptionalAttr<Nnc_In<"[0, 1]">>:$momentum,
         DefaultValuedAttr<Nnc_ConventionAttr, "::nnc::Convention::pytorch">:$convention,
         DefaultValuedAttr<BoolAttr, "false">:$frozen_statistics), [Nnc_ChannelsLast]> {
  let summary = "Each channel with mean 0 and variance 1 over the samples, then scaled and shifted";
  let description = [{
    y = (x - mean) / sqrt(variance + epsilon) * scale + bias for x [samples, ..,
    channels]. A training step takes both over all axes but the last, with variance =
    mean((x - mean) ^ 2), and has the running ones follow; elsewhere y is of the
    running ones.

    `convention` says how, for a running statistic s and that of the n elements of a
    batch, t. By pytorch's, s' = (1 - momentum) * s + momentum * t, with variance * n /
    (n - 1) as the variance's t and a momentum of 0.1. By keras's, which is ONNX's too,
    s' = momentum * s + (1 - momentum) * t, and momentum is 0.99.

    Training takes the running statistics and leaves them as they are with
    `frozen_statistics`, or where either of them is frozen.

    The gradient is that of nnc.normalize, or of the definition where the statistics
    are the running ones.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.

    ```mlir
    // x: [[1.0], [3.0]], scale: [2.0], bias: [0.5], running_mean: [1.0], running_variance: [4.0]
    %y = nnc.batch_norm %x, %scale, %bias, %running_mean, %running_variance epsilon = 0.0
        : (tensor<2x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
    // y: [[0.5], [2.5]]
    ```
  }];
  let precision = "Inner";
  let resultTypes = ["inferNormalized(site, x, 2, {{\"scale\", scale}, {\"bias\", bias}, "
                     # "{\"running_mean\", running_mean}, {\"running_variance\", running_variance}})"];
  let buffers = ["running_mean", "running_variance"];
}

#endif // NNC_OPS_NORMALIZATION_TD
