// One token of sequences, with what later ones need kept in the state.
// RUN: nnc-opt %s '--nnc-build-entry-points=generate-sequences=2' --split-input-file | FileCheck %s

// A table of positions is read at the position, a product is of one row, and of a
// softmax the logits are taken.
// CHECK: nnc.parameter @generation.position : tensor<i32> = <zeros> {role = #nnc.role<generation>}
// CHECK-LABEL: func.func @generate(
// CHECK-SAME:    %[[TOKEN:.*]]: tensor<2x1xi32>
// CHECK-SAME:    -> (tensor<2x6xf32> {nnc.name = "logits", nnc.result = "output"})
// CHECK-SAME:    nnc.context = 5
// CHECK:         %[[POSITION:.*]] = nnc.read @generation.position
// CHECK:         nnc.gather %{{.*}}, %[[TOKEN]] : (tensor<6x4xf32>, tensor<2x1xi32>) -> tensor<2x1x4xf32>
// CHECK:         %[[HERE:.*]] = nnc.reshape %[[POSITION]] shape = [1]
// CHECK:         nnc.gather %{{.*}}, %[[HERE]] : (tensor<5x4xf32>, tensor<1xi32>) -> tensor<1x4xf32>
// CHECK:         nnc.matmul {{.*}} -> tensor<2x1x6xf32>
// CHECK-NOT:     nnc.exp
// CHECK:         nnc.assign @generation.position
// CHECK:         return %{{.*}} : tensor<2x6xf32>
nnc.parameter @table : tensor<6x4xf32> = <zeros>
nnc.parameter @places : tensor<5x4xf32> = <zeros>
nnc.parameter @out : tensor<4x6xf32> = <zeros>
nnc.model @places_and_products(%tokens: tensor<?x5xi32> {nnc.name = "tokens"}) {
  %table = nnc.read @table : tensor<6x4xf32>
  %places = nnc.read @places : tensor<5x4xf32>
  %out = nnc.read @out : tensor<4x6xf32>
  %x = nnc.gather %table, %tokens : (tensor<6x4xf32>, tensor<?x5xi32>) -> tensor<?x5x4xf32>
  %h = nnc.add %x, %places : (tensor<?x5x4xf32>, tensor<5x4xf32>) -> tensor<?x5x4xf32>
  %y = nnc.matmul %h, %out : (tensor<?x5x4xf32>, tensor<4x6xf32>) -> tensor<?x5x6xf32>
  %p = nnc.softmax %y axis = 2 : tensor<?x5x6xf32>
  nnc.output "probabilities" %p : tensor<?x5x6xf32>
}

// -----

// What is seen before the position is read, and what the position has is left
// beside: the session appends it. Sequences move with what they have.
// CHECK: nnc.parameter @generation.sequence.0 : tensor<2x5x2x3xf32> = <zeros> {role = #nnc.role<generation>}
// CHECK: nnc.parameter @generation.sequence.0.next : tensor<2x1x2x3xf32> = <zeros> {nnc.appends_to = @generation.sequence.0, role = #nnc.role<generation>}
// CHECK-LABEL: func.func @generate(
// CHECK:         %[[BEFORE:.*]] = nnc.read @generation.sequence.0
// CHECK:         nnc.assign @generation.sequence.0.next
// CHECK:         nnc.attend %{{.*}}, %[[BEFORE]]
// CHECK-NOT:     causal = true
// CHECK-LABEL: func.func @generate_rearrange(
// CHECK-SAME:    %[[ORIGINS:.*]]: tensor<2xi32>
// CHECK:         %[[ALL:.*]] = nnc.read @generation.sequence.0
// CHECK:         %[[MOVED:.*]] = nnc.gather %[[ALL]], %[[ORIGINS]]
// CHECK:         nnc.assign @generation.sequence.0, %[[MOVED]]
nnc.model @keeps_keys(%tokens: tensor<?x5xi32> {nnc.name = "tokens"}) {
  %x = nnc.cast %tokens to = f32 : (tensor<?x5xi32>) -> tensor<?x5xf32>
  %r = nnc.reshape %x shape = [-1, 5, 1, 1] : (tensor<?x5xf32>) -> tensor<?x5x1x1xf32>
  %q = nnc.broadcast %r shape = [-1, 5, 3, 3] : (tensor<?x5x1x1xf32>) -> tensor<?x5x3x3xf32>
  %y, %lse = nnc.attend %q heads = 1 kv_heads = 1 scale = 1.0 causal = true
      : (tensor<?x5x3x3xf32>) -> (tensor<?x5x1x3xf32>, tensor<?x5x1xf32>)
  %l = nnc.reshape %y shape = [-1, 5, 3] : (tensor<?x5x1x3xf32>) -> tensor<?x5x3xf32>
  nnc.output "logits" %l : tensor<?x5x3xf32>
}

// -----

// A loop makes a step, and needs no context.
// CHECK: nnc.parameter @generation.carried.0 : tensor<2xf32> = <zeros> {role = #nnc.role<generation>}
// CHECK-LABEL: func.func @generate(
// CHECK-NOT:     nnc.context
// CHECK:         %[[BEFORE:.*]] = nnc.read @generation.carried.0 : tensor<2xf32>
// CHECK-NOT:     nnc.scan
// CHECK:         %[[NEXT:.*]] = nnc.add %[[BEFORE]]
// CHECK:         nnc.assign @generation.carried.0, %[[NEXT]]
nnc.model @steps(%tokens: tensor<?x5xi32> {nnc.name = "tokens"}) {
  %x = nnc.cast %tokens to = f32 : (tensor<?x5xi32>) -> tensor<?x5xf32>
  %t = nnc.transpose %x : (tensor<?x5xf32>) -> tensor<5x?xf32>
  %z = nnc.constant dense<0.0> : tensor<f32>
  %b = nnc.broadcast %z shape = [-1] : (tensor<f32>) -> tensor<?xf32>
  %last, %all = nnc.scan carried(%h = %b) over(%s = %t) steps = 5
      : (tensor<?xf32>, tensor<5x?xf32>) -> (tensor<?xf32>, tensor<5x?xf32>) {
    %n = nnc.add %h, %s : tensor<?xf32>
    nnc.yield %n, %n : tensor<?xf32>, tensor<?xf32>
  }
  %r = nnc.transpose %all : (tensor<5x?xf32>) -> tensor<?x5xf32>
  %l = nnc.reshape %r shape = [-1, 5, 1] : (tensor<?x5xf32>) -> tensor<?x5x1xf32>
  nnc.output "logits" %l : tensor<?x5x1xf32>
}
