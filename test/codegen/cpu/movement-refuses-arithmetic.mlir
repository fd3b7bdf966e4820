// RUN: not nnc-run-kernel %s --emitter=movement 2>&1 | FileCheck %s

#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>

// CHECK: error: 'func.func' op is not claimed by the emitter 'movement': it computes elements
func.func private @transpose_and_negate(%batch: index, %x: tensor<4x8xf32>)
    -> tensor<8x4xf32> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<8x4xf32>
  %y = linalg.generic {indexing_maps = [#ji, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%empty : tensor<8x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
