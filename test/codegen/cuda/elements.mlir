// What no faster emitter takes on a GPU: one element a thread.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim --split-input-file | FileCheck %s
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels='target=sim reference=true' --split-input-file | FileCheck %s --check-prefix=SEPARATE

// CHECK-LABEL: func.func @transpose_Bx20_elements(
// CHECK-SAME:    nnc.extent = [0, 20, 256]
// CHECK-SAME:    nnc.threads = 256
// CHECK:         scf.if
// CHECK:           memref.load
// CHECK:           memref.store
func.func @transpose(%x: tensor<?x20xf32>) -> tensor<20x?xf32> {
  %y = nnc.transpose %x : (tensor<?x20xf32>) -> tensor<20x?xf32>
  return %y : tensor<20x?xf32>
}

// -----

// The table is read where the index says, within its bounds.
// CHECK-LABEL: func.func @gather_Bx6_elements(
// CHECK:         %[[INDEX:.*]] = memref.load {{.*}} : memref<?xi32>
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK:         memref.load {{.*}} : memref<60xf32>
func.func @embedding(%table: tensor<10x6xf32>, %index: tensor<?xi32>) -> tensor<?x6xf32> {
  %y = nnc.gather %table, %index : (tensor<10x6xf32>, tensor<?xi32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// From one part or the other, without a workspace; a phase each in the reference.
// CHECK-LABEL: func.func @concat_Bx7_elements(
// CHECK-SAME:    nnc.buffers = ["operand 1", "operand 0", "result 0"]
// CHECK:         scf.if {{.*}} -> (f32)
// SEPARATE-LABEL: func.func @concat_Bx7_elements(
// SEPARATE-SAME:    nnc.buffers = ["operand 0", "workspace 0"]
// SEPARATE-LABEL: func.func @concat_Bx7_elements1(
// SEPARATE-SAME:    nnc.buffers = ["operand 1", "workspace 0", "result 0"]
func.func @concat(%a: tensor<?x3xf32>, %b: tensor<?x4xf32>) -> tensor<?x7xf32> {
  %y = nnc.concat %a, %b axis = 1 : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<?x7xf32>
  return %y : tensor<?x7xf32>
}

// -----

// A small product keeps its sum in a register: both results are of one phase, and
// the second may lie on what it updates.
// CHECK-LABEL: func.func @matmul_sub_mul_4x6xB_elements(
// CHECK-SAME:    nnc.extent = [24, 0, 32]
// CHECK-SAME:    nnc.may_alias = {{\[\[}}2, 0], [2, 1]]
// CHECK:         scf.for
// CHECK-NOT:     scf.for
// CHECK:         memref.store
// CHECK:         memref.store
// CHECK-NOT:   func.func @matmul_sub_mul_4x6xB_elements1
// SEPARATE:    func.func @matmul_sub_mul_4x6xB_elements2
func.func @step(%x: tensor<?x4xf32>, %g: tensor<?x6xf32>, %w: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %y:2 = nnc.fused "contraction" (%a = %x, %b = %g, %c = %w)
      : (tensor<?x4xf32>, tensor<?x6xf32>, tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
    %product = nnc.matmul %a, %b transpose_lhs = true : (tensor<?x4xf32>, tensor<?x6xf32>) -> tensor<4x6xf32>
    %next = nnc.sub %c, %product : tensor<4x6xf32>
    %square = nnc.mul %product, %product : tensor<4x6xf32>
    nnc.yield %next, %square : tensor<4x6xf32>, tensor<4x6xf32>
  }
  return %y#0, %y#1 : tensor<4x6xf32>, tensor<4x6xf32>
}

// -----

// Indices are sorted, in tiles by a warp each and then all; 16 of them are a
// part, and a thread has a part's column: no atomics.
// CHECK-LABEL: func.func @scatter_add_Bx6_zeros(
// CHECK-SAME:    nnc.extent = [60, 0, 256]
// CHECK-LABEL: func.func @scatter_add_Bx6_sort(
// CHECK-SAME:    nnc.extent = [0, 32, 256]
// CHECK-COUNT-5: gpu.shuffle  xor
// CHECK-LABEL: func.func @scatter_add_Bx6_merge(
// CHECK-SAME:    nnc.extent = [0, 1, 256]
// CHECK-LABEL: func.func @scatter_add_Bx6_scatter(
// CHECK-SAME:    nnc.extent = [90, 6, 4096]
// CHECK-SAME:    nnc.kind = "scatter"
// CHECK:         scf.for
// CHECK:           arith.addf
// CHECK-LABEL: func.func @scatter_add_Bx6_join(
// CHECK:         scf.for
// CHECK:           arith.addf
func.func @scatter(%index: tensor<?xi32>, %u: tensor<?x6xf32>) -> tensor<10x6xf32> {
  %y = nnc.scatter_add %index, %u size = 10 : (tensor<?xi32>, tensor<?x6xf32>) -> tensor<10x6xf32>
  return %y : tensor<10x6xf32>
}
