// Reductions over windows (pooling) in rows kernels: against the reference, at
// several batches, in parts, and in place. Each element goes through its window
// in the reference's order, so that no bit differs where nothing else sums.
//
// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=rows --batch=1,2,5,37 | FileCheck %s

#x1 = affine_map<(n, c, w) -> (n, c * 2 + w)>
#y1 = affine_map<(n, c, w) -> (n, c)>
#id2 = affine_map<(n, c) -> (n, c)>
#row2 = affine_map<(n, c) -> (n)>
#x2 = affine_map<(n, h, w, c, i, j) -> (n, h * 2 + i, w * 2 + j, c)>
#y2 = affine_map<(n, h, w, c, i, j) -> (n, h, w, c)>
#id4 = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel4 = affine_map<(n, h, w, c) -> (c)>

// Neighbouring lanes start two elements apart.
// CHECK: maximum_of_pairs: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @maximum_of_pairs(%batch: index, %x: tensor<?x23xf32>) -> tensor<?x11xf32>
    attributes {nnc.kernel} {
  %least = arith.constant 0xFF800000 : f32
  %window = tensor.empty() : tensor<3xf32>
  %empty = tensor.empty(%batch) : tensor<?x11xf32>
  %init = linalg.fill ins(%least : f32) outs(%empty : tensor<?x11xf32>) -> tensor<?x11xf32>
  %y = linalg.generic {indexing_maps = [#x1, affine_map<(n, c, w) -> (w)>, #y1],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %window : tensor<?x23xf32>, tensor<3xf32>) outs(%init : tensor<?x11xf32>) {
  ^bb0(%a: f32, %unused: f32, %max: f32):
    %next = arith.maximumf %a, %max : f32
    linalg.yield %next : f32
  } -> tensor<?x11xf32>
  return %y : tensor<?x11xf32>
}

// Channels last: vectors along the channels, and what follows in the same pass.
// CHECK: average_pool: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @average_pool(%batch: index, %x: tensor<?x7x5x24xf32>, %bias: tensor<24xf32>)
    -> tensor<?x3x2x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %quarter = arith.constant 0.25 : f32
  %window = tensor.empty() : tensor<2x2xf32>
  %empty = tensor.empty(%batch) : tensor<?x3x2x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x3x2x24xf32>) -> tensor<?x3x2x24xf32>
  %sums = linalg.generic {indexing_maps = [#x2, affine_map<(n, h, w, c, i, j) -> (i, j)>, #y2],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %window : tensor<?x7x5x24xf32>, tensor<2x2xf32>)
      outs(%init : tensor<?x3x2x24xf32>) {
  ^bb0(%a: f32, %unused: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<?x3x2x24xf32>
  %y = linalg.generic {indexing_maps = [#id4, #channel4, #id4],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%sums, %bias : tensor<?x3x2x24xf32>, tensor<24xf32>) outs(%empty : tensor<?x3x2x24xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %mean = arith.mulf %a, %quarter : f32
    %biased = arith.addf %mean, %b : f32
    linalg.yield %biased : f32
  } -> tensor<?x3x2x24xf32>
  return %y : tensor<?x3x2x24xf32>
}

// A result of the operand's type, whose elements are not those of the operand at
// the same place: it must not lie on it.
// CHECK: transposed: rows, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @transposed(%batch: index, %x: tensor<20x20xf32>) -> tensor<20x20xf32>
    attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<20x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<20x20xf32>) -> tensor<20x20xf32>
  %window = tensor.empty() : tensor<1xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, c, w) -> (c + w, n)>,
                                        affine_map<(n, c, w) -> (w)>, #y1],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %window : tensor<20x20xf32>, tensor<1xf32>) outs(%init : tensor<20x20xf32>) {
  ^bb0(%a: f32, %unused: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<20x20xf32>
  return %y : tensor<20x20xf32>
}

// Pooled values that their row then adds up, of elements of 16 bits.
// CHECK: pooled_total: rows, 1 phases, {{.*}}: ok
func.func private @pooled_total(%batch: index, %x: tensor<?x70xbf16>) -> tensor<?xf32>
    attributes {nnc.kernel} {
  %least = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %window = tensor.empty() : tensor<2xf32>
  %empty = tensor.empty(%batch) : tensor<?x35xf32>
  %init = linalg.fill ins(%least : f32) outs(%empty : tensor<?x35xf32>) -> tensor<?x35xf32>
  %pooled = linalg.generic {indexing_maps = [#x1, affine_map<(n, c, w) -> (w)>, #y1],
                            iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %window : tensor<?x70xbf16>, tensor<2xf32>) outs(%init : tensor<?x35xf32>) {
  ^bb0(%a: bf16, %unused: f32, %max: f32):
    %wide = arith.extf %a : bf16 to f32
    %next = arith.maximumf %wide, %max : f32
    linalg.yield %next : f32
  } -> tensor<?x35xf32>
  %rows = tensor.empty(%batch) : tensor<?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%rows : tensor<?xf32>) -> tensor<?xf32>
  %total = linalg.generic {indexing_maps = [#id2, #row2], iterator_types = ["parallel", "reduction"]}
      ins(%pooled : tensor<?x35xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  return %total : tensor<?xf32>
}
