// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-fuse-elementwise))' | FileCheck %s

// A value that is used outside of the chain is one more result.
// CHECK-LABEL: @fuses_chain
func.func @fuses_chain(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %row: tensor<8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nnc.mul %x, %y : tensor<4x8xf32>
  %1 = nnc.add %0, %row : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %2 = nnc.tanh %1 : tensor<4x8xf32>
  return %0, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %[[Y:.*]]: tensor<4x8xf32>, %[[ROW:.*]]: tensor<8xf32>)
// CHECK:      %[[FUSED:.*]]:2 = nnc.fused "rows" (%[[A:.*]] = %[[X]], %[[B:.*]] = %[[Y]], %[[C:.*]] = %[[ROW]])
// CHECK-NEXT:   %[[MUL:.*]] = nnc.mul %[[A]], %[[B]]
// CHECK-NEXT:   %[[ADD:.*]] = nnc.add %[[MUL]], %[[C]]
// CHECK-NEXT:   %[[TANH:.*]] = nnc.tanh %[[ADD]]
// CHECK-NEXT:   nnc.yield %[[MUL]], %[[TANH]]
// CHECK:      return %[[FUSED]]#0, %[[FUSED]]#1

// Constants and casts are copied into each kernel: here the batch's rows make
// one space, and the parameter's elements another.
// CHECK-LABEL: @copies_what_is_free
func.func @copies_what_is_free(%x: tensor<?x8xf32>, %w: tensor<5xf32>)
    -> (tensor<?x8xf32>, tensor<5xf32>) {
  %half = nnc.constant dense<0.5> : tensor<f32>
  %0 = nnc.mul %x, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %1 = nnc.exp %0 : tensor<?x8xf32>
  %2 = nnc.mul %w, %half : (tensor<5xf32>, tensor<f32>) -> tensor<5xf32>
  %3 = nnc.exp %2 : tensor<5xf32>
  return %1, %3 : tensor<?x8xf32>, tensor<5xf32>
}
// CHECK-NOT: nnc.constant
// CHECK:     nnc.fused "rows" (%{{.*}} = %{{.*}}) : (tensor<?x8xf32>)
// CHECK:       nnc.constant
// CHECK:     nnc.fused "rows" (%{{.*}} = %{{.*}}) : (tensor<5xf32>)
// CHECK:       nnc.constant

// A constant that no kernel takes in stays one op.
// CHECK-LABEL: @keeps_single_ops
func.func @keeps_single_ops(%x: tensor<?x8xf32>, %w: tensor<5xf32>)
    -> (tensor<?x8xf32>, tensor<5xf32>, tensor<f32>) {
  %half = nnc.constant dense<0.5> : tensor<f32>
  %0 = nnc.exp %x : tensor<?x8xf32>
  %1 = nnc.exp %w : tensor<5xf32>
  return %0, %1, %half : tensor<?x8xf32>, tensor<5xf32>, tensor<f32>
}
// CHECK-NOT: nnc.fused
// CHECK:     nnc.constant
// CHECK-NOT: nnc.constant
// CHECK:     return

// The product needs the exponential, and the sum needs the product: nothing can
// run in the middle of a kernel.
// CHECK-LABEL: @leaves_what_surrounds_a_product
func.func @leaves_what_surrounds_a_product(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = nnc.exp %x : tensor<8x8xf32>
  %1 = nnc.matmul %0, %x : tensor<8x8xf32>
  %2 = nnc.add %1, %0 : tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// Rows of 8 and rows of 4 of the same elements are two spaces.
// CHECK-LABEL: @leaves_other_spaces
func.func @leaves_other_spaces(%x: tensor<2x8xf32>, %a: tensor<8xf32>, %b: tensor<4xf32>)
    -> tensor<4x4xf32> {
  %0 = nnc.add %x, %a : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  %1 = nnc.reshape %0 shape = [4, 4] : (tensor<2x8xf32>) -> tensor<4x4xf32>
  %2 = nnc.add %1, %b : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}
// CHECK:     nnc.add
// CHECK:     nnc.fused
// CHECK-NEXT:  nnc.reshape
// CHECK-NEXT:  nnc.add

// A scalar that two kernels use is made once.
// CHECK-LABEL: @leaves_shared_scalar
func.func @leaves_shared_scalar(%s: tensor<f32>, %x: tensor<9xf32>, %y: tensor<5xf32>)
    -> (tensor<9xf32>, tensor<5xf32>) {
  %0 = nnc.exp %s : tensor<f32>
  %1 = nnc.mul %x, %0 : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %2 = nnc.mul %y, %0 : (tensor<5xf32>, tensor<f32>) -> tensor<5xf32>
  return %1, %2 : tensor<9xf32>, tensor<5xf32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// What follows a pool joins it; what makes its operand does not, as windows are
// read in memory.
// CHECK-LABEL: @fuses_behind_windows
func.func @fuses_behind_windows(%x: tensor<?x8x8x16xf32>, %bias: tensor<16xf32>) -> tensor<?x4x4x16xf32> {
  %0 = nnc.tanh %x : tensor<?x8x8x16xf32>
  %1 = nnc.window_sum %0 window = [2, 2] strides = [2, 2] : (tensor<?x8x8x16xf32>) -> tensor<?x4x4x16xf32>
  %2 = nnc.add %1, %bias : (tensor<?x4x4x16xf32>, tensor<16xf32>) -> tensor<?x4x4x16xf32>
  return %2 : tensor<?x4x4x16xf32>
}
// CHECK-SAME: (%[[X:.*]]: tensor<?x8x8x16xf32>, %[[BIAS:.*]]: tensor<16xf32>)
// CHECK-NEXT: %[[TANH:.*]] = nnc.tanh %[[X]]
// CHECK-NEXT: nnc.fused "rows" (%{{.*}} = %[[TANH]], %{{.*}} = %[[BIAS]])
// CHECK-NEXT:   nnc.window_sum
// CHECK-NEXT:   nnc.add

// A factor for each channel of a sample has no role in rows of channels: it is
// read in memory, and may not be made in the kernel.
// CHECK-LABEL: @fuses_factors_of_channels
func.func @fuses_factors_of_channels(%x: tensor<?x8x8x16xf32>, %s: tensor<?x1x1x16xf32>) -> tensor<?x8x8x16xf32> {
  %0 = nnc.tanh %s : tensor<?x1x1x16xf32>
  %1 = nnc.mul %x, %0 : (tensor<?x8x8x16xf32>, tensor<?x1x1x16xf32>) -> tensor<?x8x8x16xf32>
  %2 = nnc.exp %1 : tensor<?x8x8x16xf32>
  return %2 : tensor<?x8x8x16xf32>
}
// CHECK:      %[[FACTORS:.*]] = nnc.tanh
// CHECK-NEXT: nnc.fused "rows" (%{{.*}} = %{{.*}}, %{{.*}} = %[[FACTORS]])
// CHECK-NEXT:   nnc.mul
// CHECK-NEXT:   nnc.exp
