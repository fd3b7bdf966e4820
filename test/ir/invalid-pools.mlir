// One program a sentence of what pools, resizing and padding are verified for.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @not_an_image(%x: tensor<?x6xf32>) {
  // expected-error @+1 {{'max_pool' x is f32[batch, 6]: expected [samples, spatial.., channels] with 1 to 3 spatial dimensions, none of them the batch}}
  %0 = nnc.max_pool %x window = [2] : (tensor<?x6xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @window_of_no_dimension(%x: tensor<?x6x6x2xf32>) {
  // expected-error @+1 {{'max_pool' window has 3 entries: x is f32[batch, 6, 6, 2], which has 2 spatial dimensions}}
  %0 = nnc.max_pool %x window = [2, 2, 2] : (tensor<?x6x6x2xf32>) -> tensor<?x3x3x2xf32>
  return
}

// -----

func.func @empty_window(%x: tensor<?x6x2xf32>) {
  // expected-error @+1 {{'average_pool' window is [0]: expected numbers from 1 to 1073741824}}
  %0 = nnc.average_pool %x window = [0] : (tensor<?x6x2xf32>) -> tensor<?x3x2xf32>
  return
}

// -----

func.func @negative_padding(%x: tensor<?x6x2xf32>) {
  // expected-error @+1 {{'max_pool' padding is [-1, 1]: expected numbers from 0 to 1073741824}}
  %0 = nnc.max_pool %x window = [2] padding = [-1, 1] : (tensor<?x6x2xf32>) -> tensor<?x3x2xf32>
  return
}

// -----

func.func @sides(%x: tensor<?x6x6x2xf32>) {
  // expected-error @+1 {{'max_pool' padding is [1, 1]: x is f32[batch, 6, 6, 2], whose 2 spatial dimensions take one number, or one for each of their 4 sides}}
  %0 = nnc.max_pool %x window = [2] padding = [1, 1] : (tensor<?x6x6x2xf32>) -> tensor<?x3x3x2xf32>
  return
}

// -----

func.func @padding_as_wide_as_the_window(%x: tensor<?x6x2xf32>) {
  // expected-error @+1 {{'max_pool' padding of 2 and 2 in spatial dimension 0: expected less than the window, which reaches over 2}}
  %0 = nnc.max_pool %x window = [2] padding = [2] : (tensor<?x6x2xf32>) -> tensor<?x5x2xf32>
  return
}

// -----

func.func @too_large(%x: tensor<?x3x2xf32>) {
  // expected-error @+1 {{'max_pool' the window does not fit in spatial dimension 0: x is f32[batch, 3, 2], the window reaches over 5, padding adds 0}}
  %0 = nnc.max_pool %x window = [3] dilation = [2] : (tensor<?x3x2xf32>) -> tensor<?x1x2xf32>
  return
}

// -----

func.func @entries(%x: tensor<?x6x6x2xf32>) {
  // expected-error @+1 {{'window_sum' strides is [2]: expected 2 numbers from 1 to 1073741824, one a spatial dimension}}
  %0 = nnc.window_sum %x window = [2, 2] strides = [2] : (tensor<?x6x6x2xf32>) -> tensor<?x3x3x2xf32>
  return
}

// -----

func.func @elements_of_a_window(%x: tensor<?x6x6x2xf32>) {
  // expected-error @+1 {{'window_sum' window is [100000, 100000]: expected at most 1073741824 elements}}
  %0 = nnc.window_sum %x window = [100000, 100000] low = [50000, 50000] high = [50000, 50000] : (tensor<?x6x6x2xf32>) -> tensor<?x1x1x2xf32>
  return
}

// -----

func.func @spread_of_others(%x: tensor<?x4x2xf32>) {
  // expected-error @+1 {{'window_spread' x does not have an element a window: x is f32[batch, 4, 2], the windows over [batch, 6, 2] are [batch, 3, 2]}}
  %0 = nnc.window_spread %x size = [6] window = [2] strides = [2] : (tensor<?x4x2xf32>) -> tensor<?x6x2xf32>
  return
}

// -----

func.func @positions(%x: tensor<?x6x2xf32>, %place: tensor<?x4x2xui8>) {
  // expected-error @+1 {{'window_pick' position is u8[batch, 4, 2]: expected a number a window, [batch, 3, 2]; x is f32[batch, 6, 2]}}
  %0 = nnc.window_pick %x, %place window = [2] strides = [2] : (tensor<?x6x2xf32>, tensor<?x4x2xui8>) -> tensor<?x3x2xf32>
  return
}

// -----

func.func @both_sizes(%x: tensor<?x6x2xf32>) {
  // expected-error @+1 {{'resize' needs one of its arguments 'size' and 'scale'}}
  %0 = nnc.resize %x size = [3] scale = 2.0 : (tensor<?x6x2xf32>) -> tensor<?x3x2xf32>
  return
}

// -----

func.func @resized_to_nothing(%x: tensor<?x6x2xf32>) {
  // expected-error @+1 {{'resize' size is [0]: expected numbers from 1 to 1073741824}}
  %0 = nnc.resize %x scale = 0.1 : (tensor<?x6x2xf32>) -> tensor<?x1x2xf32>
  return
}

// -----

func.func @tables(%x: tensor<?x10000x2xf32>) {
  // expected-error @+1 {{'resize' spatial dimension 0 goes from 10000 to 20000: expected a product of at most 16777216}}
  %0 = nnc.resize %x size = [20000] mode = linear : (tensor<?x10000x2xf32>) -> tensor<?x20000x2xf32>
  return
}

// -----

func.func @mirror(%x: tensor<?x3x2xf32>) {
  // expected-error @+1 {{'reflect_pad' padding of 3 and 0 in dimension 1: x is f32[batch, 3, 2], expected at most 2}}
  %0 = nnc.reflect_pad %x low = [0, 3, 0] high = [0, 0, 0] : (tensor<?x3x2xf32>) -> tensor<?x6x2xf32>
  return
}

// -----

func.func @channels(%x: tensor<?xf32>) {
  // expected-error @+1 {{'dropout' x is f32[batch]: expected samples and channels}}
  %0 = nnc.dropout %x rate = 0.5 channels = true : tensor<?xf32>
  return
}
