// How rows kernels are scheduled on a GPU.
// REQUIRES: target-cuda
// RUN: nnc-opt %s --nnc-to-linalg --nnc-schedule-kernels=target=sim --split-input-file | FileCheck %s

// A row of ten fills five threads of a group of eight, with two lanes each: 32
// rows a block. The row is loaded once and stored once; both reductions go
// through shuffles alone.
// CHECK-LABEL: func.func @reduce_max_sub_exp_sum_and_1_Bx10_rows(
// CHECK-SAME:    nnc.extent = [0, 1, 32]
// CHECK-SAME:    nnc.threads = 256
// CHECK-NOT:     memref.alloca
// CHECK:         vector.load {{.*}} vector<2xf32>
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK-NOT:     vector.load
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK-NOT:     gpu.shuffle
// CHECK:         scf.if
// CHECK:           vector.store
// CHECK-NOT:     gpu.barrier
func.func @softmax(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
  %y = nnc.fused "rows" (%a = %x) : (tensor<?x10xf32>) -> tensor<?x10xf32> {
    %max = nnc.reduce_max %a axes = [1] keep_dims = true : (tensor<?x10xf32>) -> tensor<?x1xf32>
    %shifted = nnc.sub %a, %max : (tensor<?x10xf32>, tensor<?x1xf32>) -> tensor<?x10xf32>
    %exp = nnc.exp %shifted : tensor<?x10xf32>
    %sum = nnc.sum %exp axes = [1] keep_dims = true : (tensor<?x10xf32>) -> tensor<?x1xf32>
    %quotient = nnc.div %exp, %sum : (tensor<?x10xf32>, tensor<?x1xf32>) -> tensor<?x10xf32>
    nnc.yield %quotient : tensor<?x10xf32>
  }
  return %y : tensor<?x10xf32>
}

// -----

