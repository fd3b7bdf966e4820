// What cannot be computed token by token, and models that generate nothing.
// RUN: nnc-opt %s '--nnc-build-entry-points=generate-sequences=1' --split-input-file --verify-diagnostics

// expected-error@+1 {{the model generates nothing: it has no output; write 'output logits' in it}}
nnc.model @no_output(%x: tensor<?x4xi32> {nnc.name = "x"}) {
}

// -----

// expected-error@+1 {{the model generates nothing: no input of its outputs is of tokens, i32[batch, time]}}
nnc.model @no_tokens(%x: tensor<?x4xf32> {nnc.name = "x"}) {
  nnc.output "logits" %x : tensor<?x4xf32>
}

// -----

// expected-error@+1 {{no input of tokens is called 'tokens'; there are a, b: name one as --generate-input}}
nnc.model @two_inputs(%a: tensor<?x4xi32> {nnc.name = "a"}, %b: tensor<?x4xi32> {nnc.name = "b"}) {
  %s = nnc.add %a, %b : tensor<?x4xi32>
  %y = nnc.cast %s to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  nnc.output "logits" %y : tensor<?x4xf32>
}

// -----

// expected-error@+1 {{no output is called 'logits'; there are p, q: name one as --generate-output}}
nnc.model @two_outputs(%x: tensor<?x4xi32> {nnc.name = "x"}) {
  %y = nnc.cast %x to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  nnc.output "p" %y : tensor<?x4xf32>
  nnc.output "q" %y : tensor<?x4xf32>
}

// -----

nnc.model @sums_positions(%x: tensor<?x4xi32> {nnc.name = "x"}) {
  %y = nnc.cast %x to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  // expected-error@+1 {{'sum' cannot be computed token by token: it combines positions}}
  %s = nnc.sum %y axes = [1] keep_dims = true : (tensor<?x4xf32>) -> tensor<?x1xf32>
  nnc.output "logits" %s : tensor<?x1xf32>
}

// -----

nnc.model @shifts_positions(%x: tensor<?x4xi32> {nnc.name = "x"}) {
  %y = nnc.cast %x to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  // expected-error@+1 {{'slice' cannot be computed token by token: it takes some positions: all may be taken, or the last}}
  %s = nnc.slice %y starts = [0, 1] sizes = [-1, 3] : (tensor<?x4xf32>) -> tensor<?x3xf32>
  nnc.output "logits" %s : tensor<?x3xf32>
}

// -----

nnc.model @looks_ahead(%x: tensor<?x4xi32> {nnc.name = "x"}) {
  %y = nnc.cast %x to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  %q = nnc.reshape %y shape = [-1, 4, 1, 1] : (tensor<?x4xf32>) -> tensor<?x4x1x1xf32>
  // expected-error@+1 {{'attend' cannot be computed token by token: a position sees later ones; with causal = true it sees those before it}}
  %a = nnc.attention %q, %q, %q : tensor<?x4x1x1xf32>
  %l = nnc.reshape %a shape = [-1, 4, 1] : (tensor<?x4x1x1xf32>) -> tensor<?x4x1xf32>
  nnc.output "logits" %l : tensor<?x4x1xf32>
}

// -----

nnc.model @goes_back(%x: tensor<?x4xi32> {nnc.name = "x"}) {
  %y = nnc.cast %x to = f32 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  %t = nnc.transpose %y : (tensor<?x4xf32>) -> tensor<4x?xf32>
  %z = nnc.constant dense<0.0> : tensor<f32>
  %b = nnc.broadcast %z shape = [-1] : (tensor<f32>) -> tensor<?xf32>
  // expected-error@+1 {{'scan' cannot be computed token by token: it goes from the last position to the first}}
  %last, %all = nnc.scan carried(%h = %b) over(%s = %t) steps = 4 reverse
      : (tensor<?xf32>, tensor<4x?xf32>) -> (tensor<?xf32>, tensor<4x?xf32>) {
    %n = nnc.add %h, %s : tensor<?xf32>
    nnc.yield %n, %n : tensor<?xf32>, tensor<?xf32>
  }
  %r = nnc.transpose %all : (tensor<4x?xf32>) -> tensor<?x4xf32>
  nnc.output "logits" %r : tensor<?x4xf32>
}
