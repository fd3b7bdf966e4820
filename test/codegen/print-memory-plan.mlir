// RUN: nnc-opt %s --nnc-lower-to-linalg --nnc-print-memory-plan=max-batch=8 --split-input-file -o /dev/null | FileCheck %s

func.func private @exp(%batch: index, %x: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.exp %x : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// A buffer is used again when its value is dead: three values, two buffers.
// 8 samples of 64 bytes.
// CHECK-LABEL: chain: arena 1024 bytes
// CHECK-NEXT:    exp.reference(input 0 + 0, arena + 0)
// CHECK-NEXT:    exp.reference(arena + 0, arena + 512)
// CHECK-NEXT:    exp.reference(arena + 512, arena + 0)
// CHECK-NEXT:    output arena + 0
func.func @chain(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.launch @exp(%0) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %2 = nnc.launch @exp(%1) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %2 : tensor<?x16xf32>
}

// A reshape is another name for its operand, and keeps it alive.
// CHECK-LABEL: alias: arena 1024 bytes
// CHECK-NEXT:    exp.reference(input 0 + 0, arena + 0)
// CHECK-NEXT:    exp.reference(arena + 0, arena + 512)
// CHECK-NEXT:    output arena + 0
// CHECK-NEXT:    output arena + 512
func.func @alias(%x: tensor<?x16xf32>) -> (tensor<?x4x4xf32>, tensor<?x16xf32>) {
  %0 = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.reshape %0 shape = [-1, 4, 4] : (tensor<?x16xf32>) -> tensor<?x4x4xf32>
  %2 = nnc.launch @exp(%0) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1, %2 : tensor<?x4x4xf32>, tensor<?x16xf32>
}

// What a caller passes is never handed out as an output.
// CHECK-LABEL: identity: arena 512 bytes
// CHECK-NEXT:    copy input 0 + 0 to arena + 0
// CHECK-NEXT:    output arena + 0
func.func @identity(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  return %x : tensor<?x16xf32>
}

// -----

nnc.parameter @v : tensor<4xf32> = <zeros>
nnc.parameter @w : tensor<4xf32> = <zeros>
func.func private @neg(%batch: index, %x: tensor<4xf32>) -> tensor<4xf32> attributes {nnc.kernel} {
  %0 = nnc.neg %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Nothing reads @w after the launch begins.
// CHECK-LABEL: in_place: arena 0 bytes
// CHECK-NEXT:    neg.reference(input 0 + 0, state + 64)
// CHECK-NEXT:    output state + 64
func.func @in_place(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.launch @neg(%x) : (tensor<4xf32>) -> tensor<4xf32>
  nnc.assign @w, %0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The reference does not promise to read an element before it writes it.
// CHECK-LABEL: own_operand: arena 64 bytes
// CHECK-NEXT:    neg.reference(state + 64, arena + 0)
// CHECK-NEXT:    copy arena + 0 to state + 64
func.func @own_operand() {
  %w = nnc.read @w : tensor<4xf32>
  %0 = nnc.launch @neg(%w) : (tensor<4xf32>) -> tensor<4xf32>
  nnc.assign @w, %0 : tensor<4xf32>
  return
}

// The old value of @w is still needed.
// CHECK-LABEL: read_later: arena 128 bytes
// CHECK-NEXT:    neg.reference(input 0 + 0, arena + 0)
// CHECK-NEXT:    neg.reference(state + 64, arena + 64)
// CHECK-NEXT:    copy arena + 0 to state + 64
func.func @read_later(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = nnc.read @w : tensor<4xf32>
  %0 = nnc.launch @neg(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nnc.launch @neg(%w) : (tensor<4xf32>) -> tensor<4xf32>
  nnc.assign @w, %0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Both old values are safe before either is overwritten.
// CHECK-LABEL: swap: arena 128 bytes
// CHECK-NEXT:    copy state + 64 to arena + [[W:.*]]
// CHECK-NEXT:    copy state + 0 to arena + [[V:.*]]
// CHECK-NEXT:    copy arena + [[W]] to state + 0
// CHECK-NEXT:    copy arena + [[V]] to state + 64
func.func @swap() {
  %v = nnc.read @v : tensor<4xf32>
  %w = nnc.read @w : tensor<4xf32>
  nnc.assign @v, %w : tensor<4xf32>
  nnc.assign @w, %v : tensor<4xf32>
  return
}
// CHECK: state 128 bytes, constants 0 bytes, peak 256 bytes
