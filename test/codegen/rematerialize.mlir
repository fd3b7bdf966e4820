// RUN: split-file %s %t
// DEFINE: %{budget} =
// DEFINE: %{plan} = nnc-opt --nnc-lower-to-linalg --nnc-print-memory-plan="max-batch=8 budget=%{budget}" -o %t/out
// REDEFINE: %{budget} = 2560
// RUN: %{plan} %t/chain.mlir | FileCheck %t/chain.mlir
// RUN: FileCheck %t/chain.mlir --check-prefix=IR < %t/out
// REDEFINE: %{budget} = 3072
// RUN: %{plan} %t/chain.mlir | FileCheck %t/chain.mlir --check-prefix=FITS
// RUN: FileCheck %t/chain.mlir --check-prefix=SAME --implicit-check-not=nnc.again < %t/out
// REDEFINE: %{budget} = 2559
// RUN: not %{plan} %t/chain.mlir 2>&1 | FileCheck %t/chain.mlir --check-prefix=LEAST
// REDEFINE: %{budget} = 1900
// RUN: %{plan} %t/update.mlir | FileCheck %t/update.mlir
// REDEFINE: %{budget} = 800
// RUN: %{plan} %t/order.mlir | FileCheck %t/order.mlir

//--- chain.mlir
func.func private @exp(%batch: index, %x: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.exp %x : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
func.func private @mul(%batch: index, %x: tensor<?x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %y : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// Values of 512 bytes. With all kept, five and a new one are alive at the first
// product; one runs again before the product that reads it.
// CHECK-LABEL: chain: arena 2560 bytes
// CHECK:         mul.reference
// CHECK:         exp.reference
// CHECK:         mul.reference
// CHECK-LABEL: chain: 2560 bytes instead of 3072
// CHECK-NEXT:    again 1 x exp, 512 bytes
// CHECK-NEXT:    kept 4 x exp, 2048 bytes

// What fits stays as it is.
// FITS:     chain: arena 3072 bytes
// FITS-NOT: instead of

// The least is said, and fits.
// LEAST: error: a memory budget of 2559 bytes is too small: chain takes at least 2560 bytes (0.0 MiB) at a batch of 8, 0 of them parameters and optimizer state; a smaller batch takes less{{$}}

// IR-LABEL: func.func @chain
// IR:         %[[A:.*]] = nnc.launch @exp(%arg0)
// IR:         nnc.launch @mul
// IR:         %[[AGAIN:.*]] = nnc.launch @exp(%[[A]]) {nnc.again}
// IR-NEXT:    nnc.launch @mul(%{{.*}}, %[[AGAIN]])

// SAME-LABEL: func.func @chain
func.func @chain(%x: tensor<?x16xf32>) -> (tensor<?x16xf32> {nnc.result = "loss"}, tensor<?x16xf32>) {
  %a = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %b = nnc.launch @exp(%a) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %c = nnc.launch @exp(%b) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %d = nnc.launch @exp(%c) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %loss = nnc.launch @exp(%d) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = nnc.launch @mul(%loss, %d) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %2 = nnc.launch @mul(%1, %c) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %3 = nnc.launch @mul(%2, %b) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %4 = nnc.launch @mul(%3, %a) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %loss, %4 : tensor<?x16xf32>, tensor<?x16xf32>
}

//--- update.mlir
nnc.parameter @w : tensor<16xf32> = <zeros>
func.func private @scale(%batch: index, %x: tensor<?x16xf32>, %w: tensor<16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %w : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
func.func private @next(%batch: index, %w: tensor<16xf32>) -> tensor<16xf32> attributes {nnc.kernel} {
  %0 = nnc.exp %w : tensor<16xf32>
  return %0 : tensor<16xf32>
}
func.func private @exp(%batch: index, %x: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.exp %x : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
func.func private @mul(%batch: index, %x: tensor<?x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %y : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
func.func private @total(%batch: index, %x: tensor<?x16xf32>) -> tensor<f32> attributes {nnc.kernel} {
  %0 = nnc.sum %x : (tensor<?x16xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @dot(%batch: index, %x: tensor<?x16xf32>, %y: tensor<?x16xf32>) -> tensor<f32> attributes {nnc.kernel} {
  %0 = nnc.mul %x, %y : tensor<?x16xf32>
  %1 = nnc.sum %0 : (tensor<?x16xf32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// What runs again reads the parameter as it was: its next value waits in the
// arena, and is copied at the end.
// CHECK-LABEL: update: arena
// CHECK-NEXT:    scale.reference(input 0 + 0, state + 0, arena + [[#]])
// CHECK:         next.reference(state + 0, arena + [[#NEXT:]])
// CHECK:         scale.reference(input 0 + 0, state + 0, arena + [[#]])
// CHECK:         copy arena + [[#NEXT]] to state + 0
// CHECK:       again 1 x scale
func.func @update(%x: tensor<?x16xf32>) -> (tensor<f32> {nnc.result = "loss"}, tensor<f32>) {
  %w = nnc.read @w : tensor<16xf32>
  %a = nnc.launch @scale(%x, %w) : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %loss = nnc.launch @total(%a) : (tensor<?x16xf32>) -> tensor<f32>
  %next = nnc.launch @next(%w) : (tensor<16xf32>) -> tensor<16xf32>
  %p = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %q = nnc.launch @exp(%p) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = nnc.launch @mul(%p, %q) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %r = nnc.launch @dot(%s, %a) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<f32>
  nnc.assign @w, %next : tensor<16xf32>
  return %loss, %r : tensor<f32>, tensor<f32>
}

//--- order.mlir
func.func private @exp(%batch: index, %x: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {nnc.kernel} {
  %0 = nnc.exp %x : tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
func.func private @total(%batch: index, %x: tensor<?x4x4xf32>) -> tensor<f32> attributes {nnc.kernel} {
  %0 = nnc.sum %x : (tensor<?x4x4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// Another order is enough: each value is read as soon as it is there, under
// whatever shape.
// CHECK-LABEL: order: arena
// CHECK-NEXT:    exp.reference
// CHECK-NEXT:    total.reference
// CHECK-NEXT:    exp.reference
// CHECK-NEXT:    total.reference
// CHECK-NEXT:    exp.reference
// CHECK-NEXT:    total.reference
// CHECK:       order: {{.*}} bytes instead of
// CHECK-NOT:     again
func.func @order(%x: tensor<?x16xf32>) -> (tensor<f32> {nnc.result = "loss"}, tensor<f32>, tensor<f32>) {
  %a = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %b = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %c = nnc.launch @exp(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %0 = nnc.reshape %a shape = [-1, 4, 4] : (tensor<?x16xf32>) -> tensor<?x4x4xf32>
  %1 = nnc.reshape %b shape = [-1, 4, 4] : (tensor<?x16xf32>) -> tensor<?x4x4xf32>
  %2 = nnc.reshape %c shape = [-1, 4, 4] : (tensor<?x16xf32>) -> tensor<?x4x4xf32>
  %3 = nnc.launch @total(%0) : (tensor<?x4x4xf32>) -> tensor<f32>
  %4 = nnc.launch @total(%1) : (tensor<?x4x4xf32>) -> tensor<f32>
  %5 = nnc.launch @total(%2) : (tensor<?x4x4xf32>) -> tensor<f32>
  return %3, %4, %5 : tensor<f32>, tensor<f32>, tensor<f32>
}
