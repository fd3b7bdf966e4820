// What values are called hides nothing that the text says: no function that it
// calls, no word of C++ or CUDA, nothing of the prelude or of the simulator.
// REQUIRES: target-cuda
// RUN: nnc-run-phases %s --emit | FileCheck %s --implicit-check-not=pwn
// RUN: nnc-run-phases %s | FileCheck %s --check-prefix=VALUES

// Values are named after the operation where they are used twice.
// CHECK-LABEL: void {{.*}}functions(
// CHECK:         f32 powf1 = powf(y[thread], 2.5f);
// CHECK-NEXT:    f32 expf1 = expf(powf1);
// CHECK:         y[thread] = powf(powf1 + expf1, expf1);
// VALUES: functions: 1 35.51
func.func @functions(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.5 : f32
  %thread = gpu.thread_id x
  %x = memref.load %y[%thread] : memref<32xf32>
  %power = math.powf %x, %two : f32
  %e = math.exp %power : f32 loc("expf")
  %sum = arith.addf %power, %e : f32
  %all = math.powf %sum, %e : f32
  memref.store %all, %y[%thread] : memref<32xf32>
  return
}

// Names that a file gives: functions, words, and text that is no name.
// CHECK-LABEL: void {{.*}}given(
// CHECK-NEXT:    const f32 *threadIdx1,
// CHECK-NEXT:    f32 *value_x_int_p_wn_1_,
// CHECK:         f32 maximum1 = maximum(threadIdx1[thread], value_x_int_p_wn_1_[thread]);
// CHECK-NEXT:    f32 shared_ = maximum1 + maximum1;
// CHECK-NEXT:    f32 valuennc_at = shared_ - maximum1;
// VALUES: given: 0 2 4
func.func @given(%x: memref<32xf32> {nnc.name = "threadIdx"}, %y: memref<32xf32> {nnc.name = "value x;\0Aint p\\wn(1);//"}, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %thread = gpu.thread_id x
  %v = memref.load %x[%thread] : memref<32xf32>
  %w = memref.load %y[%thread] : memref<32xf32>
  %max = arith.maximumf %v, %w : f32 loc("maximum")
  %a = arith.addf %max, %max : f32 loc("__shared__")
  %b = arith.subf %a, %max : f32 loc("nnc_at")
  %c = arith.addf %b, %b : f32
  memref.store %c, %y[%thread] : memref<32xf32>
  return
}

// A file's name stands in a comment, which it does not end.
// CHECK-LABEL: void {{.*}}located(
// CHECK:         // a.nn.int pw..n......[1];:7
// CHECK-NEXT:    y[thread] =
// VALUES: located: 0 2 4
func.func @located(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %thread = gpu.thread_id x
  %v = memref.load %y[%thread] : memref<32xf32>
  %a = arith.addf %v, %v : f32 loc("folder/a.nn\0Aint pw\\\0An?\C3\A4**\5C[1];":7:1)
  memref.store %a, %y[%thread] : memref<32xf32> loc("folder/a.nn\0Aint pw\\\0An?\C3\A4**\5C[1];":7:1)
  return
}
