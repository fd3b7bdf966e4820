// Products for a GPU: calls of the library, and what stands around them.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim --split-input-file | FileCheck %s

// Bias and relu are the library's: one call, no phase.
// CHECK:       func.func private @matmul_add_maximum_Bx4096x2048.matmul()
// CHECK-SAME:    nnc.a = {{\[\[}}2048, 0, 1], [0, 0, 1]]
// CHECK-SAME:    nnc.b = {{\[\[}}4096, 0, 1], [0, 0, 1]]
// CHECK-SAME:    nnc.buffers = ["operand 0", "operand 1", "result 0", "operand 2"]
// CHECK-SAME:    nnc.count_m_n_k = {{\[\[}}1, 0, 1], [0, 1, 1], [4096, 0, 1], [2048, 0, 1]]
// CHECK-SAME:    nnc.epilogue = "bias, relu"
// CHECK-NOT:   @matmul_add_maximum_Bx4096x2048
func.func @layer(%x: tensor<?x2048xf32>, %w: tensor<2048x4096xf32>, %b: tensor<4096xf32>) -> tensor<?x4096xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %w, %d = %b)
      : (tensor<?x2048xf32>, tensor<2048x4096xf32>, tensor<4096xf32>) -> tensor<?x4096xf32> {
    %product = nnc.matmul %a, %c : (tensor<?x2048xf32>, tensor<2048x4096xf32>) -> tensor<?x4096xf32>
    %sum = nnc.add %product, %d : (tensor<?x4096xf32>, tensor<4096xf32>) -> tensor<?x4096xf32>
    %zero = nnc.constant dense<0.0> : tensor<f32>
    %relu = nnc.maximum %sum, %zero : (tensor<?x4096xf32>, tensor<f32>) -> tensor<?x4096xf32>
    nnc.yield %relu : tensor<?x4096xf32>
  }
  return %y : tensor<?x4096xf32>
}

// -----

// The gradient of a weight: the first operand is read along its columns. The
// update is a phase after the call, from a workspace, over the weight.
// CHECK:       func.func private @matmul_sub_2048x4096xB.matmul()
// CHECK-SAME:    nnc.a = ["transposed", [2048, 0, 1], [0, 0, 1]]
// CHECK-SAME:    nnc.buffers = ["operand 0", "operand 1", "workspace 0"]
// CHECK-SAME:    nnc.count_m_n_k = {{\[\[}}1, 0, 1], [2048, 0, 1], [4096, 0, 1], [0, 1, 1]]
// CHECK-SAME:    nnc.epilogue = "none"
// CHECK-SAME:    nnc.may_alias = {{\[\[}}2, 0]]
// CHECK-LABEL: func.func @matmul_sub_2048x4096xB_epilogue_rows(
// CHECK-SAME:    nnc.buffers = ["operand 2", "workspace 0", "result 0"]
func.func @update(%x: tensor<?x2048xf32>, %g: tensor<?x4096xf32>, %w: tensor<2048x4096xf32>) -> tensor<2048x4096xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %g, %d = %w)
      : (tensor<?x2048xf32>, tensor<?x4096xf32>, tensor<2048x4096xf32>) -> tensor<2048x4096xf32> {
    %product = nnc.matmul %a, %c transpose_lhs = true : (tensor<?x2048xf32>, tensor<?x4096xf32>) -> tensor<2048x4096xf32>
    %next = nnc.sub %d, %product : tensor<2048x4096xf32>
    nnc.yield %next : tensor<2048x4096xf32>
  }
  return %y : tensor<2048x4096xf32>
}

// -----

// What the library cannot do comes after: the sum with the bias is a result of the
// call, the other result a phase over it.
// CHECK:       func.func private @matmul_add_tanh_Bx4096x2048.matmul()
// CHECK-SAME:    nnc.buffers = ["operand 0", "operand 1", "result 0", "operand 2"]
// CHECK-SAME:    nnc.epilogue = "bias"
// CHECK-LABEL: func.func @matmul_add_tanh_Bx4096x2048_epilogue_rows(
// CHECK-SAME:    nnc.buffers = ["result 0", "result 1"]
func.func @both(%x: tensor<?x2048xf32>, %w: tensor<2048x4096xf32>, %b: tensor<4096xf32>) -> (tensor<?x4096xf32>, tensor<?x4096xf32>) {
  %y:2 = nnc.fused "contraction" (%a = %x, %c = %w, %d = %b)
      : (tensor<?x2048xf32>, tensor<2048x4096xf32>, tensor<4096xf32>) -> (tensor<?x4096xf32>, tensor<?x4096xf32>) {
    %product = nnc.matmul %a, %c : (tensor<?x2048xf32>, tensor<2048x4096xf32>) -> tensor<?x4096xf32>
    %sum = nnc.add %product, %d : (tensor<?x4096xf32>, tensor<4096xf32>) -> tensor<?x4096xf32>
    %tanh = nnc.tanh %sum : tensor<?x4096xf32>
    nnc.yield %sum, %tanh : tensor<?x4096xf32>, tensor<?x4096xf32>
  }
  return %y#0, %y#1 : tensor<?x4096xf32>, tensor<?x4096xf32>
}

