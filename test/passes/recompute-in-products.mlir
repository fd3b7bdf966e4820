// RUN: nnc-opt %s --nnc-fuse-epilogue --nnc-recompute --cse --split-input-file | FileCheck %s
// RUN: sed 's/f32/bf16/g' %s | nnc-opt --nnc-fuse-epilogue --nnc-recompute='has-tanh16=true' --cse --split-input-file | FileCheck %s --check-prefix=TANH16

// The backward product's epilogue reads what the forward one's bias gave, and
// the hyperbolic tangent, which takes longer than its read, unless it has 16 bits
// and a GPU computes it; the rest of the activation it computes.
// TANH16-LABEL: @computes_the_derivative_of_less
// TANH16:         nnc.fused "contraction"
// TANH16:         nnc.fused "contraction"
// TANH16:           nnc.matmul
// TANH16:           nnc.tanh
// CHECK-LABEL: @computes_the_derivative_of_less
// CHECK:         %[[UP:.*]]:3 = nnc.fused "contraction"
// CHECK:           nnc.yield %[[H:.*]], %[[T:.*]], %{{.*}} : tensor<8x16xf32>
// CHECK:         nnc.fused "contraction" (
// CHECK-SAME:      %[[READ:[^ ]*]] = %[[UP]]#0, %[[TANH:[^ ]*]] = %[[UP]]#1) :
// CHECK:           nnc.matmul
// CHECK:           %[[SQUARE:.*]] = nnc.mul %[[READ]], %[[READ]]
// CHECK:           %[[SUM:.*]] = nnc.add %{{.*}}, %[[TANH]]
func.func @computes_the_derivative_of_less(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %b: tensor<16xf32>,
    %v: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8x16xf32>) {
  %one = nnc.constant dense<1.0> : tensor<f32>
  %p = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %h = nnc.add %p, %b : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %s = nnc.mul %h, %h : tensor<8x16xf32>
  %t = nnc.tanh %s : tensor<8x16xf32>
  %u = nnc.add %one, %t : (tensor<f32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %a = nnc.mul %h, %u : tensor<8x16xf32>
  %y = nnc.matmul %a, %v : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %da = nnc.matmul %y, %v transpose_rhs = true : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %0 = nnc.mul %da, %s : tensor<8x16xf32>
  %1 = nnc.mul %0, %u : tensor<8x16xf32>
  %2 = nnc.add %1, %h : tensor<8x16xf32>
  %dh = nnc.add %2, %t : tensor<8x16xf32>
  return %y, %dh : tensor<8x4xf32>, tensor<8x16xf32>
}

// -----

// Another read in place of this one saves nothing.
// CHECK-LABEL: @keeps_what_needs_another_read
// CHECK:         %[[UP:.*]]:2 = nnc.fused "contraction"
// CHECK:         nnc.fused "contraction" ({{.*}} = %[[UP]]#0) :
// CHECK-NEXT:      nnc.matmul
// CHECK-NEXT:      nnc.mul
// CHECK-NEXT:      nnc.yield
func.func @keeps_what_needs_another_read(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %b: tensor<16xf32>,
    %v: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8x16xf32>) {
  %p = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %h = nnc.add %p, %b : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %s = nnc.mul %h, %h : tensor<8x16xf32>
  %a = nnc.tanh %s : tensor<8x16xf32>
  %y = nnc.matmul %a, %v : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %da = nnc.matmul %y, %v transpose_rhs = true : (tensor<8x4xf32>, tensor<16x4xf32>) -> tensor<8x16xf32>
  %dh = nnc.mul %da, %s : tensor<8x16xf32>
  return %y, %dh : tensor<8x4xf32>, tensor<8x16xf32>
}
