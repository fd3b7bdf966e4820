// What the library of products may use while it runs: what its partial sums can take
// where terms are divided, up to 32 MiB on a Hopper; none on the simulator. With what
// its alignment needs, 192 bytes.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=cuda:sm_90 --split-input-file | FileCheck %s

// Sums in f32, of one part: fewer than 32 terms are not divided.
// CHECK:      @matmul_4096x1088x31.matmul()
// CHECK-SAME: nnc.workspace_bytes = {{\[\[}}18874560, 0, 1]]
func.func @small(%x: tensor<4096x31xf32>, %w: tensor<31x1088xf32>) -> tensor<4096x1088xf32> {
  %y = nnc.fused "contraction" (%a = %x, %b = %w)
      : (tensor<4096x31xf32>, tensor<31x1088xf32>) -> tensor<4096x1088xf32> {
    %product = nnc.matmul %a, %b : (tensor<4096x31xf32>, tensor<31x1088xf32>) -> tensor<4096x1088xf32>
    nnc.yield %product : tensor<4096x1088xf32>
  }
  return %y : tensor<4096x1088xf32>
}

// -----

// CHECK:      @matmul_4096x4096x4096.matmul()
// CHECK-SAME: nnc.workspace_bytes = {{\[\[}}33554624, 0, 1]]
func.func @large(%x: tensor<4096x4096xf32>, %w: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %y = nnc.fused "contraction" (%a = %x, %b = %w)
      : (tensor<4096x4096xf32>, tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
    %product = nnc.matmul %a, %b : (tensor<4096x4096xf32>, tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
    nnc.yield %product : tensor<4096x4096xf32>
  }
  return %y : tensor<4096x4096xf32>
}
