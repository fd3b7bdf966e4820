// RUN: nnc-opt %s --split-input-file --nnc-fuse-updates | FileCheck %s

nnc.parameter @w : tensor<3x2xf32> = <zeros>
nnc.parameter @b : tensor<2xf32> = <zeros>
nnc.parameter @b.velocity : tensor<2xf32> = <zeros> {role = #nnc.role<optimizer_state>}

// Of every shape, state that is assigned and used, and a constant of its own;
// the rate is an operand.
// CHECK-LABEL: @gathers_updates_of_every_shape
// CHECK:         %[[RATE:.*]] = nnc.mul %{{.*}} : tensor<f32>
// CHECK:         %[[U:.*]]:3 = nnc.fused "updates"
// CHECK-SAME:      = %[[RATE]]
// CHECK:           nnc.constant dense<0.899999976>
// CHECK:           nnc.yield {{.*}} : tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>
// CHECK:         nnc.assign @w, %[[U]]#0
// CHECK:         nnc.assign @b, %[[U]]#
// CHECK:         nnc.assign @b.velocity, %[[U]]#
func.func @gathers_updates_of_every_shape(%dw: tensor<3x2xf32>, %db: tensor<2xf32>, %r: tensor<f32>)
    attributes {nnc.training} {
  %w = nnc.read @w : tensor<3x2xf32>
  %b = nnc.read @b : tensor<2xf32>
  %v = nnc.read @b.velocity : tensor<2xf32>
  %m = nnc.constant dense<0.9> : tensor<f32>
  %rate = nnc.mul %r, %r : tensor<f32>
  %0 = nnc.mul %rate, %dw : (tensor<f32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %w1 = nnc.sub %w, %0 : tensor<3x2xf32>
  %1 = nnc.mul %m, %v : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %v1 = nnc.add %1, %db : tensor<2xf32>
  %2 = nnc.mul %rate, %v1 : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %b1 = nnc.sub %b, %2 : tensor<2xf32>
  nnc.assign @w, %w1 : tensor<3x2xf32>
  nnc.assign @b, %b1 : tensor<2xf32>
  nnc.assign @b.velocity, %v1 : tensor<2xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>

// What is returned, or reduced, is not an update; nor is what it is made of.
// CHECK-LABEL: @leaves_what_is_used_elsewhere
// CHECK:         %[[G:.*]] = nnc.mul %{{.*}} : tensor<4xf32>
// CHECK:         nnc.sum %[[G]]
// CHECK:         nnc.fused "updates"
// CHECK-SAME:      = %[[G]]
// CHECK-NEXT:      nnc.sub
// CHECK-NEXT:      nnc.yield
func.func @leaves_what_is_used_elsewhere(%dy: tensor<4xf32>) -> tensor<f32>
    attributes {nnc.training} {
  %w = nnc.read @w : tensor<4xf32>
  %g = nnc.mul %dy, %dy : tensor<4xf32>
  %n = nnc.sum %g axes = [0] : (tensor<4xf32>) -> tensor<f32>
  %w1 = nnc.sub %w, %g : tensor<4xf32>
  nnc.assign @w, %w1 : tensor<4xf32>
  return %n : tensor<f32>
}

// -----

nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}

// CHECK-LABEL: @leaves_scalars
// CHECK-NOT:     nnc.fused
// CHECK:         nnc.assign
func.func @leaves_scalars() attributes {nnc.training} {
  %s = nnc.read @step : tensor<i64>
  %one = nnc.constant dense<1> : tensor<i64>
  %s1 = nnc.add %s, %one : tensor<i64>
  nnc.assign @step, %s1 : tensor<i64>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>

// What is drawn once is not worth it.
// CHECK-LABEL: @leaves_other_functions
// CHECK-NOT:     nnc.fused
// CHECK:         nnc.assign
func.func @leaves_other_functions(%x: tensor<4xf32>) {
  %y = nnc.neg %x : tensor<4xf32>
  nnc.assign @w, %y : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4x2xf32> = <zeros>

// A gradient of 16 bits is read as it is, though its norm is of it as well.
// CHECK-LABEL: @reads_a_gradient_as_it_lies
// CHECK-SAME:    %[[DW:[^:]*]]: tensor<4x2xbf16>
// CHECK:         nnc.fused "updates" (
// CHECK-SAME:      %[[LOW:[^ ]*]] = %[[DW]]
// CHECK:           nnc.cast %[[LOW]] to = f32
// CHECK:           nnc.sub
func.func @reads_a_gradient_as_it_lies(%dw: tensor<4x2xbf16>) -> tensor<f32>
    attributes {nnc.training} {
  %w = nnc.read @w : tensor<4x2xf32>
  %g = nnc.cast %dw to = f32 : (tensor<4x2xbf16>) -> tensor<4x2xf32>
  %n = nnc.sum %g axes = [0, 1] : (tensor<4x2xf32>) -> tensor<f32>
  %w1 = nnc.sub %w, %g : tensor<4x2xf32>
  nnc.assign @w, %w1 : tensor<4x2xf32>
  return %n : tensor<f32>
}

// -----

// Norms of large gradients of one type are one kernel, and are added up after it. Another
// type's, and small ones, have kernels that others decide on.
// CHECK-LABEL: @gathers_norms
// CHECK-SAME:    %[[A:[^:]*]]: tensor<128x128xf32>, %[[B:[^:]*]]: tensor<128x128xf32>, %[[C:[^:]*]]: tensor<128x256xf32>
// CHECK-DAG:     %[[N:.*]]:2 = nnc.fused "rows" (%{{[^ ]*}} = %[[A]], %{{[^ ]*}} = %[[B]]) :
// CHECK-DAG:     nnc.mul %[[C]], %[[C]] :
// CHECK-DAG:     nnc.mul %[[D:.*]], %[[D]] : tensor<128xf32>
// CHECK:         nnc.add %[[N]]#0,
// CHECK:         return
func.func @gathers_norms(%a: tensor<128x128xf32>, %b: tensor<128x128xf32>, %c: tensor<128x256xf32>,
    %d: tensor<128xf32>) -> tensor<f32> attributes {nnc.training} {
  %0 = nnc.mul %a, %a : tensor<128x128xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<128x128xf32>) -> tensor<f32>
  %2 = nnc.mul %c, %c : tensor<128x256xf32>
  %3 = nnc.sum %2 axes = [0, 1] : (tensor<128x256xf32>) -> tensor<f32>
  %4 = nnc.add %1, %3 : tensor<f32>
  %5 = nnc.mul %b, %b : tensor<128x128xf32>
  %6 = nnc.sum %5 axes = [0, 1] : (tensor<128x128xf32>) -> tensor<f32>
  %7 = nnc.add %4, %6 : tensor<f32>
  %8 = nnc.mul %d, %d : tensor<128xf32>
  %9 = nnc.sum %8 axes = [0] : (tensor<128xf32>) -> tensor<f32>
  %10 = nnc.add %7, %9 : tensor<f32>
  return %10 : tensor<f32>
}

// -----

// The second gradient depends on the first one's norm.
// CHECK-LABEL: @leaves_norms_of_two_updates
// CHECK-NOT:     nnc.fused
func.func @leaves_norms_of_two_updates(%a: tensor<128x128xf32>) -> tensor<f32> attributes {nnc.training} {
  %0 = nnc.mul %a, %a : tensor<128x128xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<128x128xf32>) -> tensor<f32>
  %b = nnc.mul %a, %1 : (tensor<128x128xf32>, tensor<f32>) -> tensor<128x128xf32>
  %2 = nnc.mul %b, %b : tensor<128x128xf32>
  %3 = nnc.sum %2 axes = [0, 1] : (tensor<128x128xf32>) -> tensor<f32>
  return %3 : tensor<f32>
}
