// Global norms and what waits for them: scalars, columns and rows of one stage.
//
// RUN: nnc-opt %s --nnc-lower-to-linalg --cse > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,37 | FileCheck %s

// In one call. The columns take two units, and wait for the norm too.
// CHECK: clips: rows, 1 phases, {{.*}}: ok
func.func private @clips(%batch: index, %matrix: tensor<4x32xf32>, %bias: tensor<32xf32>,
                         %column: tensor<32x1xf32>, %single: tensor<1xf32>)
    -> (tensor<f32>, tensor<4x32xf32>, tensor<32xf32>, tensor<32x1xf32>, tensor<1xf32>)
    attributes {nnc.kernel} {
  %one = nnc.constant dense<1.0> : tensor<f32>
  %0 = nnc.mul %matrix, %matrix : tensor<4x32xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<4x32xf32>) -> tensor<f32>
  %2 = nnc.mul %single, %single : tensor<1xf32>
  %3 = nnc.sum %2 axes = [0] : (tensor<1xf32>) -> tensor<f32>
  %4 = nnc.add %1, %3 : tensor<f32>
  %5 = nnc.sqrt %4 : tensor<f32>
  %scale = nnc.div %one, %5 : tensor<f32>
  %6 = nnc.mul %matrix, %scale : (tensor<4x32xf32>, tensor<f32>) -> tensor<4x32xf32>
  %7 = nnc.mul %bias, %scale : (tensor<32xf32>, tensor<f32>) -> tensor<32xf32>
  %8 = nnc.mul %column, %scale : (tensor<32x1xf32>, tensor<f32>) -> tensor<32x1xf32>
  %9 = nnc.mul %single, %scale : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  return %scale, %6, %7, %8, %9
      : tensor<f32>, tensor<4x32xf32>, tensor<32xf32>, tensor<32x1xf32>, tensor<1xf32>
}

// In phases: blocks of rows, the norm, columns, rows.
// CHECK: clips_many_rows: rows, 4 phases, {{.*}}: ok
func.func private @clips_many_rows(%batch: index, %matrix: tensor<?x80xf32>,
                                   %bias: tensor<80xf32>)
    -> (tensor<f32>, tensor<?x80xf32>, tensor<80xf32>, tensor<80xf32>) attributes {nnc.kernel} {
  %0 = nnc.mul %matrix, %matrix : tensor<?x80xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<?x80xf32>) -> tensor<f32>
  %scale = nnc.rsqrt %1 : tensor<f32>
  %2 = nnc.exp %matrix : tensor<?x80xf32>
  %3 = nnc.sum %2 axes = [0] : (tensor<?x80xf32>) -> tensor<80xf32>
  %4 = nnc.mul %matrix, %scale : (tensor<?x80xf32>, tensor<f32>) -> tensor<?x80xf32>
  %5 = nnc.mul %bias, %scale : (tensor<80xf32>, tensor<f32>) -> tensor<80xf32>
  %6 = nnc.mul %3, %scale : (tensor<80xf32>, tensor<f32>) -> tensor<80xf32>
  return %scale, %4, %5, %6 : tensor<f32>, tensor<?x80xf32>, tensor<80xf32>, tensor<80xf32>
}

// Columns of one unit, in the phase of the norm.
// CHECK: clips_narrow_rows: rows, 3 phases, {{.*}}: ok
func.func private @clips_narrow_rows(%batch: index, %matrix: tensor<?x16xf32>,
                                     %bias: tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>) attributes {nnc.kernel} {
  %0 = nnc.exp %matrix : tensor<?x16xf32>
  %tanh = nnc.tanh %0 : tensor<?x16xf32>
  %1 = nnc.sqrt %tanh : tensor<?x16xf32>
  %2 = nnc.sum %1 axes = [0, 1] : (tensor<?x16xf32>) -> tensor<f32>
  %scale = nnc.rsqrt %2 : tensor<f32>
  %3 = nnc.mul %1, %scale : (tensor<?x16xf32>, tensor<f32>) -> tensor<?x16xf32>
  %4 = nnc.mul %bias, %scale : (tensor<16xf32>, tensor<f32>) -> tensor<16xf32>
  return %3, %4 : tensor<?x16xf32>, tensor<16xf32>
}

// A bias of one element: its gradient, and the square of that.
// CHECK: gradient_of_one: rows, {{.*}}: ok
func.func private @gradient_of_one(%batch: index, %error: tensor<?x1xf32>)
    -> (tensor<f32>, tensor<?x1xf32>, tensor<1xf32>, tensor<f32>) attributes {nnc.kernel} {
  %0 = nnc.sum %error axes = [0, 1] : (tensor<?x1xf32>) -> tensor<f32>
  %1 = nnc.add %error, %error : tensor<?x1xf32>
  %2 = nnc.sum %1 axes = [0] : (tensor<?x1xf32>) -> tensor<1xf32>
  %3 = nnc.mul %2, %2 : tensor<1xf32>
  %4 = nnc.sum %3 axes = [0] : (tensor<1xf32>) -> tensor<f32>
  return %0, %1, %2, %4 : tensor<f32>, tensor<?x1xf32>, tensor<1xf32>, tensor<f32>
}

// Three sums that start from one zero, one of them of an intermediate tensor.
// CHECK: sums: rows, {{.*}}: ok
func.func private @sums(%batch: index, %x: tensor<32xf32>, %y: tensor<32xf32>,
                        %z: tensor<32x1xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
    attributes {nnc.kernel} {
  %0 = nnc.sum %x axes = [0] : (tensor<32xf32>) -> tensor<f32>
  %1 = nnc.sum %y axes = [0] : (tensor<32xf32>) -> tensor<f32>
  %2 = nnc.mul %z, %z : tensor<32x1xf32>
  %3 = nnc.sum %2 axes = [0, 1] : (tensor<32x1xf32>) -> tensor<f32>
  return %0, %1, %3 : tensor<f32>, tensor<f32>, tensor<f32>
}
