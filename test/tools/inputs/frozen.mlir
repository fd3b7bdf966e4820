// A frozen parameter and a buffer, both of which prediction reads.
nnc.parameter @w : tensor<3xf32> = <ones> {nnc.frozen}
nnc.parameter @m : tensor<3xf32> = <zeros> {role = #nnc.role<buffer>}
nnc.model @f(%x: tensor<?x3xf32> {nnc.name = "x"}) {
  %w = nnc.read @w : tensor<3xf32>
  %m = nnc.read @m : tensor<3xf32>
  %y = nnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %z = nnc.sub %y, %m : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  nnc.output "z" %z : tensor<?x3xf32>
}
