// RUN: nnc-opt %s --nnc-to-step | FileCheck %s --check-prefix=STEP
// RUN: nnc-opt %s --nnc-to-expanded | FileCheck %s --check-prefix=EXPANDED
// RUN: nnc-opt %s '--nnc-to-expanded=gradients-entry element-type=f64' | FileCheck %s --check-prefix=F64
// RUN: nnc-opt %s --nnc-to-fused -o /dev/null

// The stages of a whole model: composites are whole after `step`, gone after
// `expanded`, and the slots of the optimizer are parameters.
// STEP:           nnc.parameter @dense_1.weight.m : tensor<784x128xf32> = <zeros> {role = #nnc.role<optimizer_state>}
// STEP-LABEL:     func.func @train_step
// STEP-NOT:         nnc.{{gradient|optimize }}
// STEP:             nnc.relu
// STEP:             nnc.cross_entropy
// STEP:             nnc.adam
// STEP:             nnc.assign @dense_2.bias.v,
// STEP:             nnc.assign @step,

// EXPANDED-LABEL: func.func @train_step
// EXPANDED-NOT:     nnc.{{relu|dense|dropout|cross_entropy|adam|accuracy|flatten}}
// EXPANDED:         nnc.random_bits
// EXPANDED:         nnc.assign @step,
// EXPANDED-LABEL: func.func @eval_step
// EXPANDED-NOT:     nnc.random_bits
// EXPANDED:         transpose_lhs = true : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<10x10xf32>
// EXPANDED-LABEL: func.func @predict

// F64-LABEL:      func.func @gradients
// F64-NOT:          f32
// F64-LABEL:      func.func @eval_step
nnc.parameter @dense_1.weight : tensor<784x128xf32> = <glorot_uniform>
nnc.parameter @dense_1.bias : tensor<128xf32> = <zeros>
nnc.parameter @dense_2.weight : tensor<128x10xf32> = <glorot_uniform>
nnc.parameter @dense_2.bias : tensor<10xf32> = <zeros>
nnc.model @fashion(%image: tensor<?x28x28xui8> {nnc.name = "image"}, %label: tensor<?xui8> {nnc.name = "label"})
    attributes {optimizer = {name = "adam"}, learning_rate = 0.001, batch = 128} {
  %0 = nnc.cast %image to = f32 : (tensor<?x28x28xui8>) -> tensor<?x28x28xf32>
  %c = nnc.constant dense<255.0> : tensor<f32>
  %1 = nnc.div %0, %c : (tensor<?x28x28xf32>, tensor<f32>) -> tensor<?x28x28xf32>
  %x = nnc.flatten %1 : (tensor<?x28x28xf32>) -> tensor<?x784xf32>
  %w1 = nnc.read @dense_1.weight : tensor<784x128xf32>
  %b1 = nnc.read @dense_1.bias : tensor<128xf32>
  %2 = nnc.dense %x, %w1, %b1 : (tensor<?x784xf32>, tensor<784x128xf32>, tensor<128xf32>) -> tensor<?x128xf32>
  %3 = nnc.relu %2 : tensor<?x128xf32>
  %4 = nnc.dropout %3 rate = 0.2 : tensor<?x128xf32>
  %w2 = nnc.read @dense_2.weight : tensor<128x10xf32>
  %b2 = nnc.read @dense_2.bias : tensor<10xf32>
  %logits = nnc.dense %4, %w2, %b2 : (tensor<?x128xf32>, tensor<128x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  %l = nnc.cross_entropy %logits, %label : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  nnc.loss %l : tensor<f32>
  %a = nnc.accuracy %logits, %label : (tensor<?x10xf32>, tensor<?xui8>) -> tensor<f32>
  nnc.metric "accuracy" %a : tensor<f32>
  %p = nnc.softmax %logits : tensor<?x10xf32>
  nnc.output "probabilities" %p : tensor<?x10xf32>
}
