// A result that no phase writes is a mistake of the emitter, whose schedule is left
// aside, and of the compiler where no other emitter is left. Tests set NNC_STRICT,
// where it is an error at once.
// RUN: not env -u NNC_STRICT nnc-opt %s --nnc-schedule-kernels 2>&1 | FileCheck %s --check-prefix=ASIDE
// RUN: not nnc-opt %s --nnc-schedule-kernels 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not nnc-opt %s --nnc-schedule-kernels=reference=true 2>&1 | FileCheck %s
// ASIDE: remark: kernel forgets_one: its reference schedule is left aside: result 1 is written by no phase
// ASIDE: error: 'func.func' op has no schedule for a CPU
// STRICT: error: kernel forgets_one: its reference schedule is left aside: result 1 is written by no phase
// CHECK: error: 'func.func' op is scheduled wrongly: result 1 is written by no phase
func.func private @forgets_one(%batch: index, %x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) attributes {nnc.kernel} {
  %empty = tensor.empty(%batch) : tensor<?xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  return %y, %empty : tensor<?xf32>, tensor<?xf32>
}
