// RUN: nnc-opt %s --nnc-outline-kernels --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @one_kernel_a_region
// CHECK-SAME:    (%[[X:.*]]: tensor<?x4xf32>)
// CHECK:         %[[W:.*]] = nnc.read @w
// CHECK:         %[[Y:.*]] = nnc.launch @matmul_maximum_Bx3x4(%[[X]], %[[W]])
// CHECK:         return %[[Y]]
// CHECK:       func.func private @matmul_maximum_Bx3x4(%{{.*}}: index, %{{.*}}: tensor<?x4xf32>, %{{.*}}: tensor<4x3xf32>) -> tensor<?x3xf32>
// CHECK-SAME:    attributes {nnc.kernel, nnc.kind = "contraction"}
// CHECK:         nnc.constant
// CHECK:         nnc.matmul
// CHECK:         nnc.maximum
nnc.parameter @w : tensor<4x3xf32> = <glorot_uniform>
func.func @one_kernel_a_region(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %zero = nnc.constant dense<0.0> : tensor<f32>
  %w = nnc.read @w : tensor<4x3xf32>
  %y = nnc.fused "contraction" (%a = %x, %b = %w, %c = %zero) : (tensor<?x4xf32>, tensor<4x3xf32>, tensor<f32>) -> tensor<?x3xf32> {
    %0 = nnc.matmul %a, %b : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
    %1 = nnc.maximum %0, %c : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
    nnc.yield %1 : tensor<?x3xf32>
  }
  return %y : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @equal_bodies_share_a_kernel
// CHECK:         nnc.launch @exp_4(%
// CHECK:         nnc.launch @exp_4(%
// CHECK:         nnc.launch @exp_8(%
// CHECK-COUNT-2: func.func private
// CHECK-NOT:     func.func private
func.func @equal_bodies_share_a_kernel(%x: tensor<4xf32>, %y: tensor<8xf32>) -> (tensor<4xf32>, tensor<8xf32>) {
  %0 = nnc.exp %x : tensor<4xf32>
  %1 = nnc.exp %0 : tensor<4xf32>
  %2 = nnc.exp %y : tensor<8xf32>
  return %1, %2 : tensor<4xf32>, tensor<8xf32>
}

// -----

// Ops of one name and shape are not equal if their attributes differ.
// CHECK-LABEL: func.func @attributes_tell_kernels_apart
// CHECK:         nnc.launch @clamp_4(%
// CHECK:         nnc.launch @clamp_4_0(%
func.func @attributes_tell_kernels_apart(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.clamp %x min = 0.0 max = 1.0 : tensor<4xf32>
  %1 = nnc.clamp %0 min = 0.0 max = 2.0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// What tells the random numbers of two layers apart is an operand, in a region
// and alone.
// CHECK-LABEL: func.func @layers_with_streams_share_a_kernel
// CHECK-DAG:     %[[FIRST:.*]] = nnc.constant dense<4> : tensor<i64>
// CHECK-DAG:     %[[SECOND:.*]] = nnc.constant dense<6> : tensor<i64>
// CHECK-DAG:     nnc.launch @random_bits_compare_8(%[[SEED:.*]], %[[STEP:.*]], %[[FIRST]])
// CHECK-DAG:     nnc.launch @random_bits_compare_8(%[[SEED]], %[[STEP]], %[[SECOND]])
// CHECK-DAG:     %[[THIRD:.*]] = nnc.constant dense<8> : tensor<i64>
// CHECK-DAG:     nnc.launch @random_bits_8(%[[SEED]], %[[STEP]], %[[THIRD]])
// CHECK-COUNT-2: func.func private
// CHECK-NOT:     func.func private
func.func @layers_with_streams_share_a_kernel(%seed: tensor<i64>, %step: tensor<i64>) -> (tensor<8xi1>, tensor<8xi1>, tensor<8xui32>) {
  %0 = nnc.fused "rows" (%s = %seed, %t = %step) : (tensor<i64>, tensor<i64>) -> tensor<8xi1> {
    %stream = nnc.constant dense<4> : tensor<i64>
    %bits = nnc.random_bits %s, %t, %stream shape = [8] : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<8xui32>
    %limit = nnc.constant dense<9> : tensor<ui32>
    %y = nnc.compare %bits, %limit predicate = lt : (tensor<8xui32>, tensor<ui32>) -> tensor<8xi1>
    nnc.yield %y : tensor<8xi1>
  }
  %stream = nnc.constant dense<6> : tensor<i64>
  %1 = nnc.fused "rows" (%s = %seed, %t = %step, %u = %stream) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<8xi1> {
    %bits = nnc.random_bits %s, %t, %u shape = [8] : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<8xui32>
    %limit = nnc.constant dense<9> : tensor<ui32>
    %y = nnc.compare %bits, %limit predicate = lt : (tensor<8xui32>, tensor<ui32>) -> tensor<8xi1>
    nnc.yield %y : tensor<8xi1>
  }
  %third = nnc.constant dense<8> : tensor<i64>
  %2 = nnc.random_bits %seed, %step, %third shape = [8] : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<8xui32>
  return %0, %1, %2 : tensor<8xi1>, tensor<8xi1>, tensor<8xui32>
}

// -----

// CHECK-LABEL: func.func @keeps_aliases_and_stored_constants
// CHECK:         %[[TABLE:.*]] = nnc.constant dense<[1.0
// CHECK:         %[[FLAT:.*]] = nnc.reshape
// CHECK:         nnc.launch @add_4(%[[FLAT]], %[[TABLE]])
func.func @keeps_aliases_and_stored_constants(%x: tensor<2x2xf32>) -> tensor<4xf32> {
  %table = nnc.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = nnc.reshape %x shape = [4] : (tensor<2x2xf32>) -> tensor<4xf32>
  %1 = nnc.add %0, %table : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Zeros for a large tensor are computed, not stored.
// CHECK-LABEL: func.func @fills_large_state
// CHECK:         %[[ZEROS:.*]] = nnc.launch @constant_64x64()
// CHECK:         nnc.assign @m, %[[ZEROS]]
// CHECK:         %[[STEP:.*]] = nnc.constant
// CHECK:         nnc.assign @step, %[[STEP]]
nnc.parameter @m : tensor<64x64xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
func.func @fills_large_state() {
  %zeros = nnc.constant dense<0.0> : tensor<64x64xf32>
  nnc.assign @m, %zeros : tensor<64x64xf32>
  %step = nnc.constant dense<0> : tensor<i64>
  nnc.assign @step, %step : tensor<i64>
  return
}

// -----

// The update of @w waits for the last reader of its old value.
// CHECK-LABEL: func.func @readers_come_before_the_writer
// CHECK:         nnc.launch @exp_4(
// CHECK:         %[[NEW:.*]] = nnc.launch @sub_4(
// CHECK:         nnc.assign @w, %[[NEW]]
nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @readers_come_before_the_writer(%dw: tensor<4xf32>) -> tensor<4xf32> {
  %w = nnc.read @w : tensor<4xf32>
  %new = nnc.sub %w, %dw : tensor<4xf32>
  nnc.assign @w, %new : tensor<4xf32>
  %late = nnc.exp %w : tensor<4xf32>
  return %late : tensor<4xf32>
}
