// Metrics of decisions: what was chosen against what is, counted class by class
// over a whole set.
#ifndef NNC_OPS_DECISIONS_TD
#define NNC_OPS_DECISIONS_TD

include "ir/Attributes.td"
include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Loss.td"

// How elements become decisions where no class is chosen: an element above
// `threshold` is one for it. Where it is not given it is 0, which suits logits, or
// with `from = probabilities` 1/2.
defvar Nnc_Deciding = !con((ins OptionalAttr<Nnc_In<"(-inf, inf)">>:$threshold), Nnc_From, Nnc_Ignored);

// With predictions [.., C], C > 1, and a target of integers [..] or one-hot rows
// [.., C], a row chooses the class of its largest element. Else the target has the
// prediction's shape, and each element decides for itself; it should where the
// target is above 1/2. Integers that are `ignore_index` do not count; `weights`
// weigh what does, so that a count is the sum of weights, and 0 leaves out.
class Nnc_DecisionMetric<string mnemonic, dag attributes, string average>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_IndexLimited>, DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights, attributes, Nnc_Deciding);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferDecisions(site, prediction, target, {weights, {}, adaptor.getIgnoreIndex()}, " # average # ")"];
  let category = "Metric";
  let better = "larger";
  let expansion = "readSums(*this, builder)";
}

// Of the shares of classes: `average` says which. `binary`: of the positive class
// alone, the second of two. `micro`: of the counts of all classes together.
// `macro`: the mean over the classes that are in the targets or were chosen.
// `weighted`: the mean by how often a class is in the targets. Where it is not
// given it is `binary` where two classes are, and else `macro`. Elements that
// decide for themselves are two classes, but for `micro`, `macro` and `weighted` of
// predictions [B, L], where each column is a class of its own. A share of nothing
// is 0.
class Nnc_AveragedMetric<string mnemonic, dag attributes = (ins)>
    : Nnc_DecisionMetric<mnemonic, !con(attributes, (ins OptionalAttr<Nnc_AverageAttr>:$average)), "adaptor.getAverage()">;

def PrecisionOp : Nnc_AveragedMetric<"precision"> {
  let summary = "Share of the chosen that is right";
  let description = [{
    For each class, how often it was chosen rightly, over how often it was chosen;
    over a whole set, and of the classes as `average` says (docs/metrics.md).

    ```mlir
    // prediction: [1.0, 2.0, -1.0], target: [1, 0, 1]
    %y = nnc.precision %prediction, %target : (tensor<3xf32>, tensor<3xui8>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

def RecallOp : Nnc_AveragedMetric<"recall"> {
  let summary = "Share of what is there that was found";
  let description = [{
    For each class, how often it was chosen rightly, over how often it is the target;
    over a whole set, and of the classes as `average` says (docs/metrics.md).

    ```mlir
    // prediction: [1.0, 2.0, -1.0, -3.0], target: [1, 1, 1, 0]
    %y = nnc.recall %prediction, %target : (tensor<4xf32>, tensor<4xui8>) -> tensor<f32>
    // y: 0.666667
    ```
  }];
}

def F1Op : Nnc_AveragedMetric<"f1"> {
  let summary = "Harmonic mean of precision and recall";
  let description = [{
    For each class 2 * tp / (2 * tp + fp + fn), in which tp are the times it was
    chosen rightly, fp wrongly, and fn not chosen where it was the target; over a
    whole set, and of the classes as `average` says (docs/metrics.md).

    ```mlir
    // prediction: [1.0, 2.0, -1.0], target: [1, 0, 1]
    %y = nnc.f1 %prediction, %target : (tensor<3xf32>, tensor<3xui8>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

def FBetaOp : Nnc_AveragedMetric<"f_beta", (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$beta)> {
  let summary = "Mean of precision and recall, of which recall counts more";
  let description = [{
    For each class (1 + b * b) * tp / ((1 + b * b) * tp + fp + b * b * fn), with b =
    `beta` and the counts of f1, which it is for a beta of 1; over a whole set, and of
    the classes as `average` says (docs/metrics.md).

    Source: van Rijsbergen 1979, Information Retrieval, chapter 7.

    ```mlir
    // prediction: [1.0, 2.0, 3.0], target: [1, 0, 0]
    %y = nnc.f_beta %prediction, %target beta = 2.0 : (tensor<3xf32>, tensor<3xui8>) -> tensor<f32>
    // y: 0.714286
    ```
  }];
}

def MeanIouOp : Nnc_DecisionMetric<"mean_iou", (ins), "{}"> {
  let summary = "Overlap of what was chosen with what is, as a mean over classes";
  let description = [{
    The mean of tp / (tp + fp + fn), intersection over union, over the classes that
    are in the targets or were chosen, over a whole set. Elements that decide for
    themselves are two classes.

    ```mlir
    // prediction: [1.0, 2.0, -1.0], target: [1, 0, 0]
    %y = nnc.mean_iou %prediction, %target : (tensor<3xf32>, tensor<3xui8>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

def BalancedAccuracyOp : Nnc_DecisionMetric<"balanced_accuracy", (ins), "{}"> {
  let summary = "Accuracy, in which every class counts alike";
  let description = [{
    The mean of recall over the classes that are in the targets, over a whole set.
    Elements that decide for themselves are two classes.

    ```mlir
    // prediction: [1.0, 2.0, -1.0, -1.0], target: [1, 1, 1, 0]
    %y = nnc.balanced_accuracy %prediction, %target : (tensor<4xf32>, tensor<4xui8>) -> tensor<f32>
    // y: 0.833333
    ```
  }];
}

def MccOp : Nnc_DecisionMetric<"mcc", (ins), "{}"> {
  let summary = "Correlation of what was chosen with what is: Matthews' coefficient";
  let description = [{
    (c * n - sum_k p[k] * t[k]) / sqrt((n ^ 2 - sum p ^ 2) * (n ^ 2 - sum t ^ 2)), in
    which n decisions are counted, c of them right, and class k was chosen p[k] and
    is the target t[k] times; over a whole set. 0 where it is a quotient by 0.

    Source: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006.

    ```mlir
    // prediction: [1.0, 2.0, -1.0, -1.0], target: [1, 0, 0, 0]
    %y = nnc.mcc %prediction, %target : (tensor<4xf32>, tensor<4xui8>) -> tensor<f32>
    // y: 0.577350
    ```
  }];
}

def CohenKappaOp : Nnc_DecisionMetric<"cohen_kappa",
    (ins DefaultValuedAttr<Nnc_WeightingAttr, "::nnc::Weighting::none">:$weighting), "{}"> {
  let summary = "Agreement of what was chosen with what is, beyond that by chance";
  let description = [{
    1 - sum of w[i, j] over all decisions for i where j is / what it would be if
    both were drawn as often, but independently; over a whole set. w is 1 where i and
    j differ, and with `weighting` |i - j| (linear) or (i - j) ^ 2 (quadratic), for
    classes that have an order. NaN where it is 0 / 0.

    Source: Cohen 1968, doi:10.1037/h0026256.

    ```mlir
    // prediction: [1.0, 2.0, -1.0, -1.0], target: [1, 0, 0, 0]
    %y = nnc.cohen_kappa %prediction, %target : (tensor<4xf32>, tensor<4xui8>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

#endif // NNC_OPS_DECISIONS_TD
