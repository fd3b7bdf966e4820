// RUN: nnc-opt %s --nnc-differentiate --nnc-expand-composites=attention | FileCheck %s
// RUN: nnc-opt %s --nnc-differentiate --nnc-expand-composites | FileCheck %s --check-prefix=PRIMITIVES
// RUN: nnc-opt %s --nnc-differentiate '--nnc-expand-composites=attention largest-head=32' | FileCheck %s --check-prefixes=CHECK,UP-TO-32
// RUN: nnc-opt %s --nnc-differentiate '--nnc-expand-composites=attention largest-head=32 largest-half-head=32' | FileCheck %s --check-prefix=HALF
// RUN: nnc-opt %s --nnc-differentiate '--nnc-expand-composites=attention largest-head=31' | FileCheck %s --check-prefix=PRIMITIVES

// A target that has kernels for it gets the two ops, and no scores.
// CHECK-LABEL: @stays_whole
// CHECK:         %{{.*}}, %[[LSE:.*]] = nnc.attend %[[Q:.*]], %{{.*}}, %{{.*}} heads = 2
// CHECK:         %[[D:.*]] = nnc.sum {{.*}} axes = [3]
// CHECK:         nnc.attend_gradient %[[Q]], %[[LSE]], %[[D]],
// CHECK-NOT:     nnc.softmax
// CHECK-NOT:     tensor<?x2x4x5xf32>
// PRIMITIVES-LABEL: @stays_whole
// PRIMITIVES-NOT:     nnc.attend
// PRIMITIVES:         tensor<?x2x4x5xf32>
// PRIMITIVES-NOT:     nnc.attend
// PRIMITIVES-LABEL: @projection
func.func @stays_whole(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x1x8xf32>, %v: tensor<?x5x1x8xf32>) -> tensor<?x4x2x8xf32> {
  %y = nnc.attention %q, %k, %v causal = true
      : (tensor<?x4x2x8xf32>, tensor<?x5x1x8xf32>, tensor<?x5x1x8xf32>) -> tensor<?x4x2x8xf32>
  %l = nnc.sum %y : (tensor<?x4x2x8xf32>) -> tensor<f32>
  %d = nnc.gradient %l wrt(%q) : (tensor<f32>, tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return %d : tensor<?x4x2x8xf32>
}

// What one product makes is read where it lies, and has one gradient.
// CHECK-LABEL: @projection
// CHECK:         %[[H:.*]] = nnc.reshape
// CHECK-NOT:     nnc.slice
// CHECK:         nnc.attend %[[H]] heads = 2 kv_heads = 2
// CHECK:         %[[D:.*]] = nnc.attend_gradient %[[H]],
// CHECK-NOT:     nnc.concat
// CHECK:         nnc.reshape %[[D]]
func.func @projection(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) -> tensor<8x24xf32> {
  %y = nnc.multi_head_attention %x, %w, %o heads = 2 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  %l = nnc.sum %y : (tensor<?x4x8xf32>) -> tensor<f32>
  %d = nnc.gradient %l wrt(%w) : (tensor<f32>, tensor<8x24xf32>) -> tensor<8x24xf32>
  return %d : tensor<8x24xf32>
}

// Scores have a gradient in memory where a bias is trained, and only there.
// CHECK-LABEL: @trains_no_bias
// CHECK-NOT:     tensor<?x2x4x5xf32>
// CHECK:         return
func.func @trains_no_bias(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %b: tensor<4x5xf32>) -> tensor<?x4x2x8xf32> {
  %y = nnc.attention %q, %k, %k bias = %b
      : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<4x5xf32>) -> tensor<?x4x2x8xf32>
  %l = nnc.sum %y : (tensor<?x4x2x8xf32>) -> tensor<f32>
  %d = nnc.gradient %l wrt(%q) : (tensor<f32>, tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return %d : tensor<?x4x2x8xf32>
}

// CHECK-LABEL: @trains_a_bias
// CHECK:         tensor<?x2x4x5xf32>
func.func @trains_a_bias(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %b: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %y = nnc.attention %q, %k, %k bias = %b
      : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<4x5xf32>) -> tensor<?x4x2x8xf32>
  %l = nnc.sum %y : (tensor<?x4x2x8xf32>) -> tensor<f32>
  %d = nnc.gradient %l wrt(%b) : (tensor<f32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %d : tensor<4x5xf32>
}

// Weights are dropped in training alone, by a stream that is an operand.
// CHECK-LABEL: @drops_in_training
// CHECK:         %[[STREAM:.*]] = nnc.constant dense<6> : tensor<i64>
// CHECK:         nnc.attend %arg0, %arg0, %arg0 counter = %arg1, %arg2, %[[STREAM]] heads = 2 {{.*}} dropout = 5.000000e-01
// CHECK-LABEL: @keeps_elsewhere
// CHECK-NOT:     dropout
// CHECK:         return
func.func @drops_in_training(%q: tensor<?x4x2x8xf32>, %seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x4x2x8xf32> attributes {nnc.training} {
  %y = nnc.attention %q, %q, %q counter = %seed, %step causal = true dropout = 0.5 stream = 3
      : (tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<i64>, tensor<i64>) -> tensor<?x4x2x8xf32>
  return %y : tensor<?x4x2x8xf32>
}
func.func @keeps_elsewhere(%q: tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32> {
  %y = nnc.attention %q, %q, %q dropout = 0.5
      : (tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return %y : tensor<?x4x2x8xf32>
}

// Where the largest head is given, what has 16 bits stays up to a size of its
// own, in whole matrices of tensor cores.
// UP-TO-32-LABEL: @narrow
// UP-TO-32-NOT:     nnc.attend
// HALF-LABEL: @narrow
// HALF-NOT:     nnc.attend
// HALF-LABEL: @matrices
// HALF:         nnc.attend
// HALF-LABEL: @too_large
// HALF-NOT:     nnc.attend
func.func @narrow(%q: tensor<?x4x2x8xbf16>, %k: tensor<?x5x2x8xbf16>) -> tensor<?x4x2x8xbf16> {
  %y = nnc.attention %q, %k, %k : (tensor<?x4x2x8xbf16>, tensor<?x5x2x8xbf16>, tensor<?x5x2x8xbf16>) -> tensor<?x4x2x8xbf16>
  return %y : tensor<?x4x2x8xbf16>
}
func.func @matrices(%q: tensor<?x4x2x32xbf16>) -> tensor<?x4x2x32xbf16> {
  %y = nnc.attention %q, %q, %q : (tensor<?x4x2x32xbf16>, tensor<?x4x2x32xbf16>, tensor<?x4x2x32xbf16>) -> tensor<?x4x2x32xbf16>
  return %y : tensor<?x4x2x32xbf16>
}
func.func @too_large(%q: tensor<?x4x2x48xbf16>) -> tensor<?x4x2x48xbf16> {
  %y = nnc.attention %q, %q, %q : (tensor<?x4x2x48xbf16>, tensor<?x4x2x48xbf16>, tensor<?x4x2x48xbf16>) -> tensor<?x4x2x48xbf16>
  return %y : tensor<?x4x2x48xbf16>
}
