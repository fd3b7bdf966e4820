// RUN: nnc-opt %s --nnc-add-optimizer --split-input-file | FileCheck %s

// CHECK:       nnc.parameter @w : tensor<4xf32>
// CHECK:       nnc.parameter @w.velocity : tensor<4xf32> = <zeros> {role = #nnc.role<optimizer_state>}
// CHECK-LABEL: func.func @init
// CHECK:         %[[ZEROS:.*]] = nnc.broadcast
// CHECK:         nnc.assign @w.velocity, %[[ZEROS]]
// CHECK-LABEL: func.func @train_step
// CHECK-DAG:     %[[W:.*]] = nnc.read @w :
// CHECK-DAG:     %[[RATE:.*]] = nnc.read @learning_rate
// CHECK-DAG:     %[[STEP:.*]] = nnc.read @step
// CHECK-DAG:     %[[V:.*]] = nnc.read @w.velocity
// CHECK:         %[[NEW:.*]], %[[NEWV:.*]] = nnc.momentum %[[W]], %{{.*}}, %[[RATE]], %[[STEP]], %[[V]] momentum = 5.0{{.*}}e-01
// CHECK-NOT:     nnc.optimize
// CHECK:         nnc.assign @w, %[[NEW]]
// CHECK:         nnc.assign @w.velocity, %[[NEWV]]
// CHECK:         %[[NEXT:.*]] = nnc.add %[[STEP]], %{{.*}} : tensor<i64>
// CHECK:         nnc.assign @step, %[[NEXT]]
// CHECK-NEXT:    return
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @init() {
  return
}
func.func @train_step(%dw: tensor<4xf32>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "momentum", momentum = 0.5}, learning_rate = 0.1} : tensor<4xf32>
  return
}

// -----

// The norm is that of all gradients together, after their values were clipped.
// CHECK-LABEL: @clips_values_then_the_norm
// CHECK-SAME:    %[[DW:.*]]: tensor<4xf32>, %[[DB:.*]]: tensor<f32>
// CHECK:         %[[CW:.*]] = nnc.clamp %[[DW]] min = -5.0{{.*}}e-01 max = 5.0{{.*}}e-01
// CHECK:         %[[CB:.*]] = nnc.clamp %[[DB]] min = -5.0{{.*}}e-01 max = 5.0{{.*}}e-01
// CHECK:         %[[SQW:.*]] = nnc.mul %[[CW]], %[[CW]]
// CHECK:         %[[SW:.*]] = nnc.sum %[[SQW]]
// CHECK:         %[[SQB:.*]] = nnc.mul %[[CB]], %[[CB]]
// CHECK:         %[[SB:.*]] = nnc.sum %[[SQB]]
// CHECK:         %[[SQUARES:.*]] = nnc.add %[[SW]], %[[SB]]
// CHECK:         %[[NORM:.*]] = nnc.sqrt %[[SQUARES]]
// CHECK:         %[[BOUND:.*]] = nnc.maximum %[[NORM]], %[[LIMIT:.*]] :
// CHECK:         %[[SCALE:.*]] = nnc.div %{{.*}}, %[[BOUND]]
// CHECK:         %[[GW:.*]] = nnc.mul %[[CW]], %[[SCALE]]
// CHECK:         %[[GB:.*]] = nnc.mul %[[CB]], %[[SCALE]]
// CHECK:         nnc.sgd %{{.*}}, %[[GW]]
// CHECK:         nnc.sgd %{{.*}}, %[[GB]]
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @b : tensor<f32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @clips_values_then_the_norm(%dw: tensor<4xf32>, %db: tensor<f32>) {
  nnc.optimize [@w, @b] with(%dw, %db) {optimizer = {name = "sgd"}, learning_rate = 0.1, clip_value = 0.5, clip_norm = 1.0} : tensor<4xf32>, tensor<f32>
  return
}

// -----

