// RUN: nnc-opt %s --split-input-file --verify-diagnostics

nnc.model @outside(%x: tensor<?x3xf32>) {
  %m = nnc.mean %x : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %m {nnc.step = "one"} : tensor<f32>
  // expected-error @below {{the model has training steps, and this is of none; move it into one of them: one}}
  nnc.metric "m" %m : tensor<f32>
}

// -----

nnc.model @output_of_a_step(%x: tensor<?x3xf32>) {
  // expected-error @below {{'nnc.step' is the name of a training step, of losses and metrics}}
  nnc.output "x" %x {nnc.step = "one"} : tensor<?x3xf32>
}

// -----

nnc.model @reserved(%x: tensor<?x3xf32>) {
  // expected-error @below {{the name of a group of outputs is what the compiled program calls a part of its own}}
  nnc.output "x" %x {nnc.group = "predict"} : tensor<?x3xf32>
}

// -----

nnc.model @dotted(%x: tensor<?x3xf32>) {
  %m = nnc.mean %x : (tensor<?x3xf32>) -> tensor<f32>
  // expected-error @below {{the name of a training step has a '.': what belongs to it is named behind one}}
  nnc.loss %m {nnc.step = "one.two"} : tensor<f32>
}

// -----

// expected-error @below {{the model has no training step 'tow'; there are one, two}}
nnc.model @unknown_step(%x: tensor<?x3xf32>)
    attributes {order = [{step = "one", times = 1}, {step = "tow", times = 1}]} {
  %m = nnc.mean %x : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %m {nnc.step = "one"} : tensor<f32>
  nnc.loss %m {nnc.step = "two"} : tensor<f32>
}

// -----

// expected-error @below {{step 'one' must run 0 to 1000 times in its turn, found 1001}}
nnc.model @too_often(%x: tensor<?x3xf32>) attributes {order = [{step = "one", times = 1001}]} {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

// expected-error @below {{'order' has a 'step' and its 'times' in each place, found {step = "one"}}}
nnc.model @no_times(%x: tensor<?x3xf32>) attributes {order = [{step = "one"}]} {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

// expected-error @below {{a round of training must run a step of 'order'}}
nnc.model @empty_round(%x: tensor<?x3xf32>) attributes {order = [{step = "one", times = 0}]} {
  nnc.output "x" %x : tensor<?x3xf32>
}

// -----

// expected-error @below {{update 'u': its 'step' must be the name of a training step, found 3}}
nnc.model @step_of_an_update(%x: tensor<?x3xf32>)
    attributes {updates = [{name = "u", step = 3, parameters = [], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {
  nnc.output "x" %x : tensor<?x3xf32>
}
