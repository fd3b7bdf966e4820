// Rows kernels against the reference: at several batches, in parts, and in place.
//
// Sums run in another order than the reference's, lane by lane; the default
// tolerance allows for that.
//
// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=rows --batch=1,2,5,131 | FileCheck %s

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#col = affine_map<(d0, d1) -> (d1)>
#nul2 = affine_map<(d0, d1) -> ()>
#id1 = affine_map<(d0) -> (d0)>
#nul1 = affine_map<(d0) -> ()>
#nul0 = affine_map<() -> ()>

// Elements of a byte, converted in registers; a flat space with a tail.
// CHECK: scale_u8_7: rows, 1 phases, {{.*}}: ok
func.func private @scale_u8_7(%batch: index, %x: tensor<?x7xi8>) -> (tensor<?x7xf32>)
    attributes {nnc.kernel} {
  %v1 = tensor.empty(%batch) : tensor<?x7xf32>
  %r = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x7xi8>) outs(%v1 : tensor<?x7xf32>) {
  ^bb0(%a0: i8, %o0: f32):
  %f = arith.uitofp %a0 : i8 to f32
  %c = arith.constant 0.00392156886 : f32
  %y = arith.mulf %f, %c : f32
    linalg.yield %y : f32
  } -> tensor<?x7xf32>
  return %r : tensor<?x7xf32>
}

// Three passes over a row that fits into registers.
// CHECK: softmax_10_f32: rows, 1 phases, {{.*}}: ok
func.func private @softmax_10_f32(%batch: index, %x: tensor<?x10xf32>) -> (tensor<?x10xf32>)
    attributes {nnc.kernel} {
  %v1 = tensor.empty(%batch) : tensor<?xf32>
  %v2 = arith.constant 0xFF800000 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<?xf32>) -> tensor<?xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x10xf32>) outs(%v3 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.maximumf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v5 = tensor.empty(%batch) : tensor<?x10xf32>
  %v6 = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%x, %v4 : tensor<?x10xf32>, tensor<?xf32>)
      outs(%v5 : tensor<?x10xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %d = arith.subf %a0, %a1 : f32
  %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<?x10xf32>
  %v7 = tensor.empty(%batch) : tensor<?xf32>
  %v8 = arith.constant 0.0 : f32
  %v9 = linalg.fill ins(%v8 : f32) outs(%v7 : tensor<?xf32>) -> tensor<?xf32>
  %v10 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%v6 : tensor<?x10xf32>) outs(%v9 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v11 = tensor.empty(%batch) : tensor<?x10xf32>
  %r = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%v6, %v10 : tensor<?x10xf32>, tensor<?xf32>)
      outs(%v11 : tensor<?x10xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?x10xf32>
  return %r : tensor<?x10xf32>
}

// Three passes over a longer row; exp is kept where the result will be.
// CHECK: softmax_100_f32: rows, 1 phases, {{.*}}: ok
func.func private @softmax_100_f32(%batch: index, %x: tensor<?x100xf32>)
    -> (tensor<?x100xf32>) attributes {nnc.kernel} {
  %v1 = tensor.empty(%batch) : tensor<?xf32>
  %v2 = arith.constant 0xFF800000 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<?xf32>) -> tensor<?xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x100xf32>) outs(%v3 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.maximumf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v5 = tensor.empty(%batch) : tensor<?x100xf32>
  %v6 = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%x, %v4 : tensor<?x100xf32>, tensor<?xf32>)
      outs(%v5 : tensor<?x100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %d = arith.subf %a0, %a1 : f32
  %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<?x100xf32>
  %v7 = tensor.empty(%batch) : tensor<?xf32>
  %v8 = arith.constant 0.0 : f32
  %v9 = linalg.fill ins(%v8 : f32) outs(%v7 : tensor<?xf32>) -> tensor<?xf32>
  %v10 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%v6 : tensor<?x100xf32>) outs(%v9 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v11 = tensor.empty(%batch) : tensor<?x100xf32>
  %r = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%v6, %v10 : tensor<?x100xf32>, tensor<?xf32>)
      outs(%v11 : tensor<?x100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?x100xf32>
  return %r : tensor<?x100xf32>
}

