// RUN: nnc-opt %s --nnc-build-entry-points=gradients-entry --nnc-add-optimizer | FileCheck %s
// Each training step and each group of outputs is an entry point: what its results
// need, and the updates that it makes.

// CHECK: nnc.recipe = #nnc.recipe<{{.*}}order = [{step = "first", times = 2 : i64}, {step = "second", times = 0 : i64}]
nnc.parameter @v : tensor<3xf32> = <zeros>
nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.model @two(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x3xf32> {nnc.name = "t"})
    attributes {order = [{step = "first", times = 2}],
                updates = [{name = "first", step = "first", parameters = ["v"], optimizer = {name = "momentum"}, learning_rate = 0.1},
                           {name = "second", step = "second", parameters = [], optimizer = {name = "momentum"}, learning_rate = 0.2}]} {
  %v = nnc.read @v : tensor<3xf32>
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %v : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %1 = nnc.mul %0, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %2 = nnc.mean %1 : (tensor<?x3xf32>) -> tensor<f32>
  %3 = nnc.mse %1, %t : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %2 {nnc.step = "first"} : tensor<f32>
  nnc.metric "error" %3 {nnc.step = "first"} : tensor<f32>
  nnc.loss %3 {nnc.step = "second"} : tensor<f32>
  nnc.output "scaled" %0 {nnc.group = "half"} : tensor<?x3xf32>
  nnc.output "result" %1 : tensor<?x3xf32>
}

// The second step's state of v has the step's name in its own.
// CHECK-DAG: nnc.parameter @v.velocity :
// CHECK-DAG: nnc.parameter @v.second.velocity :
// CHECK-DAG: nnc.parameter @w.velocity :
// CHECK-DAG: nnc.parameter @first.step :
// CHECK-DAG: nnc.parameter @second.learning_rate :

// A step changes what its updates name, whatever else its loss depends on.
// CHECK-LABEL: func.func @first
// CHECK-SAME:    -> (tensor<f32> {nnc.name = "loss", nnc.result = "loss"}, tensor<f32> {{[{].*}}nnc.name = "error", nnc.result = "metric"}) attributes {nnc.training}
// CHECK:         nnc.gradient %{{.*}} wrt(%{{[^,]*}}) : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NOT:     nnc.assign @w
// CHECK:         nnc.assign @v,
// CHECK:         nnc.assign @step,
// CHECK:         nnc.assign @first.step,

// An update without patterns changes all that its step's loss depends on.
// CHECK-LABEL: func.func @second
// CHECK-DAG:     nnc.assign @v,
// CHECK-DAG:     nnc.assign @v.second.velocity,
// CHECK-DAG:     nnc.assign @w,
// CHECK-DAG:     nnc.assign @second.step,

// CHECK-LABEL: func.func @first.gradients
// CHECK-SAME:    tensor<3xf32> {nnc.name = "v", nnc.result = "gradient"}
// CHECK-LABEL: func.func @second.gradients

// CHECK-LABEL: func.func @eval_step
// CHECK-SAME:    -> (tensor<f32> {nnc.name = "loss", nnc.result = "loss"}, tensor<f32> {{[{].*}}nnc.name = "first.loss", nnc.result = "metric"}, tensor<f32> {{[{].*}}nnc.name = "first.error", nnc.result = "metric"}, tensor<f32> {{[{].*}}nnc.name = "second.loss", nnc.result = "metric"})

// CHECK-LABEL: func.func @half(%{{.*}}: tensor<?x3xf32> {nnc.name = "x"}) -> (tensor<?x3xf32> {nnc.name = "scaled", nnc.result = "output"})
// CHECK-NOT:     nnc.read @w
// CHECK-LABEL: func.func @predict
