// RUN: nnc-opt %s --nnc-cancel-transposes --split-input-file | FileCheck %s

nnc.parameter @w : tensor<3x3x3x4xf32> = <zeros>
nnc.parameter @v : tensor<1x1x4x4xf32> = <zeros>

// The transpose of the input is of eight bits; none is behind it.
// CHECK-LABEL: nnc.model @picture
// CHECK:         %[[X:.*]] = nnc.transpose %arg0 permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xui8>) -> tensor<?x8x8x3xui8>
// CHECK-NEXT:    %[[F:.*]] = nnc.cast %[[X]] to = f32
// CHECK:         %[[C:.*]] = nnc.conv2d %[[F]],
// CHECK:         %[[R:.*]] = nnc.relu %[[C]] : tensor<?x6x6x4xf32>
// CHECK:         %[[M:.*]] = nnc.mean %[[R]] axes = [1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4xf32>
// CHECK-NEXT:    nnc.output "m" %[[M]]
nnc.model @picture(%x: tensor<?x3x8x8xui8> {nnc.name = "x"}) {
  %f = nnc.cast %x to = f32 : (tensor<?x3x8x8xui8>) -> tensor<?x3x8x8xf32>
  %0 = nnc.transpose %f permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xf32>) -> tensor<?x8x8x3xf32>
  %w = nnc.read @w : tensor<3x3x3x4xf32>
  %1 = nnc.conv2d %0, %w : (tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<?x6x6x4xf32>
  %2 = nnc.transpose %1 permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
  %r = nnc.relu %2 : tensor<?x4x6x6xf32>
  %m = nnc.mean %r axes = [2, 3] : (tensor<?x4x6x6xf32>) -> tensor<?x4xf32>
  nnc.output "m" %m : tensor<?x4xf32>
}

// CHECK-LABEL: nnc.model @residual
// CHECK:         nnc.transpose %arg0 permutation = [0, 2, 3, 1]
// CHECK-NOT:     nnc.transpose
// CHECK:         %[[A:.*]] = nnc.conv2d
// CHECK:         %[[B:.*]] = nnc.conv2d %[[A]]
// CHECK:         %[[S:.*]] = nnc.add %[[A]], %[[B]] : tensor<?x6x6x4xf32>
// CHECK:         %[[D:.*]] = nnc.dropout %[[S]] rate = 5.000000e-01 : tensor<?x6x6x4xf32>
// CHECK:         nnc.conv2d %[[D]]
// What is used in the program's order is brought back into it.
// CHECK:         %[[T:.*]] = nnc.transpose %{{.*}} permutation = [0, 3, 1, 2]
// CHECK-NEXT:    nnc.output "y" %[[T]] : tensor<?x4x6x6xf32>
nnc.model @residual(%x: tensor<?x3x8x8xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xf32>) -> tensor<?x8x8x3xf32>
  %w = nnc.read @w : tensor<3x3x3x4xf32>
  %v = nnc.read @v : tensor<1x1x4x4xf32>
  %1 = nnc.conv2d %0, %w : (tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<?x6x6x4xf32>
  %a = nnc.transpose %1 permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
  %2 = nnc.transpose %a permutation = [0, 2, 3, 1] : (tensor<?x4x6x6xf32>) -> tensor<?x6x6x4xf32>
  %3 = nnc.conv2d %2, %v : (tensor<?x6x6x4xf32>, tensor<1x1x4x4xf32>) -> tensor<?x6x6x4xf32>
  %b = nnc.transpose %3 permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
  %s = nnc.add %a, %b : tensor<?x4x6x6xf32>
  %d = nnc.dropout %s rate = 0.5 : tensor<?x4x6x6xf32>
  %4 = nnc.transpose %d permutation = [0, 2, 3, 1] : (tensor<?x4x6x6xf32>) -> tensor<?x6x6x4xf32>
  %5 = nnc.conv2d %4, %v : (tensor<?x6x6x4xf32>, tensor<1x1x4x4xf32>) -> tensor<?x6x6x4xf32>
  %c = nnc.transpose %5 permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
  nnc.output "y" %c : tensor<?x4x6x6xf32>
}

// -----

