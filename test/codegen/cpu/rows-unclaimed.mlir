// What the emitter of rows kernels leaves to others.
//
// RUN: not nnc-run-kernel %s --emitter=rows 2>&1 | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#transposed = affine_map<(d0, d1) -> (d1, d0)>
#batched = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// An operand that is walked against its order.
// CHECK: error: 'func.func' op is not claimed by the emitter 'rows': its ops share no space of rows and columns
// CHECK: @adds_transposed
func.func private @adds_transposed(%batch: index, %x: tensor<6x8xf32>, %y: tensor<8x6xf32>)
    -> tensor<6x8xf32> attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<6x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #transposed, #id],
                         iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<6x8xf32>, tensor<8x6xf32>) outs(%empty : tensor<6x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<6x8xf32>
  return %sum : tensor<6x8xf32>
}

// An index that is told from the position by dividing by the batch; the loop between
// runs once.
// CHECK: error: 'func.func' op is not claimed by the emitter 'rows': an index is a position divided by the batch
// CHECK: @counts_around_the_batch
func.func private @counts_around_the_batch(%batch: index) -> tensor<2x1x?xf32>
    attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<2x1x?xf32>
  %numbers = linalg.generic {indexing_maps = [#batched],
                             iterator_types = ["parallel", "parallel", "parallel"]}
      outs(%empty : tensor<2x1x?xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %number = arith.sitofp %j : i32 to f32
    linalg.yield %number : f32
  } -> tensor<2x1x?xf32>
  return %numbers : tensor<2x1x?xf32>
}

// A window of values that the kernel itself computes, which are nowhere in memory.
// CHECK: error: 'func.func' op is not claimed by the emitter 'rows': a window is read of what the kernel computes
// CHECK: @pools_exponentials
func.func private @pools_exponentials(%batch: index, %x: tensor<6x8xf32>) -> tensor<6x4xf32>
    attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %emptyExp = tensor.empty() : tensor<6x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<6x8xf32>) outs(%emptyExp : tensor<6x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  } -> tensor<6x8xf32>
  %window = tensor.empty() : tensor<2xf32>
  %empty = tensor.empty() : tensor<6x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<6x4xf32>) -> tensor<6x4xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(n, c, w) -> (n, c * 2 + w)>,
                                           affine_map<(n, c, w) -> (w)>,
                                           affine_map<(n, c, w) -> (n, c)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp, %window : tensor<6x8xf32>, tensor<2xf32>) outs(%init : tensor<6x4xf32>) {
  ^bb0(%a: f32, %unused: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<6x4xf32>
  return %sums : tensor<6x4xf32>
}

// A product of two operands is a contraction.
// CHECK: error: 'func.func' op is not claimed by the emitter 'rows': a window is of several operands
// CHECK: @correlates
func.func private @correlates(%batch: index, %x: tensor<6x9xf32>, %w: tensor<2xf32>)
    -> tensor<6x8xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<6x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<6x8xf32>) -> tensor<6x8xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(n, c, w) -> (n, c + w)>,
                                           affine_map<(n, c, w) -> (w)>,
                                           affine_map<(n, c, w) -> (n, c)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<6x9xf32>, tensor<2xf32>) outs(%init : tensor<6x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %term = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<6x8xf32>
  return %sums : tensor<6x8xf32>
}
