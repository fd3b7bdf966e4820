// One program a sentence of what recurrent layers are verified for.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @sequence(%x: tensor<?x3xf32>, %w: tensor<3x2xf32>, %u: tensor<2x2xf32>) {
  // expected-error @+1 {{'rnn' x is f32[batch, 3]: expected floats [batch, time, channels]}}
  %0, %1 = nnc.rnn %x, %w, %u : (tensor<?x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @layers(%x: tensor<?x5x3xf32>, %w: tensor<3x2xf32>, %u: tensor<2x2xf32>) {
  // expected-error @+1 {{'rnn' layers is 0: expected 1 to 1000}}
  %0, %1 = nnc.rnn %x, %w, %u layers = 0 : (tensor<?x5x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @count(%x: tensor<?x5x3xf32>, %w: tensor<3x2xf32>) {
  // expected-error @+1 {{'rnn' has 3 weights: expected 2, or 4 with biases, for 1 cell}}
  %0, %1 = nnc.rnn %x, %w, %w, %w : (tensor<?x5x3xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @units(%x: tensor<?x5x3xf32>, %w: tensor<3x2xf32>, %u: tensor<?x2xf32>) {
  // expected-error @+1 {{'rnn' weight_hh_l0 is f32[batch, 2]: expected 2 dimensions of known sizes}}
  %0, %1 = nnc.rnn %x, %w, %u : (tensor<?x5x3xf32>, tensor<3x2xf32>, tensor<?x2xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @weight(%x: tensor<?x5x3xf32>, %w: tensor<4x6xf32>, %u: tensor<2x6xf32>) {
  // expected-error @+1 {{'gru' weight_ih_l0 is f32[4, 6]: expected f32[3, 6], for x f32[batch, 5, 3] and 2 units}}
  %0, %1 = nnc.gru %x, %w, %u : (tensor<?x5x3xf32>, tensor<4x6xf32>, tensor<2x6xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @initial(%x: tensor<?x5x3xf32>, %w: tensor<3x8xf32>, %u: tensor<2x8xf32>, %h: tensor<?x3xf32>) {
  // expected-error @+1 {{'lstm' initial_cell is f32[batch, 3]: expected f32[batch, 2]}}
  %0, %1, %2 = nnc.lstm %x, %w, %u initial_cell = %h : (tensor<?x5x3xf32>, tensor<3x8xf32>, tensor<2x8xf32>, tensor<?x3xf32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @lengths(%x: tensor<?x5x3xf32>, %w: tensor<3x8xf32>, %u: tensor<2x8xf32>, %n: tensor<4xi32>) {
  // expected-error @+1 {{'lstm' lengths is i32[4]: expected a number of each sample of x, f32[batch, 5, 3]}}
  %0, %1, %2 = nnc.lstm %x, %w, %u lengths = %n : (tensor<?x5x3xf32>, tensor<3x8xf32>, tensor<2x8xf32>, tensor<4xi32>) -> (tensor<?x5x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>)
  return
}
