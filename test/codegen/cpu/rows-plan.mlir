// What a rows kernel computes when, and what it keeps where.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg --cse > %t.mlir
// RUN: nnc-run-kernel %t.mlir --target=cpu:x86-64-v3 --emitter=rows --emit=plan | FileCheck %s

// The exponential is computed once and kept in scratch; the quotient follows
// the sum.
// CHECK-LABEL: softmax: 1 phases
// CHECK-NEXT: stage 0: rows
// CHECK-NEXT:   reduces along the row %[[MAX:.*]]
// CHECK-NEXT:   reduces along the row %[[SUM:.*]]
// CHECK-NEXT:   stores %{{.*}} in result 0
// CHECK-NEXT:   keeps %[[EXP:.*]] in scratch at 0 after pass 1
func.func private @softmax(%batch: index, %x: tensor<?x80xf32>) -> tensor<?x80xf32>
    attributes {nnc.kernel} {
  %0 = nnc.reduce_max %x axes = [1] keep_dims = true
    : (tensor<?x80xf32>) -> tensor<?x1xf32>
  %1 = nnc.sub %x, %0 : (tensor<?x80xf32>, tensor<?x1xf32>) -> tensor<?x80xf32>
  %2 = nnc.exp %1 : tensor<?x80xf32>
  %3 = nnc.sum %2 axes = [1] keep_dims = true : (tensor<?x80xf32>) -> tensor<?x1xf32>
  %4 = nnc.div %2, %3 : (tensor<?x80xf32>, tensor<?x1xf32>) -> tensor<?x80xf32>
  return %4 : tensor<?x80xf32>
}

// Blocks of rows leave partial sums; the norm is complete before the columns
// and rows that wait for it, and they read it from a workspace.
// CHECK-LABEL: clip: 4 phases
// CHECK-NEXT: stage 0: rows
// CHECK-NEXT:   enters %[[NORM:.*]], parts in workspace 0
// CHECK-NEXT: stage 1: scalars
// CHECK-NEXT:   completes %[[NORM]], parts in workspace 0
// CHECK-NEXT:   keeps %[[NORM]] in workspace 1
// CHECK-NEXT: stage 1: columns
// CHECK-NEXT:   stores %{{.*}} in result 1
// CHECK-NEXT: stage 1: rows
// CHECK-NEXT:   stores %{{.*}} in result 0
func.func private @clip(%batch: index, %x: tensor<?x80xf32>, %bias: tensor<80xf32>)
    -> (tensor<?x80xf32>, tensor<80xf32>) attributes {nnc.kernel} {
  %0 = nnc.mul %x, %x : tensor<?x80xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<?x80xf32>) -> tensor<f32>
  %2 = nnc.exp %x : tensor<?x80xf32>
  %3 = nnc.mul %2, %1 : (tensor<?x80xf32>, tensor<f32>) -> tensor<?x80xf32>
  %4 = nnc.mul %bias, %1 : (tensor<80xf32>, tensor<f32>) -> tensor<80xf32>
  return %3, %4 : tensor<?x80xf32>, tensor<80xf32>
}
