// Pools and their gradients in rows kernels: windows over the borders, places of
// maxima, windows with a stride that cover an element, and what is repeated in
// the middle. Against plain loops, bit by bit where nothing is rounded otherwise.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg --cse > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,5 | FileCheck %s
// RUN: %if target-cuda %{ nnc-run-kernel %t.mlir --target=sim --batch=3 %}

// Both go through a window of x once.
// CHECK: maximum_and_place: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @maximum_and_place(%batch: index, %x: tensor<?x7x6x24xf32>)
    -> (tensor<?x4x3x24xf32>, tensor<?x4x3x24xui8>) attributes {nnc.kernel} {
  %y = nnc.window_max %x window = [3, 3] strides = [2, 2] low = [1, 1] high = [1, 0]
      : (tensor<?x7x6x24xf32>) -> tensor<?x4x3x24xf32>
  %place = nnc.window_argmax %x window = [3, 3] strides = [2, 2] low = [1, 1] high = [1, 0]
      : (tensor<?x7x6x24xf32>) -> tensor<?x4x3x24xui8>
  return %y, %place : tensor<?x4x3x24xf32>, tensor<?x4x3x24xui8>
}

// CHECK: gradient_of_maximum: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @gradient_of_maximum(%batch: index, %dy: tensor<?x4x3x24xf32>,
                                       %place: tensor<?x4x3x24xui8> {test.range = [0, 8]},
                                       %x: tensor<?x7x6x24xf32>)
    -> tensor<?x7x6x24xf32> attributes {nnc.kernel} {
  %dx = nnc.window_unmax %dy, %place size = [7, 6] window = [3, 3] strides = [2, 2] low = [1, 1] high = [1, 0]
      : (tensor<?x4x3x24xf32>, tensor<?x4x3x24xui8>) -> tensor<?x7x6x24xf32>
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %positive = nnc.compare %x, %zero predicate = gt : (tensor<?x7x6x24xf32>, tensor<f32>) -> tensor<?x7x6x24xi1>
  %masked = nnc.select %positive, %dx, %zero
      : (tensor<?x7x6x24xi1>, tensor<?x7x6x24xf32>, tensor<f32>) -> tensor<?x7x6x24xf32>
  return %masked : tensor<?x7x6x24xf32>
}

// Each element lies in one window, and some in none.
// CHECK: gradient_side_by_side: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @gradient_side_by_side(%batch: index, %dy: tensor<?x3x3x16xf32>,
                                         %place: tensor<?x3x3x16xui8> {test.range = [0, 3]})
    -> tensor<?x7x6x16xf32> attributes {nnc.kernel} {
  %dx = nnc.window_unmax %dy, %place size = [7, 6] window = [2, 2] strides = [2, 2]
      : (tensor<?x3x3x16xf32>, tensor<?x3x3x16xui8>) -> tensor<?x7x6x16xf32>
  return %dx : tensor<?x7x6x16xf32>
}

// CHECK: average: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @average(%batch: index, %x: tensor<?x5x5x20xf32>) -> tensor<?x5x5x20xf32> attributes {nnc.kernel} {
  %sums = nnc.window_sum %x window = [3, 3] low = [1, 1] high = [1, 1] : tensor<?x5x5x20xf32>
  %y = nnc.window_normalize %sums size = [5, 5] window = [3, 3] low = [1, 1] high = [1, 1] : tensor<?x5x5x20xf32>
  return %y : tensor<?x5x5x20xf32>
}

// Lanes that lie along the image: borders in each lane.
// CHECK: one_channel: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @one_channel(%batch: index, %x: tensor<?x9x11x1xf32>) -> tensor<?x5x6x1xf32> attributes {nnc.kernel} {
  %y = nnc.window_max %x window = [3, 2] strides = [2, 2] low = [1, 1] high = [1, 0]
      : (tensor<?x9x11x1xf32>) -> tensor<?x5x6x1xf32>
  return %y : tensor<?x5x6x1xf32>
}

// CHECK: spread_with_gaps: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @spread_with_gaps(%batch: index, %x: tensor<?x3x5xf32>) -> tensor<?x11x5xf32> attributes {nnc.kernel} {
  %y = nnc.window_spread %x size = [11] window = [2] strides = [4] low = [1] high = [1] dilations = [3]
      : (tensor<?x3x5xf32>) -> tensor<?x11x5xf32>
  return %y : tensor<?x11x5xf32>
}

// A window that is not written out.
// CHECK: whole_image: rows, 1 phases, {{.*}}: ok
func.func private @whole_image(%batch: index, %x: tensor<?x8x7x40xbf16>) -> tensor<?x1x1x40xbf16> attributes {nnc.kernel} {
  %y = nnc.window_sum %x window = [8, 7] strides = [8, 7] : (tensor<?x8x7x40xbf16>) -> tensor<?x1x1x40xbf16>
  return %y : tensor<?x1x1x40xbf16>
}

// A factor for each channel of a sample, and one for each row of the images.
// CHECK: scaled_channels: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @scaled_channels(%batch: index, %x: tensor<?x4x3x24xf32>, %s: tensor<?x1x1x24xf32>,
                                   %t: tensor<4x1x1xf32>) -> tensor<?x4x3x24xf32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %s : (tensor<?x4x3x24xf32>, tensor<?x1x1x24xf32>) -> tensor<?x4x3x24xf32>
  %1 = nnc.add %0, %t : (tensor<?x4x3x24xf32>, tensor<4x1x1xf32>) -> tensor<?x4x3x24xf32>
  return %1 : tensor<?x4x3x24xf32>
}

// The same beside a sum of all rows.
// CHECK: scaled_and_summed: rows, 2 phases, {{.*}}: ok
func.func private @scaled_and_summed(%batch: index, %x: tensor<?x16x9x24xf32>, %s: tensor<?x1x1x24xf32>)
    -> (tensor<?x16x9x24xf32>, tensor<24xf32>) attributes {nnc.kernel} {
  %0 = nnc.mul %x, %s : (tensor<?x16x9x24xf32>, tensor<?x1x1x24xf32>) -> tensor<?x16x9x24xf32>
  %1 = nnc.sum %0 axes = [0, 1, 2] : (tensor<?x16x9x24xf32>) -> tensor<24xf32>
  return %0, %1 : tensor<?x16x9x24xf32>, tensor<24xf32>
}

// In the space of one sample the factors are a row of columns: each sample has its own.
// CHECK: factors_of_samples: rows, 1 phases, {{.*}}: ok
func.func private @factors_of_samples(%batch: index, %x: tensor<?x6x5x24xf32>, %s: tensor<?x1x1x24xf32>)
    -> (tensor<?x6x5x24xf32>, tensor<?x24xf32>) attributes {nnc.kernel} {
  %0 = nnc.mul %x, %s : (tensor<?x6x5x24xf32>, tensor<?x1x1x24xf32>) -> tensor<?x6x5x24xf32>
  %1 = nnc.sum %0 axes = [1, 2] : (tensor<?x6x5x24xf32>) -> tensor<?x24xf32>
  return %0, %1 : tensor<?x6x5x24xf32>, tensor<?x24xf32>
}
