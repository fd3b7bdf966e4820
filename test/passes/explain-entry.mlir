// What explains a prediction: the gradients of its outputs, weighted by further
// inputs, for its inputs and one of its layers.
// RUN: nnc-opt %s --nnc-build-entry-points=explain-entry --split-input-file | FileCheck %s
// RUN: nnc-opt %s '--nnc-build-entry-points=explain-entry explain-layer=first' \
// RUN:   --split-input-file | FileCheck %s --check-prefix=LAYER

// Of integers that are cast alone there is a gradient as of real numbers; of the
// tokens there is none.
// CHECK-LABEL: func.func @explain
// CHECK-SAME:    (%[[IMAGE:.*]]: tensor<?x2x2x1xf32> {nnc.name = "image"},
// CHECK-SAME:    %[[WORD:.*]]: tensor<?xi32> {nnc.index_limit = 5 : i64, nnc.name = "word"},
// CHECK-SAME:    %[[UP:.*]]: tensor<?x4xf32> {nnc.name = "logits.upstream"})
// CHECK-SAME:    -> (tensor<?x4xf32> {nnc.name = "logits", nnc.result = "output"},
// CHECK-SAME:    tensor<?x2x2x1xf32> {nnc.name = "image.gradient", nnc.result = "input_gradient"},
// CHECK-SAME:    tensor<?x2x2x1xf32> {nnc.name = "first.layer", nnc.result = "layer"},
// CHECK-SAME:    tensor<?x2x2x1xf32> {nnc.name = "first.layer_gradient", nnc.result = "layer_gradient"})
// CHECK-NOT:     nnc.cast
// CHECK:         %[[RELU:.*]] = nnc.relu
// CHECK:         %[[LOGITS:.*]] = nnc.add
// CHECK:         %[[WEIGHTED:.*]] = nnc.mul %[[LOGITS]], %[[UP]]
// CHECK:         %[[TOTAL:.*]] = nnc.sum %[[WEIGHTED]]
// CHECK:         %[[SLOPES:.*]]:2 = nnc.gradient %[[TOTAL]] wrt(%[[IMAGE]], %[[RELU]])
// CHECK:         return %[[LOGITS]], %[[SLOPES]]#0, %[[RELU]], %[[SLOPES]]#1

// LAYER-LABEL: func.func @explain
// LAYER:         %[[FIRST:.*]] = nnc.mul
// LAYER:         nnc.gradient %{{.*}} wrt(%{{.*}}, %[[FIRST]])
nnc.parameter @first.scale : tensor<1xf32> = <ones>
nnc.parameter @table : tensor<5x4xf32> = <zeros>
nnc.model @pictures(%image: tensor<?x2x2x1xui8> {nnc.name = "image"}, %word: tensor<?xi32> {nnc.name = "word"}) {
  %x = nnc.cast %image to = f32 : (tensor<?x2x2x1xui8>) -> tensor<?x2x2x1xf32>
  %scale = nnc.read @first.scale : tensor<1xf32>
  %scaled = nnc.mul %x, %scale : (tensor<?x2x2x1xf32>, tensor<1xf32>) -> tensor<?x2x2x1xf32>
  %picture = nnc.relu %scaled : tensor<?x2x2x1xf32>
  %flat = nnc.reshape %picture shape = [-1, 4] : (tensor<?x2x2x1xf32>) -> tensor<?x4xf32>
  %table = nnc.read @table : tensor<5x4xf32>
  %row = nnc.gather %table, %word : (tensor<5x4xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  %logits = nnc.add %flat, %row : tensor<?x4xf32>
  nnc.output "logits" %logits : tensor<?x4xf32>
}
