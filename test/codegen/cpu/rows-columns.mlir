// Sums down columns: a walk where the rows are few, else sums of blocks of rows,
// in registers where a row is one chunk of lanes.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg --cse > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,7 | FileCheck %s
// RUN: nnc-run-kernel %t.mlir --target=cpu:x86-64-v3 --emitter=rows --emit=plan | FileCheck %s --check-prefix=PLAN

// CHECK: few_rows: rows, 1 phases, {{.*}}: ok
// PLAN-LABEL: few_rows: 1 phases
// PLAN-NOT: parts in workspace
func.func private @few_rows(%batch: index, %x: tensor<?x3x80xf32>) -> tensor<80xf32>
    attributes {nnc.kernel} {
  %0 = nnc.mul %x, %x : tensor<?x3x80xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<?x3x80xf32>) -> tensor<80xf32>
  return %1 : tensor<80xf32>
}

// CHECK: many_rows: rows, 2 phases, {{.*}}: ok
// PLAN-LABEL: many_rows: 2 phases
// PLAN-NEXT: stage 0: rows
// PLAN-NEXT:   enters %{{.*}}, parts in workspace 0
// PLAN-NEXT: stage 1: columns
// PLAN-NEXT:   completes %{{.*}}, parts in workspace 0
func.func private @many_rows(%batch: index, %x: tensor<?x99x80xf32>) -> tensor<80xf32>
    attributes {nnc.kernel} {
  %0 = nnc.mul %x, %x : tensor<?x99x80xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<?x99x80xf32>) -> tensor<80xf32>
  return %1 : tensor<80xf32>
}

// Two sums, and what waits for both. A row is a chunk, part of one, or several.
// CHECK: moments_16: rows, 3 phases, {{.*}}: ok
func.func private @moments_16(%batch: index, %x: tensor<?x700x16xf32>)
    -> (tensor<?x700x16xf32>, tensor<16xf32>) attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [0, 1] : (tensor<?x700x16xf32>) -> tensor<16xf32>
  %1 = nnc.mul %x, %x : tensor<?x700x16xf32>
  %2 = nnc.sum %1 axes = [0, 1] : (tensor<?x700x16xf32>) -> tensor<16xf32>
  %3 = nnc.rsqrt %2 : tensor<16xf32>
  %4 = nnc.mul %x, %3 : (tensor<?x700x16xf32>, tensor<16xf32>) -> tensor<?x700x16xf32>
  %5 = nnc.add %4, %0 : (tensor<?x700x16xf32>, tensor<16xf32>) -> tensor<?x700x16xf32>
  return %5, %3 : tensor<?x700x16xf32>, tensor<16xf32>
}

// CHECK: moments_3: rows, 3 phases, {{.*}}: ok
func.func private @moments_3(%batch: index, %x: tensor<?x700x3xf64>)
    -> (tensor<?x700x3xf64>, tensor<3xf64>) attributes {nnc.kernel} {
  %0 = nnc.reduce_max %x axes = [0, 1] : (tensor<?x700x3xf64>) -> tensor<3xf64>
  %1 = nnc.mul %x, %x : tensor<?x700x3xf64>
  %2 = nnc.sum %1 axes = [0, 1] : (tensor<?x700x3xf64>) -> tensor<3xf64>
  %3 = nnc.rsqrt %2 : tensor<3xf64>
  %4 = nnc.mul %x, %3 : (tensor<?x700x3xf64>, tensor<3xf64>) -> tensor<?x700x3xf64>
  %5 = nnc.add %4, %0 : (tensor<?x700x3xf64>, tensor<3xf64>) -> tensor<?x700x3xf64>
  return %5, %3 : tensor<?x700x3xf64>, tensor<3xf64>
}

// Beside a reduction along the row, which the columns wait for.
// CHECK: rows_and_columns: rows, 3 phases, {{.*}}: ok
func.func private @rows_and_columns(%batch: index, %x: tensor<?x60x24xf32>, %y: tensor<?x60x24xf32>)
    -> (tensor<?x60x24xf32>, tensor<24xf32>, tensor<24xf32>) attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [2] keep_dims = true : (tensor<?x60x24xf32>) -> tensor<?x60x1xf32>
  %1 = nnc.mul %y, %0 : (tensor<?x60x24xf32>, tensor<?x60x1xf32>) -> tensor<?x60x24xf32>
  %2 = nnc.sum %1 axes = [0, 1] : (tensor<?x60x24xf32>) -> tensor<24xf32>
  %3 = nnc.sum %y axes = [0, 1] : (tensor<?x60x24xf32>) -> tensor<24xf32>
  %4 = nnc.mul %1, %2 : (tensor<?x60x24xf32>, tensor<24xf32>) -> tensor<?x60x24xf32>
  return %4, %2, %3 : tensor<?x60x24xf32>, tensor<24xf32>, tensor<24xf32>
}
