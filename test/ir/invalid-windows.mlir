// One program a sentence of what windows are verified for.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @rank(%x: tensor<?x3xf32>, %w: tensor<3x4xf32>) {
  // expected-error @+1 {{'convolution' x is f32[batch, 3]: expected a batch, 1 to 3 spatial dimensions, and channels}}
  %0 = nnc.convolution %x, %w : (tensor<?x3xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @batch(%x: tensor<2x?x3xf32>, %w: tensor<1x3x4xf32>) {
  // expected-error @+1 {{'convolution' x is f32[2, batch, 3]: expected the batch as its first dimension}}
  %0 = nnc.convolution %x, %w : (tensor<2x?x3xf32>, tensor<1x3x4xf32>) -> tensor<2x?x4xf32>
  return
}

// -----

func.func @filter(%x: tensor<?x5x5x3xf32>, %w: tensor<3x3x4xf32>) {
  // expected-error @+1 {{'convolution' filter is f32[3, 3, 4]: expected 2 sizes of a window, then channels in and out; x is f32[batch, 5, 5, 3]}}
  %0 = nnc.convolution %x, %w : (tensor<?x5x5x3xf32>, tensor<3x3x4xf32>) -> tensor<?x3x3x4xf32>
  return
}

// -----

func.func @channels(%x: tensor<?x5x5x3xf32>, %w: tensor<3x3x4x8xf32>) {
  // expected-error @+1 {{'convolution' channels differ: x is f32[batch, 5, 5, 3] (3), filter is f32[3, 3, 4, 8] (4)}}
  %0 = nnc.convolution %x, %w : (tensor<?x5x5x3xf32>, tensor<3x3x4x8xf32>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @channels_of_groups(%x: tensor<?x5x5x4xf32>, %w: tensor<3x3x4x8xf32>) {
  // expected-error @+1 {{'convolution' channels differ: x is f32[batch, 5, 5, 4] (4), filter is f32[3, 3, 4, 8] (4 in each of 2 groups)}}
  %0 = nnc.convolution %x, %w groups = 2 : (tensor<?x5x5x4xf32>, tensor<3x3x4x8xf32>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @groups(%x: tensor<?x5x5x4xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution' groups is 3: expected a divisor of 4 channels and of 8 that are made; x is f32[batch, 5, 5, 4]}}
  %0 = nnc.convolution %x, %w groups = 3 : (tensor<?x5x5x4xf32>, tensor<3x3x1x8xf32>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @window(%x: tensor<?x5x5x1xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution' the window does not fit into x: x is f32[batch, 5, 5, 1], the window [3, 3] with dilations [1, 4], padding 1 and 0 in spatial dimension 1}}
  %0 = nnc.convolution %x, %w dilations = [1, 4] low = [0, 1] : (tensor<?x5x5x1xf32>, tensor<3x3x1x8xf32>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @strides(%x: tensor<?x5x5x1xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution' strides has 1 entries: expected one for each of the 2 spatial dimensions}}
  %0 = nnc.convolution %x, %w strides = [2] : (tensor<?x5x5x1xf32>, tensor<3x3x1x8xf32>) -> tensor<?x2x2x8xf32>
  return
}

// -----

func.func @no_stride(%x: tensor<?x5x5x1xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution' strides is [2, 0]: expected at least 1}}
  %0 = nnc.convolution %x, %w strides = [2, 0] : (tensor<?x5x5x1xf32>, tensor<3x3x1x8xf32>) -> tensor<?x2x2x8xf32>
  return
}

// -----

func.func @huge(%x: tensor<?x5x5x1xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution' high is [0, 9223372036854775807]: expected at least 0, and no more than 2^40}}
  %0 = nnc.convolution %x, %w high = [0, 9223372036854775807] : (tensor<?x5x5x1xf32>, tensor<3x3x1x8xf32>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @element_types(%x: tensor<?x5x5x1xf32>, %w: tensor<3x3x1x8xf64>) {
  // expected-error @+1 {{'convolution' element types differ: x is f32[batch, 5, 5, 1], filter is f64[3, 3, 1, 8]}}
  %0 = nnc.convolution %x, %w : (tensor<?x5x5x1xf32>, tensor<3x3x1x8xf64>) -> tensor<?x3x3x8xf32>
  return
}

// -----

func.func @transpose(%y: tensor<?x3x3x8xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution_transpose' y is f32[batch, 3, 3, 8], but f32[3, 3, 1, 8] over f32[batch, 5, 6, 1] makes f32[batch, 3, 4, 8]}}
  %0 = nnc.convolution_transpose %y, %w sizes = [5, 6] : (tensor<?x3x3x8xf32>, tensor<3x3x1x8xf32>) -> tensor<?x5x6x1xf32>
  return
}

// -----

func.func @sizes(%y: tensor<?x3x3x8xf32>, %w: tensor<3x3x1x8xf32>) {
  // expected-error @+1 {{'convolution_transpose' sizes has 1 entries: expected one for each of the 2 spatial dimensions}}
  %0 = nnc.convolution_transpose %y, %w sizes = [5] : (tensor<?x3x3x8xf32>, tensor<3x3x1x8xf32>) -> tensor<?x5x5x1xf32>
  return
}

// -----

func.func @filter_window(%x: tensor<?x5x5x1xf32>, %y: tensor<?x3x3x8xf32>) {
  // expected-error @+1 {{'convolution_filter' y is f32[batch, 3, 3, 8], but f32[3, 2, 1, 8] over f32[batch, 5, 5, 1] makes f32[batch, 3, 4, 8]}}
  %0 = nnc.convolution_filter %x, %y sizes = [3, 2] : (tensor<?x5x5x1xf32>, tensor<?x3x3x8xf32>) -> tensor<3x2x1x8xf32>
  return
}
