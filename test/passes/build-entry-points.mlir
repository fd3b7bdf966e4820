// RUN: nnc-opt %s --nnc-build-entry-points --split-input-file | FileCheck %s
// RUN: nnc-opt %s --nnc-build-entry-points=gradients-entry --split-input-file \
// RUN:   | FileCheck %s --check-prefix=GRADIENTS

// CHECK: nnc.recipe = #nnc.recipe<{batch = 32 : i64, learning_rate = 1.000000e-01 : f64, model = "line", optimizer = {name = "sgd"}, seed = 7 : i64}>
// CHECK-DAG: nnc.parameter @seed : tensor<i64> = <constant, {value = 7.000000e+00 : f64}> {role = #nnc.role<scalar>}
// CHECK-DAG: nnc.parameter @step : tensor<i64> = <constant, {value = 0.000000e+00 : f64}> {role = #nnc.role<scalar>}
// CHECK-DAG: nnc.parameter @learning_rate : tensor<f32> = <constant, {value = 1.000000e-01 : f64}> {role = #nnc.role<scalar>}

// The seed is the session's to set: everything else gets its initial value.
// CHECK-LABEL: func.func @init()
// CHECK-DAG:     nnc.assign @w,
// CHECK-DAG:     nnc.assign @b,
// CHECK-DAG:     nnc.assign @step,
// CHECK-DAG:     nnc.assign @learning_rate,
// CHECK-NOT:     nnc.assign @seed
// CHECK:         return

// One read for each parameter, however many the model has.
// CHECK-LABEL: func.func @train_step
// CHECK-SAME:    %[[X:.*]]: tensor<?x3xf32> {nnc.name = "x"}, %[[T:.*]]: tensor<?x2xf32> {nnc.name = "t"})
// CHECK-SAME:    -> (tensor<f32> {nnc.name = "loss", nnc.result = "loss"}, tensor<f32> {nnc.better = "smaller", nnc.name = "error", nnc.result = "metric"})
// CHECK-SAME:    attributes {nnc.training}
// CHECK:         %[[W:.*]] = nnc.read @w
// CHECK:         %[[B:.*]] = nnc.read @b
// CHECK-NOT:     nnc.read
// CHECK:         %[[LOSS:.*]] = nnc.mse
// CHECK:         %[[SLOPES:.*]]:2 = nnc.gradient %[[LOSS]] wrt(%[[W]], %[[B]])
// CHECK:         nnc.optimize [@w, @b] with(%[[SLOPES]]#0, %[[SLOPES]]#1) {learning_rate = 1.000000e-01 : f64, optimizer = {name = "sgd"}}
// CHECK:         return %[[LOSS]]

// CHECK-LABEL: func.func @eval_step
// CHECK-SAME:    tensor<?x3xf32> {nnc.name = "x"}, %{{.*}}: tensor<?x2xf32> {nnc.name = "t"})
// CHECK-NOT:     nnc.gradient

// Prediction needs no target.
// CHECK-LABEL: func.func @predict
// CHECK-SAME:    (%{{.*}}: tensor<?x3xf32> {nnc.name = "x"}) -> (tensor<?x2xf32> {nnc.name = "prediction", nnc.result = "output"})
// CHECK-NOT:     nnc.mse
// CHECK-NOT:   nnc.model

// GRADIENTS-LABEL: func.func @gradients
// GRADIENTS-SAME:    (tensor<f32> {nnc.name = "loss", nnc.result = "loss"},
// GRADIENTS-SAME:    tensor<3x2xf32> {nnc.name = "w", nnc.result = "gradient"},
// GRADIENTS-SAME:    tensor<2xf32> {nnc.name = "b", nnc.result = "gradient"},
// GRADIENTS-SAME:    tensor<?x3xf32> {nnc.name = "x", nnc.result = "input_gradient"},
// GRADIENTS-SAME:    tensor<?x2xf32> {nnc.name = "t", nnc.result = "input_gradient"})
nnc.parameter @w : tensor<3x2xf32> = <glorot_uniform>
nnc.parameter @b : tensor<2xf32> = <zeros>
nnc.model @line(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1, batch = 32, seed = 7} {
  %w = nnc.read @w : tensor<3x2xf32>
  %0 = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %b = nnc.read @b : tensor<2xf32>
  %p = nnc.add %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %w2 = nnc.read @w : tensor<3x2xf32>
  %l = nnc.mse %p, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  %e = nnc.mean_absolute_error %p, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
  nnc.metric "error" %e : tensor<f32>
  nnc.output "prediction" %p : tensor<?x2xf32>
}

