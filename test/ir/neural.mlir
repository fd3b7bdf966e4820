// RUN: nnc-opt %s | nnc-opt | FileCheck %s

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<?x8xf32>) {
  // CHECK: nnc.relu %{{.*}} : tensor<?x8xf32>
  %0 = nnc.relu %x : tensor<?x8xf32>
  // CHECK: nnc.leaky_relu %{{.*}} slope = 2.000000e-01 : tensor<?x8xf32>
  %1 = nnc.leaky_relu %x slope = 0.2 : tensor<?x8xf32>
  // A default is not printed.
  // CHECK: nnc.elu %{{[^ ]*}} : tensor<?x8xf32>
  %2 = nnc.elu %x alpha = 1.0 : tensor<?x8xf32>
  // CHECK: nnc.gelu
  %3 = nnc.gelu %x : tensor<?x8xf32>
  // CHECK: nnc.silu
  %4 = nnc.silu %x : tensor<?x8xf32>
  // CHECK: nnc.softplus
  %5 = nnc.softplus %x : tensor<?x8xf32>
  // CHECK: nnc.softmax %{{[^ ]*}} : tensor<?x8xf32>
  %6 = nnc.softmax %x : tensor<?x8xf32>
  // CHECK: nnc.log_softmax %{{.*}} axis = 1 : tensor<?x8xf32>
  %7 = nnc.log_softmax %x axis = 1 : tensor<?x8xf32>
  return
}

// CHECK-LABEL: @layers
func.func @layers(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %b: tensor<4xf32>,
                  %s: tensor<8xf32>, %i: tensor<?xi32>, %n: tensor<i64>) {
  // CHECK: nnc.dense %{{[^,]*}}, %{{[^,]*}}, %{{.*}} : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %0 = nnc.dense %x, %w, %b : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: nnc.dense %{{[^,]*}}, %{{[^,]*}} : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %1 = nnc.dense %x, %w : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  // CHECK: nnc.dropout %{{.*}} rate = 5.000000e-01 : tensor<?x8xf32>
  %2 = nnc.dropout %x rate = 0.5 : tensor<?x8xf32>
  // CHECK: nnc.dropout %{{.*}}, %{{.*}}, %{{.*}} rate = 5.000000e-01 stream = 3 : (tensor<?x8xf32>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  %3 = nnc.dropout %x, %n, %n rate = 0.5 stream = 3 : (tensor<?x8xf32>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  // CHECK: nnc.layer_norm
  %4 = nnc.layer_norm %x, %s, %s : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nnc.rms_norm
  %8 = nnc.rms_norm %x, %s epsilon = 0.1 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nnc.group_norm {{.*}} groups = 4
  %9 = nnc.group_norm %x, %s, %s groups = 4 : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // A default is not printed, and a momentum has none.
  // CHECK: nnc.batch_norm %{{.*}}, %{{[^ ]*}} :
  %10 = nnc.batch_norm %x, %s, %s, %s, %s convention = pytorch : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nnc.batch_norm {{.*}} momentum = 7.500000e-01 convention = keras frozen_statistics = true :
  %11 = nnc.batch_norm %x, %s, %s, %s, %s momentum = 0.75 convention = keras frozen_statistics = true : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nnc.embedding
  %5 = nnc.embedding %i, %w : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  // CHECK: nnc.flatten
  %6 = nnc.flatten %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: nnc.one_hot %{{.*}} classes = 10 : (tensor<?xi32>) -> tensor<?x10xf32>
  %7 = nnc.one_hot %i classes = 10 : (tensor<?xi32>) -> tensor<?x10xf32>
  return
}

// CHECK-LABEL: @random
func.func @random(%seed: tensor<i64>, %step: tensor<i64>) {
  // CHECK: nnc.random_bits %{{.*}} shape = [-1, 8] bits = 24 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xui32>
  %0 = nnc.random_bits %seed, %step, %step shape = [-1, 8] bits = 24 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xui32>
  // CHECK: nnc.random_uniform shape = [2, 3] high = 4.000000e+00 : () -> tensor<2x3xf32>
  %1 = nnc.random_uniform shape = [2, 3] high = 4.0 : () -> tensor<2x3xf32>
  // CHECK: nnc.random_normal shape = [2, 3] type = f64 : () -> tensor<2x3xf64>
  %2 = nnc.random_normal shape = [2, 3] type = f64 : () -> tensor<2x3xf64>
  // CHECK: nnc.bernoulli shape = [-1] p = 2.500000e-01 : () -> tensor<?xf32>
  %3 = nnc.bernoulli shape = [-1] p = 0.25 : () -> tensor<?xf32>
  return
}
