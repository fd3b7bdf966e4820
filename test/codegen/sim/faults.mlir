// What the simulator finds in kernels that are wrong, and that it finds nothing
// in one that is right.
// REQUIRES: target-cuda
// RUN: nnc-run-phases %s | FileCheck %s

// A barrier between the writes and the reads.
// CHECK: right: 63 62 61
func.func @right(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c63 = arith.constant 63 : index
  %shared = memref.alloca() : memref<64xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %value = memref.load %y[%thread] : memref<64xf32>
  memref.store %value, %shared[%thread] : memref<64xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %other = arith.subi %c63, %thread : index
  %theirs = memref.load %shared[%other] : memref<64xf32, #gpu.address_space<workgroup>>
  memref.store %theirs, %y[%thread] : memref<64xf32>
  return
}

// CHECK: missing_barrier: kernel 'missing_barrier': thread 1 of block 0 reads shared at byte 0 with no barrier after it was written by thread 0; line {{[0-9]+}}, '{{.*}}shared[{{.*}}'
func.func @missing_barrier(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %shared = memref.alloca() : memref<64xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %value = memref.load %y[%thread] : memref<64xf32>
  memref.store %value, %shared[%thread] : memref<64xf32, #gpu.address_space<workgroup>>
  %theirs = memref.load %shared[%c0] : memref<64xf32, #gpu.address_space<workgroup>>
  memref.store %theirs, %y[%thread] : memref<64xf32>
  return
}

// The next use of an array that another thread may still be reading.
// CHECK: missing_second_barrier: kernel 'missing_second_barrier': thread 1 of block 0 writes shared at byte 4 with no barrier after it was read by thread 0
func.func @missing_second_barrier(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %shared = memref.alloca() : memref<64xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %value = memref.load %y[%thread] : memref<64xf32>
  memref.store %value, %shared[%thread] : memref<64xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %next = arith.addi %thread, %c1 : index
  %other = arith.remui %next, %c64 : index
  %theirs = memref.load %shared[%other] : memref<64xf32, #gpu.address_space<workgroup>>
  memref.store %theirs, %shared[%thread] : memref<64xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  memref.store %theirs, %y[%thread] : memref<64xf32>
  return
}

// CHECK: divergent_barrier: kernel 'divergent_barrier': not all threads of block 0 come to the same barrier or shuffle: thread 0 waits at line {{[0-9]+}}, '__syncthreads();' {{.*}}, thread 16 has ended
func.func @divergent_barrier(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c16 = arith.constant 16 : index
  %thread = gpu.thread_id x
  %few = arith.cmpi ult, %thread, %c16 : index
  scf.if %few {
    gpu.barrier
  }
  return
}

// As many barriers in each, but not the same.
// CHECK: two_barriers: kernel 'two_barriers': not all threads of block 0 come to the same barrier or shuffle: thread 0 waits at line 4, '__syncthreads();' {{.*}}, thread 16 waits at line 6, '__syncthreads();'
func.func @two_barriers(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c16 = arith.constant 16 : index
  %thread = gpu.thread_id x
  %few = arith.cmpi ult, %thread, %c16 : index
  scf.if %few {
    gpu.barrier
  } else {
    gpu.barrier
  }
  return
}

// CHECK: divergent_shuffle: kernel 'divergent_shuffle': not all threads of block 0 come to the same barrier or shuffle: thread 0 waits at line {{[0-9]+}}, {{.*}}, thread 16 has ended
func.func @divergent_shuffle(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c16 = arith.constant 16 : index
  %offset = arith.constant 1 : i32
  %width = arith.constant 32 : i32
  %thread = gpu.thread_id x
  %few = arith.cmpi ult, %thread, %c16 : index
  scf.if %few {
    %value = memref.load %y[%thread] : memref<64xf32>
    %other, %valid = gpu.shuffle xor %value, %offset, %width : f32
    memref.store %other, %y[%thread] : memref<64xf32>
  }
  return
}

// CHECK: unwritten: kernel 'unwritten': thread 0 of block 0 reads shared at byte 128, which nothing in the block has written
func.func @unwritten(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 64 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c32 = arith.constant 32 : index
  %shared = memref.alloca() : memref<64xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %value = memref.load %y[%thread] : memref<64xf32>
  %few = arith.cmpi ult, %thread, %c32 : index
  scf.if %few {
    memref.store %value, %shared[%thread] : memref<64xf32, #gpu.address_space<workgroup>>
  }
  gpu.barrier
  %other = arith.xori %thread, %c32 : index
  %theirs = memref.load %shared[%other] : memref<64xf32, #gpu.address_space<workgroup>>
  memref.store %theirs, %y[%thread] : memref<64xf32>
  return
}

