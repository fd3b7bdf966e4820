// RUN: %each-level nnc-run-kernel %s --target=LEVEL --emitter=contraction --batch=1,3,32,65 | FileCheck %s

// What surrounds a product: several results, operands of all shapes, results in
// the place of operands (nnc-run-kernel tries each that may alias).

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#nm = affine_map<(m, n, k) -> (n, m)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>
#unit_column = affine_map<(m, n) -> (0, n)>
#scalar = affine_map<(m, n) -> ()>
#none = affine_map<() -> ()>

// Adam: the gradient stays inside, and w, m and v are updated where they lie.
// CHECK: adam: contraction, {{.*}} ok
func.func private @adam(%batch: index, %x: tensor<?x70xf32>, %dy: tensor<?x45xf32>,
    %w: tensor<70x45xf32>, %m: tensor<70x45xf32>,
    %v: tensor<70x45xf32> {test.range = [0.0, 1.0]},
    %rate: tensor<f32> {test.range = [0.001, 0.01]})
    -> (tensor<70x45xf32>, tensor<70x45xf32>, tensor<70x45xf32>) attributes {nnc.kernel} {
  %beta1 = arith.constant 0.9 : f32
  %beta2 = arith.constant 0.999 : f32
  %rest1 = arith.constant 0.1 : f32
  %rest2 = arith.constant 0.001 : f32
  %epsilon = arith.constant 1.0e-3 : f32
  %init = arith.constant dense<0.0> : tensor<70x45xf32>
  %empty = tensor.empty() : tensor<70x45xf32>
  %none = tensor.empty() : tensor<f32>
  %dw = linalg.generic {indexing_maps = [#km, #kn, #mn],
                        iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x70xf32>, tensor<?x45xf32>) outs(%init : tensor<70x45xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %sum : f32
    linalg.yield %1 : f32
  } -> tensor<70x45xf32>
  %step = linalg.generic {indexing_maps = [#none, #none], iterator_types = []}
      ins(%rate : tensor<f32>) outs(%none : tensor<f32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = math.sqrt %a : f32
    linalg.yield %0 : f32
  } -> tensor<f32>
  %new:3 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #scalar, #id, #id, #id],
                           iterator_types = ["parallel", "parallel"]}
      ins(%dw, %w, %m, %v, %step : tensor<70x45xf32>, tensor<70x45xf32>, tensor<70x45xf32>,
          tensor<70x45xf32>, tensor<f32>)
      outs(%empty, %empty, %empty : tensor<70x45xf32>, tensor<70x45xf32>, tensor<70x45xf32>) {
  ^bb0(%g: f32, %w0: f32, %m0: f32, %v0: f32, %s: f32, %o0: f32, %o1: f32, %o2: f32):
    %0 = arith.mulf %m0, %beta1 : f32
    %1 = arith.mulf %g, %rest1 : f32
    %m1 = arith.addf %0, %1 : f32
    %2 = arith.mulf %v0, %beta2 : f32
    %3 = arith.mulf %g, %g : f32
    %4 = arith.mulf %3, %rest2 : f32
    %v1 = arith.addf %2, %4 : f32
    %5 = math.sqrt %v1 : f32
    %6 = arith.addf %5, %epsilon : f32
    %7 = arith.divf %m1, %6 : f32
    %8 = arith.mulf %7, %s : f32
    %w1 = arith.subf %w0, %8 : f32
    linalg.yield %w1, %m1, %v1 : f32, f32, f32
  } -> (tensor<70x45xf32>, tensor<70x45xf32>, tensor<70x45xf32>)
  return %new#0, %new#1, %new#2 : tensor<70x45xf32>, tensor<70x45xf32>, tensor<70x45xf32>
}

// A bool mask, a row scalar, a bias with a unit dimension, and both the sum and
// what is made of it as results.
// CHECK: mask_and_keep: contraction, {{.*}} ok
func.func private @mask_and_keep(%batch: index, %x: tensor<?x20xf32>, %w: tensor<20x24xf32>,
    %bias: tensor<1x24xf32>, %scale: tensor<?xf32>, %keep: tensor<?x24xi1>)
    -> (tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xi1>) attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x24xf32>
  %flags = tensor.empty(%batch) : tensor<?x24xi1>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x20xf32>, tensor<20x24xf32>) outs(%init : tensor<?x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x24xf32>
  %h, %positive = linalg.generic {indexing_maps = [#id, #unit_column, #row, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%p, %bias, %scale : tensor<?x24xf32>, tensor<1x24xf32>, tensor<?xf32>)
      outs(%empty, %flags : tensor<?x24xf32>, tensor<?x24xi1>) {
  ^bb0(%a: f32, %b: f32, %s: f32, %o0: f32, %o1: i1):
    %0 = arith.addf %a, %b : f32
    %1 = arith.mulf %0, %s : f32
    // Far from where rounding decides.
    %limit = arith.constant 100.0 : f32
    %2 = arith.cmpf ogt, %1, %limit : f32
    linalg.yield %1, %2 : f32, i1
  } -> (tensor<?x24xf32>, tensor<?x24xi1>)
  %y = linalg.generic {indexing_maps = [#id, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%h, %keep : tensor<?x24xf32>, tensor<?x24xi1>) outs(%empty : tensor<?x24xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %0 = arith.select %k, %a, %zero : f32
    linalg.yield %0 : f32
  } -> tensor<?x24xf32>
  return %h, %y, %positive : tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xi1>
}

// Bytes become floats while the left operand is packed.
// CHECK: images: contraction, {{.*}} ok
func.func private @images(%batch: index, %x: tensor<?x50xi8>, %w: tensor<50x24xf32>)
    -> tensor<?x24xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %white = arith.constant 255.0 : f32
  %pixels = tensor.empty(%batch) : tensor<?x50xf32>
  %empty = tensor.empty(%batch) : tensor<?x24xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #id],
                            iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x50xi8>) outs(%pixels : tensor<?x50xf32>) {
  ^bb0(%a: i8, %o: f32):
    %0 = arith.uitofp %a : i8 to f32
    %1 = arith.divf %0, %white : f32
    linalg.yield %1 : f32
  } -> tensor<?x50xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%scaled, %w : tensor<?x50xf32>, tensor<50x24xf32>) outs(%init : tensor<?x24xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x24xf32>
  return %p : tensor<?x24xf32>
}

// The result's neighbours lie along the left operand's rows: sides change places.
// CHECK: transposed_result: contraction, {{.*}} ok
func.func private @transposed_result(%batch: index, %x: tensor<30x40xf32>, %w: tensor<40x?xf32>)
    -> tensor<?x30xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x30xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x30xf32>) -> tensor<?x30xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #nm],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<30x40xf32>, tensor<40x?xf32>) outs(%init : tensor<?x30xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x30xf32>
  return %p : tensor<?x30xf32>
}

