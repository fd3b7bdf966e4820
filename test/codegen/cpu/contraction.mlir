// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=contraction --batch=1,2,7,33,64,129 | FileCheck %s

// Products against plain loops. A sum of K terms of magnitude at most 1, once
// with fused and once with separate roundings, differs by K eps / 2 at most;
// the tool's default tolerance covers it for the sizes here.

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>
#scalar = affine_map<(m, n) -> ()>

// CHECK: dense_relu: contraction, {{.*}} ok
func.func private @dense_relu(%batch: index, %x: tensor<?x37xf32>, %w: tensor<37x53xf32>,
    %bias: tensor<53xf32>) -> tensor<?x53xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x53xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x53xf32>) -> tensor<?x53xf32>
  %product = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                             iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x37xf32>, tensor<37x53xf32>) outs(%init : tensor<?x53xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x53xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%product, %bias : tensor<?x53xf32>, tensor<53xf32>) outs(%empty : tensor<?x53xf32>) {
  ^bb0(%p: f32, %b: f32, %out: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<?x53xf32>
  return %y : tensor<?x53xf32>
}

// The reduction over the batch: rows are contiguous in both operands.
// CHECK: gradient_of_weight: contraction, {{.*}} ok
func.func private @gradient_of_weight(%batch: index, %x: tensor<?x70xf32>,
    %dy: tensor<?x40xf32>) -> tensor<70x40xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<70x40xf32>
  %dw = linalg.generic {indexing_maps = [#km, #kn, #mn],
                        iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x70xf32>, tensor<?x40xf32>) outs(%init : tensor<70x40xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %sum : f32
    linalg.yield %1 : f32
  } -> tensor<70x40xf32>
  return %dw : tensor<70x40xf32>
}

// Over the batch and time: sums so long that both operands are read where they lie.
// CHECK: gradient_over_time: contraction, {{.*}} ok
func.func private @gradient_over_time(%batch: index, %x: tensor<40x?x33xf32>,
    %dy: tensor<40x?x90xf32>) -> tensor<33x90xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<33x90xf32>
  %dw = linalg.generic {indexing_maps = [affine_map<(m, n, t, b) -> (t, b, m)>,
                                         affine_map<(m, n, t, b) -> (t, b, n)>,
                                         affine_map<(m, n, t, b) -> (m, n)>],
                        iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %dy : tensor<40x?x33xf32>, tensor<40x?x90xf32>) outs(%init : tensor<33x90xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %sum : f32
    linalg.yield %1 : f32
  } -> tensor<33x90xf32>
  return %dw : tensor<33x90xf32>
}

// B transposed: packed by transposing squares.
// CHECK: gradient_of_input: contraction, {{.*}} ok
func.func private @gradient_of_input(%batch: index, %dy: tensor<?x83xf32>,
    %w: tensor<150x83xf32>) -> tensor<?x150xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x150xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x150xf32>) -> tensor<?x150xf32>
  %dx = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                        iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%dy, %w : tensor<?x83xf32>, tensor<150x83xf32>) outs(%init : tensor<?x150xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x150xf32>
  return %dx : tensor<?x150xf32>
}

// One column, one row and K in several blocks.
// CHECK: one_unit: contraction, {{.*}} ok
func.func private @one_unit(%batch: index, %x: tensor<?x64xf32>, %w: tensor<64x1xf32>)
    -> tensor<?x1xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x1xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<64x1xf32>) outs(%init : tensor<?x1xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// CHECK: gradient_of_one_unit: contraction, {{.*}} ok
func.func private @gradient_of_one_unit(%batch: index, %x: tensor<?x64xf32>,
    %dy: tensor<?x1xf32>) -> tensor<64x1xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<64x1xf32>
  %dw = linalg.generic {indexing_maps = [#km, #kn, #mn],
                        iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x64xf32>, tensor<?x1xf32>) outs(%init : tensor<64x1xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<64x1xf32>
  return %dw : tensor<64x1xf32>
}

// CHECK: long_row: contraction, {{.*}} ok
func.func private @long_row(%batch: index, %x: tensor<1x1700xf32>, %w: tensor<1700x130xf32>)
    -> tensor<1x130xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<1x130xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x1700xf32>, tensor<1700x130xf32>) outs(%init : tensor<1x130xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<1x130xf32>
  return %y : tensor<1x130xf32>
}

// Packed on both sides, blocked in all directions.
// CHECK: large: contraction, {{.*}} ok
func.func private @large(%batch: index, %x: tensor<330x1100xf32>, %w: tensor<1100x300xf32>)
    -> tensor<330x300xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<330x300xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<330x1100xf32>, tensor<1100x300xf32>) outs(%init : tensor<330x300xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<330x300xf32>
  return %y : tensor<330x300xf32>
}

// CHECK: double_precision: contraction, {{.*}} ok
func.func private @double_precision(%batch: index, %x: tensor<?x29xf64>,
    %w: tensor<41x29xf64>) -> tensor<?x41xf64> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f64
  %empty = tensor.empty(%batch) : tensor<?x41xf64>
  %init = linalg.fill ins(%zero : f64) outs(%empty : tensor<?x41xf64>) -> tensor<?x41xf64>
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x29xf64>, tensor<41x29xf64>) outs(%init : tensor<?x41xf64>) {
  ^bb0(%a: f64, %b: f64, %sum: f64):
    %0 = arith.mulf %a, %b : f64
    %1 = arith.addf %sum, %0 : f64
    linalg.yield %1 : f64
  } -> tensor<?x41xf64>
  return %y : tensor<?x41xf64>
}

// What is repeated along K is added up as often: by one operand, and by both.
// CHECK: repeated: contraction, {{.*}} ok
func.func private @repeated(%batch: index, %x: tensor<?xf32>, %w: tensor<7x20xf32>)
    -> tensor<?x20xf32> attributes {nnc.kernel} {
  %emptyX = tensor.empty(%batch) : tensor<?x7xf32>
  %repeated = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m)>, affine_map<(m, k) -> (m, k)>],
                              iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?xf32>) outs(%emptyX : tensor<?x7xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<?x7xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%repeated, %w : tensor<?x7xf32>, tensor<7x20xf32>) outs(%init : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// CHECK: both_repeated: contraction, {{.*}} ok
func.func private @both_repeated(%batch: index, %x: tensor<?xf32>, %w: tensor<20xf32>)
    -> tensor<?x20xf32> attributes {nnc.kernel} {
  %emptyX = tensor.empty(%batch) : tensor<?x7xf32>
  %lhs = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m)>, affine_map<(m, k) -> (m, k)>],
                         iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?xf32>) outs(%emptyX : tensor<?x7xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<?x7xf32>
  %emptyW = tensor.empty() : tensor<7x20xf32>
  %rhs = linalg.generic {indexing_maps = [affine_map<(k, n) -> (n)>, affine_map<(k, n) -> (k, n)>],
                         iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<20xf32>) outs(%emptyW : tensor<7x20xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<7x20xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%lhs, %rhs : tensor<?x7xf32>, tensor<7x20xf32>) outs(%init : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}
