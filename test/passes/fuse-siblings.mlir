// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-fuse-elementwise,nnc-fuse-reductions,nnc-fuse-siblings))' | FileCheck %s

// CHECK-LABEL: @fuses_small_updates
func.func @fuses_small_updates(%p: tensor<16xf32>, %dp: tensor<16xf32>,
                               %q: tensor<16xf32>, %dq: tensor<16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>) {
  %0 = nnc.add %p, %dp : tensor<16xf32>
  %1 = nnc.add %q, %dq : tensor<16xf32>
  return %0, %1 : tensor<16xf32>, tensor<16xf32>
}
// CHECK:      %[[BOTH:.*]]:2 = nnc.fused "rows"
// CHECK-NEXT:   nnc.add
// CHECK-NEXT:   nnc.add
// CHECK-NEXT:   nnc.yield
// CHECK:      return %[[BOTH]]#0, %[[BOTH]]#1

// Both read the logits; the counter has nothing else to be with.
// CHECK-LABEL: @fuses_loss_and_metric_and_scalars
func.func @fuses_loss_and_metric_and_scalars(%x: tensor<?x8xf32>, %step: tensor<i64>)
    -> (tensor<f32>, tensor<?xi32>, tensor<i64>) {
  %one = nnc.constant dense<1> : tensor<i64>
  %next = nnc.add %step, %one : tensor<i64>
  %0 = nnc.exp %x : tensor<?x8xf32>
  %loss = nnc.sum %0 : (tensor<?x8xf32>) -> tensor<f32>
  %class = nnc.argmax %x axis = 1 : (tensor<?x8xf32>) -> tensor<?xi32>
  return %loss, %class, %next : tensor<f32>, tensor<?xi32>, tensor<i64>
}
// CHECK:     nnc.fused "rows"
// CHECK-DAG:   nnc.add
// CHECK-DAG:   nnc.sum
// CHECK-DAG:   nnc.argmax
// CHECK:       nnc.yield
// CHECK-NOT: nnc.fused
// CHECK:     return

