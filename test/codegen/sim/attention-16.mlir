// Attention of 16-bit numbers by tensor cores: heads in one tensor, groups, everything that changes a score, one and two
// matrices of rows a warp, heads up to the largest, and tiles that end where rows and columns do not.
//
// The plain form rounds products to 16 bits before they are scores, which the kernel does not: a score of up to 8 is off
// by 2^-9 of it, which is what the logarithms and, beside their own 16 bits, weights differ by.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-lower-to-linalg -o %t.mlir
// RUN: nnc-run-kernel %t.mlir --target=sim --batch=1,2 --tolerance=0.016 | FileCheck %s
// RUN: nnc-run-kernel %t.mlir --target=sim:fast --batch=3 --tolerance=0.016 | FileCheck %s

// CHECK: forward_packed: attention, 1 phases
func.func private @forward_packed(%batch: index, %qkv: tensor<?x70x8x32xbf16>)
    -> (tensor<?x70x4x32xbf16>, tensor<?x70x4xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %qkv heads = 4 kv_heads = 2 scale = 0.5 causal = true
      : (tensor<?x70x8x32xbf16>) -> (tensor<?x70x4x32xbf16>, tensor<?x70x4xf32>)
  return %y, %lse : tensor<?x70x4x32xbf16>, tensor<?x70x4xf32>
}

// CHECK: gradient_packed: attention, 2 phases
func.func private @gradient_packed(%batch: index, %qkv: tensor<?x70x8x32xbf16>, %lse: tensor<?x70x4xf32>,
                                   %delta: tensor<?x70x4xf32>, %dy: tensor<?x70x4x32xbf16>)
    -> tensor<?x70x8x32xbf16> attributes {nnc.kernel, nnc.kind = "attention"} {
  %d = nnc.attend_gradient %qkv, %lse, %delta, %dy heads = 4 kv_heads = 2 scale = 0.5 causal = true
      : (tensor<?x70x8x32xbf16>, tensor<?x70x4xf32>, tensor<?x70x4xf32>, tensor<?x70x4x32xbf16>) -> tensor<?x70x8x32xbf16>
  return %d : tensor<?x70x8x32xbf16>
}

// CHECK: forward_masked: attention, 1 phases
func.func private @forward_masked(%batch: index, %q: tensor<?x37x2x16xf16>, %k: tensor<?x67x1x16xf16>,
    %v: tensor<?x67x1x48xf16>, %lengths: tensor<?xi32> {test.range = [0, 67]}, %bias: tensor<2x1x67xf16>, %slopes: tensor<2xf16>,
    %mask: tensor<?x1x37x67xi1>, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>)
    -> (tensor<?x37x2x48xf16>, tensor<?x37x2xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %k, %v, %lengths, %bias, %slopes, %mask, %seed, %step, %stream
      heads = 2 kv_heads = 1 scale = 0.5 window = 40 soft_cap = 2.0 dropout = 0.25
      : (tensor<?x37x2x16xf16>, tensor<?x67x1x16xf16>, tensor<?x67x1x48xf16>, tensor<?xi32>, tensor<2x1x67xf16>, tensor<2xf16>,
         tensor<?x1x37x67xi1>, tensor<i64>, tensor<i64>, tensor<i64>) -> (tensor<?x37x2x48xf16>, tensor<?x37x2xf32>)
  return %y, %lse : tensor<?x37x2x48xf16>, tensor<?x37x2xf32>
}

// CHECK: gradient_masked: attention, 2 phases
func.func private @gradient_masked(%batch: index, %q: tensor<?x37x2x16xf16>, %lse: tensor<?x37x2xf32>,
    %delta: tensor<?x37x2xf32>, %dy: tensor<?x37x2x48xf16>, %k: tensor<?x67x1x16xf16>,
    %v: tensor<?x67x1x48xf16>, %lengths: tensor<?xi32> {test.range = [0, 67]}, %bias: tensor<2x1x67xf16>, %slopes: tensor<2xf16>,
    %mask: tensor<?x1x37x67xi1>, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>)
    -> (tensor<?x37x2x16xf16>, tensor<?x67x1x16xf16>, tensor<?x67x1x48xf16>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %d:3 = nnc.attend_gradient %q, %lse, %delta, %dy, %k, %v, %lengths, %bias, %slopes, %mask, %seed, %step, %stream
      heads = 2 kv_heads = 1 scale = 0.5 window = 40 soft_cap = 2.0 dropout = 0.25
      : (tensor<?x37x2x16xf16>, tensor<?x37x2xf32>, tensor<?x37x2xf32>, tensor<?x37x2x48xf16>, tensor<?x67x1x16xf16>,
         tensor<?x67x1x48xf16>, tensor<?xi32>, tensor<2x1x67xf16>, tensor<2xf16>,
         tensor<?x1x37x67xi1>, tensor<i64>, tensor<i64>, tensor<i64>)
      -> (tensor<?x37x2x16xf16>, tensor<?x67x1x16xf16>, tensor<?x67x1x48xf16>)
  return %d#0, %d#1, %d#2 : tensor<?x37x2x16xf16>, tensor<?x67x1x16xf16>, tensor<?x67x1x48xf16>
}

// CHECK: forward_long: attention, 1 phases
func.func private @forward_long(%batch: index, %q: tensor<?x130x1x64xbf16>, %kv: tensor<?x200x2x64xbf16>)
    -> (tensor<?x130x1x64xbf16>, tensor<?x130x1xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %kv heads = 1 kv_heads = 1 scale = 0.125 window = 90
      : (tensor<?x130x1x64xbf16>, tensor<?x200x2x64xbf16>) -> (tensor<?x130x1x64xbf16>, tensor<?x130x1xf32>)
  return %y, %lse : tensor<?x130x1x64xbf16>, tensor<?x130x1xf32>
}

// CHECK: forward_large: attention, 1 phases
func.func private @forward_large(%batch: index, %q: tensor<?x64x1x128xbf16>, %k: tensor<?x64x1x128xbf16>, %v: tensor<?x64x1x128xbf16>)
    -> (tensor<?x64x1x128xbf16>, tensor<?x64x1xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %k, %v heads = 1 kv_heads = 1 scale = 0.1
      : (tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>) -> (tensor<?x64x1x128xbf16>, tensor<?x64x1xf32>)
  return %y, %lse : tensor<?x64x1x128xbf16>, tensor<?x64x1xf32>
}

// CHECK: gradient_large: attention, 2 phases
func.func private @gradient_large(%batch: index, %q: tensor<?x64x1x128xbf16>, %lse: tensor<?x64x1xf32>, %delta: tensor<?x64x1xf32>,
    %dy: tensor<?x64x1x128xbf16>, %k: tensor<?x64x1x128xbf16>, %v: tensor<?x64x1x128xbf16>)
    -> (tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %d:3 = nnc.attend_gradient %q, %lse, %delta, %dy, %k, %v heads = 1 kv_heads = 1 scale = 0.1
      : (tensor<?x64x1x128xbf16>, tensor<?x64x1xf32>, tensor<?x64x1xf32>, tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>,
         tensor<?x64x1x128xbf16>) -> (tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>)
  return %d#0, %d#1, %d#2 : tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>, tensor<?x64x1x128xbf16>
}
