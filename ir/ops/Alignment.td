// Sequences against sequences: losses over all their alignments, and how far one
// is from another.
#ifndef NNC_OPS_ALIGNMENT_TD
#define NNC_OPS_ALIGNMENT_TD

include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Loss.td"

// In equations: b samples, t time, c classes, s places of a sequence.

//===- Connectionist temporal classification ------------------------------===//

def CtcLossOp : Nnc_CompositeOp<"ctc_loss", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "How unlikely a labelling is, over all its alignments in time";
  let description = [{
    y = mean over samples of -ln p(target | logits) / max(target_length, 1), with
    logits [batch, time, C] and target [batch, labels], of which the first
    `input_lengths` and `target_lengths` of each sample count. p is the sum over
    all paths of one class a time step, each of the product of its softmaxes, that
    become the target where equal neighbours are merged and `blank` is then left
    out. In nats. A target that no path becomes has an infinite loss, or with
    `zero_infinity` 0; it has no gradient. By `weights` [batch] where they are given.

    dlogits = (softmax(logits) - probability that the path is there) * dy, over
    the number of samples and the target's length: both by sums from either end.

    Source: Graves et al. 2006, ICML, sections 3 and 4.

    ```mlir
    // logits: [[[0.0, 0.0]]], target: [[1]], input_lengths: [1], target_lengths: [1]
    %y = nnc.ctc_loss %logits, %target, %input_lengths, %target_lengths
        : (tensor<1x1x2xf32>, tensor<1x1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_IntegerTensor:$target,
                            Nnc_IntegerTensor:$input_lengths, Nnc_IntegerTensor:$target_lengths), Nnc_Weights,
                       (ins DefaultValuedAttr<Nnc_In<"[0, inf)", I64Attr>, "0">:$blank,
                            DefaultValuedAttr<BoolAttr, "false">:$zero_infinity), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferCtcLoss(site, CtcTypes{logits, target, input_lengths, target_lengths, weights}, adaptor.getBlank())"];
  let category = "Loss";
  let hasExpansion = 1;
}

def CtcForwardOp : Nnc_Op<"ctc_forward"> {
  let summary = "Log-likelihoods of paths from the beginning";
  let description = [{
    y[b, t, s] = logarithm of the sum over all paths that are at place s at time t:
    scores[b, t, labels[b, s]] + ln(e ^ y[b, t-1, s] + e ^ y[b, t-1, s-1] +
    e ^ y[b, t-1, s-2]), the last where labels[b, s] != labels[b, s-2]. Paths begin
    at the places 0 and 1: y[b, 0, s] = -inf elsewhere. A label outside of the
    classes takes the nearest.

    dscores[b, t, c] = sum of ctc_backward(y, dy, labels)[b, t, s] over all s with
    labels[b, s] = c.

    ```mlir
    // scores: [[[-1.0, -2.0], [-1.0, -2.0]]], labels: [[0, 1]]
    %y = nnc.ctc_forward %scores, %labels : (tensor<1x2x2xf32>, tensor<1x2xi32>) -> tensor<1x2x2xf32>
    // y: [[[-1.0, -2.0], [-2.0, -2.68674]]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$scores, Nnc_IntegerTensor:$labels);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferCtcForward(site, scores, labels)"];
  let category = "Internal";
  let hasGradient = 1;
}

def CtcBackwardOp : Nnc_Op<"ctc_backward"> {
  let summary = "What each place of the paths adds to what follows it";
  let description = [{
    y[b, t, s] = dy[b, t, s] + sum over r in s, s+1, s+2 of y[b, t+1, r] * share of
    s in what r is reached from, e ^ alpha[b, t, s] / sum of e ^ alpha[b, t, q] over
    q in r, r-1, r-2; the last of each as in ctc_forward. alpha is its result. What
    nothing is reached from has no shares.

    ```mlir
    // alpha: [[[-1.0, -2.0], [-2.0, -2.68674]]], dy: [[[0.0, 0.0], [0.0, 1.0]]], labels: [[0, 1]]
    %y = nnc.ctc_backward %alpha, %dy, %labels
        : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2xi32>) -> tensor<1x2x2xf32>
    // y: [[[0.731059, 0.268941], [0.0, 1.0]]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$alpha, Nnc_FloatTensor:$dy, Nnc_IntegerTensor:$labels);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferCtcBackward(site, alpha, dy, labels)"];
  let category = "Internal";
  let noGradient = "it is a gradient, and second derivatives are not computed";
}

def CtcDecodeOp : Nnc_CompositeOp<"ctc_decode", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "The labelling of the likeliest path";
  let description = [{
    The largest class of each time step of logits [batch, time, C], of which
    `input_lengths` [batch] count; equal neighbours merged, `blank` left out, and
    `padding` behind, to [batch, time].

    ```mlir
    // logits: [[[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]], input_lengths: [4]
    %y = nnc.ctc_decode %logits, %input_lengths : (tensor<1x4x2xf32>, tensor<1xi32>) -> tensor<1x4xi32>
    // y: [[1, 1, 0, 0]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$logits, Nnc_IntegerTensor:$input_lengths,
                       DefaultValuedAttr<Nnc_In<"[0, inf)", I64Attr>, "0">:$blank,
                       DefaultValuedAttr<I64Attr, "0">:$padding);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = ["inferCtcDecode(site, logits, input_lengths, adaptor.getBlank(), adaptor.getPadding())"];
  let hasExpansion = 1;
}

def CtcCollapseOp : Nnc_Op<"ctc_collapse"> {
  let summary = "The labelling that a path becomes";
  let description = [{
    The first `lengths` [batch] of x [batch, time], equal neighbours merged, `blank`
    left out, and `padding` behind.

    ```mlir
    // x: [[1, 1, 0, 2]], lengths: [4]
    %y = nnc.ctc_collapse %x, %lengths : (tensor<1x4xi32>, tensor<1xi32>) -> tensor<1x4xi32>
    // y: [[1, 2, 0, 0]]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$x, Nnc_IntegerTensor:$lengths,
                       DefaultValuedAttr<I64Attr, "0">:$blank, DefaultValuedAttr<I64Attr, "0">:$padding);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = ["inferCtcCollapse(site, x, lengths, adaptor.getPadding())"];
  let category = "Internal";
  let noGradient = "it chooses, and counts";
}

//===- Distance of sequences -----------------------------------------------===//

// A sequence is what stands before the first element that is `padding`. Metrics are
// of element type `type`, f32 if it is not given.

def EditDistanceOp : Nnc_Op<"edit_distance"> {
  let summary = "How many edits make one sequence another";
  let description = [{
    y[b] = the fewest elements that are to be inserted, deleted or replaced to make
    the sequence `prediction` [batch, n] the sequence `target` [batch, m]; each ends
    before its first `padding`.

    Source: Wagner and Fischer 1974, doi:10.1145/321796.321811.

    ```mlir
    // prediction: [[1, 2, 3, 0]], target: [[1, 3, 4, 5]]
    %y = nnc.edit_distance %prediction, %target : (tensor<1x4xi32>, tensor<1x4xi32>) -> tensor<1xi32>
    // y: [3]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$prediction, Nnc_IntegerTensor:$target,
                       DefaultValuedAttr<I64Attr, "0">:$padding);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = ["inferEditDistance(site, prediction, target)"];
  let noGradient = "it counts";
}

def NumberWordsOp : Nnc_Op<"number_words"> {
  let summary = "A number for each word of a sequence";
  let description = [{
    y [batch, n] of i64 has a number for each word of x [batch, n], which are what
    stands between elements that are `space`, and -1 behind; x ends before its first
    `padding`. Equal words have equal numbers, and others different ones but for a
    chance of 2^-63: h = 1, then h * 0x9E3779B97F4A7C15 + element + 1 modulo 2^64 for
    each element of the word, without its uppermost bit.

    ```mlir
    // x: [[3, 1, 1, 3, 0]]
    %y = nnc.number_words %x space = 1 padding = 0 : (tensor<1x5xi32>) -> tensor<1x5xi64>
    // y: [[2177342782468422681, 2177342782468422681, -1, -1, -1]]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$x, I64Attr:$space, DefaultValuedAttr<I64Attr, "0">:$padding);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = ["inferNumberWords(site, x)"];
  let category = "Internal";
  let noGradient = "it names, and does not measure";
}

class Nnc_SequenceMetric<string mnemonic, dag attributes = (ins)>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let arguments = !con((ins Nnc_IntegerTensor:$prediction, Nnc_IntegerTensor:$target), attributes,
                       (ins DefaultValuedAttr<I64Attr, "0">:$padding, OptionalAttr<TypeAttr>:$type));
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferSequenceMetric(site, prediction, target, adaptor.getType())"];
  let category = "Metric";
  let hasExpansion = 1;
}

def TokenErrorRateOp : Nnc_SequenceMetric<"token_error_rate"> {
  let summary = "Edits a token of the target";
  let better = "smaller";
  let description = [{
    y = sum of edit_distance(prediction, target) / sum of the targets' lengths, over
    all samples of the set; each sequence ends before its first `padding`. Where
    tokens are characters it is the error rate of characters, where they are words
    that of words.

    ```mlir
    // prediction: [[1, 2, 3, 0]], target: [[1, 3, 4, 5]]
    %y = nnc.token_error_rate %prediction, %target : (tensor<1x4xi32>, tensor<1x4xi32>) -> tensor<f32>
    // y: 0.75
    ```
  }];
}

def WordErrorRateOp : Nnc_SequenceMetric<"word_error_rate", (ins I64Attr:$space)> {
  let summary = "Edits a word of the target, where tokens are characters";
  let better = "smaller";
  let description = [{
    token_error_rate of the words that stand between tokens that are `space`.

    ```mlir
    // prediction: [[3, 1, 4, 0]], target: [[3, 1, 5, 0]]
    %y = nnc.word_error_rate %prediction, %target space = 1 : (tensor<1x4xi32>, tensor<1x4xi32>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

def BleuOp : Nnc_SequenceMetric<"bleu"> {
  let summary = "Shared runs of up to four tokens";
  let better = "larger";
  let description = [{
    y = min(1, e ^ (1 - r / p)) * (m1 * m2 * m3 * m4) ^ (1/4), with r and p the
    lengths of the targets and predictions, and mn the share of the predictions'
    runs of n tokens that are in the target of their sample, each as often as it is
    there. All are sums over the set. 0 where any mn is. Each sequence ends before
    its first `padding`.

    Source: Papineni et al. 2002, doi:10.3115/1073083.1073135, with one reference.

    ```mlir
    // prediction: [[1, 2, 3, 4, 5]], target: [[1, 2, 3, 4, 6]]
    %y = nnc.bleu %prediction, %target : (tensor<1x5xi32>, tensor<1x5xi32>) -> tensor<f32>
    // y: 0.668740
    ```
  }];
}

#endif // NNC_OPS_ALIGNMENT_TD
