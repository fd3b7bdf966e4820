// Row scalars of shape [R, 1], and reshapes between them and [R].
//
// RUN: nnc-opt %s --nnc-lower-to-linalg > %t.mlir
// RUN: %each-level nnc-run-kernel %t.mlir --target=LEVEL --emitter=rows --batch=1,2,37 | FileCheck %s

// CHECK: normalizes: rows, 1 phases, {{.*}}: ok
func.func private @normalizes(%batch: index, %x: tensor<?x10xf32>, %label: tensor<?xui8>)
    -> (tensor<?x10xf32>, tensor<?xf32>) attributes {nnc.kernel} {
  %max = nnc.reduce_max %x axes = [1] keep_dims = true : (tensor<?x10xf32>) -> tensor<?x1xf32>
  %0 = nnc.sub %x, %max : (tensor<?x10xf32>, tensor<?x1xf32>) -> tensor<?x10xf32>
  %column = nnc.iota shape = [10] type = i32 axis = 0 : () -> tensor<10xi32>
  %class = nnc.cast %label to = i32 : (tensor<?xui8>) -> tensor<?xi32>
  %classes = nnc.reshape %class shape = [-1, 1] : (tensor<?xi32>) -> tensor<?x1xi32>
  %equal = nnc.compare %classes, %column predicate = eq
      : (tensor<?x1xi32>, tensor<10xi32>) -> tensor<?x10xi1>
  %hot = nnc.cast %equal to = f32 : (tensor<?x10xi1>) -> tensor<?x10xf32>
  %y = nnc.sub %0, %hot : tensor<?x10xf32>
  %log = nnc.exp %max : tensor<?x1xf32>
  %row = nnc.reshape %log shape = [-1] : (tensor<?x1xf32>) -> tensor<?xf32>
  return %y, %row : tensor<?x10xf32>, tensor<?xf32>
}