// What is cheap is computed again in a later pass; two vectors of columns.
// CHECK: layernorm_100: rows, 1 phases, {{.*}}: ok
func.func private @layernorm_100(%batch: index, %x: tensor<?x100xf32>, %g: tensor<100xf32>,
    %b: tensor<100xf32>) -> (tensor<?x100xf32>) attributes {nnc.kernel} {
  %v1 = tensor.empty(%batch) : tensor<?xf32>
  %v2 = arith.constant 0.0 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<?xf32>) -> tensor<?xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x100xf32>) outs(%v3 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v5 = tensor.empty(%batch) : tensor<?xf32>
  %v6 = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%v4
      : tensor<?xf32>) outs(%v5 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %n = arith.constant 0.0100000000 : f32
  %y = arith.mulf %a0, %n : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v7 = tensor.empty(%batch) : tensor<?x100xf32>
  %v8 = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%x, %v6 : tensor<?x100xf32>, tensor<?xf32>)
      outs(%v7 : tensor<?x100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.subf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?x100xf32>
  %v9 = tensor.empty(%batch) : tensor<?xf32>
  %v10 = arith.constant 0.0 : f32
  %v11 = linalg.fill ins(%v10 : f32) outs(%v9 : tensor<?xf32>) -> tensor<?xf32>
  %v12 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%v8 : tensor<?x100xf32>) outs(%v11 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %q = arith.mulf %a0, %a0 : f32
  %y = arith.addf %q, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v13 = tensor.empty(%batch) : tensor<?xf32>
  %v14 = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%v12
      : tensor<?xf32>) outs(%v13 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %n = arith.constant 0.0100000000 : f32
  %e = arith.constant 1.0e-05 : f32
  %q = arith.mulf %a0, %n : f32
  %z = arith.addf %q, %e : f32
  %y = math.rsqrt %z : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v15 = tensor.empty(%batch) : tensor<?x100xf32>
  %r = linalg.generic {indexing_maps = [#id2, #row, #col, #col, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%v8, %v14, %g, %b
      : tensor<?x100xf32>, tensor<?xf32>, tensor<100xf32>, tensor<100xf32>) outs(%v15
      : tensor<?x100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %o0: f32):
  %q = arith.mulf %a0, %a1 : f32
  %p = arith.mulf %q, %a2 : f32
  %y = arith.addf %p, %a3 : f32
    linalg.yield %y : f32
  } -> tensor<?x100xf32>
  return %r : tensor<?x100xf32>
}

