// Kernels in which each sample has rows and columns of its own: sums over the
// positions of a picture, and what waits for them.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg --cse > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,7 | FileCheck %s
// RUN: nnc-run-kernel %t.mlir --target=cpu:x86-64-v3 --emitter=rows --emit=plan | FileCheck %s --check-prefix=PLAN

// CHECK: pool: rows, 1 phases, {{.*}}: ok
func.func private @pool(%batch: index, %x: tensor<?x9x80xf32>) -> tensor<?x80xf32> attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [1] : (tensor<?x9x80xf32>) -> tensor<?x80xf32>
  return %0 : tensor<?x80xf32>
}

// A column of a sample beside all of its elements, and a column of all samples.
// CHECK: spread: rows, 1 phases, {{.*}}: ok
func.func private @spread(%batch: index, %x: tensor<?x3x3x17xf32>, %y: tensor<?x1x1x17xf32>, %z: tensor<17xf32>)
    -> tensor<?x3x3x17xf32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %y : (tensor<?x3x3x17xf32>, tensor<?x1x1x17xf32>) -> tensor<?x3x3x17xf32>
  %1 = nnc.add %0, %z : (tensor<?x3x3x17xf32>, tensor<17xf32>) -> tensor<?x3x3x17xf32>
  return %1 : tensor<?x3x3x17xf32>
}

// One call a sample, in as many stages as sums follow one another. Parts and
// columns lie in memory for each sample.
// CHECK: instance_norm: rows, 1 phases, {{.*}}: ok
// PLAN-LABEL: instance_norm: 1 phases
// PLAN-NEXT: stage 0: rows
// PLAN-NEXT:   enters
// PLAN-NEXT: stage 1: columns
// PLAN-NEXT:   completes
// PLAN-NEXT:   stores
// PLAN:      stage 1: rows
// PLAN-NEXT:   enters
// PLAN-NEXT: stage 2: columns
// PLAN:      stage 2: rows
// PLAN-NEXT:   stores
func.func private @instance_norm(%batch: index, %x: tensor<?x600x40xf32>, %scale: tensor<40xf32>)
    -> (tensor<?x1x40xf32>, tensor<?x600x40xf32>) attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [1] keep_dims = true : (tensor<?x600x40xf32>) -> tensor<?x1x40xf32>
  %1 = nnc.sub %x, %0 : (tensor<?x600x40xf32>, tensor<?x1x40xf32>) -> tensor<?x600x40xf32>
  %2 = nnc.mul %1, %1 : tensor<?x600x40xf32>
  %3 = nnc.sum %2 axes = [1] keep_dims = true : (tensor<?x600x40xf32>) -> tensor<?x1x40xf32>
  %4 = nnc.rsqrt %3 : tensor<?x1x40xf32>
  %5 = nnc.mul %4, %scale : (tensor<?x1x40xf32>, tensor<40xf32>) -> tensor<?x1x40xf32>
  %6 = nnc.mul %1, %5 : (tensor<?x600x40xf32>, tensor<?x1x40xf32>) -> tensor<?x600x40xf32>
  return %0, %6 : tensor<?x1x40xf32>, tensor<?x600x40xf32>
}

// Scalars, rows and columns of a sample, in f64, and an operand that the result
// may lie on.
// CHECK: every_role: rows, 1 phases, {{.*}}: ok
func.func private @every_role(%batch: index, %x: tensor<?x5x6xf64>, %row: tensor<5x1xf64>)
    -> (tensor<?xf64>, tensor<?x5x1xf64>, tensor<?x1x6xf64>, tensor<?x5x6xf64>) attributes {nnc.kernel} {
  %0 = nnc.mul %x, %row : (tensor<?x5x6xf64>, tensor<5x1xf64>) -> tensor<?x5x6xf64>
  %1 = nnc.sum %0 axes = [1, 2] : (tensor<?x5x6xf64>) -> tensor<?xf64>
  %2 = nnc.sum %0 axes = [2] keep_dims = true : (tensor<?x5x6xf64>) -> tensor<?x5x1xf64>
  %3 = nnc.reduce_max %0 axes = [1] keep_dims = true : (tensor<?x5x6xf64>) -> tensor<?x1x6xf64>
  %4 = nnc.add %0, %2 : (tensor<?x5x6xf64>, tensor<?x5x1xf64>) -> tensor<?x5x6xf64>
  %5 = nnc.add %4, %3 : (tensor<?x5x6xf64>, tensor<?x1x6xf64>) -> tensor<?x5x6xf64>
  return %1, %2, %3, %5 : tensor<?xf64>, tensor<?x5x1xf64>, tensor<?x1x6xf64>, tensor<?x5x6xf64>
}
