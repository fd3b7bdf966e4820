// A step of a loop is fused like a program of its own, and nothing leaves it.
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-expand-composites, canonicalize, nnc-fuse-epilogue, nnc-fuse-elementwise, nnc-fuse-reductions, nnc-fuse-siblings, nnc-recompute, cse))' | FileCheck %s

// CHECK-LABEL: func.func @predict
// CHECK-NEXT:    nnc.scan
// CHECK-NEXT:      %[[PRODUCT:.*]] = nnc.fused "contraction"
// CHECK-NEXT:        nnc.matmul
// CHECK-NEXT:        nnc.add
// CHECK-NEXT:        nnc.tanh
// CHECK-NEXT:        nnc.yield
// CHECK-NEXT:      }
// CHECK-NEXT:      %[[ROWS:.*]] = nnc.fused "rows"
// CHECK:           nnc.yield %[[PRODUCT]], %[[ROWS]]
func.func @predict(%h0: tensor<?x4xf32>, %x: tensor<5x?x4xf32>, %w: tensor<4x4xf32>)
    -> tensor<5x?x4xf32> {
  %last, %all = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%w_ = %w) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x4xf32>, tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<5x?x4xf32>) {
    %0 = nnc.matmul %h, %w_ : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %1 = nnc.add %0, %x_t : tensor<?x4xf32>
    %2 = nnc.tanh %1 : tensor<?x4xf32>
    %3 = nnc.softmax %2 axis = 1 : tensor<?x4xf32>
    nnc.yield %2, %3 : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %all : tensor<5x?x4xf32>
}
