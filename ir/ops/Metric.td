// Metrics of rows of logits, each defined by other ops.
#ifndef NNC_OPS_METRIC_TD
#define NNC_OPS_METRIC_TD

include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Decisions.td"
include "ir/ops/Loss.td"

def AccuracyOp : Nnc_CompositeOp<"accuracy", [
    DeclareOpInterfaceMethods<Nnc_IndexLimited>, DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let summary = "Share of right predictions";
  let description = [{
    With predictions [.., C], C > 1: the share of rows whose largest element is at
    the target, which is integers [..] or one-hot rows [.., C]. With predictions
    of the target's shape: the share of those above `threshold` exactly where the
    target is above 1/2. Where it is not given the threshold is 0, which suits
    logits, or with `from = probabilities` 1/2. A row in which there is a NaN is
    wrong. Integers that are `ignore_index` do not count; over a set the rows that
    count are added up, by `weights` where they are given.

    ```mlir
    // prediction: [[1.0, 2.0], [4.0, 3.0]], target: [1, 1]
    %y = nnc.accuracy %prediction, %target : (tensor<2x2xf32>, tensor<2xi32>) -> tensor<f32>
    // y: 0.5
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_Deciding);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferDecisions(site, prediction, target, {weights, {}, adaptor.getIgnoreIndex()}, {})"];
  let category = "Metric";
  let better = "larger";
  let hasExpansion = 1;
}

def TopKAccuracyOp : Nnc_CompositeOp<"top_k_accuracy", [
    DeclareOpInterfaceMethods<Nnc_IndexLimited>, DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let summary = "Share of predictions with the target among the k largest";
  let description = [{
    The share of rows of [.., C] in which fewer than k elements are larger than
    the one at the target: integers [..] or one-hot rows [.., C]. NaN counts as
    larger, and a target that is no class or at a NaN is wrong. Integers that are
    `ignore_index` do not count; over a set the rows that count are added up, by
    `weights` where they are given.

    ```mlir
    // prediction: [[1.0, 2.0, 3.0]], target: [1]
    %y = nnc.top_k_accuracy %prediction, %target k = 2 : (tensor<1x3xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 1.0
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights,
      (ins DefaultValuedAttr<Nnc_In<"[1, inf)", I64Attr>, "5">:$k), Nnc_Ignored);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferCounted(site, {\"prediction\", prediction}, target, {weights, {}, adaptor.getIgnoreIndex()})"];
  let category = "Metric";
  let better = "larger";
  let hasExpansion = 1;
}

class Nnc_Surprise<string mnemonic, dag attributes>
    : Nnc_CompositeOp<mnemonic, [
          DeclareOpInterfaceMethods<Nnc_IndexLimited>, DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Weights, attributes, Nnc_Ignored);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferCounted(site, {\"logits\", logits}, target, {weights, {}, adaptor.getIgnoreIndex()})"];
  let category = "Metric";
  let better = "smaller";
  let hasExpansion = 1;
}

def PerplexityOp : Nnc_Surprise<"perplexity", (ins)> {
  let summary = "Among how many equally likely classes a model is undecided";
  let description = [{
    y = e ^ cross_entropy(logits, target). Integers that are `ignore_index` do
    not count. Over a set it is e to the power of the mean over all rows that
    count, by `weights` where they are given, and no mean of batches.

    ```mlir
    // logits: [[0.0, 0.0]], target: [1]
    %y = nnc.perplexity %logits, %target : (tensor<1x2xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 2.0
    ```
  }];
}

def BitsPerByteOp : Nnc_Surprise<"bits_per_byte", (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$bytes_per_token)> {
  let summary = "Bits by which a model encodes a byte of text";
  let description = [{
    y = cross_entropy(logits, target) / ln(2) / bytes_per_token, in which the last
    is how many bytes of text a row stands for on the average: 1 where rows are
    bytes. Integers that are `ignore_index` do not count; over a set the rows that
    count are added up, by `weights` where they are given.

    ```mlir
    // logits: [[0.0, 0.0]], target: [1]
    %y = nnc.bits_per_byte %logits, %target bytes_per_token = 4.0 : (tensor<1x2xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 0.25
    ```
  }];
}

#endif // NNC_OPS_METRIC_TD
