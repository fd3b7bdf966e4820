// A module from its entry points to a plan: what the writer takes from attributes.
// RUN: nnc-compiler compile %s -o %t.plan --reference --max-batch 8
// RUN: nnc inspect %t.plan | FileCheck %s

// CHECK: plan of model line
// CHECK: batch 1 to 8
// CHECK: parameter {{ *}}w {{ *}}f32[3, 2]
// CHECK: train_step: 1 commands
// CHECK: input {{ *}}x: f32[batch, 3]
// CHECK: output {{ *}}y: f32[batch, 2]
// CHECK: reference {{ *}}matmul_Bx2x3.reference {{ *}}line.nn:4:7
module attributes {nnc.recipe = {model = "line"}} {
  nnc.parameter @w : tensor<3x2xf32> = <zeros>
  func.func @train_step(%x: tensor<?x3xf32> {nnc.name = "x"}) -> (tensor<?x2xf32> {nnc.name = "y", nnc.result = "output"}) {
    %w = nnc.read @w : tensor<3x2xf32>
    %y = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32> loc("line.nn":4:7)
    return %y : tensor<?x2xf32>
  }
}
