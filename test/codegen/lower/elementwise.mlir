// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[IDENTITY:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0, 0)>

// CHECK-LABEL: func.func private @broadcasts_through_maps(
// CHECK-SAME:    %[[BATCH:.*]]: index, %[[X:.*]]: tensor<?x3xf32>, %[[B:.*]]: tensor<3xf32>, %[[R:.*]]: tensor<?x1xf32>)
// CHECK:         %[[EMPTY:.*]] = tensor.empty(%[[BATCH]]) : tensor<?x3xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[IDENTITY]], #[[COLUMN]], #[[IDENTITY]]], iterator_types = ["parallel", "parallel"]}
// CHECK-SAME:      ins(%[[X]], %[[B]] : tensor<?x3xf32>, tensor<3xf32>) outs(%[[EMPTY]] : tensor<?x3xf32>)
// CHECK:           arith.addf
// CHECK:         linalg.generic {indexing_maps = [#[[IDENTITY]], #[[ROW]], #[[IDENTITY]]]
// CHECK:           arith.mulf
func.func private @broadcasts_through_maps(%batch: index, %x: tensor<?x3xf32>, %b: tensor<3xf32>, %r: tensor<?x1xf32>)
    -> tensor<?x3xf32> attributes {nnc.kernel} {
  %0 = nnc.add %x, %b : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %1 = nnc.mul %0, %r : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: @reads_splats_as_scalars
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-NOT:     linalg.fill
// CHECK:         linalg.generic
// CHECK:         ^bb0(%[[IN:.*]]: f32, %{{.*}}: f32):
// CHECK:           arith.maximumf %[[IN]], %[[ZERO]] : f32
func.func private @reads_splats_as_scalars(%batch: index, %x: tensor<?x3xf32>) -> tensor<?x3xf32> attributes {nnc.kernel} {
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %0 = nnc.maximum %x, %zero : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: @converts_unsigned_bytes(
// CHECK-SAME:    %{{.*}}: index, %[[X:.*]]: tensor<?x3xi8>) -> tensor<?x3xf32>
// CHECK:         arith.uitofp %{{.*}} : i8 to f32
func.func private @converts_unsigned_bytes(%batch: index, %x: tensor<?x3xui8>) -> tensor<?x3xf32> attributes {nnc.kernel} {
  %0 = nnc.cast %x to = f32 : (tensor<?x3xui8>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: @chooses_by_sign
// CHECK:         arith.cmpi ult
// CHECK:         arith.cmpi slt
// CHECK:         arith.cmpf olt
// CHECK:         arith.maxui
// CHECK:         arith.maxsi
func.func private @chooses_by_sign(%batch: index, %u: tensor<4xui8>, %i: tensor<4xi32>, %f: tensor<4xf32>)
    -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xui8>, tensor<4xi32>) attributes {nnc.kernel} {
  %0 = nnc.compare %u, %u predicate = lt : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xi1>
  %1 = nnc.compare %i, %i predicate = lt : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
  %2 = nnc.compare %f, %f predicate = lt : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %3 = nnc.maximum %u, %u : tensor<4xui8>
  %4 = nnc.maximum %i, %i : tensor<4xi32>
  return %0, %1, %2, %3, %4 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xui8>, tensor<4xi32>
}

// -----

// One rounding an op.
// CHECK-LABEL: @computes_bf16_in_f32
// CHECK:         ^bb0(%[[X:.*]]: bf16, %{{.*}}: bf16):
// CHECK:           %[[WIDE:.*]] = arith.extf %[[X]] : bf16 to f32
// CHECK:           %[[EXP:.*]] = math.exp %[[WIDE]] : f32
// CHECK:           arith.truncf %[[EXP]] : f32 to bf16
func.func private @computes_bf16_in_f32(%batch: index, %x: tensor<4xbf16>) -> tensor<4xbf16> attributes {nnc.kernel} {
  %0 = nnc.exp %x : tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// -----

// CHECK-LABEL: @leaves_other_functions
// CHECK:         nnc.exp
func.func @leaves_other_functions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
