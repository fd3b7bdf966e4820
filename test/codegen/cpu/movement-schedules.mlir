// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=movement --max-ulp=0.1 | FileCheck %s
// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=movement --batch=3,17
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v4 --compile-only

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
#i0 = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>
#iBy0 = affine_map<(i, j) -> (i, 0)>
#ijk = affine_map<(i, j, k) -> (i, j, k)>
#ikj = affine_map<(i, j, k) -> (i, k, j)>
#kij = affine_map<(i, j, k) -> (k, i, j)>
#abcd = affine_map<(a, b, c, d) -> (a, b, c, d)>
#acbd = affine_map<(a, b, c, d) -> (a, c, b, d)>
#ofPairs = affine_map<(i, j, k) -> (i, j)>
#ofOne = affine_map<(i, j, k) -> (j)>

// CHECK: transpose: movement, 1 phases, 0 ulp
func.func private @transpose(%batch: index, %x: tensor<?x37xf32>)
    -> tensor<37x?xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<37x?xf32>
  %y = linalg.generic {indexing_maps = [#ji, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x37xf32>) outs(%empty : tensor<37x?xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<37x?xf32>
  return %y : tensor<37x?xf32>
}

// CHECK: transpose_f64: movement, 1 phases, 0 ulp
func.func private @transpose_f64(%batch: index, %x: tensor<9x20xf64>)
    -> tensor<20x9xf64> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<20x9xf64>
  %y = linalg.generic {indexing_maps = [#ji, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<9x20xf64>) outs(%empty : tensor<20x9xf64>) {
  ^bb0(%a: f64, %out: f64):
    linalg.yield %a : f64
  } -> tensor<20x9xf64>
  return %y : tensor<20x9xf64>
}

// CHECK: transpose_last_two: movement, 1 phases, 0 ulp
func.func private @transpose_last_two(%batch: index, %x: tensor<?x12x19xi32>)
    -> tensor<?x19x12xi32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x19x12xi32>
  %y = linalg.generic {indexing_maps = [#ikj, #ijk],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x12x19xi32>) outs(%empty : tensor<?x19x12xi32>) {
  ^bb0(%a: i32, %out: i32):
    linalg.yield %a : i32
  } -> tensor<?x19x12xi32>
  return %y : tensor<?x19x12xi32>
}

// CHECK: rotate_dimensions: movement, 1 phases, 0 ulp
func.func private @rotate_dimensions(%batch: index, %x: tensor<11x?x6xf32>)
    -> tensor<?x6x11xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x6x11xf32>
  %y = linalg.generic {indexing_maps = [#kij, #ijk],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<11x?x6xf32>) outs(%empty : tensor<?x6x11xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<?x6x11xf32>
  return %y : tensor<?x6x11xf32>
}

// CHECK: broadcast_row: movement, 1 phases, 0 ulp
func.func private @broadcast_row(%batch: index, %x: tensor<21xf32>)
    -> tensor<?x21xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x21xf32>
  %y = linalg.generic {indexing_maps = [#j, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<21xf32>) outs(%empty : tensor<?x21xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<?x21xf32>
  return %y : tensor<?x21xf32>
}

// CHECK: broadcast_column: movement, 1 phases, 0 ulp
func.func private @broadcast_column(%batch: index, %x: tensor<?x1xi1>)
    -> tensor<?x21xi1> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x21xi1>
  %y = linalg.generic {indexing_maps = [#iBy0, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x1xi1>) outs(%empty : tensor<?x21xi1>) {
  ^bb0(%a: i1, %out: i1):
    linalg.yield %a : i1
  } -> tensor<?x21xi1>
  return %y : tensor<?x21xi1>
}

// CHECK: slice_with_stride: movement, 1 phases, 0 ulp
func.func private @slice_with_stride(%batch: index, %x: tensor<?x30xf16>)
    -> tensor<?x7xf16> attributes {nnc.kernel} {
  %y = tensor.extract_slice %x[0, 5] [%batch, 7] [1, 3]
      : tensor<?x30xf16> to tensor<?x7xf16>
  return %y : tensor<?x7xf16>
}

// CHECK: slice_rows: movement, 1 phases, 0 ulp
func.func private @slice_rows(%batch: index, %x: tensor<40x33xf32>)
    -> tensor<20x33xf32> attributes {nnc.kernel} {
  %y = tensor.extract_slice %x[3, 0] [20, 33] [1, 1]
      : tensor<40x33xf32> to tensor<20x33xf32>
  return %y : tensor<20x33xf32>
}

// Filled and written row by row.
// CHECK: pad_columns: movement, 1 phases, 0 ulp
func.func private @pad_columns(%batch: index, %x: tensor<?x10xf32>)
    -> tensor<?x15xf32> attributes {nnc.kernel} {
  %value = arith.constant 0.5 : f32
  %empty = tensor.empty(%batch) : tensor<?x15xf32>
  %filled = linalg.fill ins(%value : f32) outs(%empty : tensor<?x15xf32>)
      -> tensor<?x15xf32>
  %y = tensor.insert_slice %x into %filled[0, 2] [%batch, 10] [1, 1]
      : tensor<?x10xf32> into tensor<?x15xf32>
  return %y : tensor<?x15xf32>
}

// All of it is filled before any row is written: two phases.
// CHECK: pad_both: movement, 2 phases, 0 ulp
func.func private @pad_both(%batch: index, %x: tensor<4x10xi64>)
    -> tensor<11x15xi64> attributes {nnc.kernel} {
  %value = arith.constant 7 : i64
  %empty = tensor.empty() : tensor<11x15xi64>
  %filled = linalg.fill ins(%value : i64) outs(%empty : tensor<11x15xi64>)
      -> tensor<11x15xi64>
  %y = tensor.insert_slice %x into %filled[1, 2] [4, 10] [2, 1]
      : tensor<4x10xi64> into tensor<11x15xi64>
  return %y : tensor<11x15xi64>
}

// CHECK: concat_columns: movement, 1 phases, 0 ulp
func.func private @concat_columns(%batch: index, %a: tensor<?x10xf32>,
                                  %b: tensor<?x3xf32>)
    -> tensor<?x13xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x13xf32>
  %0 = tensor.insert_slice %a into %empty[0, 0] [%batch, 10] [1, 1]
      : tensor<?x10xf32> into tensor<?x13xf32>
  %1 = tensor.insert_slice %b into %0[0, 10] [%batch, 3] [1, 1]
      : tensor<?x3xf32> into tensor<?x13xf32>
  return %1 : tensor<?x13xf32>
}

// CHECK: concat_rows: movement, 2 phases, 0 ulp
func.func private @concat_rows(%batch: index, %a: tensor<2x10xf32>,
                               %b: tensor<5x10xf32>)
    -> tensor<7x10xf32> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<7x10xf32>
  %0 = tensor.insert_slice %a into %empty[0, 0] [2, 10] [1, 1]
      : tensor<2x10xf32> into tensor<7x10xf32>
  %1 = tensor.insert_slice %b into %0[2, 0] [5, 10] [1, 1]
      : tensor<5x10xf32> into tensor<7x10xf32>
  return %1 : tensor<7x10xf32>
}

// Indices out of range are clamped.
// CHECK: gather_rows: movement, 1 phases, 0 ulp
func.func private @gather_rows(%batch: index, %table: tensor<9x20xf32>,
                               %indices: tensor<?x3xi32> {test.range = [-2, 12]})
    -> tensor<?x3x20xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x3x20xf32>
  %y = linalg.generic {indexing_maps = [#ofPairs, #ijk],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%indices : tensor<?x3xi32>) outs(%empty : tensor<?x3x20xf32>)
      attrs = {nnc.gather = {axis = 0 : i64}} {
  ^bb0(%index: i32, %out: f32):
    %position = arith.index_cast %index : i32 to index
    %first = arith.constant 0 : index
    %last = arith.constant 8 : index
    %above = arith.maxsi %position, %first : index
    %row = arith.minsi %above, %last : index
    %column = linalg.index 2 : index
    %value = tensor.extract %table[%row, %column] : tensor<9x20xf32>
    linalg.yield %value : f32
  } -> tensor<?x3x20xf32>
  return %y : tensor<?x3x20xf32>
}

// CHECK: gather_columns: movement, 1 phases, 0 ulp
func.func private @gather_columns(%batch: index, %table: tensor<?x9xf32>,
                                  %indices: tensor<6xi8> {test.range = [0, 8]})
    -> tensor<?x6xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#j, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<6xi8>) outs(%empty : tensor<?x6xf32>)
      attrs = {nnc.gather = {axis = 1 : i64, unsigned}} {
  ^bb0(%index: i8, %out: f32):
    %position = arith.index_castui %index : i8 to index
    %first = arith.constant 0 : index
    %last = arith.constant 8 : index
    %above = arith.maxsi %position, %first : index
    %column = arith.minsi %above, %last : index
    %row = linalg.index 0 : index
    %value = tensor.extract %table[%row, %column] : tensor<?x9xf32>
    linalg.yield %value : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// CHECK: pad_half: movement, 1 phases, 0 ulp
func.func private @pad_half(%batch: index, %x: tensor<?x10xbf16>)
    -> tensor<?x15xbf16> attributes {nnc.kernel} {
  %value = arith.constant -2.5 : bf16
  %empty = tensor.empty(%batch) : tensor<?x15xbf16>
  %filled = linalg.fill ins(%value : bf16) outs(%empty : tensor<?x15xbf16>)
      -> tensor<?x15xbf16>
  %y = tensor.insert_slice %x into %filled[0, 3] [%batch, 10] [1, 1]
      : tensor<?x10xbf16> into tensor<?x15xbf16>
  return %y : tensor<?x15xbf16>
}

// The table is as long as the batch: its last row is the batch's.
// CHECK: gather_along_batch: movement, 1 phases, 0 ulp
func.func private @gather_along_batch(%batch: index, %table: tensor<?x20xf32>,
                                      %indices: tensor<7xi32> {test.range = [-2, 12]})
    -> tensor<7x20xf32> attributes {nnc.kernel} {
  %one = arith.constant 1 : index
  %last = arith.subi %batch, %one : index
  %empty = tensor.empty() : tensor<7x20xf32>
  %y = linalg.generic {indexing_maps = [#i0, #ij],
                       iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<7xi32>) outs(%empty : tensor<7x20xf32>)
      attrs = {nnc.gather = {axis = 0 : i64}} {
  ^bb0(%index: i32, %out: f32):
    %position = arith.index_cast %index : i32 to index
    %first = arith.constant 0 : index
    %above = arith.maxsi %position, %first : index
    %row = arith.minsi %above, %last : index
    %column = linalg.index 1 : index
    %value = tensor.extract %table[%row, %column] : tensor<?x20xf32>
    linalg.yield %value : f32
  } -> tensor<7x20xf32>
  return %y : tensor<7x20xf32>
}

// Heads are split off by strides: neither the reshape nor the slice copies.
// CHECK: heads_of_slice: movement, 1 phases, 0 ulp
func.func private @heads_of_slice(%batch: index, %x: tensor<?x5x24xf32>)
    -> tensor<?x4x5x3xf32> attributes {nnc.kernel} {
  %slice = tensor.extract_slice %x[0, 0, 12] [%batch, 5, 12] [1, 1, 1]
      : tensor<?x5x24xf32> to tensor<?x5x12xf32>
  %split = tensor.expand_shape %slice [[0], [1], [2, 3]] output_shape [%batch, 5, 4, 3]
      : tensor<?x5x12xf32> into tensor<?x5x4x3xf32>
  %empty = tensor.empty(%batch) : tensor<?x4x5x3xf32>
  %y = linalg.generic {indexing_maps = [#acbd, #abcd],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%split : tensor<?x5x4x3xf32>) outs(%empty : tensor<?x4x5x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<?x4x5x3xf32>
  return %y : tensor<?x4x5x3xf32>
}

// A slice without one of the dimensions.
// CHECK: column_of: movement, 1 phases, 0 ulp
func.func private @column_of(%batch: index, %x: tensor<?x5x24xf32>)
    -> tensor<?x24xf32> attributes {nnc.kernel} {
  %y = tensor.extract_slice %x[0, 3, 0] [%batch, 1, 24] [1, 1, 1]
      : tensor<?x5x24xf32> to tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