// CHECK-LABEL: @leaves_large_strangers
func.func @leaves_large_strangers(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = nnc.exp %x : tensor<?x8xf32>
  %1 = nnc.exp %y : tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// Of one size, but one needs the other's product.
// CHECK-LABEL: @leaves_what_depends
func.func @leaves_what_depends(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>)
    -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = nnc.exp %x : tensor<4x4xf32>
  %1 = nnc.matmul %0, %y : tensor<4x4xf32>
  %2 = nnc.mul %1, %x : tensor<4x4xf32>
  return %0, %2 : tensor<4x4xf32>, tensor<4x4xf32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// The region reads what becomes part of a kernel that is made before it.
// CHECK-LABEL: @reads_what_is_fused
func.func @reads_what_is_fused(%p: tensor<4x4xf32>, %x: tensor<4x4xf32>)
    -> (tensor<4xf32>, tensor<4x4xf32>) {
  %0 = nnc.exp %p : tensor<4x4xf32>
  %1 = nnc.matmul %0, %x : tensor<4x4xf32>
  %2 = nnc.fused "rows" (%a = %1, %b = %0)
      : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4xf32> {
    %4 = nnc.mul %a, %b : tensor<4x4xf32>
    %5 = nnc.sum %4 axes = [1] : (tensor<4x4xf32>) -> tensor<4xf32>
    nnc.yield %5 : tensor<4xf32>
  }
  %3 = nnc.tanh %p : tensor<4x4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4x4xf32>
}
// CHECK:      %[[BOTH:.*]]:2 = nnc.fused "rows"
// CHECK-NEXT:   nnc.exp
// CHECK-NEXT:   nnc.tanh
// CHECK:      %[[PRODUCT:.*]] = nnc.matmul %[[BOTH]]#0
// CHECK:      %[[SUM:.*]] = nnc.fused "rows" (%{{.*}} = %[[PRODUCT]], %{{.*}} = %[[BOTH]]#0)
// CHECK-NEXT:   nnc.mul
// CHECK-NEXT:   nnc.sum
// CHECK:      return %[[SUM]], %[[BOTH]]#1

// Three read %x. The first two become one, and the third, which needs a product
// of the second, must not become a part of it.
// CHECK-LABEL: @leaves_what_depends_on_a_part
func.func @leaves_what_depends_on_a_part(%x: tensor<?x4xf32>, %y: tensor<4x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = nnc.exp %x : tensor<?x4xf32>
  %1 = nnc.tanh %x : tensor<?x4xf32>
  %2 = nnc.matmul %1, %y : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %3 = nnc.mul %2, %x : tensor<?x4xf32>
  return %0, %3 : tensor<?x4xf32>, tensor<?x4xf32>
}
// CHECK:      %[[BOTH:.*]]:2 = nnc.fused "rows"
// CHECK-NEXT:   nnc.exp
// CHECK-NEXT:   nnc.tanh
// CHECK:      %[[PRODUCT:.*]] = nnc.matmul %[[BOTH]]#1
// CHECK:      %[[LAST:.*]] = nnc.mul %[[PRODUCT]]
// CHECK:      return %[[BOTH]]#0, %[[LAST]]

// What is free is shared inside of a region, and its own copy outside.
// CHECK-LABEL: @copies_free_ops_for_others_only
func.func @copies_free_ops_for_others_only(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>)
    -> tensor<?x4xf32> {
  %0:2 = nnc.fused "rows" (%a = %x)
      : (tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x1xf32>) {
    %3 = nnc.sum %a axes = [1] : (tensor<?x4xf32>) -> tensor<?xf32>
    %4 = nnc.reshape %3 shape = [-1, 1] : (tensor<?xf32>) -> tensor<?x1xf32>
    %5 = nnc.mul %a, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %6 = nnc.add %5, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    nnc.yield %6, %4 : tensor<?x4xf32>, tensor<?x1xf32>
  }
  %1 = nnc.matmul %0#0, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %2 = nnc.mul %1, %0#1 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}
// CHECK:      %[[ROWS:.*]]:2 = nnc.fused "rows"
// CHECK-NEXT:   %[[SUM:.*]] = nnc.sum
// CHECK-NEXT:   %[[COLUMN:.*]] = nnc.reshape %[[SUM]]
// CHECK-NEXT:   %[[MUL:.*]] = nnc.mul %{{.*}}, %[[COLUMN]]
// CHECK-NEXT:   nnc.add %[[MUL]], %[[COLUMN]]
// CHECK:      nnc.matmul
// CHECK:      nnc.fused "rows" (%{{.*}} = %[[ROWS]]
// CHECK-NEXT:   nnc.reshape
// CHECK-NEXT:   nnc.mul

// The first sum is waited for; with the second, the counter can be late.
// CHECK-LABEL: @fuses_scalars_with_what_is_last
func.func @fuses_scalars_with_what_is_last(%x: tensor<?x6xf32>, %y: tensor<?x8xf32>,
                                           %w: tensor<8x8xf32>, %step: tensor<i64>)
    -> (tensor<?x8xf32>, tensor<f32>, tensor<i64>) {
  %one = nnc.constant dense<1> : tensor<i64>
  %next = nnc.add %step, %one : tensor<i64>
  %0 = nnc.exp %x : tensor<?x6xf32>
  %1 = nnc.sum %0 : (tensor<?x6xf32>) -> tensor<f32>
  %2 = nnc.matmul %y, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %3 = nnc.mul %2, %1 : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %4 = nnc.matmul %3, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %5 = nnc.exp %y : tensor<?x8xf32>
  %6 = nnc.sum %5 : (tensor<?x8xf32>) -> tensor<f32>
  return %4, %6, %next : tensor<?x8xf32>, tensor<f32>, tensor<i64>
}
// CHECK:     nnc.fused "rows" (%{{.*}} = %arg0) : (tensor<?x6xf32>) -> tensor<f32>
// CHECK:     %[[LAST:.*]]:2 = nnc.fused "rows"
// CHECK-DAG:   nnc.sum
// CHECK-DAG:   nnc.add
// CHECK:     return %{{.*}}, %[[LAST]]#{{.}}, %[[LAST]]#{{.}}

// What a pool takes and where it was: one walk over the image.
// CHECK-LABEL: @fuses_maximum_and_place
func.func @fuses_maximum_and_place(%x: tensor<?x8x8x16xf32>) -> (tensor<?x4x4x16xf32>, tensor<?x4x4x16xui8>) {
  %y = nnc.window_max %x window = [2, 2] strides = [2, 2] : (tensor<?x8x8x16xf32>) -> tensor<?x4x4x16xf32>
  %place = nnc.window_argmax %x window = [2, 2] strides = [2, 2] : (tensor<?x8x8x16xf32>) -> tensor<?x4x4x16xui8>
  return %y, %place : tensor<?x4x4x16xf32>, tensor<?x4x4x16xui8>
}
// CHECK:      nnc.fused "rows"
// CHECK-NEXT:   nnc.window_max
// CHECK-NEXT:   nnc.window_argmax
// CHECK-NEXT:   nnc.yield
