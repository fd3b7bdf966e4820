// Products of 16 bits get rows of multiples of 16 bytes, in each direction; the
// directions share what they pad.
// RUN: nnc-opt --pass-pipeline='builtin.module(func.func(nnc-align-products,cse))' %s | FileCheck %s

// CHECK-LABEL: @logits
// CHECK: %[[W:.*]] = nnc.pad %arg1 low = [0, 0] high = [7, 0] : (tensor<50257x768xbf16>) -> tensor<50264x768xbf16>
// CHECK: %[[Y:.*]] = nnc.matmul %arg0, %[[W]] transpose_rhs = true : {{.*}} -> tensor<?x1024x50264xbf16>
// CHECK: nnc.slice %[[Y]] starts = [0, 0, 0] sizes = [-1, 1024, 50257]
// CHECK: %[[G:.*]] = nnc.pad %arg2 low = [0, 0, 0] high = [0, 0, 7]
// CHECK: %[[X:.*]] = nnc.matmul %[[G]], %[[W]] : {{.*}} -> tensor<?x1024x768xbf16>
// CHECK: %[[T:.*]] = nnc.matmul %[[G]], %arg0 transpose_lhs = true reduce_batch = true : {{.*}} -> tensor<50264x768xbf16>
// CHECK: nnc.slice %[[T]] starts = [0, 0] sizes = [50257, 768]
func.func @logits(%x: tensor<?x1024x768xbf16>, %w: tensor<50257x768xbf16>, %g: tensor<?x1024x50257xbf16>)
    -> (tensor<?x1024x50257xbf16>, tensor<?x1024x768xbf16>, tensor<50257x768xbf16>) {
  %y = nnc.matmul %x, %w transpose_rhs = true : (tensor<?x1024x768xbf16>, tensor<50257x768xbf16>) -> tensor<?x1024x50257xbf16>
  %dx = nnc.matmul %g, %w : (tensor<?x1024x50257xbf16>, tensor<50257x768xbf16>) -> tensor<?x1024x768xbf16>
  %dw = nnc.matmul %g, %x transpose_lhs = true reduce_batch = true : (tensor<?x1024x50257xbf16>, tensor<?x1024x768xbf16>) -> tensor<50257x768xbf16>
  return %y, %dx, %dw : tensor<?x1024x50257xbf16>, tensor<?x1024x768xbf16>, tensor<50257x768xbf16>
}

// A matrix [width, words]: the result of its gradient has such rows too.
// CHECK-LABEL: @columns
// CHECK: nnc.pad %arg0 low = [0, 0] high = [0, 1] : (tensor<4096x4095xf16>)
// CHECK: nnc.matmul {{.*}} transpose_lhs = true : {{.*}} -> tensor<4096x1024xf16>
// CHECK: nnc.slice {{.*}} sizes = [4095, 1024]
func.func @columns(%g: tensor<4096x4095xf16>, %x: tensor<4096x1024xf16>) -> tensor<4095x1024xf16> {
  %y = nnc.matmul %g, %x transpose_lhs = true : (tensor<4096x4095xf16>, tensor<4096x1024xf16>) -> tensor<4095x1024xf16>
  return %y : tensor<4095x1024xf16>
}

// Left alone: f32, rows that are aligned, products that are small, and those in
// which an element of the copy would be used seldom.
// CHECK-LABEL: @alone
// CHECK-NOT: nnc.pad
func.func @alone(%x: tensor<4096x1024xf32>, %w: tensor<1024x4095xf32>, %a: tensor<4096x1024xbf16>, %b: tensor<1024x4096xbf16>,
                 %c: tensor<64x1024xbf16>, %d: tensor<1024x4095xbf16>, %e: tensor<16x65536xbf16>, %f: tensor<65536x4095xbf16>)
    -> (tensor<4096x4095xf32>, tensor<4096x4096xbf16>, tensor<64x4095xbf16>, tensor<16x4095xbf16>) {
  %0 = nnc.matmul %x, %w : (tensor<4096x1024xf32>, tensor<1024x4095xf32>) -> tensor<4096x4095xf32>
  %1 = nnc.matmul %a, %b : (tensor<4096x1024xbf16>, tensor<1024x4096xbf16>) -> tensor<4096x4096xbf16>
  %2 = nnc.matmul %c, %d : (tensor<64x1024xbf16>, tensor<1024x4095xbf16>) -> tensor<64x4095xbf16>
  %3 = nnc.matmul %e, %f : (tensor<16x65536xbf16>, tensor<65536x4095xbf16>) -> tensor<16x4095xbf16>
  return %0, %1, %2, %3 : tensor<4096x4095xf32>, tensor<4096x4096xbf16>, tensor<64x4095xbf16>, tensor<16x4095xbf16>
}