// Dimensions that ops name are those of the other order.
// CHECK-LABEL: nnc.model @attributes
// CHECK:         %[[S:.*]] = nnc.slice %arg0 starts = [0, 2, 0, 1] sizes = [-1, 4, 6, 2] strides = [1, 1, 1, 2]
// CHECK:         %[[P:.*]] = nnc.pad %[[S]] low = [0, 1, 0, 3] high = [0, 0, 2, 0]
// CHECK:         %[[C:.*]] = nnc.concat %[[P]], %[[P]] axis = 3 : {{.*}} -> tensor<?x5x8x10xf32>
// CHECK:         %[[M:.*]] = nnc.softmax %[[C]] axis = 3
// CHECK:         %[[R:.*]] = nnc.reduce_max %[[M]] axes = [2, 3] keep_dims = true : (tensor<?x5x8x10xf32>) -> tensor<?x5x1x1xf32>
// CHECK:         %[[B:.*]] = nnc.broadcast %[[R]] shape = [-1, 5, 8, 10]
// CHECK:         nnc.output "y" %[[B]] : tensor<?x5x8x10xf32>
nnc.model @attributes(%x: tensor<?x6x6x5xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 3, 1, 2] : (tensor<?x6x6x5xf32>) -> tensor<?x5x6x6xf32>
  %1 = nnc.slice %0 starts = [0, 1, 2, 0] sizes = [-1, 2, 4, 6] strides = [1, 2, 1, 1] : (tensor<?x5x6x6xf32>) -> tensor<?x2x4x6xf32>
  %2 = nnc.pad %1 low = [0, 3, 1, 0] high = [0, 0, 0, 2] : (tensor<?x2x4x6xf32>) -> tensor<?x5x5x8xf32>
  %3 = nnc.concat %2, %2 axis = 1 : (tensor<?x5x5x8xf32>, tensor<?x5x5x8xf32>) -> tensor<?x10x5x8xf32>
  %4 = nnc.softmax %3 axis = 1 : tensor<?x10x5x8xf32>
  %5 = nnc.reduce_max %4 axes = [1, -1] keep_dims = true : (tensor<?x10x5x8xf32>) -> tensor<?x1x5x1xf32>
  %6 = nnc.broadcast %5 shape = [-1, 10, 5, 8] : (tensor<?x1x5x1xf32>) -> tensor<?x10x5x8xf32>
  %7 = nnc.transpose %6 permutation = [0, 2, 3, 1] : (tensor<?x10x5x8xf32>) -> tensor<?x5x8x10xf32>
  nnc.output "y" %7 : tensor<?x5x8x10xf32>
}

// What is reflected is reflected in the other order.
// CHECK-LABEL: nnc.model @reflected
// CHECK-NEXT:    %[[P:.*]] = nnc.reflect_pad %arg0 low = [0, 1, 2, 0] high = [0, 0, 1, 0]
// CHECK-NEXT:    nnc.output "y" %[[P]]
nnc.model @reflected(%x: tensor<?x6x6x5xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 3, 1, 2] : (tensor<?x6x6x5xf32>) -> tensor<?x5x6x6xf32>
  %1 = nnc.reflect_pad %0 low = [0, 0, 1, 2] high = [0, 0, 0, 1] : (tensor<?x5x6x6xf32>) -> tensor<?x5x7x9xf32>
  %2 = nnc.transpose %1 permutation = [0, 2, 3, 1] : (tensor<?x5x7x9xf32>) -> tensor<?x7x9x5xf32>
  nnc.output "y" %2 : tensor<?x7x9x5xf32>
}

// Dropout of whole channels has them last, as a convolution does.
// CHECK-LABEL: nnc.model @channels
// CHECK:         %[[T:.*]] = nnc.transpose %arg0 permutation = [0, 3, 1, 2]
// CHECK:         %[[D:.*]] = nnc.dropout %[[T]] {{.*}}channels = true : tensor<?x5x6x6xf32>
// CHECK:         nnc.transpose %[[D]] permutation = [0, 2, 3, 1]
nnc.model @channels(%x: tensor<?x6x6x5xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 3, 1, 2] : (tensor<?x6x6x5xf32>) -> tensor<?x5x6x6xf32>
  %1 = nnc.dropout %0 rate = 0.5 channels = true : tensor<?x5x6x6xf32>
  %2 = nnc.transpose %1 permutation = [0, 2, 3, 1] : (tensor<?x5x6x6xf32>) -> tensor<?x6x6x5xf32>
  nnc.output "y" %2 : tensor<?x6x6x5xf32>
}

// -----

nnc.parameter @scale : tensor<4x1x1xf32> = <ones>

// A tensor with fewer dimensions is stretched to them first; of ones, none moves.
// CHECK-LABEL: nnc.model @stretched
// CHECK:         %[[W:.*]] = nnc.read @scale
// CHECK:         %[[S:.*]] = nnc.reshape %{{.*}} shape = [1, 1, 1, 4]
// CHECK:         nnc.mul %arg0, %[[S]] : (tensor<?x6x6x4xf32>, tensor<1x1x1x4xf32>) -> tensor<?x6x6x4xf32>
// CHECK-NOT:     nnc.transpose
nnc.model @stretched(%x: tensor<?x6x6x4xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
  %w = nnc.read @scale : tensor<4x1x1xf32>
  %1 = nnc.mul %0, %w : (tensor<?x4x6x6xf32>, tensor<4x1x1xf32>) -> tensor<?x4x6x6xf32>
  %2 = nnc.transpose %1 permutation = [0, 2, 3, 1] : (tensor<?x4x6x6xf32>) -> tensor<?x6x6x4xf32>
  nnc.output "y" %2 : tensor<?x6x6x4xf32>
}

