// A file's name is text of whoever wrote the file, and the host's compiler reads no
// word of it: what it asks for here does not happen, and the kernel compiles.
// REQUIRES: target-cuda
// RUN: rm -rf %t && mkdir %t && cd %t && nnc-run-phases %s | FileCheck %s
// RUN: not ls %t/pwned
// CHECK: hostile: 0 1 4 9
#hostile = loc("x.nn\0Aint pwn(const char *) asm(\22system\22); int i = pwn(\22touch pwned\22);\0A#pragma":3:1)
func.func @hostile(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %thread = gpu.thread_id x loc(#hostile)
  %x = memref.load %y[%thread] : memref<32xf32> loc(#hostile)
  %z = arith.mulf %x, %x : f32 loc(#hostile)
  memref.store %z, %y[%thread] : memref<32xf32> loc(#hostile)
  return loc(#hostile)
} loc(#hostile)
