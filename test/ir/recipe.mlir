// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// The settings of a recipe, wherever they stand, are those of one table.

// CHECK: module attributes {nnc.recipe = #nnc.recipe<{batch = 8 : i64, clip_norm = 5.000000e-01 : f64, model = "line"}>}
module attributes {nnc.recipe = #nnc.recipe<{batch = 8 : i64, clip_norm = 0.5 : f64, model = "line"}>} {}

// -----

// As a dictionary it is read, too.
// CHECK: module attributes {nnc.recipe = {batch = 8 : i64}}
module attributes {nnc.recipe = {batch = 8 : i64}} {}

// -----

// expected-error@+1 {{'batch' must be a whole number from 1 to 2^24, found 0}}
module attributes {nnc.recipe = #nnc.recipe<{batch = 0 : i64}>} {}

// -----

// expected-error@+1 {{'batch' must be a whole number from 1 to 2^24, found 0}}
module attributes {nnc.recipe = {batch = 0 : i64}} {}

// -----

// expected-error@+1 {{'nnc.recipe' must be a recipe, found 3}}
module attributes {nnc.recipe = 3 : i64} {}

// -----

// expected-error@+1 {{'batch' must be a whole number from 1 to 2^24, found 8.5}}
nnc.model @fraction(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {batch = 8.5} {}

// -----

// expected-error@+1 {{'epochs' must be a whole number of at least 1, found true}}
nnc.model @bool(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {epochs = true} {}

// -----

// expected-error@+1 {{'validation' must be a share of at least 0 and below 1, found 1}}
nnc.model @share(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {validation = 1.0} {}

// -----

// expected-error@+1 {{'precision' must be f32 or bf16, found f16}}
nnc.model @precision(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {precision = f16} {}

// -----

// expected-error@+1 {{'freeze' must be a list of strings, at most 256 patterns of parameter names, found "w"}}
nnc.model @freeze(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {nnc.freeze = "w"} {}

// -----

// expected-error@+1 {{'layout' must be nhwc or nchw, found "chwn"}}
nnc.model @layout(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {nnc.layout = "chwn"} {}

// -----

// expected-error@+1 {{there is no setting 'epoch' here: expected one of optimizer, }}
nnc.model @unknown(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {epoch = 3} {}

// -----

// What another dialect says of a model is its own.
// CHECK: nnc.model @foreign
// CHECK-SAME: toy.epoch = 3
nnc.model @foreign(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {toy.epoch = 3} {}

// -----

// expected-error@+1 {{the optimizer must be a dictionary with a 'name', found "sgd"}}
nnc.model @call(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {optimizer = "sgd", learning_rate = 0.1} {}

// -----

// expected-error@+1 {{'sgd' has no attribute 'momentum'}}
nnc.model @attribute(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd", momentum = 0.5}, learning_rate = 0.1} {}

// -----

// expected-error@+1 {{'adam' beta1 is 1: expected at least 0 and below 1}}
nnc.model @interval(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "adam", beta1 = 1.0}, learning_rate = 0.1} {}

// -----

// expected-error@+1 {{'adam' beta1 is "0.9": expected another kind of attribute}}
nnc.model @kind(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "adam", beta1 = "0.9"}, learning_rate = 0.1} {}

// -----

// expected-error@+1 {{the learning rate must be a number of at least 0, found -1}}
nnc.model @rate(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = -1.0} {}

// -----

// expected-error@+1 {{the base of a schedule must be a number of at least 0, found nothing}}
nnc.model @base(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = {name = "cosine", total = 10}} {}

// -----

// expected-error@+1 {{'step_decay' needs its attribute 'every'}}
nnc.model @schedule(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = {name = "step_decay", base = 0.1, factor = 0.5}} {}

// -----

// expected-error@+1 {{'xml' is no reader: expected one of idx, npy, npz, csv}}
nnc.model @reader(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {data = [{split = "train", inputs = ["x"], reader = "xml", arguments = {path = "x"}}]} {}

// -----

// expected-error@+1 {{data is bound to "z", which is no input}}
nnc.model @bound(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {data = [{split = "train", inputs = ["z"], reader = "npy", arguments = {path = "x"}}]} {}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @update(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'clip_norm' must be a number above 0, found 0}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1, clip_norm = 0.0} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @of_the_whole_run(%dw: tensor<4xf32>) {
  // expected-error@+1 {{there is no setting 'epochs' here: expected one of optimizer, learning_rate, groups, clip_norm, clip_value}}
  nnc.optimize [@w] with(%dw) {optimizer = {name = "sgd"}, learning_rate = 0.1, epochs = 3} : tensor<4xf32>
  return
}

// -----

// CHECK: nnc.model @updates
// CHECK-SAME: updates = [{learning_rate = 1.000000e-01 : f64, name = "a", optimizer = {name = "sgd"}, parameters = ["w*"]}]
nnc.model @updates(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "a", parameters = ["w*"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {}

// -----

// expected-error@+1 {{an update has a 'name', 'parameters' (patterns of their names) and an 'optimizer', found {name = "a"}}}
nnc.model @update(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {updates = [{name = "a"}]} {}

// -----

// expected-error@+1 {{update 'a': the optimizer needs a learning rate, as in adam(learning_rate = 0.001)}}
nnc.model @rateless(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "a", parameters = ["w"], optimizer = {name = "sgd"}}]} {}

// -----

// expected-error@+1 {{update 'a' must have at most 256 patterns, found 257}}
nnc.model @patterns(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "a", optimizer = {name = "sgd"}, learning_rate = 0.1, parameters = ["w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w", "w"]}]} {}

// -----

// expected-error@+1 {{there must be at most 256 updates, found 257}}
nnc.model @many(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]} {}

// -----

// expected-error@+1 {{'clip_norm' is said of no optimizer: each training step has updates of its own, and says it for itself}}
nnc.model @unused(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {clip_norm = 1.0, updates = [{name = "a", parameters = ["w"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {}

// -----

// expected-error@+1 {{there are two updates 'a'}}
nnc.model @twice(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {updates = [{name = "a", parameters = ["w"], optimizer = {name = "sgd"}, learning_rate = 0.1}, {name = "a", parameters = ["v"], optimizer = {name = "sgd"}, learning_rate = 0.1}]} {}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @counter(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'optimize' @w must be a scalar i64, found f32[4]}}
  nnc.optimize [@w] with(%dw) {counter = @w} : tensor<4xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @rate(%dw: tensor<4xf32>) {
  // expected-error@+1 {{'optimize' @r must be a scalar of floats, found none of that name}}
  nnc.optimize [@w] with(%dw) {rate = @r} : tensor<4xf32>
  return
}

// -----

// expected-error@+1 {{'accumulate' must be a whole number from 1 to 2^20, found 0}}
nnc.model @accumulate(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {accumulate = 0} {}

// -----

// expected-error@+1 {{a group has 'parameters' (patterns of their names) and a 'rate', a 'weight_decay' or an 'optimizer', found {parameters = ["w"]}}}
nnc.model @group(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {groups = [{parameters = ["w"]}]} {}

// -----

// expected-error@+1 {{'rate' of a group must be a number of at least 0, found -1}}
nnc.model @rate(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {groups = [{parameters = ["w"], rate = -1.0}]} {}

// -----

// expected-error@+1 {{a group has no setting 'clip_norm': expected one of rate, weight_decay, optimizer}}
nnc.model @clip(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {groups = [{parameters = ["w"], clip_norm = 1.0}]} {}

// -----

// expected-error@+1 {{a group: 'sgd' has no attribute 'momentum'}}
nnc.model @other(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {groups = [{parameters = ["w"], optimizer = {name = "sgd", momentum = 0.5}}]} {}

// -----

// expected-error@+1 {{'average' must be {name = "uniform"} or {name = "exponential", decay = D} with D above 0 and below 1, and perhaps 'from', a length; found {decay = 1.000000e+00 : f64, name = "exponential"}}}
nnc.model @average(%x: tensor<?x3xf32> {nnc.name = "x"}) attributes {average = {name = "exponential", decay = 1.0}} {}

// -----

// expected-error@+1 {{'cosine' warmup is "2 weeks": expected another kind of attribute}}
nnc.model @length(%x: tensor<?x3xf32> {nnc.name = "x"})
    attributes {optimizer = {name = "sgd"}, learning_rate = {name = "cosine", base = 0.1, warmup = "2 weeks"}} {}
