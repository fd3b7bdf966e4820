// RUN: nnc-opt %s --nnc-schedule-kernels=reference=true --split-input-file | FileCheck %s

// The result is computed in the caller's buffer: no workspace, no copy.
// CHECK-LABEL: func.func @scale.reference(
// CHECK-SAME:    %[[X:[^:]*]]: memref<?xf32>, %[[Y:[^:]*]]: memref<?xf32>, %[[BATCH:[^:]*]]: index, %{{[^:]*}}: index, %{{[^:]*}}: index, %{{[^:]*}}: memref<?xi8>)
// CHECK-SAME:    nnc.buffers = ["operand 0", "result 0"]
// CHECK-SAME:    nnc.extent = [1, 0, 1]
// CHECK-SAME:    nnc.kind = "reference"
// CHECK-NOT:     nnc.workspace_bytes
// CHECK:         %[[OUT:.*]] = memref.reinterpret_cast %[[Y]] to offset: [0], sizes: [%[[BATCH]], 4]
// CHECK:         %[[IN:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[BATCH]], 4]
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.load %[[IN]]
// CHECK:             arith.mulf
// CHECK:             memref.store %{{.*}}, %[[OUT]]
// CHECK-NOT:     scf.for
// CHECK-NOT:     func.func private
func.func private @scale(%batch: index, %x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {nnc.kernel} {
  %factor = arith.constant 2.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %factor : f32
    linalg.yield %0 : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A value between two ops lies in a workspace, which grows with the batch.
// CHECK-LABEL: func.func @sum_of_exp.reference(
// CHECK-SAME:    nnc.buffers = ["operand 0", "result 0", "workspace 0"]
// CHECK-SAME:    nnc.workspace_bytes = {{\[\[}}0, 16, 1]]
// CHECK-NOT:     memref.alloc
// CHECK:         math.exp
// CHECK:         arith.addf
func.func private @sum_of_exp(%batch: index, %x: tensor<?x4xf32>) -> tensor<?x1xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  %e = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x4xf32>
  %emptySum = tensor.empty(%batch) : tensor<?x1xf32>
  %init = linalg.fill ins(%zero : f32) outs(%emptySum : tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, 0)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<?x4xf32>) outs(%init : tensor<?x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// An operand is never written: what is inserted into it goes into a copy.
// CHECK-LABEL: func.func @insert.reference(
// CHECK-SAME:    %[[X:[^:]*]]: memref<8xf32>, %[[Y:[^:]*]]: memref<2xf32>
// CHECK-NOT:     memref.store %{{.*}}, %[[X]]
// CHECK-NOT:     memref.store %{{.*}}, %[[Y]]
// CHECK-NOT:     memref.copy
// CHECK-NOT:     memref.subview
// CHECK:         return
func.func private @insert(%batch: index, %x: tensor<8xf32>, %y: tensor<2xf32>) -> tensor<8xf32> attributes {nnc.kernel} {
  %0 = tensor.insert_slice %y into %x[3] [2] [1] : tensor<2xf32> into tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A view in another shape becomes index arithmetic.
// CHECK-LABEL: func.func @reshaped.reference(
// CHECK-NOT:     affine.
// CHECK-NOT:     memref.collapse_shape
// CHECK:         return
func.func private @reshaped(%batch: index, %x: tensor<?x2x3xf32>) -> tensor<?x6xf32> attributes {nnc.kernel} {
  %0 = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x2x3xf32> into tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// -----

// Two sums that start from the same zero: the first to be stored is not the
// place where the second is added up.
// CHECK-LABEL: func.func @sums.reference(
// CHECK-SAME:    %{{[^:]*}}: memref<4xf32>, %{{[^:]*}}: memref<4xf32>, %[[A:[^:]*]]: memref<1xf32>, %[[B:[^:]*]]: memref<1xf32>,
// CHECK-DAG:     %[[FIRST:.*]] = memref.reinterpret_cast %[[A]]
// CHECK-DAG:     %[[SECOND:.*]] = memref.reinterpret_cast %[[B]]
// CHECK:         scf.for
// CHECK:           memref.store %{{.*}}, %[[FIRST]][]
// CHECK:         scf.for
// CHECK:           memref.store %{{.*}}, %[[SECOND]][]
// CHECK-NOT:     memref.store
func.func private @sums(%batch: index, %x: tensor<4xf32>, %y: tensor<4xf32>)
    -> (tensor<f32>, tensor<f32>) attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>],
      iterator_types = ["reduction"]} ins(%x : tensor<4xf32>) outs(%init : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %out, %in : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>],
      iterator_types = ["reduction"]} ins(%y : tensor<4xf32>) outs(%init : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %out, %in : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
