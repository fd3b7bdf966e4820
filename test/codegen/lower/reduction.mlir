// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @row_sum(
// CHECK:         %[[ZERO:.*]] = arith.constant 0.0
// CHECK:         %[[INIT:.*]] = linalg.fill ins(%[[ZERO]]
// CHECK:         linalg.generic {{.*}}#[[OUT]]], iterator_types = ["parallel", "reduction"]}
// CHECK-SAME:      outs(%[[INIT]] : tensor<?xf32>)
// CHECK:           arith.addf
func.func private @row_sum(%batch: index, %x: tensor<?x3xf32>) -> tensor<?xf32> attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [1] : (tensor<?x3xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: @kept_dimension_is_a_constant_index(
// CHECK:         arith.constant 0xFF800000 : f32
// CHECK:         linalg.generic {{.*}}#[[OUT]]]
// CHECK:           arith.maximumf
func.func private @kept_dimension_is_a_constant_index(%batch: index, %x: tensor<?x3xf32>) -> tensor<?x1xf32> attributes {nnc.kernel} {
  %0 = nnc.reduce_max %x axes = [1] keep_dims = true : (tensor<?x3xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

// Only a larger value replaces the best one: the first of equals stays.
// CHECK-LABEL: @argmax(
// CHECK:         %[[Y:.*]]:2 = linalg.generic
// CHECK-SAME:      attrs = {nnc.arg_reduction = "max"}
// CHECK:           %[[LARGER:.*]] = arith.cmpf ogt
// CHECK:           arith.select %[[LARGER]]
// CHECK:           arith.select %[[LARGER]]
// CHECK:         return %[[Y]]#1
func.func private @argmax(%batch: index, %x: tensor<?x3xf32>) -> tensor<?xi32> attributes {nnc.kernel} {
  %0 = nnc.argmax %x axis = 1 : (tensor<?x3xf32>) -> tensor<?xi32>
  return %0 : tensor<?xi32>
}

// -----

// The batch enters arithmetic as a scalar from outside of the loops.
// CHECK-LABEL: @mean_over_everything(
// CHECK-SAME:    %[[BATCH:.*]]: index,
// CHECK:         %[[COUNT:.*]] = arith.index_cast %[[BATCH]] : index to i64
// CHECK:         %[[ELEMENTS:.*]] = arith.muli %[[COUNT]], %{{.*}} : i64
// CHECK:         %[[SIZE:.*]] = arith.sitofp %[[ELEMENTS]] : i64 to f32
// CHECK:           arith.divf %{{.*}}, %[[SIZE]] : f32
func.func private @mean_over_everything(%batch: index, %x: tensor<?x3xf32>) -> tensor<f32> attributes {nnc.kernel} {
  %0 = nnc.sum %x : (tensor<?x3xf32>) -> tensor<f32>
  %1 = nnc.size %x : (tensor<?x3xf32>) -> tensor<f32>
  %2 = nnc.div %0, %1 : tensor<f32>
  return %2 : tensor<f32>
}