// One block's writes are not another's.
// CHECK: unwritten_in_block: kernel 'unwritten_in_block': thread 0 of block 1 reads shared at byte 0, which nothing in the block has written
func.func @unwritten_in_block(%y: memref<64xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 2, 0, 1>} {
  %c0 = arith.constant 0 : index
  %shared = memref.alloca() : memref<32xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %block = gpu.block_id x
  %value = memref.load %y[%thread] : memref<64xf32>
  %first = arith.cmpi eq, %block, %c0 : index
  scf.if %first {
    memref.store %value, %shared[%thread] : memref<32xf32, #gpu.address_space<workgroup>>
  }
  %mine = memref.load %shared[%thread] : memref<32xf32, #gpu.address_space<workgroup>>
  memref.store %mine, %y[%thread] : memref<64xf32>
  return
}

// A result of which one element is never written, in this phase or one before.
// CHECK: unwritten_result: kernel 'unwritten_result': thread 31 of block 0 reads y[31], which nothing has written; line {{[0-9]+}}, '{{.*}}y[{{.*}}'
func.func @unwritten_result(%y: memref<32xf32> {nnc.fresh, nnc.name = "y"}, %z: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c31 = arith.constant 31 : index
  %one = arith.constant 1.0 : f32
  %thread = gpu.thread_id x
  %few = arith.cmpi ult, %thread, %c31 : index
  scf.if %few {
    memref.store %one, %y[%thread] : memref<32xf32>
  }
  %value = memref.load %y[%thread] : memref<32xf32>
  memref.store %value, %z[%thread] : memref<32xf32>
  return
}

// Every lane of a vector counts: of f64 both are written, and of f16 one.
// CHECK: unwritten_lane: kernel 'unwritten_lane': thread 0 of block 0 reads h[1], which nothing has written
func.func @unwritten_lane(%d: memref<2xf64> {nnc.fresh, nnc.name = "d"}, %h: memref<4xf16> {nnc.fresh, nnc.name = "h"}, %e: memref<2xf64>, %z: memref<4xf16>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %thread = gpu.thread_id x
  %first = arith.cmpi eq, %thread, %c0 : index
  scf.if %first {
    %two = arith.constant 2.0 : f64
    memref.store %two, %d[%c0] : memref<2xf64>
    memref.store %two, %d[%c1] : memref<2xf64>
    %pair = vector.load %d[%c0] : memref<2xf64>, vector<2xf64>
    %one = arith.constant 1.0 : f16
    memref.store %one, %h[%c0] : memref<4xf16>
    %lanes = vector.load %h[%c0] : memref<4xf16>, vector<4xf16>
    vector.store %lanes, %z[%c0] : memref<4xf16>, vector<4xf16>
    vector.store %pair, %e[%c0] : memref<2xf64>, vector<2xf64>
  }
  return
}

// What reads it outside of kernels reads NaN.
// CHECK: half_written: 1 nan 1 nan
func.func @half_written(%y: memref<32xf32> {nnc.fresh}, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1.0 : f32
  %thread = gpu.thread_id x
  %rest = arith.remui %thread, %c2 : index
  %even = arith.cmpi eq, %rest, %c0 : index
  scf.if %even {
    memref.store %one, %y[%thread] : memref<32xf32>
  }
  return
}

// The bound is 12 elements at batch 4; the last thread goes beyond.
// CHECK: beyond: kernel 'beyond': thread 12 of block 0 reads 4 bytes out of bounds: x[12]; line {{[0-9]+}}, '{{.*}}x[{{.*}} (model.nn:7)
func.func @beyond(%x: memref<?xf32> {nnc.elements = array<i64: 0, 3, 1>, nnc.name = "x"}, %y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %thread = gpu.thread_id x
  %value = memref.load %x[%thread] : memref<?xf32> loc("model.nn":7:3)
  memref.store %value, %y[%thread] : memref<32xf32> loc("model.nn":7:3)
  return
}

// CHECK: before: kernel 'before': thread 0 of block 0 writes 4 bytes out of bounds: 4 bytes before y
func.func @before(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %thread = gpu.thread_id x
  %previous = arith.subi %thread, %c1 : index
  memref.store %zero, %y[%previous] : memref<32xf32>
  return
}

// A vector of which the last lane is beyond.
// CHECK: wide: kernel 'wide': thread 7 of block 0 reads {{[0-9]+}} bytes out of bounds: x[30]; line {{[0-9]+}}, 'store(
func.func @wide(%x: memref<30xf32>, %y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %thread = gpu.thread_id x
  %first = arith.muli %thread, %c4 : index
  %few = arith.cmpi ult, %thread, %c8 : index
  scf.if %few {
    %values = vector.load %x[%first] : memref<30xf32>, vector<4xf32>
    vector.store %values, %y[%first] : memref<32xf32>, vector<4xf32>
  }
  return
}

// After a fault, the device goes on with the next.
// CHECK: right_again: 1 1 1
func.func @right_again(%y: memref<32xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %one = arith.constant 1.0 : f32
  %thread = gpu.thread_id x
  memref.store %one, %y[%thread] : memref<32xf32>
  return
}
