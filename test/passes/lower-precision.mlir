// RUN: nnc-opt %s --nnc-lower-precision | FileCheck %s

nnc.parameter @w : tensor<3x2xf32> = <zeros>
nnc.parameter @b : tensor<2xf32> = <zeros>

// CHECK-LABEL: nnc.model @asks_for_bf16
// CHECK-SAME:    %[[X:.*]]: tensor<?x3xf32>
// CHECK-DAG:     %[[XL:.*]] = nnc.cast %[[X]] to = bf16
// CHECK-DAG:     %[[W:.*]] = nnc.read @w : tensor<3x2xf32>
// CHECK-DAG:     %[[WL:.*]] = nnc.cast %[[W]] to = bf16
// CHECK:         %[[P:.*]] = nnc.matmul %[[XL]], %[[WL]] : (tensor<?x3xbf16>, tensor<3x2xbf16>) -> tensor<?x2xbf16>
// CHECK:         nnc.relu {{.*}} : tensor<?x2xbf16>
// What adds up or divides is in f32, and shares one cast.
// CHECK:         %[[RF:.*]] = nnc.cast %{{.*}} to = f32
// CHECK-NOT:     to = f32
// CHECK:         nnc.softmax %[[RF]] : tensor<?x2xf32>
// CHECK:         nnc.mse %[[RF]], %{{.*}} -> tensor<f32>
// CHECK:         nnc.output "r" %[[RF]] : tensor<?x2xf32>
nnc.model @asks_for_bf16(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
    attributes {precision = bf16} {
  %w = nnc.read @w : tensor<3x2xf32>
  %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %r = nnc.relu %p : tensor<?x2xf32>
  %s = nnc.softmax %r : tensor<?x2xf32>
  %l = nnc.mse %r, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
  nnc.output "s" %s : tensor<?x2xf32>
  nnc.output "r" %r : tensor<?x2xf32>
}

// A norm of channels computes in f32, and gives what it was given.
// CHECK-LABEL: nnc.model @between_products
// CHECK:         %[[P:.*]] = nnc.matmul {{.*}} -> tensor<?x2xbf16>
// CHECK:         %[[PF:.*]] = nnc.cast %[[P]] to = f32
// CHECK:         %[[N:.*]] = nnc.batch_norm %[[PF]], {{.*}} -> tensor<?x2xf32>
// CHECK:         %[[NL:.*]] = nnc.cast %[[N]] to = bf16
// CHECK:         nnc.relu %[[NL]] : tensor<?x2xbf16>
nnc.model @between_products(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {precision = bf16} {
  %w = nnc.read @w : tensor<3x2xf32>
  %b = nnc.read @b : tensor<2xf32>
  %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %n = nnc.batch_norm %p, %b, %b, %b, %b : (tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %r = nnc.relu %n : tensor<?x2xf32>
  nnc.output "r" %r : tensor<?x2xf32>
}

// Without a product there is nothing to gain.
// CHECK-LABEL: nnc.model @elementwise_alone
// CHECK-NOT:     bf16>
// CHECK:         nnc.output
nnc.model @elementwise_alone(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {precision = bf16} {
  %y = nnc.tanh %x : tensor<?x3xf32>
  nnc.output "y" %y : tensor<?x3xf32>
}

// CHECK-LABEL: nnc.model @asks_for_nothing
// CHECK-NOT:     nnc.cast
// CHECK:         nnc.output
nnc.model @asks_for_nothing(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  %w = nnc.read @w : tensor<3x2xf32>
  %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  nnc.output "p" %p : tensor<?x2xf32>
}

// f64 is what the model wrote, and means.
// CHECK-LABEL: nnc.model @computes_in_f64
// CHECK-NOT:     nnc.cast
// CHECK:         nnc.output
nnc.model @computes_in_f64(%x: tensor<?x3xf64> {nnc.name = "x"}, %w: tensor<3x2xf64> {nnc.name = "w"})
    attributes {precision = bf16} {
  %p = nnc.matmul %x, %w : (tensor<?x3xf64>, tensor<3x2xf64>) -> tensor<?x2xf64>
  nnc.output "p" %p : tensor<?x2xf64>
}
