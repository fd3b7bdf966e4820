// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=contraction --batch=1,2,7,19 | FileCheck %s

// Images that windows read, in all three directions: with padding they are copied
// block by block, and else read where they lie. The tolerance is that of
// contraction-windows.mlir.

// A row of the window and its channels are one run of elements.
// CHECK: few_channels: contraction, {{.*}} ok
func.func private @few_channels(%batch: index, %x: tensor<?x9x11x3xf32>, %w: tensor<3x3x3x20xf32>)
    -> tensor<?x9x11x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x11x13x3xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x11x13x3xf32>) -> tensor<?x11x13x3xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 9, 11, 3] [1, 1, 1, 1]
      : tensor<?x9x11x3xf32> into tensor<?x11x13x3xf32>
  %empty = tensor.empty(%batch) : tensor<?x9x11x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x9x11x20xf32>) -> tensor<?x9x11x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x11x13x3xf32>, tensor<3x3x3x20xf32>) outs(%init : tensor<?x9x11x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x9x11x20xf32>
  return %y : tensor<?x9x11x20xf32>
}

// With one channel the padding begins along the last dimension.
// CHECK: one_channel: contraction, {{.*}} ok
func.func private @one_channel(%batch: index, %x: tensor<?x10x9x1xf32>, %w: tensor<5x5x1x8xf32>)
    -> tensor<?x10x9x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x14x13x1xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x14x13x1xf32>) -> tensor<?x14x13x1xf32>
  %padded = tensor.insert_slice %x into %filled[0, 2, 2, 0] [%batch, 10, 9, 1] [1, 1, 1, 1]
      : tensor<?x10x9x1xf32> into tensor<?x14x13x1xf32>
  %empty = tensor.empty(%batch) : tensor<?x10x9x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x10x9x8xf32>) -> tensor<?x10x9x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x14x13x1xf32>, tensor<5x5x1x8xf32>) outs(%init : tensor<?x10x9x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x10x9x8xf32>
  return %y : tensor<?x10x9x8xf32>
}

// Several lines of an image in a microtile, several images in a block.
// CHECK: small_images: contraction, {{.*}} ok
func.func private @small_images(%batch: index, %x: tensor<?x4x4x17xf32>, %w: tensor<3x3x17x36xf32>)
    -> tensor<?x4x4x36xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x6x6x17xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x6x6x17xf32>) -> tensor<?x6x6x17xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 4, 4, 17] [1, 1, 1, 1]
      : tensor<?x4x4x17xf32> into tensor<?x6x6x17xf32>
  %empty = tensor.empty(%batch) : tensor<?x4x4x36xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x4x36xf32>) -> tensor<?x4x4x36xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x6x6x17xf32>, tensor<3x3x17x36xf32>) outs(%init : tensor<?x4x4x36xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x4x4x36xf32>
  return %y : tensor<?x4x4x36xf32>
}

// The window runs backwards, and the filter's columns are not its last dimension.
// CHECK: input_gradient: contraction, {{.*}} ok
func.func private @input_gradient(%batch: index, %x: tensor<?x5x17x24xf32>, %w: tensor<3x3x10x24xf32>)
    -> tensor<?x7x19x10xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x9x21x24xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x9x21x24xf32>) -> tensor<?x9x21x24xf32>
  %padded = tensor.insert_slice %x into %filled[0, 2, 2, 0] [%batch, 5, 17, 24] [1, 1, 1, 1]
      : tensor<?x5x17x24xf32> into tensor<?x9x21x24xf32>
  %empty = tensor.empty(%batch) : tensor<?x7x19x10xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x7x19x10xf32>) -> tensor<?x7x19x10xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, c, i, j, o) -> (n, h - i + 2, w - j + 2, o)>, affine_map<(n, h, w, c, i, j, o) -> (i, j, c, o)>, affine_map<(n, h, w, c, i, j, o) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x9x21x24xf32>, tensor<3x3x10x24xf32>) outs(%init : tensor<?x7x19x10xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x7x19x10xf32>
  return %y : tensor<?x7x19x10xf32>
}

