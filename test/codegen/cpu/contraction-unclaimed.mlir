// RUN: nnc-run-kernel %s --compile-only | FileCheck %s
// RUN: not nnc-run-kernel %s --compile-only --emitter=contraction 2>&1 | FileCheck %s --check-prefix=WHY
// Products that the emitter of contractions leaves alone.

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#transposed = affine_map<(m, n) -> (n, m)>

// Two products.
// CHECK: two_products: reference
// WHY: error: {{.*}} is not claimed by the emitter 'contraction': it has several reductions
func.func private @two_products(%batch: index, %x: tensor<8x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<8x8xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<8x8xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  %q = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  return %q : tensor<8x8xf32>
}

// Two products of which the second is put over the first.
// CHECK: products_meet: reference
// WHY: error: {{.*}} is not claimed by the emitter 'contraction': it has several reductions
func.func private @products_meet(%batch: index, %x: tensor<8x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<12x8xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<8x8xf32>
  %whole = arith.constant dense<0.0> : tensor<12x8xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  %q = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  %first = tensor.insert_slice %p into %whole[0, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<12x8xf32>
  %both = tensor.insert_slice %q into %first[4, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<12x8xf32>
  return %both : tensor<12x8xf32>
}

// A sum that does not start at zero.
// CHECK: accumulating: reference
// WHY: error: {{.*}} is not claimed by the emitter 'contraction': its sum does not start at zero
func.func private @accumulating(%batch: index, %x: tensor<8x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<8x8xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<1.0> : tensor<8x8xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  return %p : tensor<8x8xf32>
}

// The epilogue reads the product transposed.
// CHECK: transposed_reader: reference
// WHY: error: {{.*}} is not claimed by the emitter 'contraction': an element of a result needs another element of the product
func.func private @transposed_reader(%batch: index, %x: tensor<8x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<8x8xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<8x8xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #transposed, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%p, %p : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<8x8xf32>
  return %y : tensor<8x8xf32>
}
