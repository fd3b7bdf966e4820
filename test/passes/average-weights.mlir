// RUN: nnc-opt %s --nnc-average-weights --split-input-file | FileCheck %s

// CHECK-LABEL: @moves_the_averages_of_what_is_assigned
// CHECK-SAME:    %[[NEW:.*]]: tensor<4xf32>
// CHECK-DAG:     %[[OLD:.*]] = nnc.read @w.average
// CHECK-DAG:     nnc.read @step
// CHECK:         nnc.assign @w, %[[NEW]]
// CHECK:         nnc.expm1
// CHECK:         %[[WEIGHT:.*]] = nnc.select
// CHECK:         %[[KEPT:.*]] = nnc.mul %[[OLD]]
// CHECK:         %[[MORE:.*]] = nnc.mul %[[NEW]], %[[WEIGHT]]
// CHECK:         %[[AVERAGE:.*]] = nnc.add %[[KEPT]], %[[MORE]]
// CHECK:         nnc.assign @w.average, %[[AVERAGE]]
// CHECK-NOT:     nnc.assign
// What only accumulates has changed no weight, and a gradient leaves state as it is.
// CHECK-LABEL: func.func @accumulate_step
// CHECK-NOT:     @w.average
// CHECK-LABEL: func.func @gradients
// CHECK-NOT:     nnc.assign @w.average
module attributes {nnc.recipe = #nnc.recipe<{average = {name = "exponential", decay = 0.5}}>} {
  nnc.parameter @w : tensor<4xf32> = <zeros>
  nnc.parameter @b : tensor<f32> = <zeros>
  nnc.parameter @w.average : tensor<4xf32> = <zeros> {nnc.average_of = @w, nnc.counters = [@step], role = #nnc.role<optimizer_state>}
  nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  func.func @moves_the_averages_of_what_is_assigned(%new: tensor<4xf32>, %b: tensor<f32>) attributes {nnc.training} {
    nnc.assign @w, %new : tensor<4xf32>
    nnc.assign @b, %b : tensor<f32>
    return
  }
  func.func @accumulate_step(%new: tensor<4xf32>) attributes {nnc.accumulates, nnc.training} {
    nnc.assign @w, %new : tensor<4xf32>
    return
  }
  func.func @gradients(%new: tensor<4xf32>) attributes {nnc.training, nnc.state_stays} {
    nnc.assign @w, %new : tensor<4xf32>
    return
  }
}

// -----

// A mean in which all count alike, from half of the run on; before that is known, what is
// copied.
// CHECK-LABEL: @begins_when_the_run_says
// CHECK-DAG:     %[[WHOLE:.*]] = nnc.read @run_steps
// CHECK-DAG:     nnc.read @step
// CHECK:         nnc.round
// CHECK-NOT:     nnc.expm1
// CHECK:         nnc.assign @w.average
module attributes {nnc.recipe = #nnc.recipe<{average = {name = "uniform", from = "0.5 run"}}>} {
  nnc.parameter @w : tensor<4xf32> = <zeros>
  nnc.parameter @w.average : tensor<4xf32> = <zeros> {nnc.average_of = @w, nnc.counters = [@step], role = #nnc.role<optimizer_state>}
  nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  nnc.parameter @run_steps : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  func.func @begins_when_the_run_says(%new: tensor<4xf32>) attributes {nnc.training} {
    nnc.assign @w, %new : tensor<4xf32>
    return
  }
}

// -----

// What two steps update: its average counts the updates of both.
// CHECK-LABEL: @counts_all_updates
// CHECK-DAG:     %[[ONE:.*]] = nnc.read @one.step
// CHECK-DAG:     %[[TWO:.*]] = nnc.read @two.step
// CHECK-DAG:     %[[RUN_ONE:.*]] = nnc.read @one.run_steps
// CHECK-DAG:     %[[RUN_TWO:.*]] = nnc.read @two.run_steps
// CHECK-DAG:     %[[FIRST:.*]] = nnc.cast %[[ONE]]
// CHECK-DAG:     %[[SECOND:.*]] = nnc.cast %[[TWO]]
// CHECK:         nnc.add %[[FIRST]], %[[SECOND]]
// CHECK:         nnc.assign @w.average
module attributes {nnc.recipe = #nnc.recipe<{average = {name = "uniform", from = "0.5 run"}}>} {
  nnc.parameter @w : tensor<4xf32> = <zeros>
  nnc.parameter @w.average : tensor<4xf32> = <zeros> {nnc.average_of = @w, nnc.counters = [@one.step, @two.step], role = #nnc.role<optimizer_state>}
  nnc.parameter @one.step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  nnc.parameter @two.step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  nnc.parameter @one.run_steps : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  nnc.parameter @two.run_steps : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
  func.func @counts_all_updates(%new: tensor<4xf32>) attributes {nnc.training} {
    nnc.assign @w, %new : tensor<4xf32>
    return
  }
}
