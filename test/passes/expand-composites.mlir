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

// One number for all elements of a channel.
// CHECK-LABEL: @drops_whole_channels
// CHECK:         nnc.random_bits {{.*}} shape = [-1, 1, 1, 3]
// CHECK:         nnc.select {{.*}} : (tensor<?x1x1x3xi1>, tensor<?x4x4x3xf32>, tensor<f32>) -> tensor<?x4x4x3xf32>
func.func @drops_whole_channels(%x: tensor<?x4x4x3xf32>, %seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x4x4x3xf32>
    attributes {nnc.training} {
  %y = nnc.dropout %x, %seed, %step rate = 0.5 channels = true stream = 1
      : (tensor<?x4x4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<?x4x4x3xf32>
  return %y : tensor<?x4x4x3xf32>
}

// What pools, resizing and padding are made of.
// CHECK-LABEL: @pools
// CHECK:         %[[MAX:.*]] = nnc.window_max %{{.*}} window = [3, 3] strides = [2, 2] low = [1, 1] high = [1, 1]
// CHECK:         %[[SUM:.*]] = nnc.window_sum %[[MAX]] window = [2, 2] strides = [2, 2]
// CHECK:         %[[MEAN:.*]] = nnc.mul %[[SUM]]
// CHECK:         nnc.window_spread %[[MEAN]] size = [4, 4] window = [2, 2] strides = [2, 2]
// CHECK:         nnc.matmul
// CHECK:         nnc.matmul
// CHECK:         nnc.gather {{.*}} axis = 1
// CHECK:         nnc.gather {{.*}} axis = 2
// CHECK:         nnc.window_sum {{.*}} window = [7, 7] strides = [7, 7]
func.func @pools(%x: tensor<?x7x7x2xf32>) -> tensor<?x2xf32> {
  %0 = nnc.max_pool %x window = [3] stride = [2] padding = [1] : (tensor<?x7x7x2xf32>) -> tensor<?x4x4x2xf32>
  %1 = nnc.average_pool %0 window = [2] : (tensor<?x4x4x2xf32>) -> tensor<?x2x2x2xf32>
  %2 = nnc.resize %1 scale = 2.0 : (tensor<?x2x2x2xf32>) -> tensor<?x4x4x2xf32>
  %3 = nnc.resize %2 size = [5] mode = linear : (tensor<?x4x4x2xf32>) -> tensor<?x5x5x2xf32>
  %4 = nnc.reflect_pad %3 low = [0, 1, 1, 0] high = [0, 1, 1, 0] : (tensor<?x5x5x2xf32>) -> tensor<?x7x7x2xf32>
  %5 = nnc.global_average_pool %4 : (tensor<?x7x7x2xf32>) -> tensor<?x2xf32>
  return %5 : tensor<?x2xf32>
}

// The padding at the borders does not count: the number of elements differs.
// CHECK-LABEL: @pools_at_borders
// CHECK:         nnc.window_normalize {{.*}} size = [7] window = [3] strides = [2] low = [1] high = [1]
func.func @pools_at_borders(%x: tensor<?x7x2xf32>) -> tensor<?x4x2xf32> {
  %0 = nnc.average_pool %x window = [3] stride = [2] padding = same : (tensor<?x7x2xf32>) -> tensor<?x4x2xf32>
  return %0 : tensor<?x4x2xf32>
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

// A definition may hold a loop, and its step a composite.
// CHECK-LABEL: @loop
// CHECK: nnc.scan
// CHECK-NOT: nnc.relu
// CHECK: nnc.maximum
func.func @loop(%x: tensor<2x4x3xf32>, %w: tensor<3x2xf32>, %u: tensor<2x2xf32>) -> tensor<2x4x2xf32> {
  %y, %last = nnc.rnn %x, %w, %u activation = relu
      : (tensor<2x4x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>) -> (tensor<2x4x2xf32>, tensor<2x2xf32>)
  return %y : tensor<2x4x2xf32>
}
