// The results of @gradients are told apart by the names of parameters and inputs.
// RUN: nnc-opt %s --nnc-build-entry-points=gradients-entry --split-input-file --verify-diagnostics

nnc.parameter @w : tensor<3xf32> = <zeros>
// expected-error@+2 {{the gradient of 'w' has the name of another result of 'gradients'; rename this}}
nnc.model @input_and_parameter(%x: tensor<?x3xf32> {nnc.name = "x"},
                               %w: tensor<?x3xf32> {nnc.name = "w"}) {
  // expected-note@+1 {{the other is here}}
  %p = nnc.read @w : tensor<3xf32>
  %0 = nnc.mul %x, %p : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %1 = nnc.mul %0, %w : tensor<?x3xf32>
  %l = nnc.mean %1 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

nnc.parameter @loss : tensor<3xf32> = <zeros>
// expected-note@+1 {{the other is here}}
nnc.model @loss_and_parameter(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  // expected-error@+1 {{the gradient of 'loss' has the name of another result of 'gradients'; rename this}}
  %p = nnc.read @loss : tensor<3xf32>
  %0 = nnc.mul %x, %p : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %0 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

// An input of integers has no gradient, and may be called like a parameter.
nnc.parameter @w : tensor<3xf32> = <zeros>
nnc.model @integers(%x: tensor<?x3xi32> {nnc.name = "w"}) {
  %p = nnc.read @w : tensor<3xf32>
  %0 = nnc.cast %x to = f32 : (tensor<?x3xi32>) -> tensor<?x3xf32>
  %1 = nnc.mul %0, %p : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %l = nnc.mean %1 : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}