// As many columns as samples.
// CHECK: dynamic_columns: contraction, {{.*}} ok
func.func private @dynamic_columns(%batch: index, %x: tensor<30x40xf32>, %w: tensor<?x40xf32>)
    -> tensor<30x?xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<30x?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<30x?xf32>) -> tensor<30x?xf32>
  %p = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<30x40xf32>, tensor<?x40xf32>) outs(%init : tensor<30x?xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<30x?xf32>
  return %p : tensor<30x?xf32>
}

// Two outer dimensions, one of them the batch; indices in the epilogue.
// CHECK: scores: contraction, {{.*}} ok
func.func private @scores(%batch: index, %q: tensor<?x3x17x8xf32>, %k: tensor<?x3x17x8xf32>)
    -> tensor<?x3x17x17xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x3x17x17xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x3x17x17xf32>) -> tensor<?x3x17x17xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>,
                                        affine_map<(b, h, m, n, k) -> (b, h, n, k)>,
                                        affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<?x3x17x8xf32>, tensor<?x3x17x8xf32>) outs(%init : tensor<?x3x17x17xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x3x17x17xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, h, m, n) -> (b, h, m, n)>,
                                        affine_map<(b, h, m, n) -> (b, h, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<?x3x17x17xf32>) outs(%empty : tensor<?x3x17x17xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = linalg.index 2 : index
    %n = linalg.index 3 : index
    %future = arith.cmpi ugt, %n, %m : index
    %0 = arith.select %future, %low, %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x3x17x17xf32>
  return %y : tensor<?x3x17x17xf32>
}

// Sequences times one matrix: samples and positions are rows alike; the
// gradient sums over both.
// CHECK: sequences: contraction, {{.*}} ok
func.func private @sequences(%batch: index, %x: tensor<?x5x12xf32>, %w: tensor<12x20xf32>,
    %position: tensor<5x20xf32>) -> tensor<?x5x20xf32> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%batch) : tensor<?x5x20xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5x20xf32>) -> tensor<?x5x20xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>,
                                        affine_map<(b, t, n, k) -> (k, n)>,
                                        affine_map<(b, t, n, k) -> (b, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x5x12xf32>, tensor<12x20xf32>) outs(%init : tensor<?x5x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x5x20xf32>
  // Differs between positions but not between samples, so that the two loops
  // of rows cannot be one.
  %y = linalg.generic {indexing_maps = [affine_map<(b, t, n) -> (b, t, n)>,
                                        affine_map<(b, t, n) -> (t, n)>,
                                        affine_map<(b, t, n) -> (b, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %position : tensor<?x5x20xf32>, tensor<5x20xf32>) outs(%empty : tensor<?x5x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x5x20xf32>
  return %y : tensor<?x5x20xf32>
}

// CHECK: gradient_of_sequences: contraction, {{.*}} ok
func.func private @gradient_of_sequences(%batch: index, %x: tensor<?x5x12xf32>,
    %dy: tensor<?x5x20xf32>) -> tensor<12x20xf32> attributes {nnc.kernel} {
  %init = arith.constant dense<0.0> : tensor<12x20xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, b, t) -> (b, t, m)>,
                                        affine_map<(m, n, b, t) -> (b, t, n)>,
                                        affine_map<(m, n, b, t) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %dy : tensor<?x5x12xf32>, tensor<?x5x20xf32>) outs(%init : tensor<12x20xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<12x20xf32>
  return %p : tensor<12x20xf32>
}

// Stored in 16 bits, computed in 32.
// CHECK: bfloat16: contraction, {{.*}} ok
func.func private @bfloat16(%batch: index, %x: tensor<?x33xbf16>, %w: tensor<33x20xbf16>)
    -> tensor<?x20xbf16> attributes {nnc.kernel} {
  %zero = arith.constant 0.0 : f32
  %sums = tensor.empty(%batch) : tensor<?x20xf32>
  %empty = tensor.empty(%batch) : tensor<?x20xbf16>
  %init = linalg.fill ins(%zero : f32) outs(%sums : tensor<?x20xf32>) -> tensor<?x20xf32>
  %p = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x33xbf16>, tensor<33x20xbf16>) outs(%init : tensor<?x20xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %0 = arith.extf %a : bf16 to f32
    %1 = arith.extf %b : bf16 to f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x20xf32>) outs(%empty : tensor<?x20xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %0 = arith.truncf %a : f32 to bf16
    linalg.yield %0 : bf16
  } -> tensor<?x20xbf16>
  return %y : tensor<?x20xbf16>
}
