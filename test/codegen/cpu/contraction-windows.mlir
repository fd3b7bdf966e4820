// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=contraction --batch=1,2,7,19 | FileCheck %s

// Sums over several dimensions, and operands read in windows, against plain
// loops. A sum of K terms of magnitude at most 1, once with fused and once with
// separate roundings, differs by K eps / 2 at most; the tool's default tolerance
// covers it for the sizes here.

// Two dimensions that do not lie together in the left operand.
// CHECK: tensordot: contraction, {{.*}} ok
func.func private @tensordot(%batch: index, %x: tensor<?x6x5x7xf32>, %w: tensor<6x7x20xf32>)
    -> tensor<?x5x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x5x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5x20xf32>) -> tensor<?x5x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, p, n, j, k) -> (m, j, p, k)>, affine_map<(m, p, n, j, k) -> (j, k, n)>, affine_map<(m, p, n, j, k) -> (m, p, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x6x5x7xf32>, tensor<6x7x20xf32>) outs(%init : tensor<?x5x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x5x20xf32>
  return %y : tensor<?x5x20xf32>
}

// As the gradient of a weight is where the steps lie innermost: the batch is one of
// the dimensions, and the sums are long.
// CHECK: samples_and_steps: contraction, {{.*}} ok
func.func private @samples_and_steps(%batch: index, %x: tensor<?x33x37xf32>, %dy: tensor<?x37x18xf32>)
    -> tensor<33x18xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<33x18xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<33x18xf32>) -> tensor<33x18xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, b, t) -> (b, m, t)>, affine_map<(m, n, b, t) -> (b, t, n)>, affine_map<(m, n, b, t) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %dy : tensor<?x33x37xf32>, tensor<?x37x18xf32>) outs(%init : tensor<33x18xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<33x18xf32>
  return %y : tensor<33x18xf32>
}

// Four dimensions of the image, a window of 3 x 3.
// CHECK: convolution: contraction, {{.*}} ok
func.func private @convolution(%batch: index, %x: tensor<?x8x9x5xf32>, %w: tensor<3x3x5x20xf32>)
    -> tensor<?x6x7x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x6x7x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6x7x20xf32>) -> tensor<?x6x7x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x8x9x5xf32>, tensor<3x3x5x20xf32>) outs(%init : tensor<?x6x7x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x6x7x20xf32>
  return %y : tensor<?x6x7x20xf32>
}

// Every other place.
// CHECK: strided: contraction, {{.*}} ok
func.func private @strided(%batch: index, %x: tensor<?x9x11x16xf32>, %w: tensor<3x3x16x33xf32>)
    -> tensor<?x4x5x33xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x4x5x33xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x5x33xf32>) -> tensor<?x4x5x33xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h * 2 + i * 1, w * 2 + j * 1, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x9x11x16xf32>, tensor<3x3x16x33xf32>) outs(%init : tensor<?x4x5x33xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x4x5x33xf32>
  return %y : tensor<?x4x5x33xf32>
}

// Gaps in the window.
// CHECK: dilated: contraction, {{.*}} ok
func.func private @dilated(%batch: index, %x: tensor<2x9x10x4xf32>, %w: tensor<3x2x4x17xf32>)
    -> tensor<2x5x7x17xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x5x7x17xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x5x7x17xf32>) -> tensor<2x5x7x17xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i * 2, w + j * 3, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<2x9x10x4xf32>, tensor<3x2x4x17xf32>) outs(%init : tensor<2x5x7x17xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x5x7x17xf32>
  return %y : tensor<2x5x7x17xf32>
}

// Padding is read as such, and never from beside the image.
// CHECK: padded: contraction, {{.*}} ok
func.func private @padded(%batch: index, %x: tensor<?x6x7x16xf32>, %w: tensor<3x3x16x20xf32>)
    -> tensor<?x6x7x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %value = arith.constant 0.5 : f32
  %around = tensor.empty(%batch) : tensor<?x8x9x16xf32>
  %filled = linalg.fill ins(%value : f32) outs(%around : tensor<?x8x9x16xf32>) -> tensor<?x8x9x16xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 6, 7, 16] [1, 1, 1, 1]
      : tensor<?x6x7x16xf32> into tensor<?x8x9x16xf32>
  %empty = tensor.empty(%batch) : tensor<?x6x7x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6x7x20xf32>) -> tensor<?x6x7x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x9x16xf32>, tensor<3x3x16x20xf32>) outs(%init : tensor<?x6x7x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x6x7x20xf32>
  return %y : tensor<?x6x7x20xf32>
}

// With a window that only partly lies in the image, at one side.
// CHECK: padded_strided: contraction, {{.*}} ok
func.func private @padded_strided(%batch: index, %x: tensor<2x7x7x3xf32>, %w: tensor<3x3x3x12xf32>)
    -> tensor<2x4x4x12xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %value = arith.constant 0.0 : f32
  %around = tensor.empty() : tensor<2x9x9x3xf32>
  %filled = linalg.fill ins(%value : f32) outs(%around : tensor<2x9x9x3xf32>) -> tensor<2x9x9x3xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 2, 0] [2, 7, 7, 3] [1, 1, 1, 1]
      : tensor<2x7x7x3xf32> into tensor<2x9x9x3xf32>
  %empty = tensor.empty() : tensor<2x4x4x12xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x4x4x12xf32>) -> tensor<2x4x4x12xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h * 2 + i * 1, w * 2 + j * 1, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<2x9x9x3xf32>, tensor<3x3x3x12xf32>) outs(%init : tensor<2x4x4x12xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x4x4x12xf32>
  return %y : tensor<2x4x4x12xf32>
}

