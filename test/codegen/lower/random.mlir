// RUN: nnc-opt %s --nnc-lower-to-linalg --split-input-file | FileCheck %s

// Ten rounds of Philox on the counter that runtime/Random.h gives the element.
// CHECK-LABEL: @random_bits(
// CHECK:         linalg.generic
// CHECK-SAME:      attrs = {nnc.random_bits = 24 : i64}
// CHECK-COUNT-2:   linalg.index
// CHECK:           arith.divui
// CHECK-COUNT-20:  arith.muli {{.*}} : i64
// CHECK:           arith.shrui %{{.*}}, %c8_i32 : i32
func.func private @random_bits(%batch: index, %seed: tensor<i64>, %step: tensor<i64>, %stream: tensor<i64>) -> tensor<?x8xui32> attributes {nnc.kernel} {
  %0 = nnc.random_bits %seed, %step, %stream shape = [-1, 8] bits = 24 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xui32>
  return %0 : tensor<?x8xui32>
}

// -----

// Gram-Schmidt in f64, over rows where they are fewer than columns.
// CHECK-LABEL: @orthogonalize(
// CHECK:         arith.extf %{{.*}} : f32 to f64
// CHECK:         scf.for %[[V:.*]] = %c0 to %c2 step
// CHECK:           scf.for %[[U:.*]] = %{{.*}} to %[[V]] step
// CHECK:             tensor.extract %{{.*}}[%[[U]], %{{.*}}] : tensor<2x3xf64>
// CHECK:           math.sqrt
// CHECK:         arith.truncf
func.func private @orthogonalize(%batch: index, %x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {nnc.kernel} {
  %0 = nnc.orthogonalize %x : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
