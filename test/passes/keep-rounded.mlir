// RUN: nnc-opt %s --nnc-keep-rounded --split-input-file | FileCheck %s

nnc.parameter @w : tensor<4xf32> = <ones>

// CHECK:       nnc.parameter @w.bf16 : tensor<4xbf16> = <zeros>
// CHECK-SAME:    nnc.rounded_from = @w
// CHECK-SAME:    role = #nnc.role<optimizer_state>
// CHECK-LABEL: func.func @init
// CHECK:         nnc.assign @w, %[[ONES:.*]] :
// CHECK:         %[[LOW:.*]] = nnc.cast %[[ONES]] to = bf16
// CHECK:         nnc.assign @w.bf16, %[[LOW]]
func.func @init() {
  %0 = nnc.constant dense<1.0> : tensor<4xf32>
  nnc.assign @w, %0 : tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @train_step
// CHECK:         %[[LOW:.*]] = nnc.read @w.bf16 : tensor<4xbf16>
// CHECK:         %[[W:.*]] = nnc.read @w : tensor<4xf32>
// CHECK-NOT:     nnc.cast
// CHECK:         nnc.mul %[[LOW]], %{{.*}} : tensor<4xbf16>
// CHECK:         %[[NEW:.*]] = nnc.sub %[[W]]
// CHECK:         nnc.assign @w, %[[NEW]]
// CHECK:         %[[ROUNDED:.*]] = nnc.cast %[[NEW]] to = bf16
// CHECK:         nnc.assign @w.bf16, %[[ROUNDED]]
func.func @train_step(%x: tensor<4xbf16>) -> tensor<4xbf16> attributes {nnc.training} {
  %w = nnc.read @w : tensor<4xf32>
  %low = nnc.cast %w to = bf16 : (tensor<4xf32>) -> tensor<4xbf16>
  %y = nnc.mul %low, %x : tensor<4xbf16>
  %dw = nnc.cast %y to = f32 : (tensor<4xbf16>) -> tensor<4xf32>
  %new = nnc.sub %w, %dw : tensor<4xf32>
  nnc.assign @w, %new : tensor<4xf32>
  return %y : tensor<4xbf16>
}

// CHECK-LABEL: func.func @predict
// CHECK:         %[[LOW:.*]] = nnc.read @w.bf16
// CHECK-NOT:     nnc.cast
// CHECK:         nnc.mul %[[LOW]]
func.func @predict(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %w = nnc.read @w : tensor<4xf32>
  %low = nnc.cast %w to = bf16 : (tensor<4xf32>) -> tensor<4xbf16>
  %y = nnc.mul %low, %x : tensor<4xbf16>
  return %y : tensor<4xbf16>
}

// -----

nnc.parameter @w : tensor<4xf32> = <ones>

// What only predicts has no other reader of the copy.
// CHECK-NOT:   @w.bf16
// CHECK-LABEL: @leaves_what_does_not_train
// CHECK:         nnc.cast
func.func @leaves_what_does_not_train(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %w = nnc.read @w : tensor<4xf32>
  %low = nnc.cast %w to = bf16 : (tensor<4xf32>) -> tensor<4xbf16>
  %y = nnc.mul %low, %x : tensor<4xbf16>
  return %y : tensor<4xbf16>
}

// -----

nnc.parameter @w : tensor<4xf32> = <ones>
nnc.parameter @mean : tensor<4xf32> = <zeros> {role = #nnc.role<buffer>}
nnc.parameter @v : tensor<4xf32> = <ones>
nnc.parameter @v.bf16 : tensor<f32> = <zeros>

// Wider types, buffers, and a name that the program has.
// CHECK-NOT:   nnc.rounded_from
// CHECK-LABEL: @leaves_others
// CHECK-COUNT-3: nnc.cast
func.func @leaves_others() -> (tensor<4xf64>, tensor<4xbf16>, tensor<4xbf16>) attributes {nnc.training} {
  %w = nnc.read @w : tensor<4xf32>
  %0 = nnc.cast %w to = f64 : (tensor<4xf32>) -> tensor<4xf64>
  %mean = nnc.read @mean : tensor<4xf32>
  %1 = nnc.cast %mean to = bf16 : (tensor<4xf32>) -> tensor<4xbf16>
  %v = nnc.read @v : tensor<4xf32>
  %2 = nnc.cast %v to = bf16 : (tensor<4xf32>) -> tensor<4xbf16>
  return %0, %1, %2 : tensor<4xf64>, tensor<4xbf16>, tensor<4xbf16>
}
