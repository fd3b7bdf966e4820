// What is added to a product is asked for before its sums, as far as it differs
// from row to row and they take long enough for it to arrive.
// RUN: nnc compile %s --target cpu:x86-64-v3 --quiet --emit kernels | FileCheck %s

// CHECK-LABEL: func.func @matmul_add_add_Bx16x64.compute
// CHECK:       memref.prefetch {{.*}}, read, locality<3>, data : memref<?xf32>
// CHECK:       vector.fma
// CHECK-LABEL: func.func @matmul_add_Bx16x8.compute
// CHECK-NOT:   memref.prefetch
nnc.model @layers(%x: tensor<?x64xf32> {nnc.name = "x"}, %y: tensor<?x8xf32> {nnc.name = "y"},
                  %residual: tensor<?x16xf32> {nnc.name = "residual"}, %w: tensor<64x16xf32> {nnc.name = "w"},
                  %v: tensor<8x16xf32> {nnc.name = "v"}, %bias: tensor<16xf32> {nnc.name = "bias"})
    attributes {batch = 32 : i64} {
  %0 = nnc.matmul %x, %w : (tensor<?x64xf32>, tensor<64x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.add %0, %residual : tensor<?x16xf32>
  %2 = nnc.add %1, %bias : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %3 = nnc.matmul %y, %v : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %4 = nnc.add %3, %residual : tensor<?x16xf32>
  nnc.output "long" %2 : tensor<?x16xf32>
  nnc.output "short" %4 : tensor<?x16xf32>
}
