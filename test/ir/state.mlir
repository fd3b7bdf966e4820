// RUN: nnc-opt %s | nnc-opt | FileCheck %s

// CHECK: nnc.parameter @w : tensor<4x2xf32> = <glorot_uniform>
nnc.parameter @w : tensor<4x2xf32> = <glorot_uniform>
// CHECK: nnc.parameter @kept : tensor<2xf32> = <zeros> {nnc.frozen}
nnc.parameter @kept : tensor<2xf32> = <zeros> {nnc.frozen}
// CHECK: nnc.parameter @mean : tensor<2xf32> = <zeros> {nnc.frozen, role = #nnc.role<buffer>}
nnc.parameter @mean : tensor<2xf32> = <zeros> {nnc.frozen, role = #nnc.role<buffer>}
// CHECK: nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}

// CHECK-LABEL: nnc.model @everything
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32> {nnc.name = "x"}
// CHECK-SAME: attributes {epochs = 3 : i64}
nnc.model @everything(%x: tensor<?x4xf32> {nnc.name = "x"}) attributes {epochs = 3} {
  // CHECK: %[[W:.*]] = nnc.read @w : tensor<4x2xf32>
  %w = nnc.read @w : tensor<4x2xf32>
  // CHECK: %[[Y:.*]] = nnc.matmul %[[X]], %[[W]]
  %y = nnc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  // CHECK: %[[LOSS:.*]] = nnc.mean
  %loss = nnc.mean %y : (tensor<?x2xf32>) -> tensor<f32>
  // CHECK: nnc.loss %[[LOSS]] : tensor<f32>
  nnc.loss %loss : tensor<f32>
  // CHECK: nnc.metric "mean" %[[LOSS]] : tensor<f32>
  nnc.metric "mean" %loss : tensor<f32>
  // CHECK: nnc.output "y" %[[Y]] : tensor<?x2xf32>
  nnc.output "y" %y : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @calculus
func.func @calculus(%loss: tensor<f32>, %w: tensor<4x2xf32>) {
  // CHECK: %[[DW:.*]] = nnc.gradient %{{.*}} wrt(%{{.*}}) : (tensor<f32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %dw = nnc.gradient %loss wrt(%w) : (tensor<f32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  // CHECK: nnc.optimize [@w] with(%[[DW]]) {learning_rate = 1.000000e-01 : f64} : tensor<4x2xf32>
  nnc.optimize [@w] with(%dw) {learning_rate = 0.1} : tensor<4x2xf32>
  // CHECK: nnc.assign @w, %[[DW]] : tensor<4x2xf32>
  nnc.assign @w, %dw : tensor<4x2xf32>
  return
}
