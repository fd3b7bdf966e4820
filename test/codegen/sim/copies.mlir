// Copies to shared memory that are under way while their thread goes on: what the simulator finds where one is not waited
// for, and that it finds nothing where all are.
// REQUIRES: target-cuda
// RUN: nnc-run-phases %s | FileCheck %s

// CHECK: right: 4 5 6 7 0 1
func.func @right(%y: memref<128xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %shared = memref.alloca() : memref<128xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %mine = arith.muli %thread, %c4 : index
  %copy = nvgpu.device_async_copy %y[%mine], %shared[%mine], 4 : memref<128xf32> to memref<128xf32, #gpu.address_space<workgroup>>
  %group = nvgpu.device_async_create_group %copy
  nvgpu.device_async_wait %group
  gpu.barrier
  scf.for %i = %mine to %c128 step %c128 {
    %flipped = arith.xori %i, %c4 : index
    %c1 = arith.constant 1 : index
    %end = arith.addi %mine, %c4 : index
    scf.for %j = %mine to %end step %c1 {
      %other = arith.xori %j, %c4 : index
      %value = memref.load %shared[%other] : memref<128xf32, #gpu.address_space<workgroup>>
      memref.store %value, %y[%j] : memref<128xf32>
    }
  }
  return
}

// CHECK: not_waited: kernel 'not_waited': thread 0 of block 0 reads shared at byte 0 while a copy to it has not been waited for; line {{[0-9]+}}, '{{.*}}shared[{{.*}}'
func.func @not_waited(%y: memref<128xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c4 = arith.constant 4 : index
  %shared = memref.alloca() : memref<128xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %mine = arith.muli %thread, %c4 : index
  %copy = nvgpu.device_async_copy %y[%mine], %shared[%mine], 4 : memref<128xf32> to memref<128xf32, #gpu.address_space<workgroup>>
  %group = nvgpu.device_async_create_group %copy
  gpu.barrier
  %value = memref.load %shared[%mine] : memref<128xf32, #gpu.address_space<workgroup>>
  memref.store %value, %y[%mine] : memref<128xf32>
  return
}

// The newest group may be under way still.
// CHECK: wrong_group: kernel 'wrong_group': thread 0 of block 0 reads shared at byte 512 while a copy to it has not been waited for
func.func @wrong_group(%y: memref<128xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %shared = memref.alloca() : memref<256xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %mine = arith.muli %thread, %c4 : index
  %first = nvgpu.device_async_copy %y[%mine], %shared[%mine], 4 : memref<128xf32> to memref<256xf32, #gpu.address_space<workgroup>>
  %group = nvgpu.device_async_create_group %first
  %behind = arith.addi %mine, %c128 : index
  %second = nvgpu.device_async_copy %y[%mine], %shared[%behind], 4 : memref<128xf32> to memref<256xf32, #gpu.address_space<workgroup>>
  %next = nvgpu.device_async_create_group %second
  nvgpu.device_async_wait %next {numGroups = 1 : i32}
  gpu.barrier
  %done = memref.load %shared[%mine] : memref<256xf32, #gpu.address_space<workgroup>>
  %value = memref.load %shared[%behind] : memref<256xf32, #gpu.address_space<workgroup>>
  %sum = arith.addf %done, %value : f32
  memref.store %sum, %y[%mine] : memref<128xf32>
  return
}

// A thread has waited for its own copies, and for no one else's.
// CHECK: missing_barrier: kernel 'missing_barrier': thread 1 of block 0 reads shared at byte 0 with no barrier after it was written by thread 0
func.func @missing_barrier(%y: memref<128xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %shared = memref.alloca() : memref<128xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %mine = arith.muli %thread, %c4 : index
  %copy = nvgpu.device_async_copy %y[%mine], %shared[%mine], 4 : memref<128xf32> to memref<128xf32, #gpu.address_space<workgroup>>
  %group = nvgpu.device_async_create_group %copy
  nvgpu.device_async_wait %group
  %value = memref.load %shared[%c0] : memref<128xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  memref.store %value, %y[%mine] : memref<128xf32>
  return
}

// What is copied over while another thread may still read it.
// CHECK: too_early: kernel 'too_early': thread 1 of block 0 writes shared at byte 16 with no barrier after it was read by thread 0
func.func @too_early(%y: memref<128xf32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c4 = arith.constant 4 : index
  %shared = memref.alloca() : memref<256xf32, #gpu.address_space<workgroup>>
  %thread = gpu.thread_id x
  %mine = arith.muli %thread, %c4 : index
  %next = arith.addi %mine, %c4 : index
  %first = memref.load %y[%mine] : memref<128xf32>
  memref.store %first, %shared[%mine] : memref<256xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %value = memref.load %shared[%next] : memref<256xf32, #gpu.address_space<workgroup>>
  %copy = nvgpu.device_async_copy %y[%mine], %shared[%mine], 4 : memref<128xf32> to memref<256xf32, #gpu.address_space<workgroup>>
  memref.store %value, %y[%mine] : memref<128xf32>
  %group = nvgpu.device_async_create_group %copy
  nvgpu.device_async_wait %group
  return
}
