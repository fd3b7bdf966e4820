// RUN: nnc-opt %s --nnc-differentiate --split-input-file --verify-diagnostics | FileCheck %s
// RUN: nnc-opt %s --nnc-differentiate --split-input-file --verify-diagnostics \
// RUN:   | nnc-opt --split-input-file

// The derivative of a sum is 1 at every element; mul's rule is dy * the other.
// CHECK-LABEL: @applies_the_rule
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<4xf32>
// CHECK:         nnc.constant dense<1.0{{.*}}> : tensor<f32>
// CHECK:         %[[DY:.*]] = nnc.broadcast %{{.*}} shape = [4]
// CHECK:         %[[DW:.*]] = nnc.mul %[[DY]], %[[X]]
// CHECK-NEXT:    return %[[DW]]
func.func @applies_the_rule(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnc.mul %x, %w : tensor<4xf32>
  %l = nnc.sum %y : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}

// -----

// Both uses of %w pass a gradient on; they are added.
// CHECK-LABEL: @adds_the_gradients_of_several_uses
// CHECK-SAME:    %[[W:.*]]: tensor<4xf32>
// CHECK:         %[[EXP:.*]] = nnc.exp %[[W]]
// CHECK:         %[[DSIN:.*]] = nnc.mul %{{.*}}, %{{.*}}
// CHECK:         %[[DEXP:.*]] = nnc.mul %{{.*}}, %[[EXP]]
// CHECK:         %[[DW:.*]] = nnc.add %[[DSIN]], %[[DEXP]]
// CHECK-NEXT:    return %[[DW]]
func.func @adds_the_gradients_of_several_uses(%w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.exp %w : tensor<4xf32>
  %1 = nnc.sin %w : tensor<4xf32>
  %2 = nnc.add %0, %1 : tensor<4xf32>
  %l = nnc.sum %2 : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}

// -----

// A bias is repeated for each sample, so its gradient is summed over them.
// CHECK-LABEL: @sums_over_dimensions_put_in_front
// CHECK:         %[[DY:.*]] = nnc.broadcast
// CHECK:         %[[DB:.*]] = nnc.sum %[[DY]] axes = [0] : (tensor<?x4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    return %[[DB]]
func.func @sums_over_dimensions_put_in_front(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = nnc.add %x, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %l = nnc.sum %y : (tensor<?x4xf32>) -> tensor<f32>
  %db = nnc.gradient %l wrt (%b) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %db : tensor<4xf32>
}

// -----

// Dimensions of size 1 that were stretched come back, after the sum over them.
// CHECK-LABEL: @sums_over_stretched_dimensions
// CHECK:         %[[SUM:.*]] = nnc.sum %{{.*}} axes = [0, 2] : (tensor<?x3x4xf32>) -> tensor<3xf32>
// CHECK:         %[[DB:.*]] = nnc.reshape %[[SUM]] shape = [3, 1]
// CHECK-NEXT:    return %[[DB]]
func.func @sums_over_stretched_dimensions(%x: tensor<?x3x4xf32>, %b: tensor<3x1xf32>) -> tensor<3x1xf32> {
  %y = nnc.add %x, %b : (tensor<?x3x4xf32>, tensor<3x1xf32>) -> tensor<?x3x4xf32>
  %l = nnc.sum %y : (tensor<?x3x4xf32>) -> tensor<f32>
  %db = nnc.gradient %l wrt (%b) : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  return %db : tensor<3x1xf32>
}

// -----

