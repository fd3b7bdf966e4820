// What an attribute says of a body is proved, once.
// RUN: not nnc-run-kernel %s --kernel=unclamped 2>&1 | FileCheck %s --check-prefix=UNCLAMPED
// RUN: not nnc-run-kernel %s --kernel=other_axis 2>&1 | FileCheck %s --check-prefix=AXIS
// RUN: not nnc-run-kernel %s --kernel=overwriting 2>&1 | FileCheck %s --check-prefix=SUM

#i = affine_map<(i, j) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>

// UNCLAMPED: error: 'linalg.generic' op is no 'nnc.gather': the index is not clamped to the axis
func.func private @unclamped(%batch: index, %table: tensor<9x4xf32>, %indices: tensor<?xi32>)
    -> tensor<?x4xf32> attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  %y = linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<?xi32>) outs(%empty : tensor<?x4xf32>)
      attrs = {nnc.gather = {axis = 0 : i64}} {
  ^bb0(%index: i32, %out: f32):
    %row = arith.index_cast %index : i32 to index
    %column = linalg.index 1 : index
    %value = tensor.extract %table[%row, %column] : tensor<9x4xf32>
    linalg.yield %value : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// AXIS: error: 'linalg.generic' op is no 'nnc.gather': index 0 is not that of its loop
func.func private @other_axis(%batch: index, %table: tensor<9x4xf32>, %indices: tensor<?xi32>)
    -> tensor<?x4xf32> attributes {nnc.kernel} {
  %first = arith.constant 0 : index
  %last = arith.constant 8 : index
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  %y = linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<?xi32>) outs(%empty : tensor<?x4xf32>)
      attrs = {nnc.gather = {axis = 1 : i64}} {
  ^bb0(%index: i32, %out: f32):
    %position = arith.index_cast %index : i32 to index
    %above = arith.maxsi %position, %first : index
    %row = arith.minsi %above, %last : index
    %column = linalg.index 1 : index
    %value = tensor.extract %table[%row, %column] : tensor<9x4xf32>
    linalg.yield %value : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// SUM: error: 'scf.for' op is no 'nnc.scatter_add': it does not put a sum into what it carries
func.func private @overwriting(%batch: index, %indices: tensor<?xi32>, %updates: tensor<?xf32>)
    -> tensor<5xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %last = arith.constant 4 : index
  %zeros = arith.constant dense<0.0> : tensor<5xf32>
  %y = scf.for %i = %zero to %batch step %one iter_args(%sum = %zeros) -> tensor<5xf32> {
    %index = tensor.extract %indices[%i] : tensor<?xi32>
    %position = arith.index_cast %index : i32 to index
    %above = arith.maxsi %position, %zero : index
    %row = arith.minsi %above, %last : index
    %update = tensor.extract %updates[%i] : tensor<?xf32>
    %next = tensor.insert %update into %sum[%row] : tensor<5xf32>
    scf.yield %next : tensor<5xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<5xf32>
}
