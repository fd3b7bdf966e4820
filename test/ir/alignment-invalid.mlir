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

func.func @classes_of_elements(%a: tensor<?x5xf32>, %t: tensor<?x5xi32>, %w: tensor<5xf32>) {
  // expected-error @+1 {{'focal_loss' class_weights are of classes, and each element of logits, f32[batch, 5], decides for itself: expected positive_weights or alpha}}
  %0 = nnc.focal_loss %a, %t class_weights = %w : (tensor<?x5xf32>, tensor<?x5xi32>, tensor<5xf32>) -> tensor<f32>
  return
}

// -----

func.func @elements_of_classes(%a: tensor<?x5xf32>, %t: tensor<?xi32>, %w: tensor<5xf32>) {
  // expected-error @+1 {{'focal_loss' positive_weights are for elements that decide for themselves, and logits, f32[batch, 5], are of classes: expected class_weights}}
  %0 = nnc.focal_loss %a, %t positive_weights = %w : (tensor<?x5xf32>, tensor<?xi32>, tensor<5xf32>) -> tensor<f32>
  return
}

// -----

func.func @alpha_of_classes(%a: tensor<?x5xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{'focal_loss' alpha is for elements that decide for themselves, and logits, f32[batch, 5], are of classes: expected class_weights}}
  %0 = nnc.focal_loss %a, %t alpha = 0.25 : (tensor<?x5xf32>, tensor<?xi32>) -> tensor<f32>
  return
}

// -----

func.func @classes_of_one_region(%a: tensor<?x4x5xf32>, %t: tensor<?x4x5xui8>, %w: tensor<5xf32>) {
  // expected-error @+1 {{'dice_loss' class_weights are of classes, and each element of logits, f32[batch, 4, 5], decides for itself}}
  %0 = nnc.dice_loss %a, %t class_weights = %w : (tensor<?x4x5xf32>, tensor<?x4x5xui8>, tensor<5xf32>) -> tensor<f32>
  return
}

// -----

func.func @positive_weights_of_rows(%a: tensor<?x5xf32>, %t: tensor<?xf32>, %w: tensor<3xf32>) {
  // expected-error @+1 {{'cosine_embedding_loss' shapes do not broadcast}}
  %0 = nnc.cosine_embedding_loss %a, %a, %t positive_weights = %w : (tensor<?x5xf32>, tensor<?x5xf32>, tensor<?xf32>, tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @weights_of_a_metric(%a: tensor<?x5xf32>, %t: tensor<?xi32>, %w: tensor<?x5xf32>) {
  // expected-error @+1 {{'f1' weights is f32[batch, 5]: expected [batch] or the first of these dimensions}}
  %0 = nnc.f1 %a, %t, %w : (tensor<?x5xf32>, tensor<?xi32>, tensor<?x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @smoothing_of_numbers(%a: tensor<?x5xf32>) {
  // expected-error @+1 {{'nnc.mse' has no attribute 'label_smoothing', which bce_logits, binary_cross_entropy, contrastive_loss, cross_entropy, focal_loss and kl_divergence have}}
  %0 = nnc.mse %a, %a label_smoothing = 0.1 : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @weights_of_ctc(%v: tensor<?x4x3xf32>, %t: tensor<?x2xi32>, %n: tensor<?xi32>, %w: tensor<?x2xf32>) {
  // expected-error @+1 {{'ctc_loss' weights is f32[batch, 2]: expected [batch] or the first of these dimensions}}
  %0 = nnc.ctc_loss %v, %t, %n, %n, %w : (tensor<?x4x3xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<f32>
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