// -----

// Weights are penalised, biases are not; several losses are added.
// CHECK-LABEL: func.func @eval_step
// CHECK:         %[[W:.*]] = nnc.read @w
// CHECK:         %[[L1:.*]] = nnc.mse
// CHECK-NOT:     l2 =
// CHECK:         %[[SQUARES:.*]] = nnc.mul %[[W]], %[[W]]
// CHECK:         %[[SUM:.*]] = nnc.sum %[[SQUARES]]
// CHECK:         %[[PENALTY:.*]] = nnc.mul %[[SUM]]
// CHECK:         %[[PENALISED:.*]] = nnc.add %[[L1]], %[[PENALTY]]
// CHECK-NOT:     nnc.mul
// CHECK:         %[[L2:.*]] = nnc.mae
// CHECK:         %[[TOTAL:.*]] = nnc.add %[[PENALISED]], %[[L2]]
// CHECK:         return %[[TOTAL]]
nnc.parameter @w : tensor<3x2xf32> = <zeros>
nnc.parameter @b : tensor<2xf32> = <zeros>
nnc.model @penalised(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"}) {
  %w = nnc.read @w : tensor<3x2xf32>
  %b = nnc.read @b : tensor<2xf32>
  %p = nnc.dense %x, %w, %b : (tensor<?x3xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %l1 = nnc.mse %p, %t l2 = 0.5 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l1 : tensor<f32>
  %l2 = nnc.mae %p, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l2 : tensor<f32>
}

// -----

// A penalty is summed in the wider type of weight and loss, and added in the
// loss's; losses are added in the type of the first.
// CHECK-LABEL: func.func @eval_step
// CHECK:         %[[WIDE:.*]] = nnc.cast %{{.*}} to = f32 : (tensor<3x2xf16>) -> tensor<3x2xf32>
// CHECK:         nnc.mul %[[WIDE]], %[[WIDE]] : tensor<3x2xf32>
// CHECK:         %[[SECOND:.*]] = nnc.mse {{.*}} -> tensor<f16>
// CHECK:         %[[CAST:.*]] = nnc.cast %[[SECOND]] to = f32 : (tensor<f16>) -> tensor<f32>
// CHECK:         %[[TOTAL:.*]] = nnc.add %{{.*}}, %[[CAST]] : tensor<f32>
// CHECK:         return %[[TOTAL]]
nnc.parameter @w : tensor<3x2xf16> = <zeros>
nnc.model @mixed(%x: tensor<?x3xf16> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"}, %u: tensor<?x2xf16> {nnc.name = "u"}) {
  %w = nnc.read @w : tensor<3x2xf16>
  %p = nnc.matmul %x, %w : (tensor<?x3xf16>, tensor<3x2xf16>) -> tensor<?x2xf16>
  %q = nnc.cast %p to = f32 : (tensor<?x2xf16>) -> tensor<?x2xf32>
  %l1 = nnc.mse %q, %t l2 = 0.5 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l1 : tensor<f32>
  %l2 = nnc.mse %p, %u : (tensor<?x2xf16>, tensor<?x2xf16>) -> tensor<f16>
  nnc.loss %l2 : tensor<f16>
}

// -----

// A classifier's evaluation counts labels against predictions, and its labels
// are limited to the classes. The random ops' streams follow the parameter's and
// those of the three scalars.
// CHECK-LABEL: func.func @train_step
// CHECK-SAME:    tensor<?xui8> {nnc.index_limit = 10 : i64, nnc.name = "label"}
// CHECK:         %[[SEED:.*]] = nnc.read @seed
// CHECK:         %[[STEP:.*]] = nnc.read @step
// CHECK:         nnc.dropout %{{.*}}, %[[SEED]], %[[STEP]] rate = {{.*}} stream = 4
// CHECK:         nnc.dropout %{{.*}}, %[[SEED]], %[[STEP]] rate = {{.*}} stream = 5

// CHECK-LABEL: func.func @eval_step
// CHECK-SAME:    tensor<10x10xf32> {nnc.classes_of = "label", nnc.name = "confusion", nnc.result = "confusion"}
// CHECK:         nnc.dropout {{.*}} stream = 4
// CHECK:         nnc.dropout {{.*}} stream = 5
// CHECK:         nnc.matmul %{{.*}}, %{{.*}} transpose_lhs = true : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<10x10xf32>
nnc.parameter @w : tensor<4x10xf32> = <he_normal>
nnc.model @classifier(%x: tensor<?x4xf32> {nnc.name = "x"}, %label: tensor<?xui8> {nnc.name = "label"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1} {
  %w = nnc.read @w : tensor<4x10xf32>
  %0 = nnc.dropout %x rate = 0.5 : tensor<?x4xf32>
  %1 = nnc.matmul %0, %w : (tensor<?x4xf32>, tensor<4x10xf32>) -> tensor<?x10xf32>
  %2 = nnc.dropout %1 rate = 0.25 : tensor<?x10xf32>
  %l = nnc.cross_entropy %2, %label : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  %a = nnc.accuracy %2, %label : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
  nnc.metric "accuracy" %a : tensor<f32>
}

// -----

// Rows of a table that has as many as the batch have no limit that data could
// be held to.
// CHECK-LABEL: func.func @predict
// CHECK-SAME:    %{{.*}}: tensor<?x1xi32> {nnc.name = "row"}
nnc.model @rows_of_batch(%i: tensor<?x1xi32> {nnc.name = "row"}, %t: tensor<?x4xf32> {nnc.name = "table"}) {
  %0 = nnc.embedding %i, %t : (tensor<?x1xi32>, tensor<?x4xf32>) -> tensor<?x1x4xf32>
  nnc.output "rows" %0 : tensor<?x1x4xf32>
}

// -----

// One class is a limit too.
// CHECK-LABEL: func.func @eval_step
// CHECK-SAME:    tensor<?xi32> {nnc.index_limit = 1 : i64, nnc.name = "label"}
nnc.parameter @w : tensor<1xf32> = <zeros>
nnc.model @one_class(%x: tensor<?x1xf32> {nnc.name = "x"}, %label: tensor<?xi32> {nnc.name = "label"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1} {
  %a = nnc.top_k_accuracy %x, %label : (tensor<?x1xf32>, tensor<?xi32>) -> tensor<f32>
  %w = nnc.read @w : tensor<1xf32>
  %l = nnc.mean %w : (tensor<1xf32>) -> tensor<f32>
  nnc.metric "top" %a : tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

// What limits a part of an input says nothing of its other parts: no column of
// the table has the limit of another. What limits all of it does, in any shape.
// CHECK-LABEL: func.func @predict
// CHECK-SAME:    (%{{.*}}: tensor<?x2xi32> {nnc.name = "table"}, %{{.*}}: tensor<?x2xi32> {nnc.index_limit = 3 : i64, nnc.name = "whole"})
nnc.parameter @few : tensor<3x4xf32> = <zeros>
nnc.parameter @many : tensor<1000x4xf32> = <zeros>
nnc.model @columns(%t: tensor<?x2xi32> {nnc.name = "table"}, %w: tensor<?x2xi32> {nnc.name = "whole"}) {
  %few = nnc.read @few : tensor<3x4xf32>
  %many = nnc.read @many : tensor<1000x4xf32>
  %0 = nnc.slice %t starts = [0, 0] sizes = [-1, 1] : (tensor<?x2xi32>) -> tensor<?x1xi32>
  %1 = nnc.slice %t starts = [0, 1] sizes = [-1, 1] : (tensor<?x2xi32>) -> tensor<?x1xi32>
  %2 = nnc.transpose %w permutation = [1, 0] : (tensor<?x2xi32>) -> tensor<2x?xi32>
  %3 = nnc.gather %few, %0 : (tensor<3x4xf32>, tensor<?x1xi32>) -> tensor<?x1x4xf32>
  %4 = nnc.gather %many, %1 : (tensor<1000x4xf32>, tensor<?x1xi32>) -> tensor<?x1x4xf32>
  %5 = nnc.gather %few, %2 : (tensor<3x4xf32>, tensor<2x?xi32>) -> tensor<2x?x4xf32>
  nnc.output "a" %3 : tensor<?x1x4xf32>
  nnc.output "b" %4 : tensor<?x1x4xf32>
  nnc.output "c" %5 : tensor<2x?x4xf32>
}

// -----

// Several updates: each has scalars of its own name, and takes its settings with
// it. A parameter is changed by the first update that names it, else by the
// model's own.
// CHECK-DAG: nnc.parameter @step : tensor<i64> =
// CHECK-DAG: nnc.parameter @learning_rate : tensor<f32> = <constant, {value = 1.000000e-01 : f64}>
// CHECK-DAG: nnc.parameter @head.step : tensor<i64> = <constant, {value = 0.000000e+00 : f64}> {role = #nnc.role<scalar>}
// CHECK-DAG: nnc.parameter @head.learning_rate : tensor<f32> = <constant, {value = 2.000000e-01 : f64}> {role = #nnc.role<scalar>}
// CHECK-LABEL: func.func @train_step
// CHECK:         %[[SLOPES:.*]]:2 = nnc.gradient
// CHECK:         nnc.optimize [@body] with(%[[SLOPES]]#0) {learning_rate = 1.000000e-01 : f64, optimizer = {name = "sgd"}}
// CHECK:         nnc.optimize [@head.w] with(%[[SLOPES]]#1) {clip_norm = 1.000000e+00 : f64, counter = @head.step, learning_rate = 2.000000e-01 : f64, optimizer = {name = "adam"}, rate = @head.learning_rate}
nnc.parameter @body : tensor<3x2xf32> = <zeros>
nnc.parameter @head.w : tensor<2xf32> = <zeros>
nnc.model @two(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1,
                updates = [{name = "head", parameters = ["head.*"], optimizer = {name = "adam"}, learning_rate = 0.2, clip_norm = 1.0}]} {
  %w = nnc.read @body : tensor<3x2xf32>
  %b = nnc.read @head.w : tensor<2xf32>
  %0 = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %1 = nnc.mul %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %l = nnc.mean %1 : (tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

// A model without a loss is not trained.
// CHECK-LABEL: func.func @init
// CHECK-NOT:   @train_step
// CHECK-NOT:   @eval_step
// CHECK:       func.func @predict
nnc.model @untrained(%x: tensor<?x4xf32> {nnc.name = "x"}) {
  %y = nnc.exp %x : tensor<?x4xf32>
  nnc.output "y" %y : tensor<?x4xf32>
}

// -----

// A module without a model is left alone.
// CHECK-LABEL: func.func @leaves_functions_alone
// CHECK-NOT:   func.func @init
func.func @leaves_functions_alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// What another op calls `l2` is no penalty.
// CHECK-LABEL: model = "unpenalised"
// CHECK:         func.func @train_step
// CHECK-NOT:     nnc.abs
// CHECK:         %[[LOSS:.*]] = nnc.mean
// CHECK:         nnc.gradient %[[LOSS]]
nnc.parameter @w : tensor<3x2xf32> = <zeros>
nnc.model @unpenalised(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {batch = 4 : i64, learning_rate = 0.1 : f64, optimizer = {name = "sgd"}} {
  %w = nnc.read @w : tensor<3x2xf32>
  %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %l = nnc.mean %p {l1 = 0.5 : f64} : (tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l {l2 = 0.5 : f64} : tensor<f32>
}

// -----

// A step of a loop may drop what it drops with probability 0.
// CHECK-LABEL: func.func @predict
// CHECK:         nnc.scan
// CHECK:         nnc.dropout
nnc.model @drops_nothing_in_a_step(%x: tensor<5x?x4xf32> {nnc.name = "x"}) {
  %last = nnc.scan over(%x_t = %x) steps = 5 : (tensor<5x?x4xf32>) -> tensor<5x?x4xf32> {
    %0 = nnc.dropout %x_t rate = 0.0 : tensor<?x4xf32>
    nnc.yield %0 : tensor<?x4xf32>
  }
  nnc.output "y" %last : tensor<5x?x4xf32>
}
