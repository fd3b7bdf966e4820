// RUN: nnc-opt %s --nnc-fuse-elementwise --nnc-fuse-reductions --nnc-recompute --cse --split-input-file | FileCheck %s

// A product keeps the two kernels apart. The second has the gradient's reads
// alone, and the first does not write the difference.
// CHECK-LABEL: @computes_again
// CHECK-SAME:    %[[X:[^:]*]]: tensor<64x8xf32>, %[[MEAN:[^:]*]]: tensor<8xf32>
// CHECK:         nnc.fused "rows" (%{{.*}} = %[[X]], %{{.*}} = %[[MEAN]]) : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32> {
// CHECK:         %[[DY:.*]] = nnc.matmul
// CHECK:         nnc.fused "rows" (%[[A:.*]] = %[[X]], %[[B:.*]] = %[[MEAN]], %[[C:.*]] = %[[DY]]) : (tensor<64x8xf32>, tensor<8xf32>, tensor<64x8xf32>) -> tensor<8xf32> {
// CHECK:           %[[SUB:.*]] = nnc.sub %[[A]], %[[B]]
// CHECK:           %[[RELU:.*]] = nnc.maximum %[[SUB]],
// CHECK:           nnc.compare %[[RELU]],
// CHECK:           nnc.mul %{{.*}}, %[[SUB]]
func.func @computes_again(%x: tensor<64x8xf32>, %mean: tensor<8xf32>, %w: tensor<8x8xf32>)
    -> tensor<8xf32> {
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %0 = nnc.sub %x, %mean : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  %1 = nnc.maximum %0, %zero : (tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xf32>
  %dy = nnc.matmul %1, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
  %2 = nnc.compare %1, %zero predicate = gt : (tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xi1>
  %3 = nnc.select %2, %dy, %zero : (tensor<64x8xi1>, tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xf32>
  %4 = nnc.mul %3, %0 : tensor<64x8xf32>
  %5 = nnc.sum %4 axes = [0] : (tensor<64x8xf32>) -> tensor<8xf32>
  return %5 : tensor<8xf32>
}

// -----

// To read an exponential is cheaper than to compute it.
// CHECK-LABEL: @keeps_what_is_expensive
// CHECK:         %[[EXP:.*]] = nnc.fused "rows"
// CHECK:         nnc.matmul
// CHECK:         nnc.fused "rows" ({{.*}} = %[[EXP]]
// CHECK-NOT:       nnc.exp
func.func @keeps_what_is_expensive(%x: tensor<64x8xf32>, %w: tensor<8x8xf32>) -> tensor<64x8xf32> {
  %0 = nnc.neg %x : tensor<64x8xf32>
  %1 = nnc.exp %0 : tensor<64x8xf32>
  %y = nnc.matmul %1, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
  %s = nnc.sum %y axes = [0] : (tensor<64x8xf32>) -> tensor<8xf32>
  %2 = nnc.mul %x, %s : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  %3 = nnc.mul %2, %1 : tensor<64x8xf32>
  return %3 : tensor<64x8xf32>
}

// -----

// Two reads in place of one save nothing.
// CHECK-LABEL: @keeps_what_needs_more
// CHECK:         %[[SUM:.*]] = nnc.add
// CHECK:         nnc.matmul
// CHECK:         nnc.fused "rows" ({{.*}}%[[SUM]]
// CHECK-NOT:       nnc.add
func.func @keeps_what_needs_more(%a: tensor<64x8xf32>, %b: tensor<64x8xf32>, %c: tensor<64x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<64x8xf32> {
  %0 = nnc.add %a, %b : tensor<64x8xf32>
  %y = nnc.matmul %0, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
  %s = nnc.sum %y axes = [0] : (tensor<64x8xf32>) -> tensor<8xf32>
  %1 = nnc.mul %c, %s : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  %2 = nnc.mul %1, %0 : tensor<64x8xf32>
  return %2 : tensor<64x8xf32>
}

// -----

// As much is read, and the product has it in memory anyway.
// CHECK-LABEL: @keeps_what_is_in_memory
// CHECK:         %[[HALF:.*]] = nnc.fused "rows"
// CHECK:         nnc.matmul %[[HALF]]
// CHECK:         nnc.fused "rows" ({{.*}} = %[[HALF]]
func.func @keeps_what_is_in_memory(%a: tensor<64x8xf32>, %c: tensor<64x8xf32>, %w: tensor<8x8xf32>) -> tensor<64x8xf32> {
  %half = nnc.constant dense<0.5> : tensor<f32>
  %0 = nnc.mul %a, %half : (tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xf32>
  %y = nnc.matmul %0, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
  %s = nnc.sum %y axes = [0] : (tensor<64x8xf32>) -> tensor<8xf32>
  %1 = nnc.mul %c, %s : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  %2 = nnc.mul %1, %0 : tensor<64x8xf32>
  return %2 : tensor<64x8xf32>
}