// A sum of more terms than one block.
// CHECK: many_channels: contraction, {{.*}} ok
func.func private @many_channels(%batch: index, %x: tensor<1x4x6x160xf32>, %w: tensor<3x3x160x24xf32>)
    -> tensor<1x2x4x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x2x4x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x2x4x24xf32>) -> tensor<1x2x4x24xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x4x6x160xf32>, tensor<3x3x160x24xf32>) outs(%init : tensor<1x2x4x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x2x4x24xf32>
  return %y : tensor<1x2x4x24xf32>
}

// The same, packed.
// CHECK: many_channels_padded: contraction, {{.*}} ok
func.func private @many_channels_padded(%batch: index, %x: tensor<1x4x6x160xf32>, %w: tensor<3x3x160x24xf32>)
    -> tensor<1x4x6x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %value = arith.constant 0.0 : f32
  %around = tensor.empty() : tensor<1x6x8x160xf32>
  %filled = linalg.fill ins(%value : f32) outs(%around : tensor<1x6x8x160xf32>) -> tensor<1x6x8x160xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [1, 4, 6, 160] [1, 1, 1, 1]
      : tensor<1x4x6x160xf32> into tensor<1x6x8x160xf32>
  %empty = tensor.empty() : tensor<1x4x6x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x6x24xf32>) -> tensor<1x4x6x24xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<1x6x8x160xf32>, tensor<3x3x160x24xf32>) outs(%init : tensor<1x4x6x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x4x6x24xf32>
  return %y : tensor<1x4x6x24xf32>
}

// The image as NCHW: neighbours along the row.
// CHECK: channels_first: contraction, {{.*}} ok
func.func private @channels_first(%batch: index, %x: tensor<?x3x9x20xf32>, %w: tensor<8x3x3x3xf32>)
    -> tensor<?x8x7x18xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x8x7x18xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8x7x18xf32>) -> tensor<?x8x7x18xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, c, h, w, k, i, j) -> (n, k, h + i, w + j)>, affine_map<(n, c, h, w, k, i, j) -> (c, k, i, j)>, affine_map<(n, c, h, w, k, i, j) -> (n, c, h, w)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x3x9x20xf32>, tensor<8x3x3x3xf32>) outs(%init : tensor<?x8x7x18xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x8x7x18xf32>
  return %y : tensor<?x8x7x18xf32>
}

// The batch and both dimensions of the image are summed over.
// CHECK: gradient_of_filter: contraction, {{.*}} ok
func.func private @gradient_of_filter(%batch: index, %x: tensor<?x8x9x5xf32>, %dy: tensor<?x6x7x20xf32>)
    -> tensor<3x3x5x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3x3x5x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x5x20xf32>) -> tensor<3x3x5x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, k, c, n, h, w) -> (n, h + i, w + j, k)>, affine_map<(i, j, k, c, n, h, w) -> (n, h, w, c)>, affine_map<(i, j, k, c, n, h, w) -> (i, j, k, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %dy : tensor<?x8x9x5xf32>, tensor<?x6x7x20xf32>) outs(%init : tensor<3x3x5x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x5x20xf32>
  return %y : tensor<3x3x5x20xf32>
}

// One dimension, f64.
// CHECK: along_time: contraction, {{.*}} ok
func.func private @along_time(%batch: index, %x: tensor<?x12x6xf64>, %w: tensor<4x6x10xf64>)
    -> tensor<?x9x10xf64> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f64
  %empty = tensor.empty(%batch) : tensor<?x9x10xf64>
  %init = linalg.fill ins(%zero : f64) outs(%empty : tensor<?x9x10xf64>) -> tensor<?x9x10xf64>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, t, c, i, k) -> (n, t + i, k)>, affine_map<(n, t, c, i, k) -> (i, k, c)>, affine_map<(n, t, c, i, k) -> (n, t, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x12x6xf64>, tensor<4x6x10xf64>) outs(%init : tensor<?x9x10xf64>) {
  ^bb0(%a: f64, %b: f64, %sum: f64):
    %0 = arith.mulf %a, %b : f64
    %1 = arith.addf %sum, %0 : f64
    linalg.yield %1 : f64
  } -> tensor<?x9x10xf64>
  return %y : tensor<?x9x10xf64>
}

