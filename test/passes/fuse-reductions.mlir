// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(nnc-fuse-elementwise,nnc-fuse-reductions))' | FileCheck %s

// CHECK-LABEL: @fuses_softmax
func.func @fuses_softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %max = nnc.reduce_max %x axes = [1] keep_dims = true : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %0 = nnc.sub %x, %max : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %1 = nnc.exp %0 : tensor<?x8xf32>
  %sum = nnc.sum %1 axes = [1] keep_dims = true : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %2 = nnc.div %1, %sum : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}
// CHECK:      %[[Y:.*]] = nnc.fused "rows" (%{{.*}} = %{{.*}}) : (tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT:   nnc.reduce_max
// CHECK-NEXT:   nnc.sub
// CHECK-NEXT:   nnc.exp
// CHECK-NEXT:   nnc.sum
// CHECK-NEXT:   nnc.div
// CHECK-NEXT:   nnc.yield
// CHECK:      return %[[Y]]

// The bias's gradient and its update: columns, and a vector of them.
// CHECK-LABEL: @fuses_column_sum_with_update
func.func @fuses_column_sum_with_update(%dy: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %rate = nnc.constant dense<0.1> : tensor<f32>
  %db = nnc.sum %dy axes = [0] : (tensor<?x8xf32>) -> tensor<8xf32>
  %0 = nnc.mul %db, %rate : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nnc.sub %b, %0 : tensor<8xf32>
  return %1 : tensor<8xf32>
}
// CHECK:      nnc.fused
// CHECK:        nnc.sum
// CHECK:        nnc.sub
// CHECK-NEXT:   nnc.yield
// CHECK:      return

// Leading dimensions are rows together.
// CHECK-LABEL: @fuses_through_reshape
func.func @fuses_through_reshape(%x: tensor<?x5x8xf32>, %scale: tensor<8xf32>) -> tensor<8xf32> {
  %0 = nnc.mul %x, %scale : (tensor<?x5x8xf32>, tensor<8xf32>) -> tensor<?x5x8xf32>
  %1 = nnc.sum %0 axes = [0, 1] : (tensor<?x5x8xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}
// CHECK:      nnc.fused
// CHECK-NEXT:   nnc.mul
// CHECK-NEXT:   nnc.sum
// CHECK-NEXT:   nnc.yield

// A sum over the middle: neither rows nor columns.
// CHECK-LABEL: @leaves_sum_over_the_middle
func.func @leaves_sum_over_the_middle(%x: tensor<?x5x8xf32>) -> tensor<?x8xf32> {
  %0 = nnc.exp %x : tensor<?x5x8xf32>
  %1 = nnc.sum %0 axes = [1] : (tensor<?x5x8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// The rows of one reduction are not the columns of the next.
// CHECK-LABEL: @leaves_sum_of_columns
func.func @leaves_sum_of_columns(%x: tensor<6x8xf32>) -> tensor<f32> {
  %0 = nnc.sum %x axes = [0] : (tensor<6x8xf32>) -> tensor<8xf32>
  %1 = nnc.reduce_max %0 : (tensor<8xf32>) -> tensor<f32>
  return %1 : tensor<f32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// CHECK-LABEL: @leaves_argmax_down_columns
func.func @leaves_argmax_down_columns(%x: tensor<6x8xf32>) -> tensor<8xi32> {
  %0 = nnc.exp %x : tensor<6x8xf32>
  %1 = nnc.argmax %0 axis = 0 : (tensor<6x8xf32>) -> tensor<8xi32>
  return %1 : tensor<8xi32>
}
// CHECK-NOT: nnc.fused
// CHECK:     return

// What products read is stored with as few bits as they read.
// CHECK-LABEL: @narrows_where_it_is_made
func.func @narrows_where_it_is_made(%x: tensor<?x8xf32>, %w: tensor<8x3xbf16>) -> tensor<?x3xbf16> {
  %0 = nnc.sum %x axes = [1] keep_dims = true : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %1 = nnc.div %x, %0 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %2 = nnc.cast %1 to = bf16 : (tensor<?x8xf32>) -> tensor<?x8xbf16>
  %3 = nnc.matmul %2, %w : (tensor<?x8xbf16>, tensor<8x3xbf16>) -> tensor<?x3xbf16>
  return %3 : tensor<?x3xbf16>
}
// CHECK:      nnc.fused
// CHECK:        %[[NARROW:.*]] = nnc.cast
// CHECK-NEXT:   nnc.yield %[[NARROW]] : tensor<?x8xbf16>
// CHECK:      nnc.matmul

// What comes as it is has no kernel to be narrowed in.
// CHECK-LABEL: @leaves_a_cast_of_an_input
func.func @leaves_a_cast_of_an_input(%x: tensor<?x8xf32>, %w: tensor<8x3xbf16>) -> tensor<?x3xbf16> {
  %0 = nnc.cast %x to = bf16 : (tensor<?x8xf32>) -> tensor<?x8xbf16>
  %1 = nnc.matmul %0, %w : (tensor<?x8xbf16>, tensor<8x3xbf16>) -> tensor<?x3xbf16>
  return %1 : tensor<?x3xbf16>
}
// CHECK-NOT: nnc.fused
// CHECK:     return
