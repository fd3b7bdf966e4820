// Losses of choices: classes, and what is or is not, each defined by other ops.
#ifndef NNC_OPS_LOSS_TD
#define NNC_OPS_LOSS_TD

include "ir/Attributes.td"
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

// `class_weights` [C] weigh the classes: the terms of a row by that of its class,
// and the mean over rows is by it.
defvar Nnc_ClassWeights = (ins Optional<Nnc_FloatTensor>:$class_weights);

// `positive_weights` multiply what positive targets add, and broadcast to the
// terms; the mean is not divided by them.
defvar Nnc_PositiveWeights = (ins Optional<Nnc_FloatTensor>:$positive_weights);

// Terms whose target is `ignore_index` do not count, as if their weight were 0.
defvar Nnc_Ignored = (ins OptionalAttr<I64Attr>:$ignore_index);

// A share of each target goes to all classes alike.
defvar Nnc_Smoothing = (ins DefaultValuedAttr<Nnc_In<"[0, 1]">, "0.0">:$label_smoothing);

// What a loss or a metric is given: logits, or the probabilities that a softmax
// or a sigmoid makes of them.
defvar Nnc_From = (ins DefaultValuedAttr<Nnc_ScoresAttr, "::nnc::Scores::logits">:$from);

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
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_ClassWeights,
      Nnc_Ignored, Nnc_Smoothing, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferCounted(site, {\"logits\", logits}, target, {weights, class_weights, adaptor.getIgnoreIndex()})"];
  let category = "Loss";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def BinaryCrossEntropyOp : Nnc_CompositeOp<"binary_cross_entropy", [
    AttrSizedOperandSegments, Nnc_Permutable]> {
  let summary = "Cross-entropy of probabilities with the target";
  let description = [{
    y = mean of -(t * ln p + (1 - t) * ln(1 - p)), with p limited to
    [m, 1 - m], by `weights` where they are given. In nats. m = 1e-7, or half an
    epsilon of the element type where it is larger (f16 2^-11, bf16 2^-8), so that
    1 - m is below 1. bce_logits is exact where this saturates. Targets that are
    `ignore_index` do not count; `label_smoothing` s takes t to t * (1 - s) + s / 2;
    `positive_weights` w, which broadcast to the probability, make t * ln p
    w * t * ln p.

    The gradient is that of the definition: 0 beyond the limits.

    ```mlir
    // probability: [0.5, 0.5], target: [1.0, 0.0]
    %y = nnc.binary_cross_entropy %probability, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$probability, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_PositiveWeights,
      Nnc_Ignored, Nnc_Smoothing, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferTerms(site, {\"probability\", probability}, target, {weights, {}, adaptor.getIgnoreIndex(), positive_weights})"];
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
    with s = sigmoid(x). Targets that are `ignore_index` do not count;
    `label_smoothing` e takes t to t * (1 - e) + e / 2.

    dlogits = (s * (1 + (p - 1) * t) - p * t) * dy / n, which has no kink at 0 as
    the parts have; dt = ((p - 1) * softplus(-x) - x) * dy / n. p is 1 where it is
    not given; with weights each term has its own, and n is their sum. t is the
    smoothed target, and dtarget is dt * (1 - e).

    ```mlir
    // logits: [0.0], target: [1.0]
    %y = nnc.bce_logits %logits, %target : (tensor<1xf32>, tensor<1xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_PositiveWeights,
      Nnc_Ignored, Nnc_Smoothing, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferTerms(site, {\"logits\", logits}, target, {weights, {}, adaptor.getIgnoreIndex(), positive_weights})"];
  let category = "Loss";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def HingeLossOp : Nnc_CompositeOp<"hinge_loss", [AttrSizedOperandSegments, Nnc_Permutable]> {
  let summary = "How far scores are from a margin of 1 on the right side of 0";
  let description = [{
    y = mean of max(0, 1 - t * prediction), with t = 1 where the target is above 0
    and -1 elsewhere, so that targets may be 0 and 1 or -1 and 1; by `weights`
    where they are given. `squared` takes the square of each term. Targets that are
    `ignore_index` do not count; `positive_weights`, which broadcast to the
    prediction, multiply the terms of targets above 0.

    dprediction = -t * dy / n where the term is above 0, by twice the term where it
    is squared.

    ```mlir
    // prediction: [0.5, 2.0], target: [0.0, 1.0]
    %y = nnc.hinge_loss %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.75
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_PositiveWeights,
      Nnc_Ignored, (ins DefaultValuedAttr<BoolAttr, "false">:$squared), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferTerms(site, {\"prediction\", prediction}, target, {weights, {}, adaptor.getIgnoreIndex(), positive_weights})"];
  let category = "Loss";
  let hasExpansion = 1;
}

def MulticlassHingeLossOp : Nnc_CompositeOp<"multiclass_hinge_loss", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "How far the right class is from a margin of 1 above all others";
  let description = [{
    y = mean of max(0, 1 + max over c != t of logits[c] - logits[t]) over all rows
    of logits [.., C], C > 1, with t the row's target: integers [..] or one-hot rows
    [.., C]. By `weights` of rows where they are given; rows whose target is
    `ignore_index`, or no class, do not count. `class_weights` [C] weigh rows by
    their class, and the mean is by weight.

    Source: Crammer and Singer 2001, JMLR 2, p. 265.

    ```mlir
    // logits: [[1.0, 0.5, 3.0], [1.0, 4.0, 2.0]], target: [0, 1]
    %y = nnc.multiclass_hinge_loss %logits, %target : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_ClassWeights,
      Nnc_Ignored, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferChoice(site, {\"logits\", logits}, target, {weights, class_weights, adaptor.getIgnoreIndex()})"];
  let category = "Loss";
  let hasExpansion = 1;
}

def FocalLossOp : Nnc_CompositeOp<"focal_loss", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Cross-entropy in which what is known already weighs little";
  let description = [{
    With logits [.., C], C > 1, and a target of integers [..]: y = mean of
    (1 - p) ^ gamma * -ln p over all rows, with p the softmax at the target;
    `class_weights` [C] weigh rows by their class, and the mean is by weight. With a
    target of the logits' shape each element is a decision of its own: p is
    sigmoid(x) where the target is 1 and 1 - sigmoid(x) where it is 0; with `alpha` a
    positive target weighs alpha and another 1 - alpha, and with `positive_weights`,
    which broadcast to x, a positive one these, by which the mean is not divided.

    `weights` weigh the terms; targets that are `ignore_index` do not count.
    `label_smoothing` s takes each element's t to t * (1 - s) + s / 2, and is of
    classes 1 - s of the term of the target and s / C of that of each class.

    Source: Lin et al. 2017, arXiv:1708.02002, equations 4 and 5.

    ```mlir
    // logits: [0.0, 0.0], target: [1.0, 0.0]
    %y = nnc.focal_loss %logits, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.173287
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_ClassWeights,
      Nnc_PositiveWeights,
      (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "2.0">:$gamma, OptionalAttr<Nnc_In<"[0, 1]">>:$alpha),
      Nnc_Ignored, Nnc_Penalties, Nnc_Smoothing);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferFocal(site, logits, target, {weights, class_weights, adaptor.getIgnoreIndex(), positive_weights}, adaptor.getAlpha().has_value())"];
  let category = "Loss";
  let hasExpansion = 1;
}

def KlDivergenceOp : Nnc_CompositeOp<"kl_divergence"> {
  let summary = "Nats by which rows of probabilities are encoded worse than they could be";
  let description = [{
    y = mean of sum_c t[c] * (ln t[c] - ln q[c]) over all rows, with q the softmax of
    logits [.., C] and t the target [.., C]; by `weights` of rows where they are
    given. What t has as 0 adds nothing. `from = probabilities` says that q is given
    as it is, limited to [m, 1] as in binary_cross_entropy. `label_smoothing` s
    takes t to t * (1 - s) + s / C.

    dlogits = (softmax(logits) * sum(t) - t) * dy / n.

    ```mlir
    // logits: [[0.0, 0.0]], target: [[1.0, 0.0]]
    %y = nnc.kl_divergence %logits, %target : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_FloatTensor:$target), Nnc_Weights, Nnc_From, Nnc_Penalties,
      Nnc_Smoothing);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferDivergence(site, logits, target, weights)"];
  let category = "Loss";
  let hasExpansion = 1;
}

def DiceLossOp : Nnc_CompositeOp<"dice_loss", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "How little regions overlap, by probabilities";
  let description = [{
    y = 1 - mean of (2 * sum(p * t) + s) / (sum(p) + sum(t) + s) over samples, with
    sums over all places of a sample, and s = `smooth`. With logits [B, .., C], C > 1,
    and a target of integers [B, ..], p is the softmax, t the one-hot target, and the
    mean is over classes too, by `class_weights` [C] where they are given; else p is the sigmoid of logits [B, ..], and the target
    has their shape. `from = probabilities` says that p is given as it is. `weights`
    [B] weigh the samples; places whose target is `ignore_index` do not count.

    Source: Milletari, Navab and Ahmadi 2016, arXiv:1606.04797, with p and t in the
    place of their squares.

    ```mlir
    // logits: [[1.0, 0.5, 0.0]], target: [0]
    %y = nnc.dice_loss %logits, %target smooth = 0.5 from = probabilities : (tensor<1x3xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 0.166667
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_ClassWeights,
      (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$smooth), Nnc_From, Nnc_Ignored, Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferDice(site, logits, target, {weights, class_weights, adaptor.getIgnoreIndex()})"];
  let category = "Loss";
  let hasExpansion = 1;
}

#endif // NNC_OPS_LOSS_TD
