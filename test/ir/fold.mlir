// RUN: nnc-opt %s --canonicalize --cse | FileCheck %s

// CHECK-LABEL: @identities
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
func.func @identities(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %one = nnc.constant dense<1.0> : tensor<f32>
  %0 = nnc.mul %x, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = nnc.neg %x : tensor<?x4xf32>
  %2 = nnc.neg %1 : tensor<?x4xf32>
  %3 = nnc.cast %x to = f32 : tensor<?x4xf32>
  %4 = nnc.transpose %x permutation = [1, 0] : (tensor<?x4xf32>) -> tensor<4x?xf32>
  %5 = nnc.transpose %4 : (tensor<4x?xf32>) -> tensor<?x4xf32>
  %6 = nnc.reshape %x shape = [-1, 2, 2] : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  %7 = nnc.reshape %6 shape = [-1, 4] : (tensor<?x2x2xf32>) -> tensor<?x4xf32>
  return %0, %2, %3, %5, %7 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: @keeps_what_changes_bits
// CHECK: nnc.add
// CHECK: nnc.mul
func.func @keeps_what_changes_bits(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %0 = nnc.add %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nnc.mul %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @keeps_a_factor_that_broadcasts
// CHECK: nnc.mul
func.func @keeps_a_factor_that_broadcasts(%x: tensor<f32>) -> tensor<4xf32> {
  %one = nnc.constant dense<1.0> : tensor<4xf32>
  %0 = nnc.mul %x, %one : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @constants
// CHECK-NEXT: %[[A:.*]] = nnc.constant dense<-3.500000e+00> : tensor<2xf32>
// CHECK-NEXT: return %[[A]]
func.func @constants() -> tensor<2xf32> {
  %a = nnc.constant dense<2.0> : tensor<2xf32>
  %b = nnc.constant dense<1.5> : tensor<f32>
  %0 = nnc.add %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = nnc.neg %0 : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: @size_of_static_axes
// CHECK: nnc.constant dense<1.200000e+01> : tensor<f32>
func.func @size_of_static_axes(%x: tensor<?x3x4xf32>) -> tensor<f32> {
  %0 = nnc.size %x axes = [1, -1] : (tensor<?x3x4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @keeps_size_of_the_batch
// CHECK: nnc.size
func.func @keeps_size_of_the_batch(%x: tensor<?x3xf32>) -> tensor<f32> {
  %0 = nnc.size %x axes = [0] : (tensor<?x3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @reshapes_reductions_of_single_elements
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x1xf32>, %[[V:[^:]*]]: tensor<1xf32>
// CHECK-DAG: %[[R:.*]] = nnc.reshape %[[X]] shape = [-1] : (tensor<?x1xf32>) -> tensor<?xf32>
// CHECK-DAG: %[[S:.*]] = nnc.reshape %[[V]] shape = [] : (tensor<1xf32>) -> tensor<f32>
// CHECK: return %[[R]], %[[R]], %[[S]], %[[X]]
func.func @reshapes_reductions_of_single_elements(%x: tensor<?x1xf32>, %v: tensor<1xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<f32>, tensor<?x1xf32>) {
  %0 = nnc.sum %x axes = [1] : (tensor<?x1xf32>) -> tensor<?xf32>
  %1 = nnc.reduce_max %x axes = [-1] : (tensor<?x1xf32>) -> tensor<?xf32>
  %2 = nnc.reduce_min %v : (tensor<1xf32>) -> tensor<f32>
  %3 = nnc.reduce_max %x axes = [1] keep_dims = true : (tensor<?x1xf32>) -> tensor<?x1xf32>
  return %0, %1, %2, %3 : tensor<?xf32>, tensor<?xf32>, tensor<f32>, tensor<?x1xf32>
}

// CHECK-LABEL: @keeps_reductions_of_the_batch
// CHECK: nnc.sum
func.func @keeps_reductions_of_the_batch(%x: tensor<?x1xf32>) -> tensor<f32> {
  %0 = nnc.sum %x : (tensor<?x1xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @shares_equal_ops
// CHECK: %[[E:.*]] = nnc.exp
// CHECK-NEXT: return %[[E]], %[[E]]
func.func @shares_equal_ops(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = nnc.exp %x : tensor<4xf32>
  %1 = nnc.exp %x : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