// Gradients of several types have one norm, in the widest of them; each is scaled in
// its own.
// CHECK-LABEL: @has_one_norm_of_all_types
// CHECK-SAME:    %[[DW:.*]]: tensor<4xf16>, %[[DB:.*]]: tensor<3xf64>
// CHECK:         %[[W:.*]] = nnc.cast %[[DW]] to = f64
// CHECK:         nnc.mul %[[W]], %[[W]] : tensor<4xf64>
// CHECK:         nnc.mul %[[DB]], %[[DB]] : tensor<3xf64>
// CHECK:         %[[SCALE:.*]] = nnc.div %{{.*}} : tensor<f64>
// CHECK:         %[[NARROW:.*]] = nnc.cast %[[SCALE]] to = f16
// CHECK:         nnc.mul %[[DW]], %[[NARROW]]
// CHECK:         nnc.mul %[[DB]], %[[SCALE]]
nnc.parameter @w : tensor<4xf16> = <zeros>
nnc.parameter @b : tensor<3xf64> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f64> = <zeros> {role = #nnc.role<scalar>}
func.func @has_one_norm_of_all_types(%dw: tensor<4xf16>, %db: tensor<3xf64>) {
  nnc.optimize [@w, @b] with(%dw, %db) {optimizer = {name = "sgd"}, learning_rate = 0.1, clip_norm = 1.0} : tensor<4xf16>, tensor<3xf64>
  return
}

// -----

// A limit beyond the type limits nothing.
// CHECK-LABEL: @limits_within_the_type
// CHECK:         nnc.clamp %{{.*}} min = -6.5504{{0*}}e+04 max = 6.5504{{0*}}e+04 : tensor<4xf16>
// CHECK:         nnc.constant dense<3.40282347E+38> : tensor<f32>
nnc.parameter @w : tensor<4xf16> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @limits_within_the_type(%dw: tensor<4xf16>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1, clip_value = 1.0e5, clip_norm = 1.0e40} : tensor<4xf16>
  return
}

// -----

// CHECK-LABEL: @puts_the_learning_rate_on_its_schedule
// CHECK-DAG:     %[[BASE:.*]] = nnc.read @learning_rate
// CHECK-DAG:     %[[STEP:.*]] = nnc.read @step
// CHECK:         %[[RATE:.*]] = nnc.cosine %[[BASE]], %[[STEP]]
// CHECK:         nnc.sgd %{{.*}}, %{{.*}}, %[[RATE]], %[[STEP]]

// Who asks for it gets the rate of the step that is done.
// CHECK-LABEL: func.func @scheduled_rate() -> (tensor<f32> {nnc.name = "learning_rate", nnc.result = "metric"})
// CHECK-DAG:     %[[BASE:.*]] = nnc.read @learning_rate
// CHECK-DAG:     %[[COUNT:.*]] = nnc.read @step
// CHECK:         %[[BEFORE:.*]] = nnc.sub %[[COUNT]]
// CHECK:         %[[STEP:.*]] = nnc.maximum %[[BEFORE]]
// CHECK:         %[[RATE:.*]] = nnc.cosine %[[BASE]], %[[STEP]]
// CHECK:         return %[[RATE]]
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @puts_the_learning_rate_on_its_schedule(%dw: tensor<4xf32>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = {name = "cosine", base = 0.1, warmup = 10, total = 100}} : tensor<4xf32>
  return
}

// -----

// Each update has its own counter, rate, schedule and clipping. @step counts what
// they make together.
// CHECK-LABEL: @updates_apart
// CHECK-SAME:    %[[DW:.*]]: tensor<4xf32>, %[[DB:.*]]: tensor<3xf32>
// CHECK-DAG:     %[[RATE:.*]] = nnc.read @learning_rate
// CHECK-DAG:     %[[STEP:.*]] = nnc.read @step
// CHECK-DAG:     %[[BASE:.*]] = nnc.read @head.learning_rate
// CHECK-DAG:     %[[COUNT:.*]] = nnc.read @head.step
// CHECK-NOT:     nnc.mul %[[DW]], %[[DW]]
// CHECK:         nnc.sgd %{{.*}}, %[[DW]], %[[RATE]], %[[STEP]]
// CHECK:         %[[HEAD:.*]] = nnc.cosine %[[BASE]], %[[COUNT]]
// CHECK:         nnc.mul %[[DB]], %[[DB]]
// CHECK:         nnc.momentum %{{.*}}, %{{.*}}, %[[HEAD]], %[[COUNT]]
// CHECK:         nnc.assign @step, %{{.*}}
// CHECK:         nnc.assign @head.step, %{{.*}}
// CHECK-NOT:     nnc.assign @{{.*}}step

