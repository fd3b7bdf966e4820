// Ops that multiply and sum over shared dimensions.
#ifndef NNC_OPS_CONTRACTION_TD
#define NNC_OPS_CONTRACTION_TD

include "ir/Dialect.td"
include "ir/Types.td"

def MatmulOp : Nnc_Op<"matmul", [Nnc_SumsProducts]> {
  let summary = "Matrix product";
  let description = [{
    y[.., m, n] = sum_k lhs[.., m, k] * rhs[.., k, n]. A transposed operand is
    [.., k, m] or [.., n, k]. The dimensions before the last two broadcast. With
    `reduce_batch` those dimensions, which must then be equal, are summed over
    too, and y is [m, n].

    With L and R for the operands as [.., m, k] and [.., k, n]:
    dL = dy R^T, dR = L^T dy, each one matmul with other flags and no transpose.
    An operand of rank 2 beside one of a higher rank takes its gradient with
    `reduce_batch`.

    ```mlir
    // lhs: [[1.0, 2.0]], rhs: [[3.0], [4.0]]
    %y = nnc.matmul %lhs, %rhs : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
    // y: [[11.0]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$lhs, Nnc_FloatTensor:$rhs,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_lhs,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_rhs,
                       DefaultValuedAttr<BoolAttr, "false">:$reduce_batch);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = [
    "inferMatmul(site, lhs, rhs, adaptor.getTransposeLhs(), adaptor.getTransposeRhs(), adaptor.getReduceBatch())"
  ];
  let hasGradient = 1;
  let precision = "Low";
}

#endif // NNC_OPS_CONTRACTION_TD
