// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// Padding that is never the largest, and a loop for each dimension of the window.
// CHECK-DAG: #[[WINDOW:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 2 + d3, d2)>
// CHECK-LABEL: @maximum(
// CHECK:         %[[LEAST:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         %[[FILLED:.*]] = linalg.fill ins(%[[LEAST]] : f32) outs({{.*}} : tensor<?x7x3xf32>)
// CHECK:         tensor.insert_slice %{{.*}} into %[[FILLED]][0, 1, 0]
// CHECK:         linalg.generic {indexing_maps = [#[[WINDOW]],
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK:           arith.maximumf
func.func private @maximum(%batch: index, %x: tensor<?x6x3xf32>) -> tensor<?x3x3xf32> attributes {nnc.kernel} {
  %0 = nnc.window_max %x window = [3] strides = [2] low = [1] high = [1] : (tensor<?x6x3xf32>) -> tensor<?x3x3xf32>
  return %0 : tensor<?x3x3xf32>
}

// -----

// An element goes through the windows that may cover it, and takes what one of
// them has at the element's place.
// CHECK-DAG: #[[COVERING:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, (d1 + 1) floordiv 2 - d3 + 1, d2)>
// CHECK-LABEL: @unmax(
// CHECK:         linalg.generic {indexing_maps = [#[[COVERING]], #[[COVERING]],
// CHECK:         ^bb0(%[[DY:.*]]: f32, %[[PLACE:.*]]: i8, %{{.*}}: f32, %[[SUM:.*]]: f32):
// CHECK:           arith.remui
// CHECK:           %[[HERE:.*]] = arith.cmpi eq
// CHECK:           %[[TERM:.*]] = arith.select %[[HERE]], %[[DY]], %{{.*}} : f32
// CHECK:           arith.addf %[[SUM]], %[[TERM]]
func.func private @unmax(%batch: index, %dy: tensor<?x3x3xf32>, %place: tensor<?x3x3xui8>) -> tensor<?x6x3xf32>
    attributes {nnc.kernel} {
  %0 = nnc.window_unmax %dy, %place size = [6] window = [3] strides = [2] low = [1] high = [1]
      : (tensor<?x3x3xf32>, tensor<?x3x3xui8>) -> tensor<?x6x3xf32>
  return %0 : tensor<?x6x3xf32>
}

// -----

// Where windows lie side by side, there is no padding and nothing to compare.
// CHECK-LABEL: @repeat(
// CHECK-NOT:     tensor.insert_slice
// CHECK-NOT:     arith.select
func.func private @repeat(%batch: index, %x: tensor<?x3x3xf32>) -> tensor<?x6x3xf32> attributes {nnc.kernel} {
  %0 = nnc.window_spread %x size = [6] window = [2] strides = [2] : (tensor<?x3x3xf32>) -> tensor<?x6x3xf32>
  return %0 : tensor<?x6x3xf32>
}
