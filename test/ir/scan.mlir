// A loop over time keeps what is used, and says what is wrong with it.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected --canonicalize | nnc-opt | FileCheck %s

// CHECK-LABEL: @unused
// CHECK: %[[ALL:.*]]:2 = nnc.scan carried(%[[H:.*]] = %arg0) over(%[[X:.*]] = %arg1) with(%[[W:.*]] = %arg2) steps = 5 reverse : (tensor<?x2xf32>, tensor<5x?x2xf32>, tensor<2x2xf32>) -> (tensor<?x2xf32>, tensor<5x?x2xf32>) {
// CHECK-NEXT: nnc.matmul %[[H]], %[[W]]
// CHECK-NEXT: %[[NEXT:.*]] = nnc.add %{{.*}}, %[[X]]
// CHECK-NEXT: nnc.yield %[[NEXT]], %[[NEXT]]
// CHECK: return %[[ALL]]#1
func.func @unused(%begin: tensor<?x2xf32>, %x: tensor<5x?x2xf32>, %w: tensor<2x2xf32>, %unused: tensor<2xf32>) -> tensor<5x?x2xf32> {
  %last, %all, %other = nnc.scan carried(%h = %begin) over(%x_t = %x) with(%f = %w, %q = %unused) steps = 5 reverse
      : (tensor<?x2xf32>, tensor<5x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> (tensor<?x2xf32>, tensor<5x?x2xf32>, tensor<5x?x2xf32>) {
    %0 = nnc.matmul %h, %f : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    %1 = nnc.add %0, %x_t : tensor<?x2xf32>
    %2 = nnc.mul %1, %q : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    nnc.yield %1, %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
  }
  return %all : tensor<5x?x2xf32>
}

// -----

func.func @steps(%x: tensor<4x2xf32>, %h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' goes over f32[4, 2], whose first dimension is not its 5 steps}}
  %0 = nnc.scan carried(%a = %h) over(%b = %x) steps = 5 : (tensor<2xf32>, tensor<4x2xf32>) -> tensor<2xf32> {
    nnc.yield %a : tensor<2xf32>
  }
  return
}

// -----

func.func @no_steps(%h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' has 0 steps: expected 1 to 16777216}}
  %0 = nnc.scan carried(%a = %h) steps = 0 : (tensor<2xf32>) -> tensor<2xf32> {
    nnc.yield %a : tensor<2xf32>
  }
  return
}

// -----

func.func @more_steps_than_a_plan_has(%h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' has 16777217 steps: expected 1 to 16777216}}
  %0 = nnc.scan carried(%a = %h) steps = 16777217 : (tensor<2xf32>) -> tensor<2xf32> {
    nnc.yield %a : tensor<2xf32>
  }
  return
}

// -----

func.func @carried(%h: tensor<2xf32>, %x: tensor<3x2xi32>) {
  // expected-error @+1 {{'scan' carries 'tensor<2xf32>' into the first step, and 'tensor<2xi32>' into the next}}
  %0 = nnc.scan carried(%a = %h) over(%b = %x) steps = 3 : (tensor<2xf32>, tensor<3x2xi32>) -> tensor<2xi32> {
    nnc.yield %b : tensor<2xi32>
  }
  return
}

// -----

func.func @kept(%h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' result 1 is 'tensor<2xf32>': expected 'tensor<3x2xf32>'}}
  %0:2 = nnc.scan carried(%a = %h) steps = 3 : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
    nnc.yield %a, %a : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @yields(%h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' has 1 results, and its region yields 2 values}}
  %0 = nnc.scan carried(%a = %h) steps = 3 : (tensor<2xf32>) -> tensor<2xf32> {
    nnc.yield %a, %a : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @groups(%h: tensor<2xf32>) {
  // expected-error @+1 {{'scan' has 1 operands, of which 1 are carried and 3 gone over}}
  %0 = "nnc.scan"(%h) <{num_carried = 1 : i64, num_over = 3 : i64, steps = 3 : i64}> ({
  ^bb0(%a: tensor<2xf32>):
    nnc.yield %a : tensor<2xf32>
  }) : (tensor<2xf32>) -> tensor<2xf32>
  return
}
