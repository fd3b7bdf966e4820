// RUN: nnc-opt %s --nnc-fuse-epilogue | FileCheck %s

// CHECK-LABEL: @fuses_bias_and_activation
// CHECK: %[[Y:.*]] = nnc.fused "contraction" (%{{.*}} = %arg0, %{{.*}} = %arg1, %{{.*}} = %arg2)
// CHECK-NEXT: %[[P:.*]] = nnc.matmul
// CHECK-NEXT: %[[S:.*]] = nnc.add %[[P]]
// CHECK-NEXT: %[[ZERO:.*]] = nnc.constant
// CHECK-NEXT: %[[R:.*]] = nnc.maximum %[[S]], %[[ZERO]]
// CHECK-NEXT: nnc.yield %[[R]]
// CHECK: return %[[Y]]
func.func @fuses_bias_and_activation(%x: tensor<?x4xf32>, %w: tensor<4x16xf32>, %bias: tensor<16xf32>)
    -> tensor<?x16xf32> {
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %0 = nnc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.add %0, %bias : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %2 = nnc.maximum %1, %zero : (tensor<?x16xf32>, tensor<f32>) -> tensor<?x16xf32>
  return %2 : tensor<?x16xf32>
}

// The sum is needed later: one more result, computed once.
// CHECK-LABEL: @keeps_what_is_used_outside
// CHECK: %[[Y:.*]]:2 = nnc.fused "contraction"
// CHECK: %[[S:.*]] = nnc.add
// CHECK: %[[T:.*]] = nnc.tanh %[[S]]
// CHECK: nnc.yield %[[S]], %[[T]]
// CHECK-NOT: nnc.add
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @keeps_what_is_used_outside(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %r: tensor<8x16xf32>)
    -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %1 = nnc.add %0, %r : tensor<8x16xf32>
  %2 = nnc.tanh %1 : tensor<8x16xf32>
  return %1, %2 : tensor<8x16xf32>, tensor<8x16xf32>
}

// The mask comes after the product in the program; the region moves behind it.
// CHECK-LABEL: @takes_a_later_operand
// CHECK: %[[MASK:.*]] = nnc.tanh
// CHECK: nnc.fused "contraction" ({{.*}} = %[[MASK]])
func.func @takes_a_later_operand(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %m: tensor<8x16xf32>)
    -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %1 = nnc.tanh %m : tensor<8x16xf32>
  %2 = nnc.mul %0, %1 : tensor<8x16xf32>
  return %1, %2 : tensor<8x16xf32>, tensor<8x16xf32>
}

nnc.parameter @w : tensor<4x16xf32> = <zeros>
nnc.parameter @w.velocity : tensor<4x16xf32> = <zeros> {role = #nnc.role<optimizer_state>}

// The gradient never leaves the region that updates the weight with it.
// CHECK-LABEL: @updates_a_weight
// What decays the velocity is read by the region alone, and moves into it.
// CHECK-NOT: nnc.mul
// CHECK: %[[NEW:.*]]:2 = nnc.fused "contraction"
// CHECK: nnc.matmul
// CHECK: nnc.yield %{{.*}}, %{{.*}} : tensor<4x16xf32>, tensor<4x16xf32>
// CHECK: nnc.assign @w.velocity, %[[NEW]]#0
// CHECK: nnc.assign @w, %[[NEW]]#1
func.func @updates_a_weight(%x: tensor<?x4xf32>, %dy: tensor<?x16xf32>, %rate: tensor<f32>) {
  %w = nnc.read @w : tensor<4x16xf32>
  %v = nnc.read @w.velocity : tensor<4x16xf32>
  %momentum = nnc.constant dense<0.9> : tensor<f32>
  %dw = nnc.matmul %x, %dy {transpose_lhs = true} : (tensor<?x4xf32>, tensor<?x16xf32>) -> tensor<4x16xf32>
  %0 = nnc.mul %v, %momentum : (tensor<4x16xf32>, tensor<f32>) -> tensor<4x16xf32>
  %1 = nnc.add %0, %dw : tensor<4x16xf32>
  %2 = nnc.mul %1, %rate : (tensor<4x16xf32>, tensor<f32>) -> tensor<4x16xf32>
  %3 = nnc.sub %w, %2 : tensor<4x16xf32>
  nnc.assign @w.velocity, %1 : tensor<4x16xf32>
  nnc.assign @w, %3 : tensor<4x16xf32>
  return
}

// A norm over the gradient stands between the product and the update.
// CHECK-LABEL: @leaves_clipped_gradients
// CHECK-NOT: nnc.fused
// CHECK: return
func.func @leaves_clipped_gradients(%x: tensor<?x4xf32>, %dy: tensor<?x16xf32>, %w: tensor<4x16xf32>)
    -> tensor<4x16xf32> {
  %dw = nnc.matmul %x, %dy {transpose_lhs = true} : (tensor<?x4xf32>, tensor<?x16xf32>) -> tensor<4x16xf32>
  %0 = nnc.mul %dw, %dw : tensor<4x16xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<4x16xf32>) -> tensor<f32>
  %2 = nnc.rsqrt %1 : tensor<f32>
  %3 = nnc.mul %dw, %2 : (tensor<4x16xf32>, tensor<f32>) -> tensor<4x16xf32>
  %4 = nnc.sub %w, %3 : tensor<4x16xf32>
  return %4 : tensor<4x16xf32>
}

