// RUN: nnc-opt %s --nnc-lower-to-linalg -o %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=attention | FileCheck %s

// Heads in one tensor, groups, several blocks of queries and of keys, and what
// is left of each.
// CHECK: forward_packed: attention, 1 phases
func.func private @forward_packed(%batch: index, %qkv: tensor<?x70x8x24xf32>)
    -> (tensor<?x70x4x24xf32>, tensor<?x70x4xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %qkv heads = 4 kv_heads = 2 scale = 0.5 causal = true
      : (tensor<?x70x8x24xf32>) -> (tensor<?x70x4x24xf32>, tensor<?x70x4xf32>)
  return %y, %lse : tensor<?x70x4x24xf32>, tensor<?x70x4xf32>
}

// CHECK: gradient_packed: attention, 1 phases
func.func private @gradient_packed(%batch: index, %qkv: tensor<?x70x8x24xf32>, %lse: tensor<?x70x4xf32>,
                                   %delta: tensor<?x70x4xf32>, %dy: tensor<?x70x4x24xf32>)
    -> tensor<?x70x8x24xf32> attributes {nnc.kernel, nnc.kind = "attention"} {
  %d = nnc.attend_gradient %qkv, %lse, %delta, %dy heads = 4 kv_heads = 2 scale = 0.5 causal = true
      : (tensor<?x70x8x24xf32>, tensor<?x70x4xf32>, tensor<?x70x4xf32>, tensor<?x70x4x24xf32>) -> tensor<?x70x8x24xf32>
  return %d : tensor<?x70x8x24xf32>
}

// Everything that changes a score, on keys that end in a tile of their own.
// CHECK: forward_masked: attention, 1 phases
func.func private @forward_masked(%batch: index, %q: tensor<?x37x2x16xf32>, %k: tensor<?x67x1x16xf32>,
    %v: tensor<?x67x1x9xf32>, %lengths: tensor<?xi32> {test.range = [0, 67]}, %bias: tensor<2x1x67xf32>, %slopes: tensor<2xf32>,
    %mask: tensor<?x1x37x67xi1>, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>)
    -> (tensor<?x37x2x9xf32>, tensor<?x37x2xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %k, %v, %lengths, %bias, %slopes, %mask, %seed, %step, %stream
      heads = 2 kv_heads = 1 scale = 0.5 window = 40 soft_cap = 2.0 dropout = 0.25
      : (tensor<?x37x2x16xf32>, tensor<?x67x1x16xf32>, tensor<?x67x1x9xf32>, tensor<?xi32>, tensor<2x1x67xf32>, tensor<2xf32>,
         tensor<?x1x37x67xi1>, tensor<i64>, tensor<i64>, tensor<i64>) -> (tensor<?x37x2x9xf32>, tensor<?x37x2xf32>)
  return %y, %lse : tensor<?x37x2x9xf32>, tensor<?x37x2xf32>
}

// CHECK: gradient_masked: attention, 1 phases
func.func private @gradient_masked(%batch: index, %q: tensor<?x37x2x16xf32>, %lse: tensor<?x37x2xf32>,
    %delta: tensor<?x37x2xf32>, %dy: tensor<?x37x2x9xf32>, %k: tensor<?x67x1x16xf32>,
    %v: tensor<?x67x1x9xf32>, %lengths: tensor<?xi32> {test.range = [0, 67]}, %bias: tensor<2x1x67xf32>, %slopes: tensor<2xf32>,
    %mask: tensor<?x1x37x67xi1>, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>)
    -> (tensor<?x37x2x16xf32>, tensor<?x67x1x16xf32>, tensor<?x67x1x9xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %d:3 = nnc.attend_gradient %q, %lse, %delta, %dy, %k, %v, %lengths, %bias, %slopes, %mask, %seed, %step, %stream
      heads = 2 kv_heads = 1 scale = 0.5 window = 40 soft_cap = 2.0 dropout = 0.25
      : (tensor<?x37x2x16xf32>, tensor<?x37x2xf32>, tensor<?x37x2xf32>, tensor<?x37x2x9xf32>, tensor<?x67x1x16xf32>,
         tensor<?x67x1x9xf32>, tensor<?xi32>, tensor<2x1x67xf32>, tensor<2xf32>,
         tensor<?x1x37x67xi1>, tensor<i64>, tensor<i64>, tensor<i64>)
      -> (tensor<?x37x2x16xf32>, tensor<?x67x1x16xf32>, tensor<?x67x1x9xf32>)
  return %d#0, %d#1, %d#2 : tensor<?x37x2x16xf32>, tensor<?x67x1x16xf32>, tensor<?x67x1x9xf32>
}

// One query, of f64.
// CHECK: forward_single: attention, 1 phases
func.func private @forward_single(%batch: index, %q: tensor<?x1x3x5xf64>, %k: tensor<?x9x3x5xf64>, %v: tensor<?x9x3x5xf64>)
    -> (tensor<?x1x3x5xf64>, tensor<?x1x3xf64>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %k, %v heads = 3 kv_heads = 3 scale = 1.0
      : (tensor<?x1x3x5xf64>, tensor<?x9x3x5xf64>, tensor<?x9x3x5xf64>) -> (tensor<?x1x3x5xf64>, tensor<?x1x3xf64>)
  return %y, %lse : tensor<?x1x3x5xf64>, tensor<?x1x3xf64>
}

// A bias alone, with a row of keys for each query, or one for all of a head.
// CHECK: forward_biased: attention, 1 phases
func.func private @forward_biased(%batch: index, %q: tensor<?x37x2x16xf32>, %k: tensor<?x67x2x16xf32>, %bias: tensor<2x37x67xf32>)
    -> (tensor<?x37x2x16xf32>, tensor<?x37x2xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %k, %k bias = %bias heads = 2 kv_heads = 2 scale = 0.5
      : (tensor<?x37x2x16xf32>, tensor<?x67x2x16xf32>, tensor<?x67x2x16xf32>, tensor<2x37x67xf32>)
      -> (tensor<?x37x2x16xf32>, tensor<?x37x2xf32>)
  return %y, %lse : tensor<?x37x2x16xf32>, tensor<?x37x2xf32>
}

// CHECK: gradient_biased: attention, 1 phases
func.func private @gradient_biased(%batch: index, %q: tensor<?x37x2x16xf32>, %lse: tensor<?x37x2xf32>, %delta: tensor<?x37x2xf32>,
    %dy: tensor<?x37x2x16xf32>, %k: tensor<?x67x2x16xf32>, %bias: tensor<?x2x1x67xf32>)
    -> (tensor<?x37x2x16xf32>, tensor<?x67x2x16xf32>, tensor<?x67x2x16xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %d:3 = nnc.attend_gradient %q, %lse, %delta, %dy, %k, %k bias = %bias heads = 2 kv_heads = 2 scale = 0.5
      : (tensor<?x37x2x16xf32>, tensor<?x37x2xf32>, tensor<?x37x2xf32>, tensor<?x37x2x16xf32>, tensor<?x67x2x16xf32>,
         tensor<?x67x2x16xf32>, tensor<?x2x1x67xf32>)
      -> (tensor<?x37x2x16xf32>, tensor<?x67x2x16xf32>, tensor<?x67x2x16xf32>)
  return %d#0, %d#1, %d#2 : tensor<?x37x2x16xf32>, tensor<?x67x2x16xf32>, tensor<?x67x2x16xf32>
}
