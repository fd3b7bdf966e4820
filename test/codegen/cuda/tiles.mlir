// Sums over windows as tiles: what a block shares, what multiplies, and what is cut into parts.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim > %t.phases
// RUN: FileCheck %s --check-prefix=PHASES < %t.phases
// RUN: nnc-run-phases --emit %t.phases | FileCheck %s

// Rows are 32 x 14 x 14 places, columns 64 filters: no row is cut, and none is asked whether it exists.
// PHASES-LABEL: func.func @convolution_add_32x14x14x64x3x3x64_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "operand 2", "result 0"]
// PHASES-SAME:    nnc.threads = 128
// CHECK-LABEL: convolution_add_32x14x14x64x3x3x64_tiles(
// CHECK:       __shared__ f32
// CHECK:       __shared__ f32
// CHECK:       __syncthreads();
// CHECK:       for (
// CHECK:         load<f32x4>(x0
// CHECK:         load<f32x4>(x1
// CHECK:         _Pragma("unroll")
// CHECK:           load<f32x4>(&shared
// CHECK:         __syncthreads();
// CHECK-NOT:   if (
// CHECK:       store(y0 + {{.*}} + load<f32x4>(x2
func.func @forward(%x: tensor<32x14x14x64xf32>, %w: tensor<3x3x64x64xf32>, %b: tensor<64xf32>) -> tensor<32x14x14x64xf32> {
  %y = nnc.fused "contraction" (%a = %x, %c = %w, %d = %b)
      : (tensor<32x14x14x64xf32>, tensor<3x3x64x64xf32>, tensor<64xf32>) -> tensor<32x14x14x64xf32> {
    %product = nnc.convolution %a, %c low = [1, 1] high = [1, 1]
        : (tensor<32x14x14x64xf32>, tensor<3x3x64x64xf32>) -> tensor<32x14x14x64xf32>
    %sum = nnc.add %product, %d : (tensor<32x14x14x64xf32>, tensor<64xf32>) -> tensor<32x14x14x64xf32>
    nnc.yield %sum : tensor<32x14x14x64xf32>
  }
  return %y : tensor<32x14x14x64xf32>
}

// The batch and all places are summed over, in parts that a second phase adds up.
// PHASES-LABEL: func.func @convolution_filter_3x3x64x64x32x14x14_tiles(
// PHASES-SAME:    nnc.buffers = ["operand 0", "operand 1", "workspace 0"]
// PHASES-LABEL: func.func @convolution_filter_3x3x64x64x32x14x14_results(
// PHASES-SAME:    nnc.buffers = ["workspace 0", "result 0"]
func.func @filter(%x: tensor<32x14x14x64xf32>, %y: tensor<32x14x14x64xf32>) -> tensor<3x3x64x64xf32> {
  %w = nnc.convolution_filter %x, %y sizes = [3, 3] low = [1, 1] high = [1, 1]
      : (tensor<32x14x14x64xf32>, tensor<32x14x14x64xf32>) -> tensor<3x3x64x64xf32>
  return %w : tensor<3x3x64x64xf32>
}

// 16 bits go to tensor cores, and are copied ahead; the filter lies with its terms as lines.
// CHECK-LABEL: convolution_32x14x14x64x3x3x64_tiles(
// CHECK:       __shared__ bf16
// CHECK:       begin_copy(&shared1[{{.*}}], x0 + {{.*}}, chosen);
// CHECK:       begin_copy(&shared[{{.*}}], x1 + {{[^,]*}});
// CHECK:       for (
// CHECK:       wait_for_groups<2>();
// CHECK-NEXT:  __syncthreads();
// CHECK:       load_matrices(
// CHECK:       load_matrices_transposed(
// CHECK:       multiply_bf16(
// CHECK-NOT:   if (
// CHECK:       begin_copy(&shared1[{{.*}}], x0 + {{.*}} ? 8 : 0);
// CHECK:       end_group();
func.func @half(%x: tensor<32x14x14x64xbf16>, %w: tensor<3x3x64x64xbf16>) -> tensor<32x14x14x64xbf16> {
  %y = nnc.convolution %x, %w low = [1, 1] high = [1, 1]
      : (tensor<32x14x14x64xbf16>, tensor<3x3x64x64xbf16>) -> tensor<32x14x14x64xbf16>
  return %y : tensor<32x14x14x64xbf16>
}

// A strided window's gradient: a grid for each of four phases.
// PHASES:      func.func @convolution_transpose_32x16x16x64x3x3x64_tiles0(
// PHASES:      func.func @convolution_transpose_32x16x16x64x3x3x64_tiles3(
func.func @strided(%y: tensor<32x8x8x64xf32>, %w: tensor<3x3x64x64xf32>) -> tensor<32x16x16x64xf32> {
  %x = nnc.convolution_transpose %y, %w sizes = [16, 16] strides = [2, 2] low = [0, 0] high = [1, 1]
      : (tensor<32x8x8x64xf32>, tensor<3x3x64x64xf32>) -> tensor<32x16x16x64xf32>
  return %x : tensor<32x16x16x64xf32>
}

// A channel at a time, four of them a thread: nothing is shared.
// CHECK-LABEL: convolution_32x14x14x64x3x3x1_channels(
// CHECK-NOT:   __shared__
// CHECK:       load<f32x4>(x0
// CHECK:       store(y0
func.func @depthwise(%x: tensor<32x14x14x64xf32>, %w: tensor<3x3x1x64xf32>) -> tensor<32x14x14x64xf32> {
  %y = nnc.convolution %x, %w low = [1, 1] high = [1, 1] groups = 64
      : (tensor<32x14x14x64xf32>, tensor<3x3x1x64xf32>) -> tensor<32x14x14x64xf32>
  return %y : tensor<32x14x14x64xf32>
}
