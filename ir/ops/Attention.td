// Attention: rows of one sequence as means of those of another.
#ifndef NNC_OPS_ATTENTION_TD
#define NNC_OPS_ATTENTION_TD

include "ir/Dialect.td"
include "ir/Types.td"

defvar Nnc_Count = Nnc_In<"[0, 1e9]", I64Attr>;

// What decides which keys a query sees, and how it weighs them.
class Nnc_AttentionOperands {
  dag operands = (ins Optional<Nnc_IntegerTensor>:$lengths, Optional<Nnc_FloatTensor>:$bias,
                      Optional<Nnc_FloatTensor>:$slopes, Optional<Nnc_BoolTensor>:$mask,
                      Variadic<Nnc_CountScalar>:$counter);
  dag attributes = (ins DefaultValuedAttr<BoolAttr, "false">:$causal,
                        DefaultValuedAttr<Nnc_Count, "0">:$window,
                        DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$soft_cap,
                        DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.0">:$dropout);
}

def AttentionOp : Nnc_CompositeOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "Means of values, weighted by how well their keys fit a query";
  let description = [{
    q is [batch, time, heads, size], k [batch, keys, kv_heads, size] and v [batch,
    keys, kv_heads, value_size]; `heads` is a multiple of `kv_heads`, and heads
    that follow each other share one of k and v. With H, K, G = H / K of them:

      s[b, h, i, j] = scale * sum_d q[b, i, h, d] * k[b, j, h / G, d]
      s = soft_cap * tanh(s / soft_cap), where `soft_cap` is not 0
      s = s + bias - slopes[h] * |p(i) - j|, with p(i) = i + keys - time
      y[b, i, h, :] = sum_j softmax_j(s)[b, h, i, j] * v[b, j, h / G, :]

    The sum is over the keys that a query sees: with `causal`, j <= p(i), so that
    the last query sees all keys; with a `window`, |p(i) - j| < window; with
    `lengths` [batch], j < lengths[b]; with a `mask`, those for which it is true.
    A query that sees none gives zeros. `bias` and `mask` broadcast to [batch,
    heads, time, keys]. `scale` is 1 / sqrt(size) where it is not given. In
    training a weight is set to zero with probability `dropout`, and what is left
    is divided by 1 - dropout.

    The gradient is that of nnc.attend.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; Ainslie et al. 2023,
    arXiv:2305.13245 (groups); Press et al. 2022, arXiv:2108.12409 (slopes).

    ```mlir
    // q: [[[[0.0]], [[0.0]]]], k: [[[[1.0]], [[1.0]]]], v: [[[[2.0]], [[4.0]]]]
    %y = nnc.attention %q, %k, %v causal = true : tensor<1x2x1x1xf32>
    // y: [[[[2.0]], [[3.0]]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$q, Nnc_FloatTensor:$k, Nnc_FloatTensor:$v),
                       Nnc_AttentionOperands<>.operands, Nnc_AttentionOperands<>.attributes,
                       (ins OptionalAttr<Nnc_In<"(-inf, inf)">>:$scale,
                            DefaultValuedAttr<I64Attr, "-1">:$stream));
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferAttention(site, {q, k, v}, 0, 0, {lengths, bias, slopes, mask})"];
  let hasExpansion = 1;
  let hasVerifier = 1;
  let precision = "Low";
}

// What the ops share that a target may have kernels for.
class Nnc_Attend<dag operands> {
  dag arguments = !con(operands, (ins Optional<Nnc_FloatTensor>:$k, Optional<Nnc_FloatTensor>:$v),
                       Nnc_AttentionOperands<>.operands,
                       (ins Nnc_Count:$heads, Nnc_Count:$kv_heads, Nnc_In<"(-inf, inf)">:$scale),
                       Nnc_AttentionOperands<>.attributes);
}

def AttendOp : Nnc_CompositeWithGradientOp<"attend", [AttrSizedOperandSegments]> {
  let summary = "nnc.attention, and what its gradient is computed from";
  let description = [{
    y as nnc.attention has it, and lse[b, i, h] = log(sum_j e ^ s[b, h, i, j]) over
    the keys that a query sees, -1e30 where there are none.

    Heads may stand one after another in one tensor: without v, k is [batch, keys, 2
    kv_heads, size], first keys, then values; without k too, q is [batch, time, heads
    + 2 kv_heads, size]. So the product that makes them writes what is read here.
    With `dropout`, the counter is a seed, a step and the number of a stream of
    nnc.random_bits, in which weight [b, h, i, j] has the place that it has in [batch,
    heads, time, keys].

    With p = e ^ (s - lse), D = sum(dy * y) over a head's elements and the weights
    that dropout keeps divided by 1 - dropout, m: dv = (p * m)^T dy; ds = p * (m *
    (dy v^T) - D) and, through the soft cap, ds * (1 - (s' / soft_cap) ^ 2), of which
    dq = scale * ds k and dk = scale * ds^T q are sums. nnc.attend_gradient has them.

    Source: Dao 2023, arXiv:2307.08691, section 2.

    ```mlir
    // q: [[[[0.0]]]], k: [[[[1.0]]]], v: [[[[2.0]]]]
    %y, %lse = nnc.attend %q, %k, %v heads = 1 kv_heads = 1 scale = 1.0
        : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>)
    // y: [[[[2.0]]]], lse: [[[0.0]]]
    ```
  }];
  let arguments = Nnc_Attend<(ins Nnc_FloatTensor:$q)>.arguments;
  let results = (outs Nnc_FloatTensor:$y, Nnc_FloatTensor:$lse);
  let resultTypes = [
    "inferAttention(site, {q, k, v}, adaptor.getHeads(), adaptor.getKvHeads(), {lengths, bias, slopes, mask})",
    "inferAttentionRows(site, {q, k, v}, adaptor.getHeads(), adaptor.getKvHeads())"];
  let category = "Internal";
  let precision = "Low";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def AttendGradientOp : Nnc_CompositeOp<"attend_gradient", [AttrSizedOperandSegments]> {
  let summary = "The gradients of nnc.attend by queries, keys and values";
  let description = [{
    dq, dk and dv of nnc.attend with the same operands, given dy, its lse, and
    delta[b, i, h], the sum of dy * y over a head's elements: a gradient for each of
    q, k and v that is given.

    ```mlir
    // q: [[[[1.0]]]], lse: [[[1.0]]], delta: [[[2.0]]], dy: [[[[1.0]]]], k: [[[[1.0]]]], v: [[[[2.0]]]]
    %dq, %dk, %dv = nnc.attend_gradient %q, %lse, %delta, %dy, %k, %v heads = 1 kv_heads = 1 scale = 1.0
        : (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>)
        -> (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>)
    // dq: [[[[0.0]]]], dk: [[[[0.0]]]], dv: [[[[1.0]]]]
    ```
  }];
  let arguments = Nnc_Attend<(ins Nnc_FloatTensor:$q, Nnc_FloatTensor:$lse, Nnc_FloatTensor:$delta,
                                  Nnc_FloatTensor:$dy)>.arguments;
  let results = (outs Variadic<Nnc_FloatTensor>:$gradients);
  let resultTypes = [
    "inferAttendGradient(site, {q, k, v}, adaptor.getHeads(), adaptor.getKvHeads(), {lse, delta, dy})"];
  let category = "Internal";
  let hasExpansion = 1;
}

def AttendScoresGradientOp : Nnc_CompositeOp<"attend_scores_gradient", [AttrSizedOperandSegments]> {
  let summary = "The gradient of nnc.attend by the scores after their soft cap";
  let description = [{
    ds[b, h, i, j] of nnc.attend with the same operands, from what
    nnc.attend_gradient takes. It is as large as the scores: what a bias or slopes
    that are trained cost.

    ```mlir
    // q: [[[[1.0]]]], lse: [[[1.0]]], delta: [[[1.0]]], dy: [[[[1.0]]]], k: [[[[1.0]]]], v: [[[[2.0]]]]
    %ds = nnc.attend_scores_gradient %q, %lse, %delta, %dy, %k, %v heads = 1 kv_heads = 1 scale = 1.0
        : (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>)
        -> tensor<1x1x1x1xf32>
    // ds: [[[[1.0]]]]
    ```
  }];
  let arguments = Nnc_Attend<(ins Nnc_FloatTensor:$q, Nnc_FloatTensor:$lse, Nnc_FloatTensor:$delta,
                                  Nnc_FloatTensor:$dy)>.arguments;
  let results = (outs Nnc_FloatTensor:$ds);
  let resultTypes = ["inferAttentionScores(site, {q, k, v}, adaptor.getHeads(), adaptor.getKvHeads())"];
  let category = "Internal";
  let hasExpansion = 1;
}

def MultiHeadAttentionOp : Nnc_CompositeOp<"multi_head_attention", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_Layer>]> {
  let summary = "Attention of a sequence to itself or to another, by heads";
  let description = [{
    y = nnc.attention(q, k, v) out_proj_weight + out_proj_bias for x [batch, time,
    width], with the heads of q, k and v one after another in the columns of x
    in_proj_weight + in_proj_bias. With a `memory` [batch, keys, memory_width], the
    columns of that product are q alone, and k and v are those of memory
    memory_proj_weight + memory_proj_bias.

    A head has `head_size` elements, width / heads where it is 0; `kv_heads` is
    `heads` where it is 0. With `rotary`, nnc.rotary turns q and k, by
    `rotary_base`, `rotary_interleaved`, `rotary_size` and `positions`. What decides
    which keys a query sees is as in nnc.attention, whose bias is `score_bias`. A
    program may leave the weights out, and has no biases with `bias = false`.

    The gradient is that of the definition.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.

    ```mlir
    // x: [[[1.0]]], in_proj_weight: [[1.0, 2.0, 3.0]], out_proj_weight: [[0.5]]
    %y = nnc.multi_head_attention %x, %in_proj_weight, %out_proj_weight heads = 1
        : (tensor<1x1x1xf32>, tensor<1x3xf32>, tensor<1x1xf32>) -> tensor<1x1x1xf32>
    // y: [[[1.5]]]
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$in_proj_weight,
                            Nnc_FloatTensor:$out_proj_weight, Optional<Nnc_FloatTensor>:$in_proj_bias,
                            Optional<Nnc_FloatTensor>:$out_proj_bias, Optional<Nnc_FloatTensor>:$memory,
                            Optional<Nnc_FloatTensor>:$memory_proj_weight,
                            Optional<Nnc_FloatTensor>:$memory_proj_bias,
                            Optional<Nnc_IntegerTensor>:$positions,
                            Optional<Nnc_IntegerTensor>:$lengths, Optional<Nnc_FloatTensor>:$score_bias,
                            Optional<Nnc_FloatTensor>:$slopes, Optional<Nnc_BoolTensor>:$mask,
                            Variadic<Nnc_CountScalar>:$counter,
                            Nnc_In<"[1, 1e9]", I64Attr>:$heads,
                            DefaultValuedAttr<Nnc_Count, "0">:$kv_heads,
                            DefaultValuedAttr<Nnc_Count, "0">:$head_size),
                       Nnc_AttentionOperands<>.attributes,
                       (ins OptionalAttr<Nnc_In<"(-inf, inf)">>:$scale,
                            DefaultValuedAttr<BoolAttr, "false">:$rotary,
                            DefaultValuedAttr<Nnc_In<"(0, inf)">, "10000.0">:$rotary_base,
                            DefaultValuedAttr<BoolAttr, "false">:$rotary_interleaved,
                            DefaultValuedAttr<Nnc_Count, "0">:$rotary_size,
                            DefaultValuedAttr<I64Attr, "-1">:$stream));
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferMultiHeadAttention(site, x, memory, {{\"in_proj_weight\", in_proj_weight}, "
      # "{\"in_proj_bias\", in_proj_bias}, {\"memory_proj_weight\", memory_proj_weight}, "
      # "{\"memory_proj_bias\", memory_proj_bias}, {\"out_proj_weight\", out_proj_weight}, "
      # "{\"out_proj_bias\", out_proj_bias}}, {int64_t(adaptor.getHeads()), "
      # "int64_t(adaptor.getKvHeads()), int64_t(adaptor.getHeadSize())})"];
  let layerArguments = [Nnc_LayerArgument<"bias", "Bool", "true">];
  let hasExpansion = 1;
  let hasVerifier = 1;
  let precision = "Low";
}

#endif // NNC_OPS_ATTENTION_TD
