// What is added to a product is asked for before its sums, as far as it differs
// from row to row and they take long enough for it to arrive. Of sums over many
// more terms than there are rows, both sides are read where they lie, and asked
// for some terms before.
// RUN: nnc compile %s --target cpu:x86-64-v3 --quiet --emit kernels | FileCheck %s

// CHECK-LABEL: func.func @matmul_add_add_Bx16x64.compute
// CHECK:       memref.prefetch {{.*}}, read, locality<3>, data : memref<?xf32>
// CHECK:       vector.fma
// CHECK-LABEL: func.func @matmul_add_Bx16x8.compute
// CHECK-NOT:   memref.prefetch
// CHECK-LABEL: func.func @matmul_33x90xB.compute(%arg0: memref<?xf32> {{{.*}}}, %arg1: memref<?xf32>
// CHECK:       memref.prefetch %arg1[
// CHECK:       memref.prefetch %arg0[
// CHECK:       vector.fma
nnc.model @layers(%x: tensor<?x64xf32> {nnc.name = "x"}, %y: tensor<?x8xf32> {nnc.name = "y"},
                  %residual: tensor<?x16xf32> {nnc.name = "residual"}, %w: tensor<64x16xf32> {nnc.name = "w"},
                  %v: tensor<8x16xf32> {nnc.name = "v"}, %bias: tensor<16xf32> {nnc.name = "bias"},
                  %lhs: tensor<40x?x33xf32> {nnc.name = "lhs"}, %rhs: tensor<40x?x90xf32> {nnc.name = "rhs"})
    attributes {batch = 32 : i64} {
  %0 = nnc.matmul %x, %w : (tensor<?x64xf32>, tensor<64x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.add %0, %residual : tensor<?x16xf32>
  %2 = nnc.add %1, %bias : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %3 = nnc.matmul %y, %v : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %4 = nnc.add %3, %residual : tensor<?x16xf32>
  %5 = nnc.matmul %lhs, %rhs transpose_lhs = true reduce_batch = true
      : (tensor<40x?x33xf32>, tensor<40x?x90xf32>) -> tensor<33x90xf32>
  nnc.output "long" %2 : tensor<?x16xf32>
  nnc.output "short" %4 : tensor<?x16xf32>
  nnc.output "over_time" %5 : tensor<33x90xf32>
}
