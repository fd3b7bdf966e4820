// A pass that fails leaves the module and the pipeline in a file, which repeats
// the failure.
// RUN: not nnc-opt %s --nnc-to-step --mlir-pass-pipeline-crash-reproducer=%t.mlir 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FAILURE
// RUN: FileCheck %s --check-prefix=FILE < %t.mlir
// RUN: not nnc-opt --run-reproducer %t.mlir 2>&1 | FileCheck %s --check-prefix=FAILURE

// FAILURE: error: the loss depends on no parameter
// FILE:    nnc.model @constant_loss
// FILE:    pipeline: {{.*}}nnc-build-entry-points
nnc.model @constant_loss(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = 0.1} {
  %l = nnc.mean %x : (tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
}
