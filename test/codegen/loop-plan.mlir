// What becomes of a loop's values: slices and kept values where they lie, a
// carried value in a slot a step, in two in turn, or in place.
// RUN: nnc-opt %s --split-input-file --nnc-outline-kernels --nnc-lower-to-linalg --nnc-print-memory-plan=max-batch=8 -o /dev/null | FileCheck %s

// The new value goes to the slot behind the one that is read; the list of all
// new values begins one slot behind the list of all old ones.
// CHECK-LABEL: keeps_each_value_once:
// CHECK-NEXT:  copy input 0 + 0 to arena + [[H:[0-9]+]]
// CHECK-NEXT:  loop 5 steps, a step:
// CHECK-NEXT:    add_Bx4.reference(arena + [[H]] [slot step + 0 of 6], input 1 + 0 [slot step + 0 of 5], arena + [[H]] [slot step + 1 of 6])
// CHECK-NEXT:  copy arena + [[H]] [slot 5 of 6] to
// CHECK-NEXT:  copy arena + [[H]] [slot 1 of 6] to
// CHECK:       output arena + [[H]]
func.func @keeps_each_value_once(%h0: tensor<?x4xf32>, %x: tensor<5x?x4xf32>)
    -> (tensor<?x4xf32>, tensor<5x?x4xf32>, tensor<5x?x4xf32>) {
  %last, %after, %before = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = 5
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> (tensor<?x4xf32>, tensor<5x?x4xf32>, tensor<5x?x4xf32>) {
    %0 = nnc.add %h, %x_t : tensor<?x4xf32>
    nnc.yield %0, %0, %h : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %last, %after, %before : tensor<?x4xf32>, tensor<5x?x4xf32>, tensor<5x?x4xf32>
}

// -----

// Where steps fall, so do the slots.
// CHECK-LABEL: goes_backwards:
// CHECK-NEXT:  copy input 0 + 0 to arena + [[H:[0-9]+]] [slot 5 of 6]
// CHECK-NEXT:  loop 5 steps backwards, a step:
// CHECK-NEXT:    add_Bx4.reference(arena + [[H]] [slot step + 1 of 6], input 1 + 0 [slot step + 0 of 5], arena + [[H]] [slot step + 0 of 6])
// CHECK-NEXT:  output arena + [[H]]
// CHECK-NEXT:  output arena + [[H]]
func.func @goes_backwards(%h0: tensor<?x4xf32>, %x: tensor<5x?x4xf32>)
    -> (tensor<?x4xf32>, tensor<5x?x4xf32>) {
  %last, %after = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = 5 reverse
      : (tensor<?x4xf32>, tensor<5x?x4xf32>) -> (tensor<?x4xf32>, tensor<5x?x4xf32>) {
    %0 = nnc.add %h, %x_t : tensor<?x4xf32>
    nnc.yield %0, %0 : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %last, %after : tensor<?x4xf32>, tensor<5x?x4xf32>
}

// -----

// The plain form of a product never writes where it reads: what it reads is
// needed to the end.
// CHECK-LABEL: writes_and_reads_in_turn:
// CHECK-NEXT:  copy input 0 + 0 to arena + [[H:[0-9]+]]
// CHECK-NEXT:  loop 5 steps, a step:
// CHECK-NEXT:    matmul_Bx4x4.reference(arena + [[H]] [slot step + 0 of 2], input 1 + 0, arena + [[H]] [slot step + 1 of 2])
// CHECK-NEXT:  output arena + 128
func.func @writes_and_reads_in_turn(%h0: tensor<?x4xf32>, %w: tensor<4x4xf32>)
    -> tensor<?x4xf32> {
  %last = nnc.scan carried(%h = %h0) with(%w_ = %w) steps = 5
      : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
    %0 = nnc.matmul %h, %w_ : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    nnc.yield %0 : tensor<?x4xf32>
  }
  return %last : tensor<?x4xf32>
}

// -----

// What only arguments make is copied when all have read theirs.
// CHECK-LABEL: copies_arguments:
// CHECK:       loop 5 steps, a step:
// CHECK-NEXT:    add_Bx4.reference(arena + [[A:[0-9]+]] [slot step + 0 of 2], arena + [[B:[0-9]+]] [slot step + 0 of 6], arena + [[B]] [slot step + 1 of 6])
// CHECK-NEXT:    copy arena + [[B]] [slot step + 0 of 6] to arena + [[A]] [slot step + 1 of 2]
// CHECK-NEXT:  output
func.func @copies_arguments(%a0: tensor<?x4xf32>, %b0: tensor<?x4xf32>)
    -> tensor<5x?x4xf32> {
  %a, %b, %all = nnc.scan carried(%u = %a0, %v = %b0) steps = 5
      : (tensor<?x4xf32>, tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<5x?x4xf32>) {
    %0 = nnc.add %u, %v : tensor<?x4xf32>
    nnc.yield %v, %0, %v : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %all : tensor<5x?x4xf32>
}

// -----

// A kernel of what is the same at each step runs once.
// CHECK-LABEL: computes_weights_once:
// CHECK-NEXT:  copy
// CHECK-NEXT:  mul_4x4.reference(input 1 + 0, arena + [[W:[0-9]+]])
// CHECK-NEXT:  loop 5 steps, a step:
// CHECK-NEXT:    matmul_Bx4x4.reference({{.*}}, arena + [[W]],
func.func @computes_weights_once(%h0: tensor<?x4xf32>, %w: tensor<4x4xf32>)
    -> tensor<?x4xf32> {
  %last = nnc.scan carried(%h = %h0) with(%w_ = %w) steps = 5
      : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
    %0 = nnc.mul %w_, %w_ : tensor<4x4xf32>
    %1 = nnc.matmul %h, %0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    nnc.yield %1 : tensor<?x4xf32>
  }
  return %last : tensor<?x4xf32>
}
