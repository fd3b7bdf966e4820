// Without checks of accesses, a missing barrier still shows where threads run in
// another order: each reads what the thread before it writes, which is there
// already if they run by their numbers.
// REQUIRES: target-cuda
// RUN: nnc-run-phases %s --fast | FileCheck %s --check-prefix=ORDERED
// RUN: env NNC_SIM_SEED=7 nnc-run-phases %s --fast | FileCheck %s --check-prefix=SHUFFLED
// RUN: env NNC_SIM_SEED=7 nnc-run-phases %s --fast > %t.once
// RUN: env NNC_SIM_SEED=7 nnc-run-phases %s --fast | cmp - %t.once
// ORDERED: chain: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32{{$}}
// SHUFFLED-NOT: chain: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32{{$}}
// SHUFFLED: chain:
func.func @chain(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %shared = memref.alloca() : memref<32xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  memref.store %zero, %shared[%thread] : memref<32xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %isFirst = arith.cmpi eq, %thread, %c0 : index
  %previous = scf.if %isFirst -> f32 {
    scf.yield %zero : f32
  } else {
    %before = arith.subi %thread, %c1 : index
    %value = memref.load %shared[%before] : memref<32xf32, #gpu.address_space<workgroup>>
    scf.yield %value : f32
  }
  %next = arith.addf %previous, %one : f32
  memref.store %next, %shared[%thread] : memref<32xf32, #gpu.address_space<workgroup>>
  memref.store %next, %y[%thread] : memref<32xf32>
  return
}
