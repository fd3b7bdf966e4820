// What does not wait for the step before leaves the loop: products of slices, and
// what is computed of shared values.
// RUN: nnc-opt %s --nnc-hoist-from-scans --canonicalize | FileCheck %s
// RUN: sed "s/concat %x_t, %h axis = 1/concat %x_t, %h axis = -1/" %s | nnc-opt --nnc-hoist-from-scans --canonicalize | FileCheck %s

// A layer is expanded, its joined operand taken apart, and half of its product
// computed for all steps at once.
// CHECK-LABEL: @joined
// CHECK: %[[WX:.*]] = nnc.slice %arg2 starts = [0, 0] sizes = [3, 4]
// CHECK: %[[P:.*]] = nnc.matmul %arg1, %[[WX]] : (tensor<9x?x3xf32>, tensor<3x4xf32>) -> tensor<9x?x4xf32>
// CHECK: %[[WH:.*]] = nnc.slice %arg2 starts = [3, 0] sizes = [4, 4]
// CHECK: nnc.scan carried({{.*}} = %arg0) over({{.*}} = %[[P]]) with({{.*}} = %arg3, {{.*}} = %[[WH]])
// CHECK-COUNT-1: nnc.matmul
// CHECK-NOT: nnc.matmul
// CHECK: nnc.yield
func.func @joined(%h0: tensor<?x4xf32>, %x: tensor<9x?x3xf32>, %w: tensor<7x4xf32>, %bias: tensor<4xf32>) -> tensor<?x4xf32> {
  %0 = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%u = %w, %b = %bias) steps = 9
      : (tensor<?x4xf32>, tensor<9x?x3xf32>, tensor<7x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
    %1 = nnc.concat %x_t, %h axis = 1 : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<?x7xf32>
    %2 = nnc.dense %1, %u, %b : (tensor<?x7xf32>, tensor<7x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    %3 = nnc.tanh %2 : tensor<?x4xf32>
    nnc.yield %3 : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @shared
// CHECK: %[[T:.*]] = nnc.transpose %arg1
// CHECK: %[[E:.*]] = nnc.exp %[[T]]
// CHECK: nnc.scan carried({{.*}} = %arg0) with(%[[F:.*]] = %[[E]]) steps = 9
// CHECK-NEXT: nnc.matmul %{{.*}}, %[[F]]
func.func @shared(%h0: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = nnc.scan carried(%h = %h0) with(%u = %w) steps = 9 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
    %1 = nnc.transpose %u permutation = [1, 0] : tensor<4x4xf32>
    %2 = nnc.exp %1 : tensor<4x4xf32>
    %3 = nnc.matmul %h, %2 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    nnc.yield %3 : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}

// Elementwise work on slices stays: outside, it would need memory for all steps.
// CHECK-LABEL: @stays
// CHECK: nnc.scan
// CHECK-NEXT: nnc.exp
func.func @stays(%h0: tensor<?x4xf32>, %x: tensor<9x?x4xf32>) -> tensor<?x4xf32> {
  %0 = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = 9 : (tensor<?x4xf32>, tensor<9x?x4xf32>) -> tensor<?x4xf32> {
    %1 = nnc.exp %x_t : tensor<?x4xf32>
    %2 = nnc.mul %h, %1 : tensor<?x4xf32>
    nnc.yield %2 : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}
