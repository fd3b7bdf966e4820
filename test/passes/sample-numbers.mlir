// RUN: nnc-opt %s --nnc-build-entry-points | FileCheck %s

nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.model @draws(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {batch = 8 : i64, learning_rate = 1.0 : f64, optimizer = {name = "sgd"}} {
  %w = nnc.read @w : tensor<3xf32>
  %noise = nnc.random_uniform shape = [-1, 3] : () -> tensor<?x3xf32>
  %shared = nnc.random_uniform shape = [3] : () -> tensor<3xf32>
  %a = nnc.mul %noise, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %b = nnc.add %a, %shared : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %c = nnc.sub %b, %x : tensor<?x3xf32>
  %loss = nnc.sum %c : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %loss : tensor<f32>
  nnc.output "y" %c : tensor<?x3xf32>
}
// CHECK: nnc.parameter @first_sample : tensor<i64> = <constant, {value = 0.000000e+00 : f64}> {role = #nnc.role<scalar>}

// A training step draws anew by its step; streams are as without the scalar.
// CHECK-LABEL: func.func @train_step
// CHECK-NOT: first_sample
// CHECK: nnc.random_uniform %{{.*}}, %[[STEP:.*]] shape = [-1, 3] stream = 4 : (
// CHECK-NOT: first_sample

// What trains nothing draws the same after any number of steps: as before the first.
// CHECK-LABEL: func.func @eval_step
// CHECK-NOT: nnc.read @step
// CHECK: %[[STEP:.*]] = nnc.constant dense<0> : tensor<i64>
// CHECK-NOT: nnc.read @step
// CHECK: %[[BEFORE:.*]] = nnc.read @first_sample
// CHECK: %[[SHIFTED:.*]] = nnc.mul %[[BEFORE]]
// CHECK: %[[BOTH:.*]] = nnc.add %[[STEP]], %[[SHIFTED]]
// CHECK: nnc.random_uniform %{{.*}}, %[[BOTH]] shape = [-1, 3] stream = 4 {nnc.sample_numbers}
// Without the batch it is one tensor for all.
// CHECK: nnc.random_uniform %{{.*}}, %[[STEP]] shape = [3] stream = 5 : (

// CHECK-LABEL: func.func @predict
// CHECK: {nnc.sample_numbers}
