// Losses, each defined by other ops.
#ifndef NNC_OPS_LOSS_TD
#define NNC_OPS_LOSS_TD

include "ir/Dialect.td"
include "ir/Types.td"

// `l1` and `l2` weigh the penalty over the weights that the loss depends on, sum
// of |w| and sum of w * w, which nnc-build-entry-points adds as ops of its own.
defvar Nnc_Penalties = (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$l1, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$l2);

// What losses take beside: `weights` of their terms, of which y is then the mean
// by weight, sum of w * term / sum of w, and 0 where all weights are. It has the
// dimensions of the terms, or the first of them; a dimension of 1 is stretched. A
// weight of 0, or false, leaves a term out, whatever it is.
defvar Nnc_Weights = (ins Optional<Nnc_Tensor>:$weights);

def CrossEntropyOp : Nnc_CompositeWithGradientOp<"cross_entropy", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Cross-entropy of a softmax with the target";
  let description = [{
    y = mean of -sum_c t[c] * log_softmax(logits)[c] over all rows of logits
    [.., C]. The target is integers [..], which stand for one-hot rows t, or rows
    [.., C] of floats. In nats. An integer that is no class stands for a row of
    zeros, as in one_hot: the row counts, and adds nothing to loss and gradient.

    Rows whose target is `ignore_index` are left out: they do not count. Where
    none counts y is 0. `label_smoothing` s takes t to t * (1 - s) + s / C.
    `class_weights` [C] weigh the classes: the terms of a row are multiplied by
    those of their classes, and with integers the mean is by the weight of the
    row's class. `weights` [..] weigh the rows: the mean is by weight.

    dlogits = (softmax(logits) * sum(q) - q) * dy / sum of weights, with q the
    row's t, weighted; it is bounded where the parts are not. Both are computed
    from logits - max(logits), so that logits of any size lose nothing but what
    they have lost themselves. For a target of floats dt = -log_softmax(logits),
    weighted alike.

    ```mlir
    // logits: [[0.0, 0.0]], target: [1]
    %y = nnc.cross_entropy %logits, %target : (tensor<1x2xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights,
      (ins Optional<Nnc_FloatTensor>:$class_weights, OptionalAttr<I64Attr>:$ignore_index,
           DefaultValuedAttr<Nnc_In<"[0, 1]">, "0.0">:$label_smoothing), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferCrossEntropy(site, logits, target, RowWeights{weights, class_weights, adaptor.getIgnoreIndex()})"];
  let category = "Loss";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def BinaryCrossEntropyOp : Nnc_CompositeOp<"binary_cross_entropy", [Nnc_Permutable]> {
  let summary = "Cross-entropy of probabilities with the target";
  let description = [{
    y = mean of -(t * ln p + (1 - t) * ln(1 - p)), with p limited to
    [m, 1 - m], by `weights` where they are given. In nats. m = 1e-7, or half an epsilon of the element type where it
    is larger (f16 2^-11, bf16 2^-8), so that 1 - m is below 1. bce_logits is exact where this saturates.

    The gradient is that of the definition: 0 beyond the limits.

    ```mlir
    // probability: [0.5, 0.5], target: [1.0, 0.0]
    %y = nnc.binary_cross_entropy %probability, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$probability, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairwise(site, {\"probability\", probability}, target, weights)"];
  let category = "Loss";
  let hasExpansion = 1;
}

def BceLogitsOp : Nnc_CompositeWithGradientOp<"bce_logits", [
    AttrSizedOperandSegments, Nnc_Permutable]> {
  let summary = "Cross-entropy of sigmoids with the target";
  let description = [{
    y = mean of max(x, 0) - x * t + ln(1 + e ^ -|x|), which is the binary
    cross-entropy of sigmoid(x), with no exponent positive, by `weights` where
    they are given. In nats. `positive_weights` p, which broadcast to x, multiply
    what positive targets add: y = mean of -(p * t * ln s + (1 - t) * ln(1 - s)),
    with s = sigmoid(x).

    dlogits = (s * (1 + (p - 1) * t) - p * t) * dy / n, which has no kink at 0 as
    the parts have; dt = ((p - 1) * softplus(-x) - x) * dy / n. p is 1 where it is
    not given; with weights each term has its own, and n is their sum.

    ```mlir
    // logits: [0.0], target: [1.0]
    %y = nnc.bce_logits %logits, %target : (tensor<1xf32>, tensor<1xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights,
      (ins Optional<Nnc_FloatTensor>:$positive_weights), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferBceLogits(site, logits, target, weights, positive_weights)"];
  let category = "Loss";
  let hasExpansion = 1;
  let hasGradient = 1;
}

class Nnc_Distance<string mnemonic, string itsCategory, dag others, string weights = "{}">
    : Nnc_CompositeOp<mnemonic, [Nnc_Permutable]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), others);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairwise(site, {\"prediction\", prediction}, target, " # weights # ")"];
  let category = itsCategory;
}
class Nnc_DistanceLoss<string mnemonic, dag attributes = (ins)>
    : Nnc_Distance<mnemonic, "Loss", !con(Nnc_Weights, attributes, Nnc_Penalties), "weights">;

def MseOp : Nnc_DistanceLoss<"mse"> {
  let summary = "Mean squared error";
  let description = [{
    y = mean of (prediction - target) ^ 2 over all elements, by `weights` where they
    are given.

    dprediction = 2 * (prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mse %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 2.5
    ```
  }];
  let expansion = "meanSquaredError(prediction, target, weights)";
}

def MaeOp : Nnc_DistanceLoss<"mae"> {
  let summary = "Mean absolute error";
  let description = [{
    y = mean of |prediction - target| over all elements, by `weights` where they
    are given.

    dprediction = sign(prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mae %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let expansion = "meanAbsoluteError(prediction, target, weights)";
}

def HuberOp : Nnc_DistanceLoss<"huber", (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$delta)> {
  let summary = "Squared error near zero, absolute error beyond";
  let description = [{
    y = mean of d * d / 2 where |d| <= delta, else delta * (|d| - delta / 2), with
    d = prediction - target, by `weights` where they are given.

    dprediction = min(max(d, -delta), delta) * dy / n.

    Source: Huber 1964, doi:10.1214/aoms/1177703732.

    ```mlir
    // prediction: [1.0, 4.0], target: [0.5, 0.0]
    %y = nnc.huber %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.8125
    ```
  }];
  let hasExpansion = 1;
}

#endif // NNC_OPS_LOSS_TD
