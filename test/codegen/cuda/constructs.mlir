// How the printer says what schedules are made of.
// REQUIRES: target-cuda
// RUN: nnc-run-phases %s --emit | grep -v '//' | FileCheck %s

// Where the batch or the size is not known, indices have 64 bits; so they have
// where a buffer has 2^31 elements or more.
// CHECK-LABEL: void __launch_bounds__(32) large(f32 *y, i64 batch) {
// CHECK-NEXT:   i64 thread = i64(threadIdx.x);
func.func @large(%y: memref<?xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %zero = arith.constant 0.0 : f32
  %thread = gpu.thread_id x loc(#thread)
  memref.store %zero, %y[%thread] : memref<?xf32>
  return
}
#thread = loc("thread"("model.nn":3:1))

// CHECK-LABEL: void __launch_bounds__(32) many(
// CHECK:        i64 thread = i64(threadIdx.x);
func.func @many(%y: memref<?xf32> {nnc.elements = array<i64: 2147483648, 0, 1>}, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %zero = arith.constant 0.0 : f32
  %thread = gpu.thread_id x loc(#thread)
  memref.store %zero, %y[%thread] : memref<?xf32>
  return
}

// CHECK-LABEL: void __launch_bounds__(32) fewer(
// CHECK:        i32 thread = i32(threadIdx.x);
func.func @fewer(%y: memref<?xf32> {nnc.elements = array<i64: 2000000000, 0, 1>}, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %zero = arith.constant 0.0 : f32
  %thread = gpu.thread_id x loc(#thread)
  memref.store %zero, %y[%thread] : memref<?xf32>
  return
}

// A loop's values change at once: the second reads the first as it was.
// CHECK-LABEL: void __launch_bounds__(32) swap(
// CHECK:        for (i32 i = 0; i < 3; ++i) {
// CHECK-NEXT:     f32 [[NEXT:.*]] = [[A:[a-z0-9]+]];
// CHECK-NEXT:     [[A]] = [[B:[a-z0-9]+]];
// CHECK-NEXT:     [[B]] = [[NEXT]];
func.func @swap(%x: memref<2xf32>, %y: memref<2xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %first = memref.load %x[%c0] : memref<2xf32>
  %second = memref.load %x[%c1] : memref<2xf32>
  %a, %b = scf.for %i = %c0 to %c3 step %c1 iter_args(%p = %first, %q = %second) -> (f32, f32) {
    scf.yield %q, %p : f32, f32
  }
  memref.store %a, %y[%c0] : memref<2xf32>
  memref.store %b, %y[%c1] : memref<2xf32>
  return
}

// A read stays before a write that may change what it reads.
// CHECK-LABEL: void __launch_bounds__(32) order(
// CHECK:        f32 y_value = y[0];
// CHECK-NEXT:   y[0] = 2.0f;
// CHECK-NEXT:   y[1] = y_value;
func.func @order(%y: memref<2xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = arith.constant 2.0 : f32
  %value = memref.load %y[%c0] : memref<2xf32>
  memref.store %two, %y[%c0] : memref<2xf32>
  memref.store %value, %y[%c1] : memref<2xf32>
  return
}

// Sums are not reassociated, and constants are exact.
// CHECK-LABEL: void __launch_bounds__(32) numbers(
// CHECK:        y[0] = x[0] + (x[1] + 0.1f);
// CHECK-NEXT:   y[1] = x[0] - (x[1] - 16777216.0f);
// CHECK-NEXT:   y[2] = minimum(x[0], -infinity_f32());
// CHECK-NEXT:   f32 chosen = x[1] < 3.4028235e+38f ? -x[0] : bits_as<f32>(0x7fc00000u);
func.func @numbers(%x: memref<2xf32>, %y: memref<4xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %tenth = arith.constant 0.1 : f32
  %large = arith.constant 16777216.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %most = arith.constant 3.40282347E+38 : f32
  %nan = arith.constant 0x7FC00000 : f32
  %a = memref.load %x[%c0] : memref<2xf32>
  %b = memref.load %x[%c1] : memref<2xf32>
  %right = arith.addf %b, %tenth : f32
  %sum = arith.addf %a, %right : f32
  memref.store %sum, %y[%c0] : memref<4xf32>
  %c = memref.load %x[%c0] : memref<2xf32>
  %d = memref.load %x[%c1] : memref<2xf32>
  %inner = arith.subf %d, %large : f32
  %difference = arith.subf %c, %inner : f32
  memref.store %difference, %y[%c1] : memref<4xf32>
  %e = memref.load %x[%c0] : memref<2xf32>
  %min = arith.minimumf %e, %lowest : f32
  memref.store %min, %y[%c2] : memref<4xf32>
  %f = memref.load %x[%c0] : memref<2xf32>
  %g = memref.load %x[%c1] : memref<2xf32>
  %small = arith.cmpf olt, %g, %most : f32
  %negative = arith.negf %f : f32
  %chosen = arith.select %small, %negative, %nan : f32
  memref.store %chosen, %y[%c3] : memref<4xf32>
  return
}

// 16-bit floats are converted by the prelude; a signed quotient says so.
// CHECK-LABEL: void __launch_bounds__(32) types(
// CHECK-NEXT:     const bf16 *x,
// CHECK-NEXT:     const u32 *x1,
// CHECK-NEXT:     bf16 *y,
// CHECK-NEXT:     u32 *y1,
// CHECK-NEXT:     i64 batch) {
// CHECK:        y[0] = bf16(f32(x[0]) * 2.0f);
// CHECK-NEXT:   y1[0] = u32(i32(x1[0]) / 3);
// CHECK-NEXT:   y1[1] = (x1[1] >> 3) ^ (x1[2] + 5u);
func.func @types(%x: memref<2xbf16>, %n: memref<3xi32>, %y: memref<2xbf16>, %m: memref<2xi32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3 : i32
  %five = arith.constant 5 : i32
  %a = memref.load %x[%c0] : memref<2xbf16>
  %wide = arith.extf %a : bf16 to f32
  %twice = arith.mulf %wide, %two : f32
  %narrow = arith.truncf %twice : f32 to bf16
  memref.store %narrow, %y[%c0] : memref<2xbf16>
  %b = memref.load %n[%c0] : memref<3xi32>
  %quotient = arith.divsi %b, %three : i32
  memref.store %quotient, %m[%c0] : memref<2xi32>
  %c = memref.load %n[%c1] : memref<3xi32>
  %d = memref.load %n[%c2] : memref<3xi32>
  %shifted = arith.shrui %c, %three : i32
  %sum = arith.addi %d, %five : i32
  %bits = arith.xori %shifted, %sum : i32
  memref.store %bits, %m[%c1] : memref<2xi32>
  return
}
