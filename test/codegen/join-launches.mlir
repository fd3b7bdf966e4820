// A loop's step as one kernel, where blocks may take samples of their own through all steps.
// RUN: nnc-opt %s --nnc-outline-kernels --nnc-lower-to-linalg --nnc-join-launches --split-input-file | FileCheck %s

// What is kept of a step is a result too, and a reshape is part of the kernel.
// CHECK-LABEL: func.func @step(
// CHECK:         nnc.scan
// CHECK-NEXT:      %[[NEXT:.*]]:2 = nnc.launch @step_matmul_Bx4x4(
// CHECK-NEXT:      nnc.yield %[[NEXT]]#0, %[[NEXT]]#1 : tensor<?x4xf32>, tensor<?x4xf32>
// CHECK-NOT:   func.func private @matmul_Bx4x4(
// CHECK:       func.func private @step_matmul_Bx4x4(
// CHECK-SAME:    tensor<4x4xf32> {nnc.invariant}
// CHECK-SAME:    nnc.kind = "step"
// CHECK:         tensor.collapse_shape
func.func @step(%x: tensor<5x?x1x4xf32>, %begin: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<5x?x4xf32> {
  %h, %all = nnc.scan carried(%s = %begin) over(%x_t = %x) with(%u = %w) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x1x4xf32>, tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<5x?x4xf32>) {
    %product = nnc.matmul %s, %u : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %flat = nnc.reshape %x_t shape = [-1, 4] : (tensor<?x1x4xf32>) -> tensor<?x4xf32>
    %sum = nnc.add %product, %flat : tensor<?x4xf32>
    %next = nnc.tanh %sum : tensor<?x4xf32>
    nnc.yield %next, %sum : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %all : tensor<5x?x4xf32>
}

// -----

// What is carried is one for all samples: their blocks would have to agree.
// CHECK-LABEL: func.func @counted(
// CHECK:         nnc.launch @add_scalar
// CHECK:         nnc.launch @mul_Bx4
func.func @counted(%begin: tensor<?x4xf32>, %one: tensor<f32>) -> tensor<?x4xf32> {
  %h, %n = nnc.scan carried(%s = %begin, %i = %one) with(%more = %one) steps = 5
      : (tensor<?x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<?x4xf32>, tensor<f32>) {
    %count = nnc.add %i, %more : tensor<f32>
    %next = nnc.mul %s, %count : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
    nnc.yield %next, %count : tensor<?x4xf32>, tensor<f32>
  }
  return %h : tensor<?x4xf32>
}

// -----

// A sum over samples.
// CHECK-LABEL: func.func @mixed(
// CHECK:         nnc.launch @sum_Bx4
// CHECK:         nnc.launch @add_Bx4
func.func @mixed(%begin: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %h = nnc.scan carried(%s = %begin) steps = 5 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
    %total = nnc.sum %s axes = [0] keep_dims = true : (tensor<?x4xf32>) -> tensor<1x4xf32>
    %next = nnc.add %s, %total : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    nnc.yield %next : tensor<?x4xf32>
  }
  return %h : tensor<?x4xf32>
}

// -----

// A megabyte of weights: products of all samples read it once a step.
// CHECK-LABEL: func.func @large(
// CHECK:         nnc.launch @matmul_Bx512x512
// CHECK:         nnc.launch @tanh_Bx512
func.func @large(%begin: tensor<?x512xf32>, %w: tensor<512x512xf32>) -> tensor<?x512xf32> {
  %h = nnc.scan carried(%s = %begin) with(%u = %w) steps = 5
      : (tensor<?x512xf32>, tensor<512x512xf32>) -> tensor<?x512xf32> {
    %product = nnc.matmul %s, %u : (tensor<?x512xf32>, tensor<512x512xf32>) -> tensor<?x512xf32>
    %next = nnc.tanh %product : tensor<?x512xf32>
    nnc.yield %next : tensor<?x512xf32>
  }
  return %h : tensor<?x512xf32>
}

// -----

// The other direction needs nothing of the first: what it reads comes before both.
// CHECK-LABEL: func.func @directions(
// CHECK:         nnc.launch @mul_5xBx4
// CHECK-NEXT:    nnc.scan
// CHECK:         nnc.scan {{.*}} reverse attributes {nnc.beside}
// CHECK:         nnc.launch @exp_Bx4
func.func @directions(%x: tensor<5x?x4xf32>, %begin: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %first = nnc.scan carried(%s = %begin) over(%x_t = %x) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> tensor<?x4xf32> {
    %next = nnc.sub %x_t, %s : tensor<?x4xf32>
    nnc.yield %next : tensor<?x4xf32>
  }
  %more = nnc.exp %first : tensor<?x4xf32>
  %square = nnc.mul %x, %x : tensor<5x?x4xf32>
  %second = nnc.scan carried(%s = %begin) over(%x_t = %square) steps = 5 reverse
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> tensor<?x4xf32> {
    %next = nnc.sub %x_t, %s : tensor<?x4xf32>
    nnc.yield %next : tensor<?x4xf32>
  }
  return %more, %second : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// The second goes on where the first ends.
// CHECK-LABEL: func.func @layers(
// CHECK-NOT:     nnc.beside
func.func @layers(%x: tensor<5x?x4xf32>, %begin: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %first = nnc.scan carried(%s = %begin) over(%x_t = %x) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> tensor<?x4xf32> {
    %next = nnc.sub %x_t, %s : tensor<?x4xf32>
    nnc.yield %next : tensor<?x4xf32>
  }
  %second = nnc.scan carried(%s = %first) over(%x_t = %x) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> tensor<?x4xf32> {
    %next = nnc.sub %x_t, %s : tensor<?x4xf32>
    nnc.yield %next : tensor<?x4xf32>
  }
  return %second : tensor<?x4xf32>
}
