// What is frozen keeps its role: read, initialised, and nothing else.
// RUN: nnc-opt %s --nnc-build-entry-points=freeze=encoder.* | FileCheck %s
// RUN: nnc-opt %s --nnc-to-fused=freeze=encoder.* | FileCheck %s --check-prefix=FUSED

// CHECK: nnc.parameter @encoder.w : tensor<3x4xf32> = <glorot_uniform> {nnc.frozen}
// CHECK: nnc.parameter @head.w : tensor<4x2xf32> = <glorot_uniform>{{$}}
// CHECK-LABEL: func.func @init
// CHECK-DAG:     nnc.assign @encoder.w
// CHECK-DAG:     nnc.assign @head.w
// CHECK-LABEL: func.func @train_step
// CHECK-DAG:     %[[FROZEN:.*]] = nnc.read @encoder.w
// CHECK-DAG:     %[[HEAD:.*]] = nnc.read @head.w
// The penalty is on the one that is trained.
// CHECK-NOT:     nnc.mul %[[FROZEN]], %[[FROZEN]]
// CHECK:         nnc.mul %[[HEAD]], %[[HEAD]]
// CHECK:         nnc.gradient %{{.*}} wrt(%[[HEAD]])
// CHECK:         nnc.optimize [@head.w] with

// The step has the two products forward, and one back: the weight's gradient of
// the last layer.
// FUSED-NOT:   @encoder.w.m
// FUSED:       nnc.parameter @head.w.m
// FUSED-LABEL: func.func @train_step
// FUSED-COUNT-3: nnc.matmul
// FUSED-NOT:   nnc.matmul
// FUSED-NOT:   nnc.assign @encoder.w
// FUSED:       return

nnc.parameter @encoder.w : tensor<3x4xf32> = <glorot_uniform>
nnc.parameter @head.w : tensor<4x2xf32> = <glorot_uniform>
nnc.model @two(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
    attributes {optimizer = {name = "adam"}, learning_rate = 0.1} {
  %e = nnc.read @encoder.w : tensor<3x4xf32>
  %0 = nnc.matmul %x, %e : (tensor<?x3xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %h = nnc.relu %0 : tensor<?x4xf32>
  %w = nnc.read @head.w : tensor<4x2xf32>
  %p = nnc.matmul %h, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %l = nnc.mse %p, %t l2 = 0.01 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}