// A microtile that begins before its rows leaves these alone: the sum may lie where
// %skip does.
// CHECK: residual: contraction, {{.*}} ok
func.func private @residual(%batch: index, %x: tensor<?x6x15x8xf32>, %w: tensor<3x3x8x16xf32>, %skip: tensor<?x6x15x16xf32>, %bias: tensor<16xf32>)
    -> tensor<?x6x15x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x8x17x8xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x8x17x8xf32>) -> tensor<?x8x17x8xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 6, 15, 8] [1, 1, 1, 1]
      : tensor<?x6x15x8xf32> into tensor<?x8x17x8xf32>
  %empty = tensor.empty(%batch) : tensor<?x6x15x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6x15x16xf32>) -> tensor<?x6x15x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x17x8xf32>, tensor<3x3x8x16xf32>) outs(%init : tensor<?x6x15x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x6x15x16xf32>
  %more = tensor.empty(%batch) : tensor<?x6x15x16xf32>
  %z = linalg.generic {
      indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %skip, %bias : tensor<?x6x15x16xf32>, tensor<?x6x15x16xf32>, tensor<16xf32>) outs(%more : tensor<?x6x15x16xf32>) {
  ^bb0(%p: f32, %s: f32, %c: f32, %out: f32):
    %0 = arith.addf %p, %c : f32
    %1 = arith.addf %0, %s : f32
    %2 = arith.maximumf %1, %zero : f32
    linalg.yield %2 : f32
  } -> tensor<?x6x15x16xf32>
  return %z : tensor<?x6x15x16xf32>
}

// More terms than one chain of additions has.
// CHECK: long_sums: contraction, {{.*}} ok
func.func private @long_sums(%batch: index, %x: tensor<1x3x5x256xf32>, %w: tensor<3x3x256x8xf32>)
    -> tensor<1x3x5x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty() : tensor<1x5x7x256xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<1x5x7x256xf32>) -> tensor<1x5x7x256xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [1, 3, 5, 256] [1, 1, 1, 1]
      : tensor<1x3x5x256xf32> into tensor<1x5x7x256xf32>
  %empty = tensor.empty() : tensor<1x3x5x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x3x5x8xf32>) -> tensor<1x3x5x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<1x5x7x256xf32>, tensor<3x3x256x8xf32>) outs(%init : tensor<1x3x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// Padding at one side, steps of two, and a window with holes.
// CHECK: uneven_padding: contraction, {{.*}} ok
func.func private @uneven_padding(%batch: index, %x: tensor<?x12x13x6xf32>, %w: tensor<3x3x6x24xf32>)
    -> tensor<?x5x6x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x13x15x6xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x13x15x6xf32>) -> tensor<?x13x15x6xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 2, 0] [%batch, 12, 13, 6] [1, 1, 1, 1]
      : tensor<?x12x13x6xf32> into tensor<?x13x15x6xf32>
  %empty = tensor.empty(%batch) : tensor<?x5x6x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5x6x24xf32>) -> tensor<?x5x6x24xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 2 + i * 2, w * 2 + j * 2, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x13x15x6xf32>, tensor<3x3x6x24xf32>) outs(%init : tensor<?x5x6x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x5x6x24xf32>
  return %y : tensor<?x5x6x24xf32>
}

// What is copied may be computed too.
// CHECK: computed_where_read: contraction, {{.*}} ok
func.func private @computed_where_read(%batch: index, %x: tensor<?x6x7x5xf32>, %w: tensor<3x3x5x20xf32>)
    -> tensor<?x6x7x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %image = tensor.empty(%batch) : tensor<?x6x7x5xf32>
  %relu = linalg.generic {
      indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
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
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x9x5xf32>, tensor<3x3x5x20xf32>) outs(%init : tensor<?x6x7x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x6x7x20xf32>
  return %y : tensor<?x6x7x20xf32>
}

// An image of one line, longer than a block.
// CHECK: whole_line: contraction, {{.*}} ok
func.func private @whole_line(%batch: index, %x: tensor<?x700x20xf32>, %w: tensor<3x20x16xf32>)
    -> tensor<?x700x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x702x20xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x702x20xf32>) -> tensor<?x702x20xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 0] [%batch, 700, 20] [1, 1, 1]
      : tensor<?x700x20xf32> into tensor<?x702x20xf32>
  %empty = tensor.empty(%batch) : tensor<?x700x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x700x16xf32>) -> tensor<?x700x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, t, o, i, c) -> (n, t + i, c)>, affine_map<(n, t, o, i, c) -> (i, c, o)>, affine_map<(n, t, o, i, c) -> (n, t, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x702x20xf32>, tensor<3x20x16xf32>) outs(%init : tensor<?x700x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x700x16xf32>
  return %y : tensor<?x700x16xf32>
}

