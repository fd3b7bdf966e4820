// Results of rows kernels that may lie on an operand which something else of the
// kernel reads at the same place: it is read first. nnc-run-kernel runs each
// kernel in place of every operand that the schedule allows.
//
// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=rows --batch=1,2,5,37 | FileCheck %s

// CHECK: two_of_a_row: rows, {{.*}}: ok
// CHECK: kept_of_a_pass: rows, {{.*}}: ok
// CHECK: kept_columns: rows, {{.*}}: ok

#full = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>
#column = affine_map<(r, c) -> (c)>
#v = affine_map<(i) -> (i)>

// Two results of a row, the second of which reads what the first may lie on.
func.func private @two_of_a_row(%batch: index, %x: tensor<?x70xf32>, %a: tensor<?xf32>, %b: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>) attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x70xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%e: f32, %s: f32):
    %0 = arith.addf %s, %e : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %first = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]}
      ins(%sum, %a : tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.mulf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %second = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]}
      ins(%first, %b : tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.addf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  return %first, %second : tensor<?xf32>, tensor<?xf32>
}

// What a later pass needs is kept of elements that a result may lie on.
func.func private @kept_of_a_pass(%batch: index, %x: tensor<?x300xf32>, %y: tensor<?x300xf32>)
    -> (tensor<?x300xf32>, tensor<?x300xf32>) attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?xf32>
  %whole = tensor.empty(%batch) : tensor<?x300xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x300xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%e: f32, %s: f32):
    %0 = arith.addf %s, %e : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %first = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x300xf32>) outs(%whole : tensor<?x300xf32>) {
  ^bb0(%e: f32, %s: f32):
    %0 = arith.addf %e, %e : f32
    linalg.yield %0 : f32
  } -> tensor<?x300xf32>
  %exp = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x300xf32>) outs(%whole : tensor<?x300xf32>) {
  ^bb0(%e: f32, %s: f32):
    %0 = math.exp %e : f32
    linalg.yield %0 : f32
  } -> tensor<?x300xf32>
  %second = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<?x300xf32>, tensor<?xf32>) outs(%whole : tensor<?x300xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.mulf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<?x300xf32>
  return %first, %second : tensor<?x300xf32>, tensor<?x300xf32>
}

// The same of columns.
func.func private @kept_columns(%batch: index, %x: tensor<?x300xf32>, %b: tensor<300xf32>, %c: tensor<300xf32>)
    -> (tensor<300xf32>, tensor<?x300xf32>) attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<300xf32>
  %whole = tensor.empty(%batch) : tensor<?x300xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<300xf32>) -> tensor<300xf32>
  %sum = linalg.generic {indexing_maps = [#full, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x300xf32>) outs(%start : tensor<300xf32>) {
  ^bb0(%e: f32, %s: f32):
    %0 = arith.addf %s, %e : f32
    linalg.yield %0 : f32
  } -> tensor<300xf32>
  %first = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]}
      ins(%sum, %b : tensor<300xf32>, tensor<300xf32>) outs(%empty : tensor<300xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.addf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<300xf32>
  %kept = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]}
      ins(%sum, %c : tensor<300xf32>, tensor<300xf32>) outs(%empty : tensor<300xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.mulf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<300xf32>
  %second = linalg.generic {indexing_maps = [#full, #column, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x, %kept : tensor<?x300xf32>, tensor<300xf32>) outs(%whole : tensor<?x300xf32>) {
  ^bb0(%e: f32, %f: f32, %s: f32):
    %0 = arith.mulf %e, %f : f32
    linalg.yield %0 : f32
  } -> tensor<?x300xf32>
  return %first, %second : tensor<300xf32>, tensor<?x300xf32>
}
