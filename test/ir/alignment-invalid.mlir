// One program a sentence of the verifiers of losses and of ops on sequences.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @weights_of_a_loss(%a: tensor<?x5xf32>, %w: tensor<?x3xf32>) {
  // expected-error @+1 {{'mse' weights is f32[batch, 3]: expected [batch, 5] or the first of these dimensions}}
  %0 = nnc.mse %a, %a, %w : (tensor<?x5xf32>, tensor<?x5xf32>, tensor<?x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @positive_weights(%a: tensor<1x5xf32>, %w: tensor<3x5xf32>) {
  // expected-error @+1 {{'bce_logits' positive_weights is f32[3, 5]: expected no more elements than logits, f32[1, 5]}}
  %0 = nnc.bce_logits %a, %a positive_weights = %w : (tensor<1x5xf32>, tensor<1x5xf32>, tensor<3x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @class_weights(%a: tensor<?x5xf32>, %t: tensor<?xi32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'cross_entropy' class_weights is f32[4]: expected f32[5]}}
  %0 = nnc.cross_entropy %a, %t class_weights = %w : (tensor<?x5xf32>, tensor<?xi32>, tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @ignored_float(%a: tensor<?x5xf32>) {
  // expected-error @+1 {{'cross_entropy' ignore_index is for a target of integers, and target is f32[batch, 5]}}
  %0 = nnc.cross_entropy %a, %a ignore_index = 3 : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @ignored_number(%a: tensor<?x5xf32>, %t: tensor<?xui8>) {
  // expected-error @+1 {{'accuracy' ignore_index is -100, and target, u8[batch], holds no such number}}
  %0 = nnc.accuracy %a, %t ignore_index = -100 : (tensor<?x5xf32>, tensor<?xui8>) -> tensor<f32>
  return
}

// -----

func.func @padding_of_embedding(%i: tensor<?xi32>, %t: tensor<5x2xf32>) {
  // expected-error @+1 {{'embedding' padding_index is 5: expected a row of table, f32[5, 2]}}
  %0 = nnc.embedding %i, %t padding_index = 5 : (tensor<?xi32>, tensor<5x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @ctc_target(%v: tensor<?x4x3xf32>, %t: tensor<2x2xi32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{'ctc_loss' target is i32[2, 2]: expected [batch, 2], as logits is f32[batch, 4, 3]}}
  %0 = nnc.ctc_loss %v, %t, %n, %n : (tensor<?x4x3xf32>, tensor<2x2xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<f32>
  return
}

// -----

func.func @ctc_logits(%v: tensor<?x4xf32>, %t: tensor<?x2xi32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{'ctc_loss' logits is f32[batch, 4]: expected [batch, time, classes]}}
  %0 = nnc.ctc_loss %v, %t, %n, %n : (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<f32>
  return
}

// -----

func.func @ctc_blank(%v: tensor<?x4x3xf32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{'ctc_decode' blank is 3: expected a class of logits, f32[batch, 4, 3]}}
  %0 = nnc.ctc_decode %v, %n blank = 3 : (tensor<?x4x3xf32>, tensor<?xi32>) -> tensor<?x4xi32>
  return
}

// -----

func.func @ctc_padding(%v: tensor<?x4x3xf32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{'ctc_decode' padding is 4294967296, and the result, i32[batch, 4], holds no such number}}
  %0 = nnc.ctc_decode %v, %n padding = 4294967296 : (tensor<?x4x3xf32>, tensor<?xi32>) -> tensor<?x4xi32>
  return
}

// -----

func.func @sequences(%a: tensor<?x4xi32>, %b: tensor<?x4xi64>) {
  // expected-error @+1 {{'edit_distance' element types differ: prediction is i32[batch, 4], target is i64[batch, 4]}}
  %0 = nnc.edit_distance %a, %b : (tensor<?x4xi32>, tensor<?x4xi64>) -> tensor<?xi32>
  return
}
