// RUN: nnc-opt %s --nnc-expand-composites | FileCheck %s
// Two calls of a layer share its running statistics: the second update is of what
// the first makes, as if they were run one after the other.

nnc.parameter @mean : tensor<3xf32> = <zeros> {role = #nnc.role<buffer>}
nnc.parameter @variance : tensor<3xf32> = <ones> {role = #nnc.role<buffer>}

// CHECK-LABEL: func.func @twice
// CHECK:         %[[MEAN:.*]] = nnc.read @mean
// CHECK:         %[[OLD:.*]] = nnc.mul %[[MEAN]],
// CHECK:         %[[FIRST:.*]] = nnc.add %[[OLD]],
// CHECK:         %[[KEPT:.*]] = nnc.mul %[[FIRST]],
// CHECK:         %[[SECOND:.*]] = nnc.add %[[KEPT]],
// CHECK:         nnc.assign @mean, %[[SECOND]]
// CHECK-NOT:     nnc.assign @mean
func.func @twice(%x: tensor<8x3xf32>, %y: tensor<8x3xf32>) -> (tensor<8x3xf32>, tensor<8x3xf32>) attributes {nnc.training} {
  %mean = nnc.read @mean : tensor<3xf32>
  %variance = nnc.read @variance : tensor<3xf32>
  %scale = nnc.constant dense<1.0> : tensor<3xf32>
  %bias = nnc.constant dense<0.0> : tensor<3xf32>
  %0 = nnc.batch_norm %x, %scale, %bias, %mean, %variance : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  %1 = nnc.batch_norm %y, %scale, %bias, %mean, %variance : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %0, %1 : tensor<8x3xf32>, tensor<8x3xf32>
}

// What is kept in another type than it is computed in is rounded once, at the
// end.

nnc.parameter @low_mean : tensor<3xbf16> = <zeros> {role = #nnc.role<buffer>}
nnc.parameter @low_variance : tensor<3xbf16> = <ones> {role = #nnc.role<buffer>}

// CHECK-LABEL: func.func @twice_rounded
// CHECK:         %[[KEPT:.*]] = nnc.read @low_mean
// CHECK:         %[[MEAN:.*]] = nnc.cast %[[KEPT]] to = f32
// CHECK:         %[[OLD:.*]] = nnc.mul %[[MEAN]],
// CHECK:         %[[FIRST:.*]] = nnc.add %[[OLD]],
// CHECK:         %[[KEPT:.*]] = nnc.mul %[[FIRST]],
// CHECK:         %[[SECOND:.*]] = nnc.add %[[KEPT]],
// CHECK:         %[[ROUNDED:.*]] = nnc.cast %[[SECOND]] to = bf16
// CHECK:         nnc.assign @low_mean, %[[ROUNDED]]
// CHECK-NOT:     nnc.assign @low_mean
func.func @twice_rounded(%x: tensor<8x3xf32>, %y: tensor<8x3xf32>) -> (tensor<8x3xf32>, tensor<8x3xf32>) attributes {nnc.training} {
  %low_mean = nnc.read @low_mean : tensor<3xbf16>
  %low_variance = nnc.read @low_variance : tensor<3xbf16>
  %mean = nnc.cast %low_mean to = f32 : (tensor<3xbf16>) -> tensor<3xf32>
  %variance = nnc.cast %low_variance to = f32 : (tensor<3xbf16>) -> tensor<3xf32>
  %scale = nnc.constant dense<1.0> : tensor<3xf32>
  %bias = nnc.constant dense<0.0> : tensor<3xf32>
  %0 = nnc.batch_norm %x, %scale, %bias, %mean, %variance : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  %1 = nnc.batch_norm %y, %scale, %bias, %mean, %variance : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %0, %1 : tensor<8x3xf32>, tensor<8x3xf32>
}
