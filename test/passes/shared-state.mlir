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
