// Small products as kernels of nnc's own: tiles of 128 threads, whose slices share the terms of a step.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim > %t.phases
// RUN: FileCheck %s --check-prefix=PHASES < %t.phases
// RUN: nnc-run-phases --emit %t.phases | FileCheck %s

// One phase with the bias and the maximum. Operands are copied a step ahead. Eight slices of 16 threads take eight terms
// each of a step of 64, four at a time, and meet in an operand's memory, where the sums are added in the slices' order,
// two a thread.
// PHASES-LABEL: func.func @matmul_add_maximum_Bx64x128_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "operand 2", "result 0"]
// PHASES-SAME:    nnc.extent = [45, 4, 16]
// PHASES-SAME:    nnc.kind = "product"
// PHASES-SAME:    nnc.threads = 128
// CHECK-LABEL: matmul_add_maximum_Bx64x128_tiles(
// CHECK:       __shared__ f32 [[OTHER:[a-z0-9]+]][3840];
// CHECK-NEXT:  {{.*}}__shared__ f32 [[SUMS:[a-z0-9]+]][3264];
// CHECK-NOT:   __shared__
// CHECK:       begin_copy(&[[SUMS]][
// CHECK:       for (
// CHECK-NEXT:    wait_for_groups<1>();
// CHECK-NEXT:    __syncthreads();
// CHECK:         _Pragma("unroll")
// CHECK-NEXT:    for ({{.*}} < 8; {{.*}} += 4)
// CHECK:         begin_copy(&[[SUMS]][
// CHECK:       wait_for_groups<0>();
// CHECK-NEXT:  __syncthreads();
// CHECK:       store(&[[SUMS]][
// CHECK:       __syncthreads();
// CHECK:       load<f32x2>(&[[SUMS]][{{.*}}]) + load<f32x2>(&[[SUMS]][{{.*}} + 256])
// CHECK:       = map([](f32 a, f32 b) { return maximum(a, b); }, {{.*}} + load<f32x2>(x2 + {{.*}}), f32x2(0.0f));
// CHECK:       store(y0 + {{.*}}
func.func @layer(%x: tensor<?x128xf32>, %w: tensor<128x64xf32>, %b: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %w, %d = %b)
      : (tensor<?x128xf32>, tensor<128x64xf32>, tensor<64xf32>) -> tensor<?x64xf32> {
    %product = nnc.matmul %a, %c : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %sum = nnc.add %product, %d : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %zero = nnc.constant dense<0.0> : tensor<f32>
    %relu = nnc.maximum %sum, %zero : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
    nnc.yield %relu : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// A weight's gradient with the update of the weight: in place, and no workspace.
// PHASES-LABEL: func.func @matmul_sub_128x64xB_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "operand 2", "result 0"]
// PHASES-SAME:    nnc.may_alias = {{\[\[}}2, 0]]
// PHASES-NOT:     nnc.workspace_bytes
func.func @update(%x: tensor<?x128xf32>, %g: tensor<?x64xf32>, %w: tensor<128x64xf32>) -> tensor<128x64xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %g, %d = %w)
      : (tensor<?x128xf32>, tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<128x64xf32> {
    %product = nnc.matmul %a, %c transpose_lhs = true : (tensor<?x128xf32>, tensor<?x64xf32>) -> tensor<128x64xf32>
    %next = nnc.sub %d, %product : tensor<128x64xf32>
    nnc.yield %next : tensor<128x64xf32>
  }
  return %y : tensor<128x64xf32>
}

// A sum of many terms is cut into parts, which another phase adds up: few tiles have work for all of the device.
// PHASES-LABEL: func.func @matmul_100x256x3200_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "workspace 0"]
// PHASES-LABEL: func.func @matmul_100x256x3200_results(
// PHASES-SAME:    nnc.buffers = ["workspace 0", "result 0"]
func.func @long(%x: tensor<3200x100xf32>, %g: tensor<3200x256xf32>) -> tensor<100x256xf32> {
  %y = nnc.matmul %x, %g transpose_lhs = true : (tensor<3200x100xf32>, tensor<3200x256xf32>) -> tensor<100x256xf32>
  return %y : tensor<100x256xf32>
}

// A computed operand is computed where it is read. 128 terms are one step.
// PHASES-LABEL: func.func @cast_matmul_Bx64x128_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "result 0"]
// CHECK-LABEL: cast_matmul_Bx64x128_tiles(
// CHECK-NOT:   for (
// CHECK:       __syncthreads();
// CHECK:       _Pragma("unroll")
// CHECK-NEXT:  for ({{.*}} < 16; ++
func.func @computed(%x: tensor<?x128xui8>, %w: tensor<128x64xf32>) -> tensor<?x64xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %w)
      : (tensor<?x128xui8>, tensor<128x64xf32>) -> tensor<?x64xf32> {
    %wide = nnc.cast %a to = f32 : (tensor<?x128xui8>) -> tensor<?x128xf32>
    %product = nnc.matmul %wide, %c : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    nnc.yield %product : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// In 16 bits by tensor cores, a warp a slice of 16 terms.
// CHECK-LABEL: matmul_Bx64x128_tiles(
// CHECK:       __shared__ bf16
// CHECK:       load_matrices(
// CHECK:       multiply_bf16(
func.func @half(%x: tensor<?x128xbf16>, %w: tensor<128x64xbf16>) -> tensor<?x64xbf16> {
  %y = nnc.matmul %x, %w : (tensor<?x128xbf16>, tensor<128x64xbf16>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
