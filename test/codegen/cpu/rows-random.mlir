// Random words in rows kernels: bit by bit those of the scalar form.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,37,300 | FileCheck %s

// A flat space, 32 words at a time, and a tail one by one.
// CHECK: drops_elements: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @drops_elements(%batch: index, %seed: tensor<i64> {test.range = [0, 1000000000]},
                                  %step: tensor<i64>, %stream: tensor<i64>, %x: tensor<?x20xf32>)
    -> tensor<?x20xf32> attributes {nnc.kernel} {
  %bits = nnc.random_bits %seed, %step, %stream shape = [-1, 20] bits = 24
      : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x20xui32>
  %limit = nnc.constant dense<3355443> : tensor<ui32>
  %keep = nnc.compare %bits, %limit predicate = ge
      : (tensor<?x20xui32>, tensor<ui32>) -> tensor<?x20xi1>
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %y = nnc.select %keep, %x, %zero
      : (tensor<?x20xi1>, tensor<?x20xf32>, tensor<f32>) -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// Rows that start at multiples of 32.
// CHECK: in_long_rows: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @in_long_rows(%batch: index, %seed: tensor<i64> {test.range = [0, 1000000000]},
                                %step: tensor<i64>, %stream: tensor<i64>, %limit: tensor<96xf32>)
    -> tensor<?x96xi1> attributes {nnc.kernel} {
  %bits = nnc.random_bits %seed, %step, %stream shape = [-1, 96] bits = 24
      : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x96xui32>
  %float = nnc.cast %bits to = f32 : (tensor<?x96xui32>) -> tensor<?x96xf32>
  %y = nnc.compare %float, %limit predicate = ge
      : (tensor<?x96xf32>, tensor<96xf32>) -> tensor<?x96xi1>
  return %y : tensor<?x96xi1>
}

// Rows that do not.
// CHECK: in_odd_rows: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @in_odd_rows(%batch: index, %seed: tensor<i64> {test.range = [0, 1000000000]},
                               %step: tensor<i64>, %stream: tensor<i64>, %limit: tensor<70xf32>)
    -> tensor<?x70xf32> attributes {nnc.kernel} {
  %bits = nnc.random_bits %seed, %step, %stream shape = [-1, 70]
      : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x70xui32>
  %float = nnc.cast %bits to = f32 : (tensor<?x70xui32>) -> tensor<?x70xf32>
  %y = nnc.add %float, %limit : (tensor<?x70xf32>, tensor<70xf32>) -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}

// One a column, on the way of a sum down the rows and after it.
// CHECK: one_a_column: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @one_a_column(%batch: index, %seed: tensor<i64> {test.range = [0, 1000000000]},
                                %step: tensor<i64>, %stream: tensor<i64>, %x: tensor<?x32xf32>)
    -> tensor<32xf32> attributes {nnc.kernel} {
  %sum = nnc.sum %x axes = [0] : (tensor<?x32xf32>) -> tensor<32xf32>
  %bits = nnc.random_bits %seed, %step, %stream shape = [32] bits = 24
      : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<32xui32>
  %float = nnc.cast %bits to = f32 : (tensor<32xui32>) -> tensor<32xf32>
  %y = nnc.add %float, %sum : tensor<32xf32>
  return %y : tensor<32xf32>
}
