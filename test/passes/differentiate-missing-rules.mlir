// RUN: not nnc-opt %s --nnc-differentiate --allow-unregistered-dialect 2>&1 | FileCheck %s

// Every op without a gradient is reported, in one run, each at its own line;
// the one that the loss does not depend on is not.
// CHECK:     differentiate-missing-rules.mlir:[[# @LINE + 6]]:{{[0-9]+}}: error: 'spiral' has no gradient: no rule is known for it
// CHECK:     differentiate-missing-rules.mlir:[[# @LINE + 8]]:{{[0-9]+}}: note: the loss depends on parameters through it
// CHECK:     differentiate-missing-rules.mlir:[[# @LINE + 6]]:{{[0-9]+}}: error: 'twist' has no gradient: no rule is known for it
// CHECK-NOT: error: 'detour'
func.func @reports_every_missing_rule(%w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.exp %w : tensor<4xf32>
  %1 = "strange.spiral"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "strange.detour"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "strange.twist"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %l = nnc.sum %3 : (tensor<4xf32>) -> tensor<f32>
  %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %dw : tensor<4xf32>
}
