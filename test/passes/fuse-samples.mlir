// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-fuse-elementwise,nnc-fuse-reductions,nnc-fuse-reductions{samples=true}))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-fuse-elementwise,nnc-fuse-reductions))' | FileCheck %s --check-prefix=WITHOUT

// CHECK-LABEL: @norm_of_each_sample
// CHECK:         nnc.fused "rows"
// CHECK-NEXT:      nnc.sum
// CHECK-NEXT:      nnc.sub
// CHECK-NEXT:      nnc.mul
// CHECK-NEXT:      nnc.yield
// WITHOUT-LABEL: @norm_of_each_sample
// WITHOUT:         nnc.sum
// WITHOUT-NEXT:    nnc.fused "rows"
// WITHOUT-NEXT:      nnc.sub
// WITHOUT-NEXT:      nnc.mul
func.func @norm_of_each_sample(%x: tensor<?x9x8xf32>, %scale: tensor<8xf32>) -> tensor<?x9x8xf32> {
  %0 = nnc.sum %x axes = [1] keep_dims = true : (tensor<?x9x8xf32>) -> tensor<?x1x8xf32>
  %1 = nnc.sub %x, %0 : (tensor<?x9x8xf32>, tensor<?x1x8xf32>) -> tensor<?x9x8xf32>
  %2 = nnc.mul %1, %scale : (tensor<?x9x8xf32>, tensor<8xf32>) -> tensor<?x9x8xf32>
  return %2 : tensor<?x9x8xf32>
}

// A sum over the samples is of all of them: columns of the whole, whose other operand
// is read at its own places.
// CHECK-LABEL: @keeps_what_is_of_all_samples
// CHECK:         nnc.fused "rows"
// CHECK-NEXT:      nnc.mul
// CHECK-NEXT:      nnc.sum
// WITHOUT-LABEL: @keeps_what_is_of_all_samples
// WITHOUT:         nnc.fused "rows"
func.func @keeps_what_is_of_all_samples(%x: tensor<?x9x8xf32>, %y: tensor<?x1x8xf32>, %s: tensor<8xf32>)
    -> (tensor<9x8xf32>, tensor<?x9x8xf32>) {
  %0 = nnc.mul %x, %y : (tensor<?x9x8xf32>, tensor<?x1x8xf32>) -> tensor<?x9x8xf32>
  %1 = nnc.sum %0 axes = [0] : (tensor<?x9x8xf32>) -> tensor<9x8xf32>
  return %1, %0 : tensor<9x8xf32>, tensor<?x9x8xf32>
}