// What follows sees the image as one row.
// CHECK: flattened: contraction, {{.*}} ok
func.func private @flattened(%batch: index, %x: tensor<?x6x6x4xf32>, %w: tensor<3x3x4x16xf32>, %bias: tensor<256xf32>)
    -> tensor<?x256xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x4x4x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x4x16xf32>) -> tensor<?x4x4x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x6x6x4xf32>, tensor<3x3x4x16xf32>) outs(%init : tensor<?x4x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x4x4x16xf32>
  %flat = tensor.collapse_shape %y [[0], [1, 2, 3]] : tensor<?x4x4x16xf32> into tensor<?x256xf32>
  %more = tensor.empty(%batch) : tensor<?x256xf32>
  %z = linalg.generic {
      indexing_maps = [affine_map<(r, s) -> (r, s)>, affine_map<(r, s) -> (s)>, affine_map<(r, s) -> (r, s)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%flat, %bias : tensor<?x256xf32>, tensor<256xf32>) outs(%more : tensor<?x256xf32>) {
  ^bb0(%p: f32, %b: f32, %out: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<?x256xf32>
  return %z : tensor<?x256xf32>
}

// A head is a slice of a row, split off by strides.
// CHECK: slice_of_heads: contraction, {{.*}} ok
func.func private @slice_of_heads(%batch: index, %q: tensor<?x5x24xf32>, %k: tensor<?x7x24xf32>)
    -> tensor<?x2x5x7xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %slice = tensor.extract_slice %q[0, 0, 12] [%batch, 5, 12] [1, 1, 1]
      : tensor<?x5x24xf32> to tensor<?x5x12xf32>
  %queries = tensor.expand_shape %slice [[0], [1], [2, 3]] output_shape [%batch, 5, 2, 6]
      : tensor<?x5x12xf32> into tensor<?x5x2x6xf32>
  %other = tensor.extract_slice %k[0, 0, 0] [%batch, 7, 12] [1, 1, 1]
      : tensor<?x7x24xf32> to tensor<?x7x12xf32>
  %keys = tensor.expand_shape %other [[0], [1], [2, 3]] output_shape [%batch, 7, 2, 6]
      : tensor<?x7x12xf32> into tensor<?x7x2x6xf32>
  %empty = tensor.empty(%batch) : tensor<?x2x5x7xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2x5x7xf32>) -> tensor<?x2x5x7xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(b, h, s, t, d) -> (b, s, h, d)>, affine_map<(b, h, s, t, d) -> (b, t, h, d)>, affine_map<(b, h, s, t, d) -> (b, h, s, t)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%queries, %keys : tensor<?x5x2x6xf32>, tensor<?x7x2x6xf32>) outs(%init : tensor<?x2x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x2x5x7xf32>
  return %y : tensor<?x2x5x7xf32>
}

// Padding of 16 bits, summed in 32.
// CHECK: padded_bf16: contraction, {{.*}} ok
func.func private @padded_bf16(%batch: index, %x: tensor<?x6x7x16xbf16>, %w: tensor<3x3x16x20xbf16>)
    -> tensor<?x6x7x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %value = arith.constant 0.5 : bf16
  %around = tensor.empty(%batch) : tensor<?x8x9x16xbf16>
  %filled = linalg.fill ins(%value : bf16) outs(%around : tensor<?x8x9x16xbf16>) -> tensor<?x8x9x16xbf16>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 6, 7, 16] [1, 1, 1, 1]
      : tensor<?x6x7x16xbf16> into tensor<?x8x9x16xbf16>
  %empty = tensor.empty(%batch) : tensor<?x6x7x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6x7x20xf32>) -> tensor<?x6x7x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x9x16xbf16>, tensor<3x3x16x20xbf16>) outs(%init : tensor<?x6x7x20xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %0 = arith.extf %a : bf16 to f32
    %1 = arith.extf %b : bf16 to f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<?x6x7x20xf32>
  return %y : tensor<?x6x7x20xf32>
}

// The image is computed where it is read: relu of the one before.
// CHECK: computed: contraction, {{.*}} ok
func.func private @computed(%batch: index, %x: tensor<?x6x7x5xf32>, %w: tensor<3x3x5x20xf32>)
    -> tensor<?x6x7x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %image = tensor.empty(%batch) : tensor<?x6x7x5xf32>
  %relu = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, k) -> (n, h, w, k)>, affine_map<(n, h, w, k) -> (n, h, w, k)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x6x7x5xf32>) outs(%image : tensor<?x6x7x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %zero : f32
    linalg.yield %0 : f32
  } -> tensor<?x6x7x5xf32>
  %around = tensor.empty(%batch) : tensor<?x8x9x5xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x8x9x5xf32>) -> tensor<?x8x9x5xf32>
  %padded = tensor.insert_slice %relu into %filled[0, 1, 1, 0] [%batch, 6, 7, 5] [1, 1, 1, 1]
      : tensor<?x6x7x5xf32> into tensor<?x8x9x5xf32>
  %empty = tensor.empty(%batch) : tensor<?x6x7x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6x7x20xf32>) -> tensor<?x6x7x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, k) -> (n, h + i, w + j, k)>, affine_map<(n, h, w, c, i, j, k) -> (i, j, k, c)>, affine_map<(n, h, w, c, i, j, k) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x9x5xf32>, tensor<3x3x5x20xf32>) outs(%init : tensor<?x6x7x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x6x7x20xf32>
  return %y : tensor<?x6x7x20xf32>
}
