// Sums over several dimensions, and windows, on a GPU: one thread an element.
// Element i of each operand is i.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-schedule-kernels=target=sim > %t.phases
// RUN: nnc-run-phases %t.phases | FileCheck %s

#map = affine_map<(h, w, c, i, j) -> (h + i, w + j)>
#filter = affine_map<(h, w, c, i, j) -> (i, j, c)>
#out = affine_map<(h, w, c, i, j) -> (h, w, c)>

// Places 0, 1, 3, 4 of the image with weights 0, 2, 4, 6 give 38, and so on.
// CHECK: window{{.*}}: 38 46 50 62 74 94 86 110
func.func private @window(%batch: index, %x: tensor<3x3xf32>, %w: tensor<2x2x2xf32>)
    -> tensor<2x2x2xf32> attributes {nnc.kernel, nnc.kind = "contraction"} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x2x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %y = linalg.generic {indexing_maps = [#map, #filter, #out],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<3x3xf32>, tensor<2x2x2xf32>) outs(%init : tensor<2x2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x2x2xf32>
  return %y : tensor<2x2x2xf32>
}

// The image is surrounded by ones: the first place sees 1, 1, 1 and 0.
// CHECK: padded{{.*}}: 6 9 8 11 10 13 12 15
func.func private @padded(%batch: index, %x: tensor<1x1xf32>, %w: tensor<2x2x2xf32>)
    -> tensor<2x2x2xf32> attributes {nnc.kernel, nnc.kind = "contraction"} {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %around = tensor.empty() : tensor<3x3xf32>
  %filled = linalg.fill ins(%one : f32) outs(%around : tensor<3x3xf32>) -> tensor<3x3xf32>
  %padded = tensor.insert_slice %x into %filled[1, 1] [1, 1] [1, 1]
      : tensor<1x1xf32> into tensor<3x3xf32>
  %empty = tensor.empty() : tensor<2x2x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %y = linalg.generic {indexing_maps = [#map, #filter, #out],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<3x3xf32>, tensor<2x2x2xf32>) outs(%init : tensor<2x2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x2x2xf32>
  return %y : tensor<2x2x2xf32>
}
