// RUN: nnc-opt %s --nnc-expand-composites | FileCheck %s

// CHECK-LABEL: @expands_to_primitives
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT:    %[[S:.*]] = nnc.sigmoid %[[X]]
// CHECK-NEXT:    %[[Y:.*]] = nnc.mul %[[X]], %[[S]]
// CHECK-NEXT:    return %[[Y]]
func.func @expands_to_primitives(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnc.silu %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// cross_entropy is defined by logsumexp and mean, which are composites too.
// CHECK-LABEL: @expands_what_expansions_are_made_of
// CHECK-NOT:     nnc.{{mean|logsumexp|cross_entropy}}
// CHECK:         return
func.func @expands_what_expansions_are_made_of(%x: tensor<?x4xf32>, %t: tensor<?xi32>) -> tensor<f32> {
  %y = nnc.cross_entropy %x, %t : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<f32>
  return %y : tensor<f32>
}

// CHECK-LABEL: @draws_masks_in_training
// CHECK:         nnc.random_bits
// CHECK:         nnc.select
func.func @draws_masks_in_training(%x: tensor<?x4xf32>, %seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x4xf32> attributes {nnc.training} {
  %y = nnc.dropout %x, %seed, %step rate = 0.5 stream = 1 : (tensor<?x4xf32>, tensor<i64>, tensor<i64>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: @draws_no_masks_elsewhere
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @draws_no_masks_elsewhere(%x: tensor<?x4xf32>, %seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x4xf32> {
  %y = nnc.dropout %x, %seed, %step rate = 0.5 stream = 1 : (tensor<?x4xf32>, tensor<i64>, tensor<i64>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Its work is done when the gradients are there.
// CHECK-LABEL: @removes_stop_gradient
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @removes_stop_gradient(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnc.stop_gradient %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @leaves_primitives_alone
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT:    %[[Y:.*]] = nnc.tanh %[[X]]
// CHECK-NEXT:    return %[[Y]]
func.func @leaves_primitives_alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnc.tanh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
