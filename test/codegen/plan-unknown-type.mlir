// What has no form in a plan is a fault of the compiler, and nothing is written.
// RUN: rm -f %t.plan
// RUN: not nnc-compiler compile %s -o %t.plan 2>&1 | FileCheck %s
// RUN: not ls %t.plan
// CHECK: error: a fault of the compiler: plans have no element type i16
func.func @predict(%x: tensor<?xi16>) -> tensor<?xi16> {
  return %x : tensor<?xi16>
}
