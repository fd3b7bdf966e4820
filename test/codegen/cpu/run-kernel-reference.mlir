// RUN: nnc-run-kernel %s --emitter=reference | FileCheck %s
// RUN: not nnc-run-kernel %s --target=cpu:x86-64-v5 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown target 'cpu:x86-64-v5', expected one of cpu, cpu:x86-64-v4, cpu:x86-64-v3, cpu:x86-64-v2; did you mean 'cpu:x86-64-v4'?

#id = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>

// CHECK: bias_exp: reference, 1 phases, 0 ulp, 0 of the largest: ok
func.func private @bias_exp(%batch: index, %x: tensor<?x20xf32>,
                            %bias: tensor<20xf32>) -> tensor<?x20xf32>
    attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<?x20xf32>, tensor<20xf32>)
      outs(%empty : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sum = arith.addf %a, %b : f32
    %exp = math.exp %sum : f32
    linalg.yield %exp : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}
