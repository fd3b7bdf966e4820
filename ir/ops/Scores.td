// Metrics of scores and probabilities, before anything is decided by them.
#ifndef NNC_OPS_SCORES_TD
#define NNC_OPS_SCORES_TD

include "ir/Attributes.td"
include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Loss.td"

// Predictions [.., C] are of classes, or each element is of something that is or is
// not, as in Nnc_DecisionMetric; so are what counts, and its weights. A softmax or a
// sigmoid is applied to them, but for `from = probabilities`.
class Nnc_ScoreMetric<string mnemonic, dag attributes, list<Trait> traits>
    : Nnc_CompositeOp<mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights, attributes, Nnc_From,
      Nnc_Ignored);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferDecisions(site, prediction, target, {weights, {}, adaptor.getIgnoreIndex()}, {})"];
  let category = "Metric";
}
class Nnc_ProbabilityMetric<string mnemonic, dag attributes = (ins)>
    : Nnc_ScoreMetric<mnemonic, attributes, [DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let better = "smaller";
  let expansion = "readSums(*this, builder)";
}

def LogLossOp : Nnc_ProbabilityMetric<"log_loss"> {
  let summary = "Cross-entropy of predictions with what is, as a metric";
  let description = [{
    The mean of -ln p of the target's class over all rows, or of what is or is not,
    over a whole set: cross_entropy or bce_logits without penalties. In nats. With
    `from = probabilities` p is limited to [m, 1 - m], m = 2^-23, or that of f64 2^-52.
    Targets that are `ignore_index` do not count.

    ```mlir
    // prediction: [0.0, 0.0], target: [1, 0]
    %y = nnc.log_loss %prediction, %target : (tensor<2xf32>, tensor<2xui8>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
}

def BrierScoreOp : Nnc_ProbabilityMetric<"brier_score"> {
  let summary = "Mean squared error of probabilities";
  let description = [{
    The mean of (p - t) ^ 2 over what is (t = 1) or is not (0); of classes the mean
    over rows of sum_c (p[c] - t[c]) ^ 2, by half where there are two. Targets that are
    `ignore_index` do not count.

    Source: Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    ```mlir
    // prediction: [0.0, 0.0], target: [1, 0]
    %y = nnc.brier_score %prediction, %target : (tensor<2xf32>, tensor<2xui8>) -> tensor<f32>
    // y: 0.25
    ```
  }];
}

def ExpectedCalibrationErrorOp : Nnc_ProbabilityMetric<"expected_calibration_error",
    (ins DefaultValuedAttr<Nnc_In<"[1, 65536]", I64Attr>, "15">:$bins)> {
  let summary = "How far confidence is from how often it is right";
  let description = [{
    sum_b |sum of confidence in bin b - how many of it are right| / how many there
    are, over a whole set. Of classes the confidence is the largest probability of a
    row, which is right where it is the target's; of what is or is not it is the
    probability that it is, and right where it is. The bins are `bins` equal parts of
    [0, 1], each with its upper end and the first with 0 too. Targets that are
    `ignore_index` do not count.

    Source: Guo et al. 2017, arXiv:1706.04599, section 2.

    ```mlir
    // prediction: [0.75, 0.75, 0.25], target: [1, 0, 0]
    %y = nnc.expected_calibration_error %prediction, %target bins = 2 from = probabilities
        : (tensor<3xf32>, tensor<3xui8>) -> tensor<f32>
    // y: 0.25
    ```
  }];
}

// Of an order of all of a set, which no sums tell: the scores themselves are
// gathered. It can be reported, and not computed with.
class Nnc_RankMetric<string mnemonic>
    : Nnc_ScoreMetric<mnemonic, (ins OptionalAttr<Nnc_AverageAttr>:$average), [DeclareOpInterfaceMethods<Nnc_Gathered>]> {
  let resultTypes = ["inferDecisions(site, prediction, target, {weights, {}, adaptor.getIgnoreIndex()}, adaptor.getAverage())"];
  let better = "larger";
  let hasExpansion = 1;
}

def RocAucOp : Nnc_RankMetric<"roc_auc"> {
  let summary = "Chance that what is scores above what is not: the area under the ROC curve";
  let description = [{
    Over all pairs of a positive and a negative of a set, the share in which the
    positive has the larger score; equal ones count as half. NaN where one of the two
    is missing. Of classes each is told from the rest by its probability, and
    `average` says what becomes of them: `macro`, the mean, where it is not given;
    `weighted`, by how often the class is the target; `micro`, all pairs of a row and a
    class as one set. So it is for predictions [B, L], whose columns are classes where
    `average` is one of these; otherwise all elements are one set. With `weights` a
    pair counts as the product of its two.

    Source: Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747.

    ```mlir
    %y = nnc.roc_auc %prediction, %target : (tensor<?xf32>, tensor<?xui8>) -> tensor<f32>
    ```
  }];
}

def AveragePrecisionOp : Nnc_RankMetric<"average_precision"> {
  let summary = "Area under the curve of precision over recall";
  let description = [{
    sum_n (R[n] - R[n - 1]) * P[n] over the distinct scores of a set, the largest first,
    with P[n] and R[n] precision and recall where everything from that score on is
    chosen. 0 where nothing is positive. Of classes as roc_auc.

    ```mlir
    %y = nnc.average_precision %prediction, %target : (tensor<?xf32>, tensor<?xui8>) -> tensor<f32>
    ```
  }];
}

#endif // NNC_OPS_SCORES_TD