// Three dimensions.
// CHECK: volume: contraction, {{.*}} ok
func.func private @volume(%batch: index, %x: tensor<?x4x5x6x3xf32>, %w: tensor<2x3x3x3x8xf32>)
    -> tensor<?x4x5x6x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x5x7x8x3xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x5x7x8x3xf32>) -> tensor<?x5x7x8x3xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 1, 0] [%batch, 4, 5, 6, 3] [1, 1, 1, 1, 1]
      : tensor<?x4x5x6x3xf32> into tensor<?x5x7x8x3xf32>
  %empty = tensor.empty(%batch) : tensor<?x4x5x6x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x5x6x8xf32>) -> tensor<?x4x5x6x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, d, h, w, o, k, i, j, c) -> (n, d + k, h + i, w + j, c)>, affine_map<(n, d, h, w, o, k, i, j, c) -> (k, i, j, c, o)>, affine_map<(n, d, h, w, o, k, i, j, c) -> (n, d, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x5x7x8x3xf32>, tensor<2x3x3x3x8xf32>) outs(%init : tensor<?x4x5x6x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x4x5x6x8xf32>
  return %y : tensor<?x4x5x6x8xf32>
}

// Sums over images: a row of the window and its few channels are rows.
// CHECK: filter_gradient: contraction, {{.*}} ok
func.func private @filter_gradient(%batch: index, %x: tensor<?x9x11x3xf32>, %w: tensor<?x9x11x20xf32>)
    -> tensor<3x3x3x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x11x13x3xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x11x13x3xf32>) -> tensor<?x11x13x3xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 9, 11, 3] [1, 1, 1, 1]
      : tensor<?x9x11x3xf32> into tensor<?x11x13x3xf32>
  %empty = tensor.empty() : tensor<3x3x3x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x3x20xf32>) -> tensor<3x3x3x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x11x13x3xf32>, tensor<?x9x11x20xf32>) outs(%init : tensor<3x3x3x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x3x20xf32>
  return %y : tensor<3x3x3x20xf32>
}

// CHECK: filter_gradient_of_one_channel: contraction, {{.*}} ok
func.func private @filter_gradient_of_one_channel(%batch: index, %x: tensor<?x10x9x1xf32>, %w: tensor<?x10x9x8xf32>)
    -> tensor<5x5x1x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x14x13x1xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x14x13x1xf32>) -> tensor<?x14x13x1xf32>
  %padded = tensor.insert_slice %x into %filled[0, 2, 2, 0] [%batch, 10, 9, 1] [1, 1, 1, 1]
      : tensor<?x10x9x1xf32> into tensor<?x14x13x1xf32>
  %empty = tensor.empty() : tensor<5x5x1x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<5x5x1x8xf32>) -> tensor<5x5x1x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x14x13x1xf32>, tensor<?x10x9x8xf32>) outs(%init : tensor<5x5x1x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<5x5x1x8xf32>
  return %y : tensor<5x5x1x8xf32>
}

// Many channels are copied in panels, of which the last overlaps the one before.
// CHECK: filter_gradient_of_channels: contraction, {{.*}} ok
func.func private @filter_gradient_of_channels(%batch: index, %x: tensor<?x8x7x37xf32>, %w: tensor<?x8x7x40xf32>)
    -> tensor<3x3x37x40xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x10x9x37xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x10x9x37xf32>) -> tensor<?x10x9x37xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 8, 7, 37] [1, 1, 1, 1]
      : tensor<?x8x7x37xf32> into tensor<?x10x9x37xf32>
  %empty = tensor.empty() : tensor<3x3x37x40xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x37x40xf32>) -> tensor<3x3x37x40xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x10x9x37xf32>, tensor<?x8x7x40xf32>) outs(%init : tensor<3x3x37x40xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x37x40xf32>
  return %y : tensor<3x3x37x40xf32>
}

// CHECK: filter_gradient_strided: contraction, {{.*}} ok
func.func private @filter_gradient_strided(%batch: index, %x: tensor<?x12x13x24xf32>, %w: tensor<?x5x6x24xf32>)
    -> tensor<3x3x24x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x13x15x24xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x13x15x24xf32>) -> tensor<?x13x15x24xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 2, 0] [%batch, 12, 13, 24] [1, 1, 1, 1]
      : tensor<?x12x13x24xf32> into tensor<?x13x15x24xf32>
  %empty = tensor.empty() : tensor<3x3x24x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x24x24xf32>) -> tensor<3x3x24x24xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 2 + i * 2, w * 2 + j * 2, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x13x15x24xf32>, tensor<?x5x6x24xf32>) outs(%init : tensor<3x3x24x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x24x24xf32>
  return %y : tensor<3x3x24x24xf32>
}

// Without padding, images are read where they lie; a strided one too.
// CHECK: filter_gradient_in_place: contraction, {{.*}} ok
func.func private @filter_gradient_in_place(%batch: index, %x: tensor<?x9x9x20xf32>, %w: tensor<?x5x5x36xf32>)
    -> tensor<1x1x20x36xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x1x20x36xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x1x20x36xf32>) -> tensor<1x1x20x36xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 2 + i * 1, w * 2 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x9x9x20xf32>, tensor<?x5x5x36xf32>) outs(%init : tensor<1x1x20x36xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x1x20x36xf32>
  return %y : tensor<1x1x20x36xf32>
}

