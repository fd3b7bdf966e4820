// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=scatter --max-ulp=0.1 | FileCheck %s

// CHECK: scatter_add_rows: scatter, 1 phases, 0 ulp
func.func private @scatter_add_rows(%batch: index,
                                    %indices: tensor<?xi32> {test.range = [-1, 6]},
                                    %updates: tensor<?x19xf32>)
    -> tensor<5x19xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %width = arith.constant 19 : index
  %none = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<5x19xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<5x19xf32>)
      -> tensor<5x19xf32>
  %y = scf.for %i = %zero to %batch step %one iter_args(%rows = %zeros)
      -> tensor<5x19xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows)
        -> tensor<5x19xf32> {
      %index = tensor.extract %indices[%i] : tensor<?xi32>
      %position = arith.index_cast %index : i32 to index
      %first = arith.constant 0 : index
      %last = arith.constant 4 : index
      %above = arith.maxsi %position, %first : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<?x19xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<5x19xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<5x19xf32>
      scf.yield %next : tensor<5x19xf32>
    }
    scf.yield %z : tensor<5x19xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<5x19xf32>
}

// CHECK: scatter_add_along_batch: scatter, 1 phases, 0 ulp
func.func private @scatter_add_along_batch(%batch: index,
                                           %indices: tensor<7xi32> {test.range = [-1, 12]},
                                           %updates: tensor<7x19xf32>)
    -> tensor<?x19xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = arith.constant 7 : index
  %width = arith.constant 19 : index
  %none = arith.constant 0.0 : f32
  %last = arith.subi %batch, %one : index
  %empty = tensor.empty(%batch) : tensor<?x19xf32>
  %zeros = linalg.fill ins(%none : f32) outs(%empty : tensor<?x19xf32>)
      -> tensor<?x19xf32>
  %y = scf.for %i = %zero to %count step %one iter_args(%rows = %zeros)
      -> tensor<?x19xf32> {
    %z = scf.for %j = %zero to %width step %one iter_args(%sum = %rows)
        -> tensor<?x19xf32> {
      %index = tensor.extract %indices[%i] : tensor<7xi32>
      %position = arith.index_cast %index : i32 to index
      %above = arith.maxsi %position, %zero : index
      %row = arith.minsi %above, %last : index
      %update = tensor.extract %updates[%i, %j] : tensor<7x19xf32>
      %old = tensor.extract %sum[%row, %j] : tensor<?x19xf32>
      %new = arith.addf %old, %update : f32
      %next = tensor.insert %new into %sum[%row, %j] : tensor<?x19xf32>
      scf.yield %next : tensor<?x19xf32>
    }
    scf.yield %z : tensor<?x19xf32>
  } {nnc.scatter_add = {axis = 0 : i64}}
  return %y : tensor<?x19xf32>
}