// A reduction's kernel computes its own operand.
// CHECK-LABEL: @leaves_what_a_reduction_reads
// CHECK: nnc.fused "contraction"
// CHECK: nnc.add
// CHECK-NEXT: nnc.yield
// CHECK: nnc.exp
// CHECK: nnc.sum
func.func @leaves_what_a_reduction_reads(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %bias: tensor<16xf32>)
    -> (tensor<8x16xf32>, tensor<8xf32>) {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %1 = nnc.add %0, %bias : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %2 = nnc.exp %1 : tensor<8x16xf32>
  %3 = nnc.sum %2 axes = [1] : (tensor<8x16xf32>) -> tensor<8xf32>
  return %1, %3 : tensor<8x16xf32>, tensor<8xf32>
}

// A larger shape would need the product several times.
// A size is no use of its operand: the square stays with its sum.
// CHECK-LABEL: @leaves_what_a_mean_reads
// CHECK:         nnc.matmul
// CHECK-NOT:     nnc.fused
// CHECK:         nnc.size
func.func @leaves_what_a_mean_reads(%x: tensor<?x4xf32>, %w: tensor<4x3xf32>) -> tensor<3xf32> {
  %0 = nnc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %1 = nnc.mul %0, %0 : tensor<?x3xf32>
  %2 = nnc.sum %1 axes = [0] : (tensor<?x3xf32>) -> tensor<3xf32>
  %3 = nnc.size %1 axes = [0] : (tensor<?x3xf32>) -> tensor<f32>
  %4 = nnc.div %2, %3 : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  return %4 : tensor<3xf32>
}

// Sums over dimensions in the middle are no part of a rows kernel.
// CHECK-LABEL: @fuses_what_is_pooled
// CHECK:         %[[Y:.*]] = nnc.fused "contraction"
// CHECK:           nnc.tanh
// CHECK:         nnc.sum %[[Y]]
func.func @fuses_what_is_pooled(%x: tensor<?x5x4xf32>, %w: tensor<4x3xf32>) -> tensor<?x3xf32> {
  %0 = nnc.matmul %x, %w : (tensor<?x5x4xf32>, tensor<4x3xf32>) -> tensor<?x5x3xf32>
  %1 = nnc.tanh %0 : tensor<?x5x3xf32>
  %2 = nnc.sum %1 axes = [1] : (tensor<?x5x3xf32>) -> tensor<?x3xf32>
  return %2 : tensor<?x3xf32>
}

// CHECK-LABEL: @leaves_other_shapes
// CHECK-NOT: nnc.fused
// CHECK: return
func.func @leaves_other_shapes(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %y: tensor<3x8x16xf32>)
    -> tensor<3x8x16xf32> {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %1 = nnc.add %y, %0 : (tensor<3x8x16xf32>, tensor<8x16xf32>) -> tensor<3x8x16xf32>
  return %1 : tensor<3x8x16xf32>
}

// CHECK-LABEL: @leaves_a_product_alone
// CHECK-NOT: nnc.fused
// CHECK: return
func.func @leaves_a_product_alone(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>) -> tensor<8x16xf32> {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}

// What reads the product from outside follows the region, wherever it stood.
// CHECK-LABEL: @moves_users_behind
// CHECK: %[[OTHER:.*]] = nnc.matmul
// CHECK: %[[Y:.*]]:2 = nnc.fused "contraction" ({{.*}} = %[[OTHER]])
// CHECK: nnc.yield %{{.*}}, %{{.*}} : tensor<8x8xf32>, tensor<8x8xf32>
// CHECK: %[[T:.*]] = nnc.transpose %[[Y]]#0
// CHECK: %[[S:.*]] = nnc.slice %[[T]]
// CHECK: return %[[Y]]#1, %[[S]]
func.func @moves_users_behind(%x: tensor<8x4xf32>, %w: tensor<4x8xf32>)
    -> (tensor<8x8xf32>, tensor<2x8xf32>) {
  %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %1 = nnc.transpose %0 : tensor<8x8xf32>
  %2 = nnc.slice %1 starts = [0, 0] sizes = [2, 8] : (tensor<8x8xf32>) -> tensor<2x8xf32>
  %3 = nnc.matmul %w, %x transpose_lhs = true transpose_rhs = true
    : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %4 = nnc.add %0, %3 : tensor<8x8xf32>
  return %4, %2 : tensor<8x8xf32>, tensor<2x8xf32>
}

// Taking the last sum would make the region depend on itself, by way of two
// products.
// CHECK-LABEL: @leaves_what_depends_on_the_product
// CHECK: %[[A:.*]] = nnc.matmul %arg0, %arg1
// CHECK: %[[B:.*]] = nnc.matmul %[[A]]
// CHECK: nnc.fused "contraction" ({{.*}} = %[[B]], {{.*}} = %[[A]])
// CHECK: nnc.matmul
// CHECK: nnc.add
func.func @leaves_what_depends_on_the_product(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<8x8xf32> {
  %0 = nnc.matmul %x, %w : tensor<8x8xf32>
  %1 = nnc.matmul %0, %w : tensor<8x8xf32>
  %2 = nnc.matmul %1, %w : tensor<8x8xf32>
  %3 = nnc.add %0, %2 : tensor<8x8xf32>
  return %3 : tensor<8x8xf32>
}
