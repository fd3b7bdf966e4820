// RUN: nnc-opt %s --nnc-remove-dead-state | FileCheck %s

// CHECK:     nnc.parameter @read
// CHECK-NOT: @unread
// CHECK:     nnc.parameter @step
nnc.parameter @read : tensor<4xf32> = <zeros>
nnc.parameter @unread : tensor<4xf32> = <zeros>
// The runtime reports it, whether or not a function reads it.
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}

// What only the assignment used goes with it.
// CHECK-LABEL: @removes_assignments
// CHECK-NEXT:    %[[ZERO:.*]] = nnc.constant
// CHECK-NEXT:    nnc.assign @read, %[[ZERO]]
// CHECK-NEXT:    return
func.func @removes_assignments() {
  %0 = nnc.constant dense<0.0> : tensor<4xf32>
  %1 = nnc.exp %0 : tensor<4xf32>
  nnc.assign @read, %0 : tensor<4xf32>
  nnc.assign @unread, %1 : tensor<4xf32>
  return
}

// CHECK-LABEL: @keeps_what_is_read
func.func @keeps_what_is_read() -> tensor<4xf32> {
  %0 = nnc.read @read : tensor<4xf32>
  return %0 : tensor<4xf32>
}