// A row of 1024 has a block to itself: warps meet in shared memory, once for each
// of the two reductions that follow one another.
// CHECK-LABEL: func.func @reduce_max_sub_sum_Bx1024_rows(
// CHECK-SAME:    nnc.extent = [0, 1, 1]
// CHECK-SAME:    nnc.threads = 256
// CHECK-COUNT-2: memref.alloca() : memref<8xf32, #gpu.address_space<workgroup>>
// CHECK:         vector.load {{.*}} vector<4xf32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK-NOT:     vector.load
// CHECK-NOT:     gpu.barrier
func.func @spread(%x: tensor<?x1024xf32>) -> tensor<?xf32> {
  %y = nnc.fused "rows" (%a = %x) : (tensor<?x1024xf32>) -> tensor<?xf32> {
    %max = nnc.reduce_max %a axes = [1] keep_dims = true : (tensor<?x1024xf32>) -> tensor<?x1xf32>
    %below = nnc.sub %a, %max : (tensor<?x1024xf32>, tensor<?x1xf32>) -> tensor<?x1024xf32>
    %sum = nnc.sum %below axes = [1] : (tensor<?x1024xf32>) -> tensor<?xf32>
    nnc.yield %sum : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// -----

// Where there are many rows, a warp has one of 768, in six vectors a thread: no
// barrier, and all is read before anything is written.
// CHECK-LABEL: func.func @reduce_max_sub_8192x768_rows(
// CHECK-SAME:    nnc.extent = [8192, 0, 8]
// CHECK-SAME:    nnc.threads = 256
// CHECK-NOT:     memref.alloca
// CHECK-COUNT-6: vector.load {{.*}} vector<4xf32>
// CHECK-NOT:     vector.load
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-NOT:     gpu.shuffle
// CHECK-COUNT-6: vector.store
// CHECK-NOT:     gpu.barrier
func.func @below_the_largest(%x: tensor<8192x768xf32>) -> tensor<8192x768xf32> {
  %y = nnc.fused "rows" (%a = %x) : (tensor<8192x768xf32>) -> tensor<8192x768xf32> {
    %max = nnc.reduce_max %a axes = [1] keep_dims = true : (tensor<8192x768xf32>) -> tensor<8192x1xf32>
    %below = nnc.sub %a, %max : (tensor<8192x768xf32>, tensor<8192x1xf32>) -> tensor<8192x768xf32>
    nnc.yield %below : tensor<8192x768xf32>
  }
  return %y : tensor<8192x768xf32>
}

// -----

// A row that no block can hold is read once a pass, in steps of all threads,
// each of which reads eight elements before it writes any.
// CHECK-LABEL: func.func @sum_sub_Bx50257_rows(
// CHECK-SAME:    nnc.threads = 1024
// CHECK:         scf.for {{.*}} iter_args
// CHECK:         } {nnc.unroll = 8 : i64}
// CHECK:         gpu.barrier
// CHECK:         scf.for
// CHECK-COUNT-8: memref.load
// CHECK:           memref.store
func.func @centre(%x: tensor<?x50257xf32>) -> tensor<?x50257xf32> {
  %y = nnc.fused "rows" (%a = %x) : (tensor<?x50257xf32>) -> tensor<?x50257xf32> {
    %sum = nnc.sum %a axes = [1] keep_dims = true : (tensor<?x50257xf32>) -> tensor<?x1xf32>
    %rest = nnc.sub %a, %sum : (tensor<?x50257xf32>, tensor<?x1xf32>) -> tensor<?x50257xf32>
    nnc.yield %rest : tensor<?x50257xf32>
  }
  return %y : tensor<?x50257xf32>
}

// -----

// Elements without reductions: four a thread, the column from the thread's
// number; in place.
// CHECK-LABEL: func.func @add_Bx64_rows(
// CHECK-SAME:    nnc.extent = [0, 16, 256]
// CHECK-SAME:    nnc.may_alias = {{\[\[}}0, 0]]
// CHECK:         scf.if
// CHECK:           vector.load {{.*}} vector<4xf32>
// CHECK:           vector.load {{.*}} vector<4xf32>
// CHECK:           vector.store
func.func @add_bias(%x: tensor<?x64xf32>, %b: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = nnc.add %x, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// A bias's update: eight threads walk down each column, and the first of them adds
// their sums and updates.
// CHECK-LABEL: func.func @sum_sub_Bx40_columns(
// CHECK-SAME:    nnc.extent = [3, 0, 1]
// CHECK-SAME:    nnc.may_alias = {{\[\[}}1, 0]]
// CHECK-SAME:    nnc.threads = 128
// CHECK:         memref.alloca() : memref<128xf32, #gpu.address_space<workgroup>>
// CHECK:         scf.for
// CHECK:         gpu.barrier
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK:           memref.store
func.func @update(%g: tensor<?x40xf32>, %p: tensor<40xf32>) -> tensor<40xf32> {
  %y = nnc.fused "rows" (%a = %g, %b = %p) : (tensor<?x40xf32>, tensor<40xf32>) -> tensor<40xf32> {
    %sum = nnc.sum %a axes = [0] : (tensor<?x40xf32>) -> tensor<40xf32>
    %next = nnc.sub %b, %sum : tensor<40xf32>
    nnc.yield %next : tensor<40xf32>
  }
  return %y : tensor<40xf32>
}

// -----

// So many rows that one block a column would leave most of the GPU idle: parts
// first, in a workspace of their own. A thread has four neighbouring columns, of
// four rows at once; 16 threads cover a row. Eight threads add up the parts.
// CHECK-LABEL: func.func @sum_4096x40_partials(
// CHECK-SAME:    {nnc.elements = array<i64: 5120, 0, 4>, nnc.fresh, nnc.name = "work0"}
// CHECK-SAME:    nnc.buffers = ["operand 0", "workspace 0"]
// CHECK-SAME:    nnc.extent = [32, 0, 1]
// CHECK-SAME:    nnc.threads = 256
// CHECK-SAME:    nnc.workspace_bytes = {{\[\[}}5120, 0, 1]]
// CHECK:         memref.alloca() : memref<1024xf32, #gpu.address_space<workgroup>>
// CHECK:         scf.for
// CHECK:           vector.load {{.*}} vector<4xf32>
// CHECK:         } {nnc.unroll = 4 : i64}
// CHECK:         gpu.barrier
// CHECK-LABEL: func.func @sum_4096x40_columns1(
// CHECK-SAME:    {nnc.elements = array<i64: 5120, 0, 4>, nnc.name = "work0"}
// CHECK-SAME:    {nnc.elements = array<i64: 40, 0, 1>, nnc.fresh, nnc.name = "y0"}
// CHECK-SAME:    nnc.buffers = ["workspace 0", "result 0"]
// CHECK-SAME:    nnc.extent = [40, 0, 32]
// CHECK:         gpu.barrier
func.func @sum_of_many(%x: tensor<4096x40xf32>) -> tensor<40xf32> {
  %y = nnc.sum %x axes = [0] : (tensor<4096x40xf32>) -> tensor<40xf32>
  return %y : tensor<40xf32>
}

// -----

// Few rows of many columns: a thread has all of its own columns, and waits for
// no other. What is widest in memory fills one access.
// CHECK-LABEL: func.func @cast_sum_16x65536_columns(
// CHECK-SAME:    nnc.extent = [65536, 0, 2048]
// CHECK-SAME:    nnc.threads = 256
// CHECK-NOT:     memref.alloca
// CHECK:         vector.load {{.*}} vector<8xbf16>
// CHECK-NOT:     gpu.barrier
// CHECK:         vector.store
func.func @sum_of_few(%x: tensor<16x65536xbf16>) -> tensor<65536xf32> {
  %y = nnc.fused "rows" (%a = %x) : (tensor<16x65536xbf16>) -> tensor<65536xf32> {
    %wide = nnc.cast %a to = f32 : (tensor<16x65536xbf16>) -> tensor<16x65536xf32>
    %sum = nnc.sum %wide axes = [0] : (tensor<16x65536xf32>) -> tensor<65536xf32>
    nnc.yield %sum : tensor<65536xf32>
  }
  return %y : tensor<65536xf32>
}

// -----

// Down to a scalar: one block while that is quick, else many and then one.
// CHECK-LABEL: func.func @sum_64x64_scalars(
// CHECK-SAME:    nnc.extent = [1, 0, 1]
// CHECK-SAME:    nnc.threads = 1024
// CHECK-LABEL: func.func @sum_512x512_partials(
// CHECK-SAME:    nnc.extent = [32, 0, 1]
// CHECK-LABEL: func.func @sum_512x512_scalars1(
// CHECK-SAME:    nnc.extent = [1, 0, 1]
func.func @sum_of_all(%x: tensor<64x64xf32>, %z: tensor<512x512xf32>) -> (tensor<f32>, tensor<f32>) {
  %y = nnc.sum %x axes = [0, 1] : (tensor<64x64xf32>) -> tensor<f32>
  %w = nnc.sum %z axes = [0, 1] : (tensor<512x512xf32>) -> tensor<f32>
  return %y, %w : tensor<f32>, tensor<f32>
}

// -----

// Where values of columns are read, a thread has the same columns of several
// rows: 16 threads a row, 16 rows at once and two times. Those of columns are
// read once, and all is read before anything is written.
// CHECK-LABEL: func.func @sub_mul_65536x64_rows(
// CHECK-SAME:    nnc.extent = [65536, 0, 32]
// CHECK-SAME:    nnc.threads = 256
// CHECK-COUNT-4: vector.load
// CHECK-NOT:     vector.load
// CHECK-COUNT-2: vector.store
// CHECK-NOT:     vector.store
func.func @scale_and_shift(%x: tensor<65536x64xf32>, %s: tensor<64xf32>, %t: tensor<64xf32>) -> tensor<65536x64xf32> {
  %y = nnc.fused "rows" (%a = %x, %b = %s, %c = %t) : (tensor<65536x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<65536x64xf32> {
    %shifted = nnc.sub %a, %c : (tensor<65536x64xf32>, tensor<64xf32>) -> tensor<65536x64xf32>
    %product = nnc.mul %shifted, %b : (tensor<65536x64xf32>, tensor<64xf32>) -> tensor<65536x64xf32>
    nnc.yield %product : tensor<65536x64xf32>
  }
  return %y : tensor<65536x64xf32>
}
