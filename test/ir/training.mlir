// RUN: nnc-opt %s | nnc-opt | FileCheck %s

// CHECK-LABEL: @losses
func.func @losses(%x: tensor<?x10xf32>, %i: tensor<?xui8>, %p: tensor<?x1xf32>) {
  // CHECK: nnc.cross_entropy %{{.*}} : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  %0 = nnc.cross_entropy %x, %i : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.cross_entropy %{{.*}} l2 = 1.000000e-04 : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  %1 = nnc.cross_entropy %x, %x l2 = 1.0e-4 : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  // CHECK: nnc.binary_cross_entropy
  %2 = nnc.binary_cross_entropy %p, %i : (tensor<?x1xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.bce_logits
  %3 = nnc.bce_logits %p, %i : (tensor<?x1xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.mse
  %4 = nnc.mse %x, %x : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  // CHECK: nnc.mae
  %5 = nnc.mae %x, %x : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  // CHECK: nnc.huber %{{.*}} delta = 2.000000e+00
  %6 = nnc.huber %x, %x delta = 2.0 : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: @metrics
func.func @metrics(%x: tensor<?x10xf32>, %i: tensor<?xui8>, %p: tensor<?x1xf32>) {
  // CHECK: nnc.accuracy
  %0 = nnc.accuracy %x, %i : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.accuracy %{{.*}} threshold = 5.000000e-01
  %1 = nnc.accuracy %p, %i threshold = 0.5 : (tensor<?x1xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.top_k_accuracy %{{.*}} k = 3
  %2 = nnc.top_k_accuracy %x, %i k = 3 : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  // CHECK: nnc.mean_squared_error
  %3 = nnc.mean_squared_error %x, %x : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  // CHECK: nnc.mean_absolute_error
  %4 = nnc.mean_absolute_error %x, %x : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: @optimizers
func.func @optimizers(%p: tensor<4xf32>, %rate: tensor<f32>, %step: tensor<i64>) {
  // CHECK: nnc.sgd %{{.*}} weight_decay = 1.000000e-01
  %0 = nnc.sgd %p, %p, %rate, %step weight_decay = 0.1
      : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  // CHECK: %new_param, %new_m, %new_v = nnc.adam %{{.*}} beta1 = 5.000000e-01
  %1:3 = nnc.adam %p, %p, %rate, %step, %p, %p beta1 = 0.5
      : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  // CHECK: %{{.*}}, %{{.*}} = nnc.momentum
  %2:2 = nnc.momentum %p, %p, %rate, %step, %p
      : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// CHECK-LABEL: @schedules
func.func @schedules(%base: tensor<f32>, %step: tensor<i64>) {
  // CHECK: nnc.step_decay %{{.*}} every = 10 factor = 5.000000e-01
  %0 = nnc.step_decay %base, %step every = 10 factor = 0.5 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  // CHECK: nnc.exponential_decay %{{.*}} every = 10 factor = 5.000000e-01
  %1 = nnc.exponential_decay %base, %step every = 10 factor = 0.5 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  // CHECK: nnc.cosine %{{.*}} warmup = 5 total = 100
  %2 = nnc.cosine %base, %step warmup = 5 total = 100 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return
}
