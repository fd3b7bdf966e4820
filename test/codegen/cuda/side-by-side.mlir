// Parts of a kernel that share no work are blocks of one phase.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim --split-input-file | FileCheck %s

// Two parameters' updates: 98 blocks for the first, one for the second, of which
// eight threads have work. Each may be in place.
// CHECK-LABEL: func.func @sub_sub_784x128_parts(
// CHECK-SAME:    nnc.extent = [99, 0, 1]
// CHECK-SAME:    nnc.may_alias = {{\[\[}}0, 0], [1, 0], [2, 1], [3, 1]]
// CHECK-SAME:    nnc.threads = 256
// CHECK-DAG:     %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG:     %[[FIRST:.*]] = arith.constant 98 : index
// CHECK:         arith.cmpi ult, %[[BLOCK]], %[[FIRST]]
// CHECK:         scf.if
// CHECK:           vector.store {{.*}} : memref<100352xf32>, vector<4xf32>
// CHECK:         arith.subi %[[BLOCK]], %[[FIRST]]
// CHECK:         scf.if
// CHECK:           vector.store {{.*}} : memref<32xf32>, vector<4xf32>
func.func @updates(%w: tensor<784x128xf32>, %dw: tensor<784x128xf32>, %b: tensor<32xf32>, %db: tensor<32xf32>)
    -> (tensor<784x128xf32>, tensor<32xf32>) {
  %y:2 = nnc.fused "updates" (%a = %w, %c = %dw, %d = %b, %e = %db)
      : (tensor<784x128xf32>, tensor<784x128xf32>, tensor<32xf32>, tensor<32xf32>)
      -> (tensor<784x128xf32>, tensor<32xf32>) {
    %0 = nnc.sub %a, %c : tensor<784x128xf32>
    %1 = nnc.sub %d, %e : tensor<32xf32>
    nnc.yield %0, %1 : tensor<784x128xf32>, tensor<32xf32>
  }
  return %y#0, %y#1 : tensor<784x128xf32>, tensor<32xf32>
}

// -----

// What another part reads is not written over: its blocks may run later.
// CHECK-LABEL: func.func @sub_slice_784x128_parts(
// CHECK-SAME:    nnc.may_alias = {{\[\[}}1, 0]]
func.func @shared(%w: tensor<784x128xf32>, %dw: tensor<784x128xf32>, %b: tensor<32xf32>)
    -> (tensor<784x128xf32>, tensor<784xf32>) {
  %y:2 = nnc.fused "updates" (%a = %w, %c = %dw)
      : (tensor<784x128xf32>, tensor<784x128xf32>) -> (tensor<784x128xf32>, tensor<784xf32>) {
    %0 = nnc.sub %a, %c : tensor<784x128xf32>
    %1 = nnc.slice %a starts = [0, 0] sizes = [784, 1] strides = [1, 1] : (tensor<784x128xf32>) -> tensor<784x1xf32>
    %2 = nnc.reshape %1 shape = [784] : (tensor<784x1xf32>) -> tensor<784xf32>
    nnc.yield %0, %2 : tensor<784x128xf32>, tensor<784xf32>
  }
  return %y#0, %y#1 : tensor<784x128xf32>, tensor<784xf32>
}
