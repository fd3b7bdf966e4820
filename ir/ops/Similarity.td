// Losses of vectors that are to be near each other or far apart, each defined by
// other ops.
#ifndef NNC_OPS_SIMILARITY_TD
#define NNC_OPS_SIMILARITY_TD

include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Loss.td"

def CosineEmbeddingLossOp : Nnc_CompositeOp<"cosine_embedding_loss", [AttrSizedOperandSegments]> {
  let summary = "How far pairs of vectors are from pointing the same way, or apart";
  let description = [{
    y = mean over rows of x and other [.., D] of 1 - c where the target [..] is above
    0, and of max(0, c - margin) elsewhere, with c the cosine of the angle between the
    two rows, sum(x * other) / sqrt((sum(x * x) + m) * (sum(other * other) + m)) and
    m = 1e-12. Targets are 1 and -1, or 1 and 0. By `weights` of rows where they are
    given; rows whose target is `ignore_index` do not count, and `positive_weights`,
    which broadcast to the rows, multiply the terms of targets above 0.

    ```mlir
    // x: [[1.0, 0.0], [3.0, 0.0]], other: [[0.0, 2.0], [1.0, 0.0]], target: [1.0, -1.0]
    %y = nnc.cosine_embedding_loss %x, %other, %target margin = 0.5
        : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.75
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$other, Nnc_NumericTensor:$target), Nnc_Weights,
      Nnc_PositiveWeights, (ins DefaultValuedAttr<Nnc_In<"[-1, 1]">, "0.0">:$margin), Nnc_Penalties, Nnc_Ignored);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairs(site, {{\"x\", x}, {\"other\", other}}, target, {weights, {}, adaptor.getIgnoreIndex(), positive_weights})"];
  let category = "Loss";
  let hasExpansion = 1;
}

def TripletLossOp : Nnc_CompositeOp<"triplet_loss"> {
  let summary = "How far an anchor is from being nearer to one vector than to another";
  let description = [{
    y = mean over rows [.., D] of max(0, d(anchor, positive) - d(anchor, negative) +
    margin), with d(a, b) the length of a - b + 1e-6, which has a slope at 0; or its
    square without the 1e-6 where `squared` is true. By `weights` of rows where they
    are given.

    Source: Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832, section 3.1.

    ```mlir
    // anchor: [[0.0, 0.0]], positive: [[1.0, 1.0]], negative: [[0.0, 1.0]]
    %y = nnc.triplet_loss %anchor, %positive, %negative margin = 0.5 squared = true
        : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$anchor, Nnc_FloatTensor:$positive, Nnc_FloatTensor:$negative), Nnc_Weights,
      (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "1.0">:$margin, DefaultValuedAttr<BoolAttr, "false">:$squared),
      Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairs(site, {{\"anchor\", anchor}, {\"positive\", positive}, {\"negative\", negative}}, {}, {weights, {}, {}})"];
  let category = "Loss";
  let hasExpansion = 1;
}

def ContrastiveLossOp : Nnc_CompositeOp<"contrastive_loss"> {
  let summary = "Cross-entropy of finding a row's partner among all of its group";
  let description = [{
    x and other are groups of rows, [n, D] or [B, n, D], and row i of x belongs to
    row i of other: y = mean of -ln(e ^ (c[i, i] / T) / sum_j e ^ (c[i, j] / T)) over
    all i, with c[i, j] the product of row i of x and row j of other, and T =
    `temperature`. Rows have length 1 first, x / sqrt(sum(x * x) + 1e-12), but for
    `normalize = false`. `symmetric` takes the mean of it and of the same with x and
    other exchanged. n is a number: in a batch of any size a row's partner would be
    sought among as many. By `weights` of the rows i where they are given;
    `label_smoothing` is that of cross_entropy, whose classes are the rows.

    Source: van den Oord, Li and Vinyals 2018, arXiv:1807.03748, equation 4;
    symmetric as Radford et al. 2021, arXiv:2103.00020, figure 3.

    ```mlir
    // x: [[1.0, 0.0], [0.0, 1.0]], other: [[2.0, 0.0], [0.0, 3.0]]
    %y = nnc.contrastive_loss %x, %other temperature = 1.0 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<f32>
    // y: 0.313262
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$other), Nnc_Weights,
      (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "0.1">:$temperature, DefaultValuedAttr<BoolAttr, "true">:$normalize,
           DefaultValuedAttr<BoolAttr, "false">:$symmetric), Nnc_Penalties, Nnc_Smoothing);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferContrast(site, x, other, weights)"];
  let category = "Loss";
  let hasExpansion = 1;
}

#endif // NNC_OPS_SIMILARITY_TD
