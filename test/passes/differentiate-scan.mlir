// The gradient of a loop over time is a loop the other way round. What a step
// computes by functions is kept, what is a product or two is computed anew; sums
// over the steps are one product each behind it.
// RUN: nnc-opt %s --nnc-differentiate --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @tanh
// CHECK: %[[F:.*]]:3 = nnc.scan carried({{.*}}) over({{.*}}) with({{.*}}) steps = 9 :
// CHECK: %[[H:.*]] = nnc.tanh
// CHECK: nnc.yield %[[H]], %[[H]], %{{arg.*}} :
// CHECK: %[[B:.*]]:2 = nnc.scan carried({{.*}}) over({{.*}}) with({{.*}}) steps = 9 reverse :
// CHECK-NOT: nnc.tanh
// CHECK: nnc.matmul {{.*}} transpose_rhs = true
// CHECK: nnc.yield
// CHECK: nnc.matmul %[[F]]#{{.}}, %[[B]]#1 transpose_lhs = true reduce_batch = true : (tensor<9x?x4xf32>, tensor<9x?x4xf32>) -> tensor<4x4xf32>
func.func @tanh(%h0: tensor<?x4xf32>, %x: tensor<9x?x4xf32>, %w: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<9x?x4xf32>) {
  %0:2 = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%u = %w) steps = 9
      : (tensor<?x4xf32>, tensor<9x?x4xf32>, tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<9x?x4xf32>) {
    %1 = nnc.matmul %h, %u : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %2 = nnc.add %x_t, %1 : tensor<?x4xf32>
    %3 = nnc.tanh %2 : tensor<?x4xf32>
    nnc.yield %3, %3 : tensor<?x4xf32>, tensor<?x4xf32>
  }
  %l = nnc.sum %0#1 axes = [0, 1, 2] : (tensor<9x?x4xf32>) -> tensor<f32>
  %dw, %dx = nnc.gradient %l wrt (%w, %x) : (tensor<f32>, tensor<4x4xf32>, tensor<9x?x4xf32>) -> (tensor<4x4xf32>, tensor<9x?x4xf32>)
  return %dw, %dx : tensor<4x4xf32>, tensor<9x?x4xf32>
}

// -----

// What is no sum of products is added up in the loop.
// CHECK-LABEL: @accumulated
// CHECK: nnc.scan carried(%{{[a-z0-9]+}} = %{{[0-9]+}}, %[[SUM:[a-z0-9]+]] = %{{[0-9]+}}) {{.*}} reverse
// CHECK: nnc.add %[[SUM]],
func.func @accumulated(%h0: tensor<?x4xf32>, %w: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = nnc.scan carried(%h = %h0) with(%u = %w) steps = 9 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
    %1 = nnc.mul %h, %u : tensor<?x4xf32>
    nnc.yield %1 : tensor<?x4xf32>
  }
  %l = nnc.sum %0 axes = [0, 1] : (tensor<?x4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %dw : tensor<?x4xf32>
}

// -----

func.func @no_rule(%h0: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.scan carried(%h = %h0) with(%u = %w) steps = 2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{'scan' has no gradient: a loop over time within another is not differentiated yet}}
    %1 = nnc.scan carried(%k = %h) with(%v = %u) steps = 3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
      %2 = nnc.mul %k, %v : tensor<4xf32>
      nnc.yield %2 : tensor<4xf32>
    }
    nnc.yield %1 : tensor<4xf32>
  }
  // expected-note @+1 {{the loss depends on parameters through it}}
  %l = nnc.sum %0 axes = [0] : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}
