// RUN: nnc-opt %s --nnc-build-entry-points --split-input-file --verify-diagnostics

nnc.model @constant_loss(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1} {
  %l = nnc.mean %x : (tensor<?x3xf32>) -> tensor<f32>
  // expected-error@-1 {{the loss depends on no parameter}}
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.parameter @v : tensor<3xf32> = <zeros>
nnc.model @unused_parameter(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1} {
  %w = nnc.read @w : tensor<3xf32>
  // expected-warning@+1 {{parameter 'v' is not trained: the loss does not depend on it}}
  %v = nnc.read @v : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
  nnc.output "v" %v : tensor<3xf32>
}

// -----

// expected-error@+1 {{the name 'step' belongs to the training step; choose another}}
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.model @taken_name(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+1 {{the optimizer needs a learning rate, as in adam(learning_rate = 0.001)}}
nnc.model @no_learning_rate(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}} {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

nnc.model @first(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  nnc.output "x" %x : tensor<?x3xf32>
}
// expected-error@+1 {{there is more than one model}}
nnc.model @second(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+1 {{freeze: 'v*' is the name of no parameter; there are w}}
nnc.model @no_such_parameter(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1, nnc.freeze = ["v*"]} {
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.model @all_frozen(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1, nnc.freeze = ["*"]} {
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  // expected-error@+1 {{the loss depends on no parameter that is trained}}
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @v : tensor<3xf32> = <zeros>
nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.model @without_update(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "others", parameters = ["v"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {
  // expected-error@+1 {{no update of the recipe is for parameter 'w'}}
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+1 {{update 'others': 'v*' is the name of no parameter; there are w}}
nnc.model @no_parameter(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "others", parameters = ["v*"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @v : tensor<3xf32> = <zeros>
nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+1 {{update 'others' is for no parameter that is trained}}
nnc.model @none_left(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "all", parameters = ["*"], optimizer = {name = "sgd"}, learning_rate = 0.1}, {name = "others", parameters = ["v"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+1 {{the recipe's optimizer is for no parameter: each that is trained has an update}}
nnc.model @nothing_for_the_optimizer(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1,
                updates = [{name = "all", parameters = ["*"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {
  %w = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.model @draws_in_a_step(%x: tensor<5x?x4xf32>) {
  %last = nnc.scan over(%x_t = %x) steps = 5 : (tensor<5x?x4xf32>) -> tensor<5x?x4xf32> {
    // expected-error @below {{draws random numbers in the step of a loop, which would be the same at each step; draw them before it and go over them}}
    %0 = nnc.dropout %x_t rate = 0.5 : tensor<?x4xf32>
    nnc.yield %0 : tensor<?x4xf32>
  }
  nnc.output "y" %last : tensor<5x?x4xf32>
}
