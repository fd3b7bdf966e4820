// RUN: nnc-opt %s --nnc-add-optimizer --split-input-file --verify-diagnostics

nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @no_optimizer(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'nnc.optimize' op names no optimizer}}
  nnc.optimize [@w] with(%dw) {learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @unknown_optimizer(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'relu' is no optimizer: expected one of adadelta, adafactor, adagrad, adam, adamax, }}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "relu"}, learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

// expected-error@+1 {{the optimizer needs the name 'w.velocity' for its state}}
nnc.parameter @w : tensor<4xf32> = <zeros>
// expected-note@+1 {{which is declared here}}
nnc.parameter @w.velocity : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @taken_name(%dw: tensor<4xf32>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "momentum"}, learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @two_updates_of_one(%dw: tensor<4xf32>) {
  // expected-note@+1 {{the first update is here}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1} : tensor<4xf32>
  // expected-error@+1 {{'optimize' 'w' is updated already}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.2} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros> {nnc.frozen}
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @frozen(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'optimize' 'w' is frozen}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros> {role = #nnc.role<buffer>}
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @buffer(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'optimize' 'w' is state of role buffer: expected a parameter}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @group_of_nothing(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'nnc.optimize' op has a group: 'v*' is the name of no parameter; there are w}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1, groups = [{parameters = ["v*"], rate = 0.1}]} : tensor<4xf32>
  return
}