// An update of the filter in place follows the sums.
// CHECK: filter_update: contraction, {{.*}} ok
func.func private @filter_update(%batch: index, %x: tensor<?x6x6x16xf32>, %w: tensor<?x6x6x16xf32>, %skip: tensor<3x3x16x16xf32>, %bias: tensor<16xf32>)
    -> tensor<3x3x16x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x8x8x16xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x8x8x16xf32>) -> tensor<?x8x8x16xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 6, 6, 16] [1, 1, 1, 1]
      : tensor<?x6x6x16xf32> into tensor<?x8x8x16xf32>
  %empty = tensor.empty() : tensor<3x3x16x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x16x16xf32>) -> tensor<3x3x16x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x8x8x16xf32>, tensor<?x6x6x16xf32>) outs(%init : tensor<3x3x16x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x16x16xf32>
  %more = tensor.empty() : tensor<3x3x16x16xf32>
  %z = linalg.generic {
      indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %skip, %bias : tensor<3x3x16x16xf32>, tensor<3x3x16x16xf32>, tensor<16xf32>) outs(%more : tensor<3x3x16x16xf32>) {
  ^bb0(%p: f32, %s: f32, %c: f32, %out: f32):
    %0 = arith.addf %p, %c : f32
    %1 = arith.addf %0, %s : f32
    %2 = arith.maximumf %1, %zero : f32
    linalg.yield %2 : f32
  } -> tensor<3x3x16x16xf32>
  return %z : tensor<3x3x16x16xf32>
}

// CHECK: filter_gradient_along_time: contraction, {{.*}} ok
func.func private @filter_gradient_along_time(%batch: index, %x: tensor<?x300x20xf32>, %w: tensor<?x300x16xf32>)
    -> tensor<3x20x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x302x20xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x302x20xf32>) -> tensor<?x302x20xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 0] [%batch, 300, 20] [1, 1, 1]
      : tensor<?x300x20xf32> into tensor<?x302x20xf32>
  %empty = tensor.empty() : tensor<3x20x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x20x16xf32>) -> tensor<3x20x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, c, o, n, t) -> (n, t + i, c)>, affine_map<(i, c, o, n, t) -> (n, t, o)>, affine_map<(i, c, o, n, t) -> (i, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x302x20xf32>, tensor<?x300x16xf32>) outs(%init : tensor<3x20x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x20x16xf32>
  return %y : tensor<3x20x16xf32>
}

// Lines too long for a part of the cache stay whole where a window has several.
// CHECK: wide_lines: contraction, {{.*}} ok
func.func private @wide_lines(%batch: index, %x: tensor<?x3x500x40xf32>, %w: tensor<3x3x40x8xf32>)
    -> tensor<?x3x500x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x5x502x40xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x5x502x40xf32>) -> tensor<?x5x502x40xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 3, 500, 40] [1, 1, 1, 1]
      : tensor<?x3x500x40xf32> into tensor<?x5x502x40xf32>
  %empty = tensor.empty(%batch) : tensor<?x3x500x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x3x500x8xf32>) -> tensor<?x3x500x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x5x502x40xf32>, tensor<3x3x40x8xf32>) outs(%init : tensor<?x3x500x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x3x500x8xf32>
  return %y : tensor<?x3x500x8xf32>
}

// CHECK: filter_gradient_of_wide_lines: contraction, {{.*}} ok
func.func private @filter_gradient_of_wide_lines(%batch: index, %x: tensor<?x2x500x20xf32>, %w: tensor<?x2x500x16xf32>)
    -> tensor<3x3x20x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %around = tensor.empty(%batch) : tensor<?x4x502x20xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%around : tensor<?x4x502x20xf32>) -> tensor<?x4x502x20xf32>
  %padded = tensor.insert_slice %x into %filled[0, 1, 1, 0] [%batch, 2, 500, 20] [1, 1, 1, 1]
      : tensor<?x2x500x20xf32> into tensor<?x4x502x20xf32>
  %empty = tensor.empty() : tensor<3x3x20x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x20x16xf32>) -> tensor<3x3x20x16xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, c, o, n, h, w) -> (n, h * 1 + i * 1, w * 1 + j * 1, c)>, affine_map<(i, j, c, o, n, h, w) -> (n, h, w, o)>, affine_map<(i, j, c, o, n, h, w) -> (i, j, c, o)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<?x4x502x20xf32>, tensor<?x2x500x16xf32>) outs(%init : tensor<3x3x20x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3x20x16xf32>
  return %y : tensor<3x3x20x16xf32>
}
