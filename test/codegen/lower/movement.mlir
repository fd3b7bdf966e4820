// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// CHECK-LABEL: @reshape(
// CHECK-SAME:    %[[BATCH:.*]]: index, %[[X:.*]]: tensor<?x4x3xf32>)
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2]] : tensor<?x4x3xf32> into tensor<?x12xf32>
// CHECK:         tensor.expand_shape %[[FLAT]] {{\[\[}}0], [1, 2]] output_shape [%[[BATCH]], 2, 6]
func.func private @reshape(%batch: index, %x: tensor<?x4x3xf32>) -> (tensor<?x12xf32>, tensor<?x2x6xf32>) attributes {nnc.kernel} {
  %0 = nnc.reshape %x shape = [-1, 12] : (tensor<?x4x3xf32>) -> tensor<?x12xf32>
  %1 = nnc.reshape %0 shape = [-1, 2, 6] : (tensor<?x12xf32>) -> tensor<?x2x6xf32>
  return %0, %1 : tensor<?x12xf32>, tensor<?x2x6xf32>
}

// -----

// CHECK-DAG: #[[FROM:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-LABEL: @transpose(
// CHECK:         linalg.generic {indexing_maps = [#[[FROM]],
// CHECK-SAME:      outs(%{{.*}} : tensor<4x2x3xf32>)
func.func private @transpose(%batch: index, %x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> attributes {nnc.kernel} {
  %0 = nnc.transpose %x permutation = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return %0 : tensor<4x2x3xf32>
}

// -----

// CHECK-LABEL: @slice(
// CHECK:         tensor.extract_slice %{{.*}}[0, 1] [%{{.*}}, 2] [1, 2] : tensor<?x5xf32> to tensor<?x2xf32>
func.func private @slice(%batch: index, %x: tensor<?x5xf32>) -> tensor<?x2xf32> attributes {nnc.kernel} {
  %0 = nnc.slice %x starts = [0, 1] sizes = [-1, 2] strides = [1, 2] : (tensor<?x5xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: @pad(
// CHECK:         %[[FILLED:.*]] = linalg.fill
// CHECK:         tensor.insert_slice %{{.*}} into %[[FILLED]][1] [2] [3] : tensor<2xf32> into tensor<7xf32>
func.func private @pad(%batch: index, %x: tensor<2xf32>) -> tensor<7xf32> attributes {nnc.kernel} {
  %0 = nnc.pad %x low = [1] high = [2] interior = [2] value = 5.0 : (tensor<2xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: @concat(
// CHECK:         %[[FIRST:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 0] [%{{.*}}, 2] [1, 1]
// CHECK:         tensor.insert_slice %{{.*}} into %[[FIRST]][0, 2] [%{{.*}}, 3] [1, 1]
func.func private @concat(%batch: index, %x: tensor<?x2xf32>, %y: tensor<?x3xf32>) -> tensor<?x5xf32> attributes {nnc.kernel} {
  %0 = nnc.concat %x, %y axis = 1 : (tensor<?x2xf32>, tensor<?x3xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// -----

// Elements of 16 bits are moved as they are.
// CHECK-LABEL: @transpose_half(
// CHECK:         linalg.generic
// CHECK-NEXT:    ^bb0(%[[X:.*]]: bf16, %{{.*}}: bf16):
// CHECK-NEXT:      linalg.yield %[[X]] : bf16
func.func private @transpose_half(%batch: index, %x: tensor<?x6xbf16>) -> tensor<6x?xbf16> attributes {nnc.kernel} {
  %0 = nnc.transpose %x : (tensor<?x6xbf16>) -> tensor<6x?xbf16>
  return %0 : tensor<6x?xbf16>
}

// -----

// An index out of range must not read outside of the table.
// CHECK-DAG: #[[INDICES:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @gather(
// CHECK-SAME:    %{{.*}}: index, %[[TABLE:.*]]: tensor<7x4xf32>, %[[I:.*]]: tensor<?xi8>)
// CHECK:         linalg.generic {indexing_maps = [#[[INDICES]],
// CHECK-SAME:      ins(%[[I]] : tensor<?xi8>) {{.*}}attrs = {nnc.gather = {axis = 0 : i64, unsigned}}
// CHECK:           %[[INDEX:.*]] = arith.index_castui
// CHECK:           %[[LOW:.*]] = arith.maxsi %[[INDEX]], %c0
// CHECK:           %[[ROW:.*]] = arith.minsi %[[LOW]], %c6
// CHECK:           %[[COLUMN:.*]] = linalg.index 1
// CHECK:           tensor.extract %[[TABLE]][%[[ROW]], %[[COLUMN]]]
func.func private @gather(%batch: index, %t: tensor<7x4xf32>, %i: tensor<?xui8>) -> tensor<?x4xf32> attributes {nnc.kernel} {
  %0 = nnc.gather %t, %i : (tensor<7x4xf32>, tensor<?xui8>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Nor outside of one that is as long as the batch.
// CHECK-LABEL: @gather_along_batch(
// CHECK-SAME:    %[[BATCH:.*]]: index,
// CHECK:         %[[LAST:.*]] = arith.subi %[[BATCH]], %c1
// CHECK:           arith.minsi %{{.*}}, %[[LAST]]
func.func private @gather_along_batch(%batch: index, %t: tensor<?x4xf32>, %i: tensor<5xi32>) -> tensor<5x4xf32> attributes {nnc.kernel} {
  %0 = nnc.gather %t, %i : (tensor<?x4xf32>, tensor<5xi32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

// One index that is known is a slice: a batch has a first sample.
// CHECK-LABEL: @gather_first(
// CHECK-SAME:    %{{.*}}: index, %[[TABLE:.*]]: tensor<?x4xf32>)
// CHECK-NOT:     linalg.generic
// CHECK:         %[[Y:.*]] = tensor.extract_slice %[[TABLE]][0, 0] [1, 4] [1, 1]
// CHECK:         return %[[Y]]
func.func private @gather_first(%batch: index, %t: tensor<?x4xf32>) -> tensor<1x4xf32> attributes {nnc.kernel} {
  %i = nnc.constant dense<0> : tensor<1xi32>
  %0 = nnc.gather %t, %i : (tensor<?x4xf32>, tensor<1xi32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

// It may not have a second.
// CHECK-LABEL: @gather_second(
// CHECK:         linalg.generic
func.func private @gather_second(%batch: index, %t: tensor<?x4xf32>) -> tensor<1x4xf32> attributes {nnc.kernel} {
  %i = nnc.constant dense<1> : tensor<1xi32>
  %0 = nnc.gather %t, %i : (tensor<?x4xf32>, tensor<1xi32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

// In the order of the indices.
// CHECK-LABEL: @scatter_add(
// CHECK-SAME:    %[[BATCH:.*]]: index,
// CHECK:         %[[ZEROS:.*]] = linalg.fill
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[BATCH]] step %{{.*}} iter_args(%{{.*}} = %[[ZEROS]])
// CHECK:           scf.for
// CHECK:             arith.addf
// CHECK:             tensor.insert
func.func private @scatter_add(%batch: index, %i: tensor<?xi32>, %u: tensor<?x4xf32>) -> tensor<7x4xf32> attributes {nnc.kernel} {
  %0 = nnc.scatter_add %i, %u size = 7 : (tensor<?xi32>, tensor<?x4xf32>) -> tensor<7x4xf32>
  return %0 : tensor<7x4xf32>
}
