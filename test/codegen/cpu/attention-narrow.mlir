// Plain loops round scores to the tensors' 16 bits, which the emitter keeps in
// 32: half a unit of bf16, 2^-9, of a score of 3, where the largest lse is 4; for
// a gradient, of weights and of their sums as well.
// RUN: nnc-opt %s --nnc-lower-to-linalg -o %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=attention --tolerance=8e-3 | FileCheck %s

// Keys and values in one tensor; storage of 16 bits, sums in 32.
// CHECK: forward_narrow: attention, 1 phases
func.func private @forward_narrow(%batch: index, %q: tensor<?x20x2x18xbf16>, %kv: tensor<?x66x4x18xbf16>)
    -> (tensor<?x20x2x18xbf16>, tensor<?x20x2xf32>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %y, %lse = nnc.attend %q, %kv heads = 2 kv_heads = 2 scale = 0.25
      : (tensor<?x20x2x18xbf16>, tensor<?x66x4x18xbf16>) -> (tensor<?x20x2x18xbf16>, tensor<?x20x2xf32>)
  return %y, %lse : tensor<?x20x2x18xbf16>, tensor<?x20x2xf32>
}

// CHECK: gradient_narrow: attention, 1 phases
func.func private @gradient_narrow(%batch: index, %q: tensor<?x40x2x18xf16>, %lse: tensor<?x40x2xf32> {test.range = [2.0, 4.0]}, %delta: tensor<?x40x2xf32>,
                                   %dy: tensor<?x40x2x18xf16>, %kv: tensor<?x66x2x18xf16>)
    -> (tensor<?x40x2x18xf16>, tensor<?x66x2x18xf16>) attributes {nnc.kernel, nnc.kind = "attention"} {
  %d:2 = nnc.attend_gradient %q, %lse, %delta, %dy, %kv heads = 2 kv_heads = 1 scale = 0.25
      : (tensor<?x40x2x18xf16>, tensor<?x40x2xf32>, tensor<?x40x2xf32>, tensor<?x40x2x18xf16>, tensor<?x66x2x18xf16>)
      -> (tensor<?x40x2x18xf16>, tensor<?x66x2x18xf16>)
  return %d#0, %d#1 : tensor<?x40x2x18xf16>, tensor<?x66x2x18xf16>
}