// What is on a schedule is asked for by the name of its scalar.
// CHECK-LABEL: func.func @scheduled_rate() -> (tensor<f32> {nnc.name = "head.learning_rate", nnc.result = "metric"})
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @b : tensor<3xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @head.step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @head.learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @updates_apart(%dw: tensor<4xf32>, %db: tensor<3xf32>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1} : tensor<4xf32>
  nnc.optimize [@b] with(%db) {counter = @head.step, rate = @head.learning_rate, optimizer = {name = "momentum"}, learning_rate = {name = "cosine", base = 0.1, total = 100}, clip_norm = 1.0} : tensor<3xf32>
  return
}

// -----

// A group scales the rate of its parameters, sets their decay, or gives them another
// optimizer with slots of its own; the last that says something holds.
// CHECK-DAG:   nnc.parameter @w.velocity : tensor<4xf32>
// CHECK-DAG:   nnc.parameter @e.row : tensor<3x1xf32>
// CHECK-DAG:   nnc.parameter @e.column : tensor<1x2xf32>
// CHECK-NOT:   nnc.parameter @e.velocity
// CHECK-LABEL: @has_groups
// CHECK:         nnc.momentum {{.*}} weight_decay = 5.{{0*}}e-01
// CHECK:         %[[SCALED:.*]] = nnc.mul %{{.*}} : tensor<f32>
// CHECK:         nnc.momentum {{.*}} %[[SCALED]]
// CHECK-NOT:     weight_decay
// CHECK:         nnc.adafactor
// CHECK-LABEL: func.func @scheduled_rate() -> (tensor<f32> {nnc.name = "b,c.learning_rate", nnc.result = "metric"})
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @b : tensor<3xf32> = <zeros>
nnc.parameter @c : tensor<3xf32> = <zeros>
nnc.parameter @e : tensor<3x2xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
func.func @has_groups(%dw: tensor<4xf32>, %db: tensor<3xf32>, %de: tensor<3x2xf32>) {
  nnc.optimize [@w, @b, @e] with(%dw, %db, %de) {optimizer = {name = "momentum", weight_decay = 0.5}, learning_rate = 0.1, groups = [
    {parameters = ["b", "c"], rate = 0.25, weight_decay = 0.25}, {parameters = ["b"], weight_decay = 0.0},
    {parameters = ["e"], optimizer = {name = "adafactor"}}]} : tensor<4xf32>, tensor<3xf32>, tensor<3x2xf32>
  return
}

// -----

// Of a run's length only the run knows.
// CHECK-LABEL: @asks_how_long_the_run_is
// CHECK-DAG:     %[[EPOCH:.*]] = nnc.read @steps_per_epoch
// CHECK-DAG:     %[[WHOLE:.*]] = nnc.read @run_steps
// CHECK:         nnc.cosine %{{.*}}, %{{.*}}, %[[EPOCH]], %[[WHOLE]] :
nnc.parameter @w : tensor<4xf32> = <zeros>
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @learning_rate : tensor<f32> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @steps_per_epoch : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
nnc.parameter @run_steps : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
func.func @asks_how_long_the_run_is(%dw: tensor<4xf32>) {
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = {name = "cosine", base = 0.1}} : tensor<4xf32>
  return
}

// -----

// CHECK-LABEL: @leaves_functions_without_an_update_alone
// CHECK-NOT:     nnc.assign
nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
func.func @leaves_functions_without_an_update_alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
