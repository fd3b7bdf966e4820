// A kernel that no scheduler of its kind takes runs as plain loops, and a remark
// says why; one that is taken has none.
// RUN: nnc-opt %s --nnc-schedule-kernels --remark-format=emitRemark --remarks-filter-missed=schedule 2>&1 >/dev/null | FileCheck %s --implicit-check-not=remark:

// CHECK: remark: [Missed] plain loops | Category:schedule | Function=running_sums | Reason="depthwise: {{.+}}; winograd: {{.+}}; contraction: {{.+}}; rows: {{.+}}; movement: {{.+}}"
func.func private @running_sums(%batch: index, %x: tensor<4xf32>) -> tensor<4xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %first = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %empty = tensor.empty() : tensor<4xf32>
  %sums:2 = scf.for %i = %first to %end step %one iter_args(%to = %empty, %sum = %zero) -> (tensor<4xf32>, f32) {
    %element = tensor.extract %x[%i] : tensor<4xf32>
    %next = arith.addf %sum, %element : f32
    %written = tensor.insert %next into %to[%i] : tensor<4xf32>
    scf.yield %written, %next : tensor<4xf32>, f32
  }
  return %sums#0 : tensor<4xf32>
}

// Of a kind, only the schedulers that are for it are asked.
// CHECK: remark: [Missed] plain loops | Category:schedule | Function=no_product | Reason="depthwise: {{[^;]+}}; winograd: {{[^;]+}}; contraction: {{[^;]+}}; rows: {{[^;]+}}; loops: a loop whose iterations depend on each other runs on one thread"
func.func private @no_product(%batch: index, %x: tensor<4xf32>) -> tensor<4xf32> attributes {nnc.kernel, nnc.kind = "contraction"} {
  %zero = arith.constant 0.0 : f32
  %first = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %empty = tensor.empty() : tensor<4xf32>
  %sums:2 = scf.for %i = %first to %end step %one iter_args(%to = %empty, %sum = %zero) -> (tensor<4xf32>, f32) {
    %element = tensor.extract %x[%i] : tensor<4xf32>
    %next = arith.addf %sum, %element : f32
    %written = tensor.insert %next into %to[%i] : tensor<4xf32>
    scf.yield %written, %next : tensor<4xf32>, f32
  }
  return %sums#0 : tensor<4xf32>
}

func.func private @exp(%batch: index, %x: tensor<?xf32>) -> tensor<?xf32> attributes {nnc.kernel, nnc.kind = "rows"} {
  %empty = tensor.empty(%batch) : tensor<?xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}
