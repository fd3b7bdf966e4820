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
