// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[LHS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[RHS:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @product(
// CHECK:         %[[ZERO:.*]] = linalg.fill
// CHECK:         linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]], #[[OUT]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME:      outs(%[[ZERO]] : tensor<?x2xf32>)
// CHECK:           arith.mulf
// CHECK:           arith.addf
func.func private @product(%batch: index, %x: tensor<?x3xf32>, %w: tensor<3x2xf32>) -> tensor<?x2xf32> attributes {nnc.kernel} {
  %0 = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

// CHECK-DAG: #[[LHS:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[RHS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: @transposed_operands(
// CHECK:         linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]],
func.func private @transposed_operands(%batch: index, %x: tensor<3x4xf32>, %w: tensor<2x3xf32>) -> tensor<4x2xf32> attributes {nnc.kernel} {
  %0 = nnc.matmul %x, %w transpose_lhs = true transpose_rhs = true : (tensor<3x4xf32>, tensor<2x3xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// An operand of rank 2 is shared by the whole batch.
// CHECK-DAG: #[[LHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[RHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-LABEL: @shared_weight(
// CHECK:         linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]],
func.func private @shared_weight(%batch: index, %x: tensor<?x5x3xf32>, %w: tensor<3x2xf32>) -> tensor<?x5x2xf32> attributes {nnc.kernel} {
  %0 = nnc.matmul %x, %w : (tensor<?x5x3xf32>, tensor<3x2xf32>) -> tensor<?x5x2xf32>
  return %0 : tensor<?x5x2xf32>
}

// -----

// CHECK-DAG: #[[LHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3, d0)>
// CHECK-DAG: #[[RHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3, d1)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
// CHECK-LABEL: @sums_over_the_batch(
// CHECK:         linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]], #[[OUT]]], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
func.func private @sums_over_the_batch(%batch: index, %x: tensor<?x5x3xf32>, %dy: tensor<?x5x2xf32>) -> tensor<3x2xf32> attributes {nnc.kernel} {
  %0 = nnc.matmul %x, %dy transpose_lhs = true reduce_batch = true : (tensor<?x5x3xf32>, tensor<?x5x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: @sums_f16_in_f32(
// CHECK:         outs(%{{.*}} : tensor<4x2xf32>)
// CHECK:         arith.truncf %{{.*}} : f32 to f16
func.func private @sums_f16_in_f32(%batch: index, %x: tensor<4x3xf16>, %w: tensor<3x2xf16>) -> tensor<4x2xf16> attributes {nnc.kernel} {
  %0 = nnc.matmul %x, %w : (tensor<4x3xf16>, tensor<3x2xf16>) -> tensor<4x2xf16>
  return %0 : tensor<4x2xf16>
}
