// Operands behind one that is absent are named; text is read as it is written.
// RUN: nnc-opt %s | FileCheck %s
// RUN: nnc-opt %s | nnc-opt | FileCheck %s
// RUN: nnc-opt %s --mlir-print-op-generic | nnc-opt | FileCheck %s

// CHECK-LABEL: @leading_operands_have_no_names
// CHECK:         nnc.attention %arg0, %arg0, %arg0, %arg1, %arg2 causal = true :
func.func @leading_operands_have_no_names(%q: tensor<?x4x2x8xf32>, %n: tensor<?xi32>, %b: tensor<4x4xf32>) -> tensor<?x4x2x8xf32> {
  %y = nnc.attention %q, %q, %q lengths = %n bias = %b causal = true
      : (tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?xi32>, tensor<4x4xf32>) -> tensor<?x4x2x8xf32>
  return %y : tensor<?x4x2x8xf32>
}

// CHECK-LABEL: @operands_behind_a_gap_have
// CHECK:         nnc.attention %arg0, %arg0, %arg0 bias = %arg1 mask = %arg2 window = 3 :
func.func @operands_behind_a_gap_have(%q: tensor<?x4x2x8xf32>, %b: tensor<4x4xf32>, %m: tensor<4x4xi1>) -> tensor<?x4x2x8xf32> {
  %y = nnc.attention %q, %q, %q window = 3 bias = %b mask = %m
      : (tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<4x4xf32>, tensor<4x4xi1>) -> tensor<?x4x2x8xf32>
  return %y : tensor<?x4x2x8xf32>
}

// CHECK-LABEL: @two_of_one_type
// CHECK:         nnc.rotary %arg0 cos = %arg1 sin = %arg1 :
func.func @two_of_one_type(%x: tensor<?x4x2x8xf32>, %table: tensor<4x4xf32>) -> tensor<?x4x2x8xf32> {
  %y = nnc.rotary %x cos = %table sin = %table
      : (tensor<?x4x2x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<?x4x2x8xf32>
  return %y : tensor<?x4x2x8xf32>
}
