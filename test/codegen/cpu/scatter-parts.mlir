// Sums of parts: rows without an index, within a part, over several, and one row
// of all indices. The result is the same however the phases are cut.
// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=scatter | FileCheck %s
// RUN: %if target-cuda %{ nnc-run-kernel %s --target=sim %}

// CHECK: few_rows: scatter, 4 phases
func.func private @few_rows(%batch: index, %indices: tensor<300xi32> {test.range = [-1, 6]},
                          %updates: tensor<300x19xf32>) -> tensor<5x19xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 300 : index
  %width = arith.constant 19 : index
  %last = arith.constant 4 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<5x19xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<5x19xf32>) -> tensor<5x19xf32>
  %y = scf.for %i = %zero to %count step %one iter_args(%rows = %zeros) -> tensor<5x19xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows) -> tensor<5x19xf32> {
      %index = tensor.extract %indices[%i] : tensor<300xi32>
      %position = arith.index_cast %index : i32 to index
      %above = arith.maxsi %position, %zero : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<300x19xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<5x19xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<5x19xf32>
      scf.yield %next : tensor<5x19xf32>
    }
    scf.yield %z : tensor<5x19xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<5x19xf32>
}

// CHECK: many_rows: scatter, 4 phases
func.func private @many_rows(%batch: index, %indices: tensor<700xi32> {test.range = [0, 999]},
                          %updates: tensor<700x3xf32>) -> tensor<1000x3xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 700 : index
  %width = arith.constant 3 : index
  %last = arith.constant 999 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1000x3xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<1000x3xf32>) -> tensor<1000x3xf32>
  %y = scf.for %i = %zero to %count step %one iter_args(%rows = %zeros) -> tensor<1000x3xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows) -> tensor<1000x3xf32> {
      %index = tensor.extract %indices[%i] : tensor<700xi32>
      %position = arith.index_cast %index : i32 to index
      %above = arith.maxsi %position, %zero : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<700x3xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<1000x3xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<1000x3xf32>
      scf.yield %next : tensor<1000x3xf32>
    }
    scf.yield %z : tensor<1000x3xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<1000x3xf32>
}

// CHECK: one_row: scatter, 4 phases
func.func private @one_row(%batch: index, %indices: tensor<1000xi32> {test.range = [2, 2]},
                          %updates: tensor<1000x33xf32>) -> tensor<4x33xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 1000 : index
  %width = arith.constant 33 : index
  %last = arith.constant 3 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x33xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<4x33xf32>) -> tensor<4x33xf32>
  %y = scf.for %i = %zero to %count step %one iter_args(%rows = %zeros) -> tensor<4x33xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows) -> tensor<4x33xf32> {
      %index = tensor.extract %indices[%i] : tensor<1000xi32>
      %position = arith.index_cast %index : i32 to index
      %above = arith.maxsi %position, %zero : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<1000x33xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<4x33xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<4x33xf32>
      scf.yield %next : tensor<4x33xf32>
    }
    scf.yield %z : tensor<4x33xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<4x33xf32>
}

// CHECK: one_part_more: scatter, 4 phases
func.func private @one_part_more(%batch: index, %indices: tensor<65xi32> {test.range = [0, 1]},
                          %updates: tensor<65x16xf32>) -> tensor<2x16xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 65 : index
  %width = arith.constant 16 : index
  %last = arith.constant 1 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x16xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<2x16xf32>) -> tensor<2x16xf32>
  %y = scf.for %i = %zero to %count step %one iter_args(%rows = %zeros) -> tensor<2x16xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows) -> tensor<2x16xf32> {
      %index = tensor.extract %indices[%i] : tensor<65xi32>
      %position = arith.index_cast %index : i32 to index
      %above = arith.maxsi %position, %zero : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<65x16xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<2x16xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<2x16xf32>
      scf.yield %next : tensor<2x16xf32>
    }
    scf.yield %z : tensor<2x16xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<2x16xf32>
}

// CHECK: of_the_batch: scatter, 4 phases
func.func private @of_the_batch(%batch: index, %indices: tensor<?x12xi32> {test.range = [0, 8]},
                          %updates: tensor<?x12x20xf32>) -> tensor<9x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 12 : index
  %width = arith.constant 20 : index
  %last = arith.constant 8 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<9x20xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<9x20xf32>) -> tensor<9x20xf32>
  %y = scf.for %b = %zero to %batch step %one iter_args(%all = %zeros) -> tensor<9x20xf32> {
    %x = scf.for %i = %zero to %count step %one iter_args(%rows = %all) -> tensor<9x20xf32> {
      %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows) -> tensor<9x20xf32> {
        %index = tensor.extract %indices[%b, %i] : tensor<?x12xi32>
        %position = arith.index_cast %index : i32 to index
        %above = arith.maxsi %position, %zero : index
        %row = arith.minsi %above, %last : index
        %update = tensor.extract %updates[%b, %i, %j] : tensor<?x12x20xf32>
        %old = tensor.extract %sum[%row, %j] : tensor<9x20xf32>
        %new = arith.addf %old, %update : f32
        %next = tensor.insert %new into %sum[%row, %j] : tensor<9x20xf32>
        scf.yield %next : tensor<9x20xf32>
      }
      scf.yield %z : tensor<9x20xf32>
    }
    scf.yield %x : tensor<9x20xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<9x20xf32>
}
