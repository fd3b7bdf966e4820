// REQUIRES: target-cuda
// RUN: not nnc-run-phases %s --emit 2>&1 | FileCheck %s
// CHECK: unprintable.mlir:[[@LINE+4]]:{{.*}} error: 'math.ctpop' op has no form in CUDA C++
func.func @unprintable(%y: memref<1xi32>, %batch: index) attributes {nnc.threads = 32 : i64, nnc.blocks = array<i64: 1, 0, 1>} {
  %c0 = arith.constant 0 : index
  %value = memref.load %y[%c0] : memref<1xi32>
  %count = math.ctpop %value : i32
  memref.store %count, %y[%c0] : memref<1xi32>
  return
}
