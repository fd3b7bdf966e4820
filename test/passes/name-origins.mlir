// RUN: nnc-opt %s --nnc-name-origins --nnc-differentiate --nnc-expand-composites --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// An op has its name, an optimizer that of its parameter too; what has one keeps it,
// what it is expanded to has the same, and what it is differentiated to says so.
// CHECK-LABEL: @names_each_op
// CHECK:         nnc.log {{.*}} loc(fused<{origin = "log"}>["net.nn":2:3])
// CHECK:         nnc.sqrt {{.*}} loc(fused<{origin = "mine"}>["net.nn":3:3])
// CHECK:         nnc.exp {{.*}} loc(fused<{origin = "softmax"}>["net.nn":4:3])
func.func @names_each_op(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = nnc.log %x : tensor<4xf32> loc("net.nn":2:3)
  %1 = nnc.sqrt %x : tensor<4xf32> loc(fused<{origin = "mine"}>["net.nn":3:3])
  %2 = nnc.softmax %x axis = 0 : tensor<4xf32> loc("net.nn":4:3)
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @names_gradients
// CHECK:         nnc.log {{.*}} loc(fused<{origin = "log"}>["net.nn":2:3])
// CHECK:         nnc.div {{.*}} loc(fused<{origin = "gradient of log"}>
func.func @names_gradients(%x: tensor<f32>) -> tensor<f32> {
  %0 = nnc.log %x : tensor<f32> loc("net.nn":2:3)
  %1 = nnc.gradient %0 wrt (%x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