// -----

// A loss does not care, if its operands have one order: an autoencoder's.
// CHECK-LABEL: nnc.model @loss
// CHECK:         %[[T:.*]] = nnc.transpose %arg0 permutation = [0, 2, 3, 1]
// CHECK-NOT:     nnc.transpose
// CHECK:         %[[C:.*]] = nnc.conv2d %[[T]]
// CHECK:         nnc.mse %[[C]], %[[T]] : (tensor<?x8x8x3xf32>, tensor<?x8x8x3xf32>) -> tensor<f32>
nnc.parameter @w : tensor<1x1x3x3xf32> = <zeros>
nnc.model @loss(%x: tensor<?x3x8x8xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xf32>) -> tensor<?x8x8x3xf32>
  %w = nnc.read @w : tensor<1x1x3x3xf32>
  %1 = nnc.conv2d %0, %w : (tensor<?x8x8x3xf32>, tensor<1x1x3x3xf32>) -> tensor<?x8x8x3xf32>
  %2 = nnc.transpose %1 permutation = [0, 3, 1, 2] : (tensor<?x8x8x3xf32>) -> tensor<?x3x8x8xf32>
  %l = nnc.mse %2, %x : (tensor<?x3x8x8xf32>, tensor<?x3x8x8xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}

// -----

// One channel: nothing moves.
// CHECK-LABEL: nnc.model @of_ones
// CHECK-NEXT:    %[[R:.*]] = nnc.reshape %arg0 shape = [-1, 8, 8, 1]
// CHECK-NEXT:    nnc.output "y" %[[R]]
nnc.model @of_ones(%x: tensor<?x1x8x8xf32> {nnc.name = "x"}) {
  %0 = nnc.transpose %x permutation = [0, 2, 3, 1] : (tensor<?x1x8x8xf32>) -> tensor<?x8x8x1xf32>
  nnc.output "y" %0 : tensor<?x8x8x1xf32>
}

// What would else be between a convolution and its activation comes later.
// CHECK-LABEL: nnc.model @later
// CHECK:         %[[C:.*]] = nnc.conv1d
// CHECK-NEXT:    %[[R:.*]] = nnc.relu %[[C]] : tensor<?x8x3xf32>
// CHECK-NEXT:    %[[T:.*]] = nnc.transpose %[[R]] permutation = [0, 2, 1]
// CHECK-NEXT:    nnc.flatten %[[T]]
nnc.parameter @w : tensor<1x3x3xf32> = <zeros>
nnc.model @later(%x: tensor<?x8x3xf32> {nnc.name = "x"}) {
  %w = nnc.read @w : tensor<1x3x3xf32>
  %0 = nnc.conv1d %x, %w : (tensor<?x8x3xf32>, tensor<1x3x3xf32>) -> tensor<?x8x3xf32>
  %1 = nnc.transpose %0 permutation = [0, 2, 1] : (tensor<?x8x3xf32>) -> tensor<?x3x8xf32>
  %2 = nnc.relu %1 : tensor<?x3x8xf32>
  %3 = nnc.flatten %2 : (tensor<?x3x8xf32>) -> tensor<?x24xf32>
  nnc.output "y" %3 : tensor<?x24xf32>
}

// Where as much would be transposed, all stays; so do what a reshape reads and
// matrices.
// CHECK-LABEL: nnc.model @stays
// CHECK-NEXT:    %[[T:.*]] = nnc.transpose %arg0 permutation = [0, 2, 1]
// CHECK-NEXT:    %[[R:.*]] = nnc.relu %[[T]] : tensor<?x8x3xf32>
// CHECK-NEXT:    %[[F:.*]] = nnc.flatten %[[R]]
// CHECK-NEXT:    nnc.output "y" %[[F]]
// CHECK-NEXT:    %[[M:.*]] = nnc.transpose %arg1
// CHECK-NEXT:    %[[N:.*]] = nnc.neg %[[M]]
// CHECK-NEXT:    %[[O:.*]] = nnc.transpose %[[N]]
// CHECK-NEXT:    nnc.output "z" %[[O]]
nnc.model @stays(%x: tensor<?x3x8xf32> {nnc.name = "x"}, %z: tensor<4x2xf32> {nnc.name = "z"}) {
  %0 = nnc.transpose %x permutation = [0, 2, 1] : (tensor<?x3x8xf32>) -> tensor<?x8x3xf32>
  %1 = nnc.relu %0 : tensor<?x8x3xf32>
  %2 = nnc.flatten %1 : (tensor<?x8x3xf32>) -> tensor<?x24xf32>
  nnc.output "y" %2 : tensor<?x24xf32>
  %3 = nnc.transpose %z : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %4 = nnc.neg %3 : tensor<2x4xf32>
  %5 = nnc.transpose %4 : (tensor<2x4xf32>) -> tensor<4x2xf32>
  nnc.output "z" %5 : tensor<4x2xf32>
}
