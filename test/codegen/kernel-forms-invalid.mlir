// What an attribute says of a body is proved, once.
// RUN: not nnc-run-kernel %s --kernel=unclamped 2>&1 | FileCheck %s --check-prefix=UNCLAMPED
// RUN: not nnc-run-kernel %s --kernel=other_axis 2>&1 | FileCheck %s --check-prefix=AXIS
// RUN: not nnc-run-kernel %s --kernel=overwriting 2>&1 | FileCheck %s --check-prefix=SUM
// RUN: not nnc-run-kernel %s --kernel=smallest 2>&1 | FileCheck %s --check-prefix=EXTREME
// RUN: not nnc-run-kernel %s --kernel=first_row 2>&1 | FileCheck %s --check-prefix=WHERE
// RUN: not nnc-run-kernel %s --kernel=whole_words 2>&1 | FileCheck %s --check-prefix=BITS

#i = affine_map<(i, j) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#id = affine_map<(i) -> (i)>
#scalar = affine_map<(i) -> ()>

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

// EXTREME: error: 'linalg.generic' op is no 'nnc.arg_reduction': its first result is not the extreme so far
func.func private @smallest(%batch: index, %x: tensor<?x4xf32>, %v: tensor<?xf32>, %i: tensor<?xi32>)
    -> tensor<?xi32> attributes {nnc.kernel} {
  %y:2 = linalg.generic {indexing_maps = [#ij, #i, #i], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4xf32>) outs(%v, %i : tensor<?xf32>, tensor<?xi32>)
      attrs = {nnc.arg_reduction = "max"} {
  ^bb0(%value: f32, %best: f32, %place: i32):
    %j = linalg.index 1 : index
    %here = arith.index_cast %j : index to i32
    %wins = arith.cmpf olt, %value, %best : f32
    %next = arith.select %wins, %value, %best : f32
    %index = arith.select %wins, %here, %place : i32
    linalg.yield %next, %index : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  return %y#1 : tensor<?xi32>
}

// WHERE: error: 'linalg.generic' op is no 'nnc.arg_reduction': its second result is not where the extreme is
func.func private @first_row(%batch: index, %x: tensor<?x4xf32>, %v: tensor<?xf32>, %i: tensor<?xi32>)
    -> tensor<?xi32> attributes {nnc.kernel} {
  %y:2 = linalg.generic {indexing_maps = [#ij, #i, #i], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4xf32>) outs(%v, %i : tensor<?xf32>, tensor<?xi32>)
      attrs = {nnc.arg_reduction = "max"} {
  ^bb0(%value: f32, %best: f32, %place: i32):
    %j = linalg.index 0 : index
    %here = arith.index_cast %j : index to i32
    %wins = arith.cmpf ogt, %value, %best : f32
    %next = arith.select %wins, %value, %best : f32
    %index = arith.select %wins, %here, %place : i32
    linalg.yield %next, %index : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  return %y#1 : tensor<?xi32>
}

// BITS: error: 'linalg.generic' op is no 'nnc.random_bits': the word is not shifted by 8
func.func private @whole_words(%batch: index, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>)
    -> tensor<4xi32> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<4xi32>
  %y = linalg.generic {indexing_maps = [#scalar, #scalar, #scalar, #id], iterator_types = ["parallel"]}
      ins(%seed, %step, %stream : tensor<i64>, tensor<i64>, tensor<i64>) outs(%empty : tensor<4xi32>)
      attrs = {nnc.random_bits = 24 : i64} {
  ^bb0(%s: i64, %t: i64, %u: i64, %out: i32):
    %word = arith.trunci %s : i64 to i32
    linalg.yield %word : i32
  } -> tensor<4xi32>
  return %y : tensor<4xi32>
}
