// RUN: nnc-opt %s --nnc-convert-element-type=to=f64 | FileCheck %s
// RUN: not nnc-opt %s --nnc-convert-element-type=to=f31 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown element type 'f31'; expected f64, f32, f16 or bf16

// CHECK: nnc.parameter @w : tensor<4xf64>
nnc.parameter @w : tensor<4xf32> = <zeros>

// CHECK-LABEL: @converts_types_constants_and_casts
// CHECK-SAME:    (%{{.*}}: tensor<?x4xui8>, %{{.*}}: tensor<4xf64>) -> tensor<?x4xf64>
// CHECK:         nnc.constant dense<[1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01]> : tensor<4xf64>
// CHECK:         nnc.read @w : tensor<4xf64>
// CHECK:         nnc.cast %{{.*}} to = f64 : (tensor<?x4xui8>) -> tensor<?x4xf64>
func.func @converts_types_constants_and_casts(%x: tensor<?x4xui8>, %y: tensor<4xf32>) -> tensor<?x4xf32> {
  %c = nnc.constant dense<[1.0, 0.5, 0.25, 0.125]> : tensor<4xf32>
  %w = nnc.read @w : tensor<4xf32>
  %0 = nnc.cast %x to = f32 : (tensor<?x4xui8>) -> tensor<?x4xf32>
  %1 = nnc.mul %0, %w : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = nnc.add %1, %c : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// CHECK-LABEL: @leaves_other_types_alone
// CHECK-SAME:    (%{{.*}}: tensor<4xbf16>, %{{.*}}: tensor<4xi32>)
func.func @leaves_other_types_alone(%x: tensor<4xbf16>, %y: tensor<4xi32>) -> tensor<4xbf16> {
  return %x : tensor<4xbf16>
}

// A type that goes without saying is f32: another is said.
// CHECK-LABEL: @spells_types
// CHECK:         nnc.one_hot %{{.*}} classes = 3 type = f64 : (tensor<4xi32>) -> tensor<4x3xf64>
func.func @spells_types(%x: tensor<4xi32>) -> tensor<4x3xf32> {
  %0 = nnc.one_hot %x classes = 3 : (tensor<4xi32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