// -----

// In 16 bits too, with a bias of the result's type; what is read again is what the call
// writes.
// CHECK:       func.func private @matmul_add_mul_Bx4096x2048.matmul()
// CHECK-SAME:    nnc.buffers = ["operand 0", "operand 1", "result 0", "operand 2"]
// CHECK-SAME:    nnc.epilogue = "bias"
// CHECK-SAME:    nnc.types = [bf16, bf16]
// CHECK-LABEL: func.func @matmul_add_mul_Bx4096x2048_epilogue_rows(
// CHECK-SAME:    nnc.buffers = ["result 0", "result 1"]
func.func @bias_of_16_bits(%x: tensor<?x2048xbf16>, %w: tensor<2048x4096xbf16>, %b: tensor<4096xbf16>) -> (tensor<?x4096xbf16>, tensor<?x4096xbf16>) {
  %y:2 = nnc.fused "contraction" (%a = %x, %c = %w, %d = %b)
      : (tensor<?x2048xbf16>, tensor<2048x4096xbf16>, tensor<4096xbf16>) -> (tensor<?x4096xbf16>, tensor<?x4096xbf16>) {
    %product = nnc.matmul %a, %c : (tensor<?x2048xbf16>, tensor<2048x4096xbf16>) -> tensor<?x4096xbf16>
    %sum = nnc.add %product, %d : (tensor<?x4096xbf16>, tensor<4096xbf16>) -> tensor<?x4096xbf16>
    %square = nnc.mul %sum, %sum : tensor<?x4096xbf16>
    nnc.yield %sum, %square : tensor<?x4096xbf16>, tensor<?x4096xbf16>
  }
  return %y#0, %y#1 : tensor<?x4096xbf16>, tensor<?x4096xbf16>
}

// -----

// A computed operand is stored first.
// CHECK-LABEL: func.func @cast_matmul_Bx4096x2048_prologue0_rows(
// CHECK-SAME:    nnc.buffers = ["operand 0", "workspace 0"]
// CHECK:       func.func private @cast_matmul_Bx4096x2048.matmul()
// CHECK-SAME:    nnc.buffers = ["workspace 0", "operand 1", "result 0"]
func.func @computed(%x: tensor<?x2048xui8>, %w: tensor<2048x4096xf32>) -> tensor<?x4096xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %w)
      : (tensor<?x2048xui8>, tensor<2048x4096xf32>) -> tensor<?x4096xf32> {
    %wide = nnc.cast %a to = f32 : (tensor<?x2048xui8>) -> tensor<?x2048xf32>
    %product = nnc.matmul %wide, %c : (tensor<?x2048xf32>, tensor<2048x4096xf32>) -> tensor<?x4096xf32>
    nnc.yield %product : tensor<?x4096xf32>
  }
  return %y : tensor<?x4096xf32>
}

// -----

// One call for all products of a batch; 16-bit operands, and a result rounded once.
// CHECK:       func.func private @matmul_Bx128x128x128.matmul()
// CHECK-SAME:    nnc.a = {{\[\[}}128, 0, 1], [16384, 0, 1]]
// CHECK-SAME:    nnc.b = ["transposed", [128, 0, 1], [16384, 0, 1]]
// CHECK-SAME:    nnc.count_m_n_k = {{\[\[}}0, 1, 1], [128, 0, 1], [128, 0, 1], [128, 0, 1]]
// CHECK-SAME:    nnc.d = {{\[\[}}128, 0, 1], [16384, 0, 1]]
// CHECK-SAME:    nnc.types = [bf16, bf16]
func.func @many(%x: tensor<?x128x128xbf16>, %z: tensor<?x128x128xbf16>) -> tensor<?x128x128xbf16> {
  %y = nnc.matmul %x, %z transpose_rhs = true : (tensor<?x128x128xbf16>, tensor<?x128x128xbf16>) -> tensor<?x128x128xbf16>
  return %y : tensor<?x128x128xbf16>
}

// -----

// Small, but of f64, for which no kernel was measured against.
// CHECK:      @matmul_Bx64x4096.matmul()
func.func @double(%x: tensor<?x4096xf64>, %w: tensor<4096x64xf64>) -> tensor<?x64xf64> {
  %y = nnc.matmul %x, %w : (tensor<?x4096xf64>, tensor<4096x64xf64>) -> tensor<?x64xf64>
  return %y : tensor<?x64xf64>
}

// -----

// Too small to be worth a call.
// CHECK-LABEL: func.func @matmul_Bx3x4_elements(
func.func @small(%x: tensor<?x4xf32>, %w: tensor<4x3xf32>) -> tensor<?x3xf32> {
  %y = nnc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
