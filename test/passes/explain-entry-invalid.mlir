// What no gradient explains.
// RUN: nnc-opt %s '--nnc-build-entry-points=explain-entry explain-layer=second' --split-input-file --verify-diagnostics

nnc.parameter @first.scale : tensor<3xf32> = <ones>
// expected-error@+1 {{no layer is called 'second'; there are first}}
nnc.model @other_layer(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  %scale = nnc.read @first.scale : tensor<3xf32>
  %y = nnc.mul %x, %scale : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  nnc.output "y" %y : tensor<?x3xf32>
}

// -----

nnc.parameter @second.scale : tensor<3xf32> = <ones>
// expected-error@+1 {{input 'y.upstream' has the name of what explains output 'y'; rename it}}
nnc.model @same_name(%x: tensor<?x3xf32> {nnc.name = "y.upstream"}) {
  %scale = nnc.read @second.scale : tensor<3xf32>
  %y = nnc.mul %x, %scale : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  nnc.output "y" %y : tensor<?x3xf32>
}

// -----

nnc.parameter @second.scale : tensor<3xf32> = <ones>
// expected-error@+1 {{no output is of a floating-point type: none has a gradient}}
nnc.model @classes_alone(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  %scale = nnc.read @second.scale : tensor<3xf32>
  %y = nnc.mul %x, %scale : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %class = nnc.argmax %y axis = 1 : (tensor<?x3xf32>) -> tensor<?xi32>
  nnc.output "class" %class : tensor<?xi32>
}
