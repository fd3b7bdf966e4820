// RUN: nnc-opt %s --nnc-build-entry-points --split-input-file | FileCheck %s

// What waits is state, of zeros at the begin.
// CHECK-DAG: nnc.parameter @w : tensor<3x2xf32>
// CHECK-DAG: nnc.parameter @w.gradient : tensor<3x2xf32> = <zeros> {role = #nnc.role<optimizer_state>}
// CHECK-DAG: nnc.parameter @waiting_samples : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
// CHECK-DAG: nnc.parameter @waiting_batches : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
// CHECK-DAG: nnc.parameter @batches : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
// CHECK-LABEL: func.func @init
// CHECK:         nnc.assign @w.gradient

// It updates with the mean over all samples, and nothing waits then. Random ops draw by
// the batch.
// CHECK-LABEL: func.func @train_step
// CHECK:         %[[OLD:.*]] = nnc.read @w.gradient
// CHECK:         nnc.read @seed
// CHECK:         %[[NUMBER:.*]] = nnc.read @batches
// CHECK:         nnc.dropout {{.*}}%[[NUMBER]] rate
// CHECK:         %[[SLOPE:.*]] = nnc.gradient
// CHECK:         %[[SIZE:.*]] = nnc.size
// CHECK:         %[[TIMES:.*]] = nnc.mul %[[SLOPE]], %[[SIZE]]
// CHECK:         %[[SUM:.*]] = nnc.add %[[OLD]], %[[TIMES]]
// CHECK:         %[[MEAN:.*]] = nnc.mul %[[SUM]]
// CHECK:         %[[NONE:.*]] = nnc.broadcast
// CHECK:         nnc.assign @w.gradient, %[[NONE]]
// CHECK:         nnc.optimize [@w] with(%[[MEAN]])
// CHECK:         nnc.assign @batches
// CHECK:         nnc.assign @waiting_batches
// CHECK:         nnc.assign @waiting_samples

// CHECK-LABEL: func.func @accumulate_step
// CHECK-DAG:     %[[OLD:.*]] = nnc.read @w.gradient
// CHECK:         nnc.dropout
// CHECK:         %[[SLOPE:.*]] = nnc.gradient
// CHECK:         %[[TIMES:.*]] = nnc.mul %[[SLOPE]]
// CHECK:         %[[SUM:.*]] = nnc.add %[[OLD]], %[[TIMES]]
// CHECK:         nnc.assign @w.gradient, %[[SUM]]
// CHECK-NOT:     nnc.optimize
// CHECK:         nnc.assign @waiting_samples
nnc.parameter @w : tensor<3x2xf32> = <zeros>
nnc.model @m(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1, accumulate = 4} {
  %w = nnc.read @w : tensor<3x2xf32>
  %d = nnc.dropout %x rate = 0.5 : tensor<?x3xf32>
  %y = nnc.matmul %d, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %loss = nnc.mean %y : (tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %loss : tensor<f32>
}

// -----

// Each of several steps has gradients and counts of its own; of what two update, each
// has its own too. Their random ops draw by the number of the batch among all.
// CHECK-DAG: nnc.parameter @both.gradient : tensor<3xf32>
// CHECK-DAG: nnc.parameter @both.two.gradient : tensor<3xf32>
// CHECK-DAG: nnc.parameter @own.gradient : tensor<3xf32>
// CHECK-DAG: nnc.parameter @one.waiting_samples
// CHECK-DAG: nnc.parameter @two.waiting_batches
// CHECK-DAG: nnc.parameter @batches
// CHECK-LABEL: func.func @one(
// CHECK:         nnc.assign @both.gradient
// CHECK:         nnc.optimize [@both]
// CHECK:         nnc.assign @one.waiting_batches
// CHECK-LABEL: func.func @one.accumulate_step(
// CHECK-SAME:    nnc.accumulates
// CHECK-NOT:     nnc.optimize
// CHECK:         nnc.assign @one.waiting_samples
// CHECK-LABEL: func.func @two(
// CHECK:         nnc.read @batches
// CHECK:         nnc.assign @both.two.gradient
// CHECK:         nnc.assign @own.gradient
// CHECK:         nnc.assign @two.waiting_batches
// CHECK-LABEL: func.func @two.accumulate_step(
nnc.parameter @both : tensor<3xf32> = <ones>
nnc.parameter @own : tensor<3xf32> = <ones>
nnc.model @m(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1, accumulate = 2} {
  %both = nnc.read @both : tensor<3xf32>
  %own = nnc.read @own : tensor<3xf32>
  %y = nnc.mul %x, %both : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %one = nnc.mean %y : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %one {nnc.step = "one"} : tensor<f32>
  %d = nnc.dropout %y rate = 0.5 : tensor<?x3xf32>
  %z = nnc.mul %d, %own : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %two = nnc.mean %z : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %two {nnc.step = "two"} : tensor<f32>
}
