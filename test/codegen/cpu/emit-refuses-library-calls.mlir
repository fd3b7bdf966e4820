// RUN: not nnc-run-kernel %s 2>&1 | FileCheck %s

#i = affine_map<(i) -> (i)>

// CHECK: [[@LINE+1]]:1: error: kernel code refers to 'fmodf', which is outside of it; expected code that needs no library
func.func private @remainder(%batch: index, %x: tensor<9xf32>, %y: tensor<9xf32>)
    -> tensor<9xf32> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<9xf32>
  %z = linalg.generic {indexing_maps = [#i, #i, #i], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<9xf32>, tensor<9xf32>) outs(%empty : tensor<9xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.remf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<9xf32>
  return %z : tensor<9xf32>
}
