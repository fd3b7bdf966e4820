// Weights that a loop captures are packed once, before it; threads take samples
// through its steps.
// RUN: nnc compile %s --target cpu:x86-64-v4 --quiet -o %t.plan
// RUN: nnc inspect %t.plan | FileCheck %s
// RUN: nnc compile %s --target cpu:x86-64-v4 --emit linalg | FileCheck %s --check-prefix=LINALG

// CHECK:      predict: 4 commands
// CHECK:      copy
// CHECK-NEXT: matmul_add_tanh_Bx256x256.pack_rhs
// CHECK-NEXT: loop 9 steps, a step: (each thread takes its samples through all)
// CHECK-NEXT: matmul_add_tanh_Bx256x256.compute
// CHECK-NOT:  copy
// LINALG:     func.func private @matmul_add_tanh_Bx256x256(%{{.*}}: index, %{{.*}}: tensor<?x256xf32>, %{{.*}}: tensor<256x256xf32> {nnc.invariant},
nnc.model @cell(%h0: tensor<?x256xf32> {nnc.name = "h0"}, %x: tensor<9x?x256xf32> {nnc.name = "x"},
                %w: tensor<256x256xf32> {nnc.name = "w"}) attributes {batch = 32 : i64} {
  %last = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%w_ = %w) steps = 9
      : (tensor<?x256xf32>, tensor<9x?x256xf32>, tensor<256x256xf32>) -> tensor<?x256xf32> {
    %0 = nnc.matmul %h, %w_ : (tensor<?x256xf32>, tensor<256x256xf32>) -> tensor<?x256xf32>
    %1 = nnc.add %0, %x_t : tensor<?x256xf32>
    %2 = nnc.tanh %1 : tensor<?x256xf32>
    nnc.yield %2 : tensor<?x256xf32>
  }
  nnc.output "last" %last : tensor<?x256xf32>
}