// Columns are reduced in parallel; three results over their operands.
// CHECK: bias_adam_100: rows, 1 phases, {{.*}}: ok
func.func private @bias_adam_100(%batch: index, %dy: tensor<?x100xf32>, %p: tensor<100xf32>,
    %m: tensor<100xf32>, %vv: tensor<100xf32>, %lr: tensor<f32>)
    -> (tensor<100xf32>, tensor<100xf32>, tensor<100xf32>) attributes {nnc.kernel} {
  %v1 = tensor.empty() : tensor<100xf32>
  %v2 = arith.constant 0.0 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<100xf32>) -> tensor<100xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #col], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<?x100xf32>) outs(%v3 : tensor<100xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<100xf32>
  %v5 = tensor.empty() : tensor<100xf32>
  %rm = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%m,
      %v4 : tensor<100xf32>, tensor<100xf32>) outs(%v5 : tensor<100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %b = arith.constant 0.9 : f32
  %c = arith.constant 0.1 : f32
  %q = arith.mulf %a0, %b : f32
  %w = arith.mulf %a1, %c : f32
  %y = arith.addf %q, %w : f32
    linalg.yield %y : f32
  } -> tensor<100xf32>
  %v6 = tensor.empty() : tensor<100xf32>
  %rv = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%vv,
      %v4 : tensor<100xf32>, tensor<100xf32>) outs(%v6 : tensor<100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %b = arith.constant 0.999 : f32
  %c = arith.constant 0.001 : f32
  %q = arith.mulf %a0, %b : f32
  %z = arith.mulf %a1, %a1 : f32
  %w = arith.mulf %z, %c : f32
  %y = arith.addf %q, %w : f32
    linalg.yield %y : f32
  } -> tensor<100xf32>
  %v7 = tensor.empty() : tensor<100xf32>
  %rp = linalg.generic {indexing_maps = [#id1, #id1, #id1, #nul1, #id1],
      iterator_types = ["parallel"]} ins(%p, %rm, %rv, %lr
      : tensor<100xf32>, tensor<100xf32>, tensor<100xf32>, tensor<f32>) outs(%v7 : tensor<100xf32>) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %o0: f32):
  %aa = math.absf %a2 : f32
  %b = math.sqrt %aa : f32
  %c = arith.constant 1.0e-08 : f32
  %q = arith.addf %b, %c : f32
  %w = arith.divf %a1, %q : f32
  %z = arith.mulf %w, %a3 : f32
  %y = arith.subf %a0, %z : f32
    linalg.yield %y : f32
  } -> tensor<100xf32>
  return %rp, %rm, %rv : tensor<100xf32>, tensor<100xf32>, tensor<100xf32>
}

