// What tells a row's place in its sequence.
#ifndef NNC_OPS_POSITIONS_TD
#define NNC_OPS_POSITIONS_TD

include "ir/ops/Attention.td"

def RotaryOp : Nnc_CompositeWithGradientOp<"rotary", [AttrSizedOperandSegments]> {
  let summary = "Pairs of elements turned by their position in the sequence";
  let description = [{
    For x [batch, time, heads, size], with n = `rotated` elements of each head, all
    where it is 0, as pairs (a, b) of elements i and i + n / 2, or, with
    `interleaved`, of neighbours 2 i and 2 i + 1:

      y = (a cos t - b sin t, b cos t + a sin t), t = position * base ^ (-2 i / n)

    and y = x for the other elements. Positions count from 0, or are `positions`
    [time] or [batch, time]. `cos` and `sin` [count, n / 2], if given, have a row for
    each position in place of t. Only the first `heads` are turned where that is not
    0; `inverse` turns back.

    dx = dy turned back. Tables are given: they have no gradient.

    Source: Su et al. 2021, arXiv:2104.09864, section 3.2.2.

    ```mlir
    // x: [[[[1.0, 2.0]], [[1.0, 2.0]]]], cos: [[1.0], [0.0]], sin: [[0.0], [1.0]]
    %y = nnc.rotary %x cos = %cos sin = %sin : (tensor<1x2x1x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<1x2x1x2xf32>
    // y: [[[[1.0, 2.0]], [[-2.0, 1.0]]]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Optional<Nnc_IntegerTensor>:$positions,
                       Optional<Nnc_FloatTensor>:$cos, Optional<Nnc_FloatTensor>:$sin,
                       DefaultValuedAttr<Nnc_In<"(0, inf)">, "10000.0">:$base,
                       DefaultValuedAttr<BoolAttr, "false">:$interleaved,
                       DefaultValuedAttr<Nnc_Count, "0">:$rotated,
                       DefaultValuedAttr<Nnc_Count, "0">:$heads,
                       DefaultValuedAttr<BoolAttr, "false">:$inverse);
  let results = (outs Nnc_FloatTensor:$y);
  let hidden = ["heads", "inverse"];
  let resultTypes = ["inferRotary(site, x, positions, cos, sin, adaptor.getRotated(), adaptor.getHeads())"];
  let precision = "Follow";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def SinusoidalPositionsOp : Nnc_CompositeOp<"sinusoidal_positions"> {
  let summary = "A vector for each position: sines and cosines of many lengths";
  let description = [{
    y [length, width], of element type `type`, f32 if it is not given: y[p, 2 i] =
    sin(t) and y[p, 2 i + 1] = cos(t) with t = p * base ^ (-2 i / width); without
    `interleaved`, all sines stand before all cosines.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.

    ```mlir
    %y = nnc.sinusoidal_positions length = 2 width = 2 : () -> tensor<2x2xf32>
    // y: [[0.0, 1.0], [0.841471, 0.540302]]
    ```
  }];
  let arguments = (ins Nnc_In<"[1, 1e9]", I64Attr>:$length, Nnc_In<"[1, 1e9]", I64Attr>:$width,
                       DefaultValuedAttr<Nnc_In<"(0, inf)">, "10000.0">:$base,
                       DefaultValuedAttr<BoolAttr, "true">:$interleaved, OptionalAttr<TypeAttr>:$type);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferSinusoidal(site, adaptor.getLength(), adaptor.getWidth(), adaptor.getType())"];
  let hasExpansion = 1;
}

#endif // NNC_OPS_POSITIONS_TD