// A column against the batch: a 1 that `?` stretches is summed down like any.
// CHECK-LABEL: @sums_over_the_batch_that_stretched
// CHECK:         %[[SUM:.*]] = nnc.sum %{{.*}} axes = [0] : (tensor<?x4xf32>) -> tensor<4xf32>
// CHECK:         %[[DB:.*]] = nnc.reshape %[[SUM]] shape = [1, 4]
// CHECK-NEXT:    return %[[DB]]
func.func @sums_over_the_batch_that_stretched(%x: tensor<?x4xf32>, %b: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %y = nnc.sub %b, %x : (tensor<1x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %l = nnc.sum %y : (tensor<?x4xf32>) -> tensor<f32>
  %db = nnc.gradient %l wrt (%b) : (tensor<f32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %db : tensor<1x4xf32>
}

// -----

// The inputs' gradients are never asked for: nothing of them remains.
// CHECK-LABEL: @computes_only_what_is_asked_for
// CHECK:         nnc.matmul
// CHECK:         %[[DW:.*]] = nnc.matmul %{{.*}}, %{{.*}} transpose_lhs = true
// CHECK-NOT:     nnc.matmul
// CHECK:         return %[[DW]]
func.func @computes_only_what_is_asked_for(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %y = nnc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %l = nnc.sum %y : (tensor<?x2xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return %dw : tensor<4x2xf32>
}

// -----

// %unused depends on %w, but the loss does not depend on it: argmax may stand
// there without a gradient, and exp is not differentiated.
// CHECK-LABEL: @ignores_what_the_loss_does_not_use
// CHECK:         %[[EXP:.*]] = nnc.exp
// CHECK:         %[[MOST:.*]] = nnc.argmax %[[EXP]]
// CHECK:         %[[DW:.*]] = nnc.broadcast
// CHECK-NEXT:    return %[[DW]], %[[MOST]]
func.func @ignores_what_the_loss_does_not_use(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<i32>) {
  %unused = nnc.exp %w : tensor<4xf32>
  %most = nnc.argmax %unused : (tensor<4xf32>) -> tensor<i32>
  %l = nnc.sum %w : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw, %most : tensor<4xf32>, tensor<i32>
}

// -----

// The factor that stop_gradient guards is a constant: the derivative of
// w * stop_gradient(w) is w, not 2 w.
// CHECK-LABEL: @stops_at_stop_gradient
// CHECK-SAME:    %[[W:.*]]: tensor<4xf32>
// CHECK:         %[[C:.*]] = nnc.stop_gradient %[[W]]
// CHECK:         nnc.sum
// CHECK:         %[[DW:.*]] = nnc.mul %{{.*}}, %[[C]]
// CHECK-NEXT:    return %[[DW]]
func.func @stops_at_stop_gradient(%w: tensor<4xf32>) -> tensor<4xf32> {
  %c = nnc.stop_gradient %w : tensor<4xf32>
  %y = nnc.mul %w, %c : tensor<4xf32>
  %l = nnc.sum %y : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}

// -----

// The condition depends on %w, but a truth value passes no gradient on.
// CHECK-LABEL: @carries_nothing_through_truth_values
// CHECK-SAME:    %[[W:.*]]: tensor<4xf32>
// CHECK:         %[[C:.*]] = nnc.compare
// CHECK:         nnc.sum
// CHECK:         %[[DW:.*]] = nnc.select %[[C]]
// CHECK-NEXT:    return %[[DW]]
func.func @carries_nothing_through_truth_values(%w: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %c = nnc.compare %w, %x predicate = gt : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %y = nnc.select %c, %w, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = nnc.sum %y : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}

// -----

// mean has no gradient of its own and is opened; the one beside the path is not.
// CHECK-LABEL: @expands_composites_on_the_path_only
// CHECK:         nnc.mean %arg1
// CHECK-NOT:     nnc.mean
// CHECK:         nnc.size
func.func @expands_composites_on_the_path_only(%w: tensor<?x4xf32>, %x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<f32>) {
  %m = nnc.mean %x : (tensor<?x4xf32>) -> tensor<f32>
  %l = nnc.mean %w : (tensor<?x4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %dw, %m : tensor<?x4xf32>, tensor<f32>
}

// -----

// logsumexp states a stabler gradient than its expansion's: it stays whole.
// CHECK-LABEL: @keeps_composites_with_a_gradient_of_their_own
// CHECK:         %[[L:.*]] = nnc.logsumexp
// CHECK:         nnc.sub %{{.*}}
// CHECK:         nnc.exp
func.func @keeps_composites_with_a_gradient_of_their_own(%w: tensor<4xf32>) -> tensor<4xf32> {
  %l = nnc.logsumexp %w : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @v : tensor<4xf32> = <zeros>

// @v keeps its value: it leaves the update.
// CHECK-LABEL: @leaves_parameters_without_gradient_out_of_the_update
// CHECK:         nnc.optimize [@w] with(%{{[^,]*}})
func.func @leaves_parameters_without_gradient_out_of_the_update() {
  %w = nnc.read @w : tensor<4xf32>
  // expected-warning@+1 {{parameter 'v' is not trained: the loss does not depend on it}}
  %v = nnc.read @v : tensor<4xf32>
  %c = nnc.stop_gradient %v : tensor<4xf32>
  %y = nnc.mul %w, %c : tensor<4xf32>
  // expected-note@+1 {{loss computed here}}
  %l = nnc.sum %y : (tensor<4xf32>) -> tensor<f32>
  %dw, %dv = nnc.gradient %l wrt (%w, %v) : (tensor<f32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  nnc.optimize [@w, @v] with (%dw, %dv) {optimizer = {name = "sgd"}, learning_rate = 0.1} : tensor<4xf32>, tensor<4xf32>
  return
}

// -----

// Where the zero is asked for, it is made.
// CHECK-LABEL: @gives_zero_where_nothing_depends
// CHECK:         %[[ZERO:.*]] = nnc.constant dense<0.0{{.*}}> : tensor<f32>
// CHECK:         %[[DW:.*]] = nnc.broadcast %[[ZERO]] shape = [-1, 4]
// CHECK-NEXT:    return %[[DW]]
// expected-warning@+1 {{this gradient is zero: the loss does not depend on it}}
func.func @gives_zero_where_nothing_depends(%w: tensor<?x4xf32>, %x: tensor<4xf32>) -> tensor<?x4xf32> {
  // expected-note@+1 {{loss computed here}}
  %l = nnc.sum %x : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %dw : tensor<?x4xf32>
}

// -----

// A function without nnc.gradient is left alone.
// CHECK-LABEL: @leaves_other_functions_alone
// CHECK-NEXT:    %[[Y:.*]] = nnc.mean
// CHECK-NEXT:    return %[[Y]]
func.func @leaves_other_functions_alone(%x: tensor<4xf32>) -> tensor<f32> {
  %y = nnc.mean %x : (tensor<4xf32>) -> tensor<f32>
  return %y : tensor<f32>
}