// A chain with several results; scalars once a call, a scalar result last.
// CHECK: adam_3x7: rows, 2 phases, {{.*}}: ok
func.func private @adam_3x7(%batch: index, %g: tensor<3x7xf32>, %p: tensor<3x7xf32>,
    %m: tensor<3x7xf32>, %vv: tensor<3x7xf32>, %lr: tensor<f32>, %step: tensor<f32>)
    -> (tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<f32>) attributes {nnc.kernel} {
  %v1 = tensor.empty() : tensor<3x7xf32>
  %rm = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%m, %g : tensor<3x7xf32>, tensor<3x7xf32>)
      outs(%v1 : tensor<3x7xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %b = arith.constant 0.9 : f32
  %c = arith.constant 0.1 : f32
  %q = arith.mulf %a0, %b : f32
  %w = arith.mulf %a1, %c : f32
  %y = arith.addf %q, %w : f32
    linalg.yield %y : f32
  } -> tensor<3x7xf32>
  %v2 = tensor.empty() : tensor<3x7xf32>
  %rv = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%vv, %g : tensor<3x7xf32>, tensor<3x7xf32>)
      outs(%v2 : tensor<3x7xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %b = arith.constant 0.999 : f32
  %c = arith.constant 0.001 : f32
  %q = arith.mulf %a0, %b : f32
  %z = arith.mulf %a1, %a1 : f32
  %w = arith.mulf %z, %c : f32
  %y = arith.addf %q, %w : f32
    linalg.yield %y : f32
  } -> tensor<3x7xf32>
  %v3 = tensor.empty() : tensor<f32>
  %v4 = linalg.generic {indexing_maps = [#nul0, #nul0, #nul0], iterator_types = []} ins(%lr, %step
      : tensor<f32>, tensor<f32>) outs(%v3 : tensor<f32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %q = arith.mulf %a0, %a1 : f32
  %y = math.exp %q : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v5 = tensor.empty() : tensor<f32>
  %rs = linalg.generic {indexing_maps = [#nul0, #nul0], iterator_types = []} ins(%step
      : tensor<f32>) outs(%v5 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %c = arith.constant 1.0 : f32
  %y = arith.addf %a0, %c : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v6 = tensor.empty() : tensor<3x7xf32>
  %rp = linalg.generic {indexing_maps = [#id2, #id2, #id2, #nul2, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%p, %rm, %rv, %v4
      : tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<f32>) outs(%v6 : tensor<3x7xf32>) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %o0: f32):
  %aa = math.absf %a2 : f32
  %b = math.sqrt %aa : f32
  %c = arith.constant 1.0e-08 : f32
  %q = arith.addf %b, %c : f32
  %w = arith.divf %a1, %q : f32
  %z = arith.mulf %w, %a3 : f32
  %y = arith.subf %a0, %z : f32
    linalg.yield %y : f32
  } -> tensor<3x7xf32>
  return %rp, %rm, %rv, %rs : tensor<3x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>, tensor<f32>
}

// All of a flat space to a scalar, little work: one call.
// CHECK: mean: rows, 1 phases, {{.*}}: ok
func.func private @mean(%batch: index, %x: tensor<?xf32>) -> (tensor<f32>) attributes {nnc.kernel} {
  %v1 = tensor.empty() : tensor<f32>
  %v2 = arith.constant 0.0 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<f32>) -> tensor<f32>
  %v4 = linalg.generic {indexing_maps = [#id1, #nul1], iterator_types = ["reduction"]} ins(%x
      : tensor<?xf32>) outs(%v3 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %bi = arith.index_cast %batch : index to i64
  %bf = arith.sitofp %bi : i64 to f32
  %v5 = tensor.empty() : tensor<f32>
  %r = linalg.generic {indexing_maps = [#nul0, #nul0], iterator_types = []} ins(%v4 : tensor<f32>)
      outs(%v5 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.divf %a0, %bf : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  return %r : tensor<f32>
}

// All of a flat space to a scalar, with an init.
// CHECK: sumsq_60x57: rows, 1 phases, {{.*}}: ok
func.func private @sumsq_60x57(%batch: index, %x: tensor<60x57xf32>) -> (tensor<f32>)
    attributes {nnc.kernel} {
  %v1 = tensor.empty() : tensor<f32>
  %v2 = arith.constant 0.5 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<f32>) -> tensor<f32>
  %r = linalg.generic {indexing_maps = [#id2, #nul2], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<60x57xf32>) outs(%v3 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %q = arith.mulf %a0, %a0 : f32
  %y = arith.addf %q, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  return %r : tensor<f32>
}

// Rows, columns and means of rows; the first index of the maximum.
// CHECK: cross_entropy_10: rows, 2 phases, {{.*}}: ok
func.func private @cross_entropy_10(%batch: index, %x: tensor<?x10xf32>, %lab: tensor<?xi32>)
    -> (tensor<f32>, tensor<?x10xf32>, tensor<f32>, tensor<10xf32>) attributes {nnc.kernel} {
  %bi = arith.index_cast %batch : index to i64
  %bf = arith.sitofp %bi : i64 to f32
  %v1 = tensor.empty(%batch) : tensor<?xf32>
  %v2 = arith.constant 0xFF800000 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<?xf32>) -> tensor<?xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x10xf32>) outs(%v3 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.maximumf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v5 = tensor.empty(%batch) : tensor<?x10xf32>
  %v6 = linalg.generic {indexing_maps = [#id2, #row, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%x, %v4 : tensor<?x10xf32>, tensor<?xf32>)
      outs(%v5 : tensor<?x10xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %d = arith.subf %a0, %a1 : f32
  %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<?x10xf32>
  %v7 = tensor.empty(%batch) : tensor<?xf32>
  %v8 = arith.constant 0.0 : f32
  %v9 = linalg.fill ins(%v8 : f32) outs(%v7 : tensor<?xf32>) -> tensor<?xf32>
  %v10 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%v6 : tensor<?x10xf32>) outs(%v9 : tensor<?xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v11 = tensor.empty(%batch) : tensor<?xf32>
  %v12 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%v10,
      %v4 : tensor<?xf32>, tensor<?xf32>) outs(%v11 : tensor<?xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %l = math.log %a0 : f32
  %y = arith.addf %l, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v13 = tensor.empty(%batch) : tensor<?x10xf32>
  %v14 = linalg.generic {indexing_maps = [#row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%lab : tensor<?xi32>) outs(%v13 : tensor<?x10xf32>) {
  ^bb0(%a0: i32, %o0: f32):
  %i = linalg.index 1 : index
  %j = arith.index_cast %i : index to i32
  %c = arith.cmpi eq, %j, %a0 : i32
  %u = arith.extui %c : i1 to i32
  %y = arith.uitofp %u : i32 to f32
    linalg.yield %y : f32
  } -> tensor<?x10xf32>
  %v15 = tensor.empty(%batch) : tensor<?xf32>
  %v16 = arith.constant 0.0 : f32
  %v17 = linalg.fill ins(%v16 : f32) outs(%v15 : tensor<?xf32>) -> tensor<?xf32>
  %v18 = linalg.generic {indexing_maps = [#id2, #id2, #row],
      iterator_types = ["parallel", "reduction"]} ins(%x, %v14
      : tensor<?x10xf32>, tensor<?x10xf32>) outs(%v17 : tensor<?xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %p = arith.mulf %a0, %a1 : f32
  %y = arith.addf %p, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v19 = tensor.empty(%batch) : tensor<?xf32>
  %v20 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%v12,
      %v18 : tensor<?xf32>, tensor<?xf32>) outs(%v19 : tensor<?xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.subf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v21 = tensor.empty() : tensor<f32>
  %v22 = arith.constant 0.0 : f32
  %v23 = linalg.fill ins(%v22 : f32) outs(%v21 : tensor<f32>) -> tensor<f32>
  %v24 = linalg.generic {indexing_maps = [#id1, #nul1], iterator_types = ["reduction"]} ins(%v20
      : tensor<?xf32>) outs(%v23 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v25 = tensor.empty() : tensor<f32>
  %loss = linalg.generic {indexing_maps = [#nul0, #nul0], iterator_types = []} ins(%v24
      : tensor<f32>) outs(%v25 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.divf %a0, %bf : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v26 = tensor.empty(%batch) : tensor<?x10xf32>
  %dx = linalg.generic {indexing_maps = [#id2, #row, #id2, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%v6, %v10, %v14
      : tensor<?x10xf32>, tensor<?xf32>, tensor<?x10xf32>) outs(%v26 : tensor<?x10xf32>) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %o0: f32):
  %p = arith.divf %a0, %a1 : f32
  %d = arith.subf %p, %a2 : f32
  %y = arith.divf %d, %bf : f32
    linalg.yield %y : f32
  } -> tensor<?x10xf32>
  %v27 = tensor.empty(%batch) : tensor<?xf32>
  %v28 = arith.constant 0xFF800000 : f32
  %v29 = linalg.fill ins(%v28 : f32) outs(%v27 : tensor<?xf32>) -> tensor<?xf32>
  %v30 = tensor.empty(%batch) : tensor<?xi32>
  %v31 = arith.constant 0 : i32
  %v32 = linalg.fill ins(%v31 : i32) outs(%v30 : tensor<?xi32>) -> tensor<?xi32>
  %am:2 = linalg.generic {indexing_maps = [#id2, #row, #row],
      iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x10xf32>) outs(%v29, %v32
      : tensor<?xf32>, tensor<?xi32>) attrs = {nnc.arg_reduction = "max"} {
  ^bb0(%a0: f32, %o0: f32, %o1: i32):
  %i = linalg.index 1 : index
  %j = arith.index_cast %i : index to i32
  %c = arith.cmpf ogt, %a0, %o0 : f32
  %y0 = arith.select %c, %a0, %o0 : f32
  %y1 = arith.select %c, %j, %o1 : i32
    linalg.yield %y0, %y1 : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  %v33 = tensor.empty(%batch) : tensor<?xf32>
  %v34 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%am#1,
      %lab : tensor<?xi32>, tensor<?xi32>) outs(%v33 : tensor<?xf32>) {
  ^bb0(%a0: i32, %a1: i32, %o0: f32):
  %c = arith.cmpi eq, %a0, %a1 : i32
  %u = arith.extui %c : i1 to i32
  %y = arith.uitofp %u : i32 to f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  %v35 = tensor.empty() : tensor<f32>
  %v36 = arith.constant 0.0 : f32
  %v37 = linalg.fill ins(%v36 : f32) outs(%v35 : tensor<f32>) -> tensor<f32>
  %v38 = linalg.generic {indexing_maps = [#id1, #nul1], iterator_types = ["reduction"]} ins(%v34
      : tensor<?xf32>) outs(%v37 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v39 = tensor.empty() : tensor<f32>
  %acc = linalg.generic {indexing_maps = [#nul0, #nul0], iterator_types = []} ins(%v38
      : tensor<f32>) outs(%v39 : tensor<f32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.divf %a0, %bf : f32
    linalg.yield %y : f32
  } -> tensor<f32>
  %v40 = tensor.empty() : tensor<10xf32>
  %v41 = arith.constant 0.0 : f32
  %v42 = linalg.fill ins(%v41 : f32) outs(%v40 : tensor<10xf32>) -> tensor<10xf32>
  %db = linalg.generic {indexing_maps = [#id2, #col], iterator_types = ["reduction", "parallel"]}
      ins(%dx : tensor<?x10xf32>) outs(%v42 : tensor<10xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<10xf32>
  return %loss, %dx, %acc, %db : tensor<f32>, tensor<?x10xf32>, tensor<f32>, tensor<10xf32>
}

// Columns that the next walk down the rows needs: three stages.
// CHECK: batchnorm_70: rows, 3 phases, {{.*}}: ok
func.func private @batchnorm_70(%batch: index, %x: tensor<?x70xf32>) -> (tensor<?x70xf32>)
    attributes {nnc.kernel} {
  %bi = arith.index_cast %batch : index to i64
  %bf = arith.sitofp %bi : i64 to f32
  %v1 = tensor.empty() : tensor<70xf32>
  %v2 = arith.constant 0.0 : f32
  %v3 = linalg.fill ins(%v2 : f32) outs(%v1 : tensor<70xf32>) -> tensor<70xf32>
  %v4 = linalg.generic {indexing_maps = [#id2, #col], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x70xf32>) outs(%v3 : tensor<70xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<70xf32>
  %v5 = tensor.empty() : tensor<70xf32>
  %v6 = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%v4
      : tensor<70xf32>) outs(%v5 : tensor<70xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.divf %a0, %bf : f32
    linalg.yield %y : f32
  } -> tensor<70xf32>
  %v7 = tensor.empty(%batch) : tensor<?x70xf32>
  %v8 = linalg.generic {indexing_maps = [#id2, #col, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%x, %v6 : tensor<?x70xf32>, tensor<70xf32>)
      outs(%v7 : tensor<?x70xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.subf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?x70xf32>
  %v9 = tensor.empty() : tensor<70xf32>
  %v10 = arith.constant 0.0 : f32
  %v11 = linalg.fill ins(%v10 : f32) outs(%v9 : tensor<70xf32>) -> tensor<70xf32>
  %v12 = linalg.generic {indexing_maps = [#id2, #col], iterator_types = ["reduction", "parallel"]}
      ins(%v8 : tensor<?x70xf32>) outs(%v11 : tensor<70xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %q = arith.mulf %a0, %a0 : f32
  %y = arith.addf %q, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<70xf32>
  %v13 = tensor.empty() : tensor<70xf32>
  %v14 = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]} ins(%v12
      : tensor<70xf32>) outs(%v13 : tensor<70xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %e = arith.constant 1.0e-03 : f32
  %z = arith.addf %a0, %e : f32
  %y = math.rsqrt %z : f32
    linalg.yield %y : f32
  } -> tensor<70xf32>
  %v15 = tensor.empty(%batch) : tensor<?x70xf32>
  %r = linalg.generic {indexing_maps = [#id2, #col, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%v8, %v14 : tensor<?x70xf32>, tensor<70xf32>)
      outs(%v15 : tensor<?x70xf32>) {
  ^bb0(%a0: f32, %a1: f32, %o0: f32):
  %y = arith.mulf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<?x70xf32>
  return %r : tensor<?x70xf32>
}

// Full results of a walk down the rows; booleans in memory.
// CHECK: masked_50: rows, 1 phases, {{.*}}: ok
func.func private @masked_50(%batch: index, %dy: tensor<?x50xf32>, %mask: tensor<?x50xi1>)
    -> (tensor<?x50xf32>, tensor<50xf32>, tensor<?x50xi1>) attributes {nnc.kernel} {
  %v1 = tensor.empty(%batch) : tensor<?x50xf32>
  %dx = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]} ins(%dy, %mask
      : tensor<?x50xf32>, tensor<?x50xi1>) outs(%v1 : tensor<?x50xf32>) {
  ^bb0(%a0: f32, %a1: i1, %o0: f32):
  %z = arith.constant 0.0 : f32
  %y = arith.select %a1, %a0, %z : f32
    linalg.yield %y : f32
  } -> tensor<?x50xf32>
  %v2 = tensor.empty() : tensor<50xf32>
  %v3 = arith.constant 0.0 : f32
  %v4 = linalg.fill ins(%v3 : f32) outs(%v2 : tensor<50xf32>) -> tensor<50xf32>
  %db = linalg.generic {indexing_maps = [#id2, #col], iterator_types = ["reduction", "parallel"]}
      ins(%dx : tensor<?x50xf32>) outs(%v4 : tensor<50xf32>) {
  ^bb0(%a0: f32, %o0: f32):
  %y = arith.addf %a0, %o0 : f32
    linalg.yield %y : f32
  } -> tensor<50xf32>
  %v5 = tensor.empty(%batch) : tensor<?x50xi1>
  %nm = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%dy : tensor<?x50xf32>) outs(%v5 : tensor<?x50xi1>) {
  ^bb0(%a0: f32, %o0: i1):
  %z = arith.constant 0.0 : f32
  %y = arith.cmpf ogt, %a0, %z : f32
    linalg.yield %y : i1
  } -> tensor<?x50xi1>
  return %dx, %db, %nm : tensor<?x50xf32>, tensor<50xf32>, tensor<?x50xi1>
}

// The first of the smallest elements of each row.
// CHECK: argmin: rows, {{.*}} 0 ulp, 0 of the largest: ok
func.func private @argmin(%batch: index, %x: tensor<?x37xf32>) -> tensor<?xi32>
    attributes {nnc.kernel} {
  %none = arith.constant 0x7F800000 : f32
  %zero = arith.constant 0 : i32
  %valueEmpty = tensor.empty(%batch) : tensor<?xf32>
  %value = linalg.fill ins(%none : f32) outs(%valueEmpty : tensor<?xf32>) -> tensor<?xf32>
  %indexEmpty = tensor.empty(%batch) : tensor<?xi32>
  %index = linalg.fill ins(%zero : i32) outs(%indexEmpty : tensor<?xi32>) -> tensor<?xi32>
  %least:2 = linalg.generic {indexing_maps = [#id2, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x37xf32>) outs(%value, %index : tensor<?xf32>, tensor<?xi32>)
      attrs = {nnc.arg_reduction = "min"} {
  ^bb0(%a: f32, %best: f32, %at: i32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i32
    %wins = arith.cmpf olt, %a, %best : f32
    %y0 = arith.select %wins, %a, %best : f32
    %y1 = arith.select %wins, %j, %at : i32
    linalg.yield %y0, %y1 : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  return %least#1 : tensor<?xi32>
}
