// What a kernel is compiled to, at each level of the instruction set.
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v2 --emit=asm | FileCheck %s --check-prefixes=CHECK,SSE
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v3 --emit=asm | FileCheck %s --check-prefixes=CHECK,AVX
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v4 --emit=asm | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v3 --emit=llvm | FileCheck %s --check-prefix=LLVM
// RUN: nnc-run-kernel %s --emitter=movement --target=cpu:x86-64-v3 --compile-only | FileCheck %s --check-prefix=FEATURES

// FEATURES: slice_rows: movement, compiled; needs cx16 popcnt sahf sse3 sse4.1 sse4.2 ssse3 avx avx2 bmi bmi2 f16c fma lzcnt movbe

// The exported function loads the buffers' addresses and calls the body.
// LLVM: define dso_local void @slice_rows.movement.0(ptr %{{.*}}, i64 %{{.*}}, i64 %{{.*}}, i64 %{{.*}}, ptr %{{.*}})
// LLVM: define internal void @slice_rows.movement.0.body(ptr

// No call leaves the image, loops over memory included.
// CHECK-LABEL: slice_rows.movement.0:
// CHECK:       call{{q?}}{{.*}}slice_rows.movement.0.body
// CHECK-NOT:   memcpy
// CHECK-LABEL: slice_rows.movement.0.body:
// SSE:         movups {{.*}}%xmm
// AVX:         vmovups {{.*}}%ymm
// AVX512:      vmovups {{.*}}%zmm
// CHECK-NOT:   call
func.func private @slice_rows(%batch: index, %x: tensor<40x33xf32>)
    -> tensor<20x33xf32> attributes {nnc.kernel} {
  %y = tensor.extract_slice %x[3, 0] [20, 33] [1, 1]
      : tensor<40x33xf32> to tensor<20x33xf32>
  return %y : tensor<20x33xf32>
}
