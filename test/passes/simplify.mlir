// RUN: nnc-opt %s --nnc-simplify | FileCheck %s

// CHECK-LABEL: @squares_by_multiplying
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>
// CHECK:         %[[Y:.*]] = nnc.mul %[[X]], %[[X]]
// CHECK:         return %[[Y]]
func.func @squares_by_multiplying(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = nnc.constant dense<2.0> : tensor<f32>
  %y = nnc.pow %x, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// x * x * x would round twice.
// CHECK-LABEL: @keeps_higher_powers
// CHECK:         nnc.pow
func.func @keeps_higher_powers(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = nnc.constant dense<3.0> : tensor<f32>
  %y = nnc.pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @multiplies_by_exact_reciprocals
// CHECK:         nnc.constant dense<2.5{{.*}}e-01>
// CHECK:         nnc.mul
func.func @multiplies_by_exact_reciprocals(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = nnc.constant dense<4.0> : tensor<f32>
  %y = nnc.div %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// 1 / 255 is not a float: x * (1 / 255) has other bits than x / 255.
// CHECK-LABEL: @keeps_other_divisions
// CHECK:         nnc.div
func.func @keeps_other_divisions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = nnc.constant dense<255.0> : tensor<f32>
  %y = nnc.div %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @takes_signs_into_differences
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>
// CHECK-NEXT:    %[[Z:.*]] = nnc.sub %[[X]], %[[Y]]
// CHECK-NEXT:    return %[[Z]]
func.func @takes_signs_into_differences(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nnc.neg %y : tensor<4xf32>
  %1 = nnc.add %0, %x : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @reads_transposed_operands
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<3x4xf32>
// CHECK-NEXT:    %[[Y:.*]] = nnc.matmul %[[X]], %[[W]] transpose_rhs = true
// CHECK-NEXT:    return %[[Y]]
func.func @reads_transposed_operands(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) -> tensor<?x3xf32> {
  %t = nnc.transpose %w : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %y = nnc.matmul %x, %t : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// The dimension moved is not one of the two that a matmul can read either way.
// CHECK-LABEL: @keeps_other_transposes
// CHECK:         nnc.transpose
func.func @keeps_other_transposes(%x: tensor<2x5x4xf32>, %w: tensor<4x2x3xf32>) -> tensor<2x5x3xf32> {
  %t = nnc.transpose %w permutation = [1, 0, 2] : (tensor<4x2x3xf32>) -> tensor<2x4x3xf32>
  %y = nnc.matmul %x, %t : (tensor<2x5x4xf32>, tensor<2x4x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// mul stretches its operand by itself.
// CHECK-LABEL: @drops_broadcasts_that_another_operand_implies
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>, %[[S:.*]]: tensor<f32>
// CHECK-NEXT:    %[[Y:.*]] = nnc.mul %[[S]], %[[X]] : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @drops_broadcasts_that_another_operand_implies(%x: tensor<?x4xf32>, %s: tensor<f32>) -> tensor<?x4xf32> {
  %0 = nnc.broadcast %s shape = [-1, 4] : (tensor<f32>) -> tensor<?x4xf32>
  %y = nnc.mul %0, %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// One element is negated, not 4 a sample.
// CHECK-LABEL: @computes_before_it_stretches
// CHECK-SAME:    %[[S:.*]]: tensor<f32>
// CHECK-NEXT:    %[[NEG:.*]] = nnc.neg %[[S]] : tensor<f32>
// CHECK-NEXT:    %[[Y:.*]] = nnc.broadcast %[[NEG]] shape = [-1, 4]
// CHECK-NEXT:    return %[[Y]]
func.func @computes_before_it_stretches(%s: tensor<f32>) -> tensor<?x4xf32> {
  %0 = nnc.broadcast %s shape = [-1, 2, 2] : (tensor<f32>) -> tensor<?x2x2xf32>
  %1 = nnc.reshape %0 shape = [-1, 4] : (tensor<?x2x2xf32>) -> tensor<?x4xf32>
  %y = nnc.neg %1 : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// A contraction does not stretch what it reads.
// CHECK-LABEL: @keeps_broadcasts_that_others_need
// CHECK:         nnc.broadcast
// CHECK:         nnc.matmul
func.func @keeps_broadcasts_that_others_need(%x: tensor<1x4xf32>, %w: tensor<4x2xf32>) -> tensor<3x2xf32> {
  %0 = nnc.broadcast %x shape = [3, 4] : (tensor<1x4xf32>) -> tensor<3x4xf32>
  %y = nnc.matmul %0, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// CHECK-LABEL: @sums_in_the_type_that_is_wanted
// CHECK:         %[[W:.*]] = nnc.cast %{{.*}} to = f32 : (tensor<?x4xbf16>) -> tensor<?x4xf32>
// CHECK:         %[[S:.*]] = nnc.sum %[[W]] axes = [0] : (tensor<?x4xf32>) -> tensor<4xf32>
// CHECK:         return %[[S]]
func.func @sums_in_the_type_that_is_wanted(%x: tensor<?x4xbf16>) -> tensor<4xf32> {
  %s = nnc.sum %x axes = [0] : (tensor<?x4xbf16>) -> tensor<4xbf16>
  %y = nnc.cast %s to = f32 : (tensor<4xbf16>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Two sums would be computed in place of one.
// CHECK-LABEL: @keeps_a_sum_that_is_wanted_as_it_is
// CHECK:         nnc.sum %{{.*}} -> tensor<4xbf16>
// CHECK:         nnc.cast
func.func @keeps_a_sum_that_is_wanted_as_it_is(%x: tensor<?x4xbf16>) -> (tensor<4xbf16>, tensor<4xf32>) {
  %s = nnc.sum %x axes = [0] : (tensor<?x4xbf16>) -> tensor<4xbf16>
  %y = nnc.cast %s to = f32 : (tensor<4xbf16>) -> tensor<4xf32>
  return %s, %y : tensor<4xbf16>, tensor<4xf32>
}

// Gradients of the parts that a tensor was split into.
// CHECK-LABEL: @joins_disjoint_parts
// CHECK-SAME:  (%[[Q:.*]]: tensor<?x4xf32>, %[[K:.*]]: tensor<?x4xf32>, %[[V:.*]]: tensor<?x4xf32>)
// CHECK-NEXT:  %[[Y:.*]] = nnc.concat %[[Q]], %[[K]], %[[V]] axis = 1
// CHECK-NEXT:  return %[[Y]]
func.func @joins_disjoint_parts(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>) -> tensor<?x12xf32> {
  %0 = nnc.pad %v low = [0, 8] high = [0, 0] : (tensor<?x4xf32>) -> tensor<?x12xf32>
  %1 = nnc.pad %q low = [0, 0] high = [0, 8] : (tensor<?x4xf32>) -> tensor<?x12xf32>
  %2 = nnc.pad %k low = [0, 4] high = [0, 4] : (tensor<?x4xf32>) -> tensor<?x12xf32>
  %3 = nnc.add %0, %1 : tensor<?x12xf32>
  %4 = nnc.add %3, %2 : tensor<?x12xf32>
  return %4 : tensor<?x12xf32>
}

// CHECK-LABEL: @puts_zeros_between_and_around_parts
// CHECK-SAME:  (%[[A:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<2x3xf32>, %[[C:.*]]: tensor<9x3xf32>)
// CHECK:       %[[GAP:.*]] = nnc.constant dense<0.000000e+00> : tensor<3x3xf32>
// CHECK:       %[[ALL:.*]] = nnc.concat %[[A]], %[[GAP]], %[[B]] axis = 0
// CHECK:       %[[WIDE:.*]] = nnc.pad %[[ALL]] low = [1, 0] high = [1, 0]
// CHECK:       %[[SUM:.*]] = nnc.add %[[C]], %[[WIDE]]
// CHECK:       return %[[SUM]]
func.func @puts_zeros_between_and_around_parts(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>, %c: tensor<9x3xf32>) -> tensor<9x3xf32> {
  %0 = nnc.pad %a low = [1, 0] high = [6, 0] : (tensor<2x3xf32>) -> tensor<9x3xf32>
  %1 = nnc.add %0, %c : tensor<9x3xf32>
  %2 = nnc.pad %b low = [6, 0] high = [1, 0] : (tensor<2x3xf32>) -> tensor<9x3xf32>
  %3 = nnc.add %1, %2 : tensor<9x3xf32>
  return %3 : tensor<9x3xf32>
}

// CHECK-LABEL: @keeps_parts_that_overlap
// CHECK:       nnc.pad
// CHECK:       nnc.pad
// CHECK:       nnc.add
func.func @keeps_parts_that_overlap(%a: tensor<5xf32>, %b: tensor<5xf32>) -> tensor<9xf32> {
  %0 = nnc.pad %a low = [0] high = [4] : (tensor<5xf32>) -> tensor<9xf32>
  %1 = nnc.pad %b low = [4] high = [0] : (tensor<5xf32>) -> tensor<9xf32>
  %2 = nnc.add %0, %1 : tensor<9xf32>
  return %2 : tensor<9xf32>
}

// Of what an embedding gives time first, only the numbers are transposed.
// CHECK-LABEL: @gathers_rows_in_another_order
// CHECK-SAME:  (%[[TABLE:.*]]: tensor<9x4xf32>, %[[WORDS:.*]]: tensor<?x5xi32>)
// CHECK-NEXT:  %[[TURNED:.*]] = nnc.transpose %[[WORDS]] permutation = [1, 0]
// CHECK-NEXT:  %[[Y:.*]] = nnc.gather %[[TABLE]], %[[TURNED]]
// CHECK-NEXT:  return %[[Y]]
func.func @gathers_rows_in_another_order(%table: tensor<9x4xf32>, %words: tensor<?x5xi32>) -> tensor<5x?x4xf32> {
  %0 = nnc.gather %table, %words : (tensor<9x4xf32>, tensor<?x5xi32>) -> tensor<?x5x4xf32>
  %1 = nnc.transpose %0 permutation = [1, 0, 2] : (tensor<?x5x4xf32>) -> tensor<5x?x4xf32>
  return %1 : tensor<5x?x4xf32>
}

// CHECK-LABEL: @keeps_rows_that_others_read
// CHECK:       nnc.gather
// CHECK-NEXT:  nnc.transpose {{.*}} : (tensor<?x5x4xf32>)
func.func @keeps_rows_that_others_read(%table: tensor<9x4xf32>, %words: tensor<?x5xi32>) -> (tensor<5x?x4xf32>, tensor<?x5x4xf32>) {
  %0 = nnc.gather %table, %words : (tensor<9x4xf32>, tensor<?x5xi32>) -> tensor<?x5x4xf32>
  %1 = nnc.transpose %0 permutation = [1, 0, 2] : (tensor<?x5x4xf32>) -> tensor<5x?x4xf32>
  return %1, %0 : tensor<5x?x4xf32>, tensor<?x5x4xf32>
}

// CHECK-LABEL: @keeps_rows_that_are_transposed
// CHECK:       nnc.gather
// CHECK-NEXT:  nnc.transpose {{.*}} : (tensor<?x5x4xf32>)
func.func @keeps_rows_that_are_transposed(%table: tensor<9x4xf32>, %words: tensor<?x5xi32>) -> tensor<?x4x5xf32> {
  %0 = nnc.gather %table, %words : (tensor<9x4xf32>, tensor<?x5xi32>) -> tensor<?x5x4xf32>
  %1 = nnc.transpose %0 permutation = [0, 2, 1] : (tensor<?x5x4xf32>) -> tensor<?x4x5xf32>
  return %1 : tensor<?x4x5xf32>
}

// CHECK-LABEL: @adds_rows_in_another_order
// CHECK-SAME:  (%[[WORDS:.*]]: tensor<?x5x3xi32>, %[[ROWS:.*]]: tensor<5x3x?x4xf32>)
// CHECK-NEXT:  %[[TURNED:.*]] = nnc.transpose %[[WORDS]] permutation = [1, 2, 0]
// CHECK-NEXT:  %[[Y:.*]] = nnc.scatter_add %[[TURNED]], %[[ROWS]] size = 9
// CHECK-NEXT:  return %[[Y]]
func.func @adds_rows_in_another_order(%words: tensor<?x5x3xi32>, %rows: tensor<5x3x?x4xf32>) -> tensor<9x4xf32> {
  %0 = nnc.transpose %rows permutation = [2, 0, 1, 3] : (tensor<5x3x?x4xf32>) -> tensor<?x5x3x4xf32>
  %1 = nnc.scatter_add %words, %0 size = 9 : (tensor<?x5x3xi32>, tensor<?x5x3x4xf32>) -> tensor<9x4xf32>
  return %1 : tensor<9x4xf32>
}
