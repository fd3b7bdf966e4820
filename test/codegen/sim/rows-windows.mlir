// Reductions over windows on a GPU, in rows kernels. Element i of each operand is
// i.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-schedule-kernels=target=sim > %t.phases
// RUN: FileCheck %s --check-prefix=KIND < %t.phases
// RUN: nnc-run-phases %t.phases | FileCheck %s

// KIND: func.func @maximum{{.*}}nnc.kind = "rows"
// KIND: func.func @sums{{.*}}nnc.kind = "rows"

// CHECK: maximum{{.*}}: 2 4 6 8 11 13 15 17
func.func private @maximum(%batch: index, %x: tensor<2x9xf32>) -> tensor<2x4xf32>
    attributes {nnc.kernel, nnc.kind = "rows"} {
  %least = arith.constant 0xFF800000 : f32
  %window = tensor.empty() : tensor<3xf32>
  %empty = tensor.empty() : tensor<2x4xf32>
  %init = linalg.fill ins(%least : f32) outs(%empty : tensor<2x4xf32>) -> tensor<2x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, c, w) -> (n, c * 2 + w)>,
                                        affine_map<(n, c, w) -> (w)>,
                                        affine_map<(n, c, w) -> (n, c)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %window : tensor<2x9xf32>, tensor<3xf32>) outs(%init : tensor<2x4xf32>) {
  ^bb0(%a: f32, %unused: f32, %max: f32):
    %next = arith.maximumf %a, %max : f32
    linalg.yield %next : f32
  } -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// Channels last.
// CHECK: sums{{.*}}: 2 4 10 12 18 20 26 28
func.func private @sums(%batch: index, %x: tensor<2x4x2xf32>) -> tensor<2x2x2xf32>
    attributes {nnc.kernel, nnc.kind = "rows"} {
  %zero = arith.constant 0.0 : f32
  %window = tensor.empty() : tensor<2xf32>
  %empty = tensor.empty() : tensor<2x2x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, c, i) -> (n, h * 2 + i, c)>,
                                        affine_map<(n, h, c, i) -> (i)>,
                                        affine_map<(n, h, c, i) -> (n, h, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %window : tensor<2x4x2xf32>, tensor<2xf32>) outs(%init : tensor<2x2x2xf32>) {
  ^bb0(%a: f32, %unused: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<2x2x2xf32>
  return %y : tensor<2x2x2xf32>
}
