// What no scheduler takes runs as plain loops on all cores: a phase a nest, bit
// for bit as the reference. nnc-run-kernel splits each phase in several ways.
//
// RUN: nnc-run-kernel %s --emitter=loops --batch=1,2,5,131 | FileCheck %s

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A fill and a product, each over the batch.
// CHECK: product: reference, 2 phases, 0 ulp, 0 of the largest: ok
func.func private @product(%batch: index, %x: tensor<?x9xf32>, %w: tensor<9x5xf32>)
    -> tensor<?x5xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x5xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x9xf32>, tensor<9x5xf32>) outs(%start : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %term = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// Loops that run once stand outside of the one that is shared out.
// CHECK: inner: reference, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @inner(%batch: index, %x: tensor<1x70xf32>) -> tensor<1x70xf32>
    attributes {nnc.kernel} {
  %empty = tensor.empty() : tensor<1x70xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<1x70xf32>) outs(%empty : tensor<1x70xf32>) {
  ^bb0(%a: f32, %old: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  } -> tensor<1x70xf32>
  return %y : tensor<1x70xf32>
}

// A sum whose outermost loop reduces is one thread's; what follows is shared out.
// CHECK: down: reference, 3 phases, 0 ulp, 0 of the largest: ok
func.func private @down(%batch: index, %x: tensor<?x6xf32>) -> tensor<?x6xf32>
    attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %emptySum = tensor.empty() : tensor<6xf32>
  %start = linalg.fill ins(%zero : f32) outs(%emptySum : tensor<6xf32>) -> tensor<6xf32>
  %sums = linalg.generic {indexing_maps = [#id, #column],
                          iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x6xf32>) outs(%start : tensor<6xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<6xf32>
  %empty = tensor.empty(%batch) : tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %sums : tensor<?x6xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%a: f32, %sum: f32, %old: f32):
    %d = arith.subf %a, %sum : f32
    linalg.yield %d : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A loop that carries a tensor may have linalg in it: it is one thread's.
// CHECK: carried: reference, 2 phases, 0 ulp, 0 of the largest: ok
func.func private @carried(%batch: index, %x: tensor<7x6xf32>) -> tensor<6xf32>
    attributes {nnc.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<6xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<6xf32>) -> tensor<6xf32>
  %y = scf.for %i = %c0 to %c7 step %c1 iter_args(%sums = %start) -> tensor<6xf32> {
    %slice = tensor.extract_slice %x[%i, 0] [1, 6] [1, 1] : tensor<7x6xf32> to tensor<6xf32>
    %next = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                            iterator_types = ["parallel"]}
        ins(%slice : tensor<6xf32>) outs(%sums : tensor<6xf32>) {
    ^bb0(%a: f32, %sum: f32):
      %new = arith.addf %sum, %a : f32
      linalg.yield %new : f32
    } -> tensor<6xf32>
    scf.yield %next : tensor<6xf32>
  }
  return %y : tensor<6xf32>
}

// A scalar that goes from one loop to another keeps all of them in one phase.
// CHECK: scalar: reference, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @scalar(%batch: index, %x: tensor<?x6xf32>) -> tensor<?x6xf32>
    attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %emptySum = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%zero : f32) outs(%emptySum : tensor<f32>) -> tensor<f32>
  %sums = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1) -> ()>],
                          iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x6xf32>) outs(%start : tensor<f32>) {
  ^bb0(%a: f32, %sum: f32):
    %next = arith.addf %sum, %a : f32
    linalg.yield %next : f32
  } -> tensor<f32>
  %sum = tensor.extract %sums[] : tensor<f32>
  %empty = tensor.empty(%batch) : tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%a: f32, %old: f32):
    %d = arith.subf %a, %sum : f32
    linalg.yield %d : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
