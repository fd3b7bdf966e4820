// The passes that stay inside the dialect: each with its IR before and after,
// and what it leaves alone. The order they run in is in Pipeline.cpp.
#ifndef NNC_PASSES_TD
#define NNC_PASSES_TD

include "mlir/Pass/PassBase.td"

def CancelTransposesPass : Pass<"nnc-cancel-transposes", "::nnc::ModelOp"> {
  let summary = "Compute in the order of dimensions that takes the fewest transposes";
  let description = [{
    ```mlir
    nnc.model @picture(%x: tensor<?x3x8x8xui8> {nnc.name = "x"}) {
      %f = nnc.cast %x to = f32 : (tensor<?x3x8x8xui8>) -> tensor<?x3x8x8xf32>
      %0 = nnc.transpose %f permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xf32>) -> tensor<?x8x8x3xf32>
      %w = nnc.read @w : tensor<3x3x3x4xf32>
      %1 = nnc.conv2d %0, %w : (tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<?x6x6x4xf32>
      %2 = nnc.transpose %1 permutation = [0, 3, 1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
      %r = nnc.relu %2 : tensor<?x4x6x6xf32>
      %m = nnc.mean %r axes = [2, 3] : (tensor<?x4x6x6xf32>) -> tensor<?x4xf32>
      nnc.output "m" %m : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    nnc.model @picture(%x: tensor<?x3x8x8xui8> {nnc.name = "x"}) {
      %0 = nnc.transpose %x permutation = [0, 2, 3, 1] : (tensor<?x3x8x8xui8>) -> tensor<?x8x8x3xui8>
      %f = nnc.cast %0 to = f32 : (tensor<?x8x8x3xui8>) -> tensor<?x8x8x3xf32>
      %w = nnc.read @w : tensor<3x3x3x4xf32>
      %1 = nnc.conv2d %f, %w : (tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<?x6x6x4xf32>
      %r = nnc.relu %1 : tensor<?x6x6x4xf32>
      %m = nnc.mean %r axes = [1, 2] : (tensor<?x6x6x4xf32>) -> tensor<?x4xf32>
      nnc.output "m" %m : tensor<?x4xf32>
    }
    ```
    Elementwise ops, activations, dropout, slices, padding, concatenations, softmax
    and reductions of tensors of three dimensions and more have one order together
    where they compute of each other. They get the one in which the fewest bits are
    transposed at their borders, a transpose of ones being free; of two that are
    alike, the one without a transpose behind the op that they could be fused with,
    else that which they have. What other ops read and give keeps its order, and
    so does the first dimension. Masks of dropout are drawn in the order in which
    it is computed.
  }];
}

def NameOriginsPass : Pass<"nnc-name-origins", "::mlir::ModuleOp"> {
  let summary = "Have locations say which op of the model an op comes from";
  let description = [{
    ```mlir
    %y = nnc.sqrt %x : tensor<4xf32> loc("net.nn":2:7)
    ```
    becomes
    ```mlir
    %y = nnc.sqrt %x : tensor<4xf32> loc(fused<{origin = "sqrt"}>["net.nn":2:7])
    ```
    What it is expanded to has that location too, and what it is differentiated to has
    `{origin = "gradient of sqrt"}`. An optimizer's is "adam of 'w'". What has an origin
    keeps it. It is for `--each-op`, whose commands then name the op.
  }];
}

def LowerPrecisionPass : Pass<"nnc-lower-precision", "::mlir::ModuleOp"> {
  let summary = "Compute in 16 bits what the model's `precision` allows";
  let description = [{
    ```mlir
    nnc.model @line(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
        attributes {precision = bf16} {
      %w = nnc.read @w : tensor<3x2xf32>
      %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
      %r = nnc.relu %p : tensor<?x2xf32>
      %l = nnc.mse %r, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
      nnc.loss %l : tensor<f32>
    }
    ```
    becomes
    ```mlir
    nnc.model @line(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
        attributes {precision = bf16} {
      %0 = nnc.cast %x to = bf16 : (tensor<?x3xf32>) -> tensor<?x3xbf16>
      %w = nnc.read @w : tensor<3x2xf32>
      %1 = nnc.cast %w to = bf16 : (tensor<3x2xf32>) -> tensor<3x2xbf16>
      %p = nnc.matmul %0, %1 : (tensor<?x3xbf16>, tensor<3x2xbf16>) -> tensor<?x2xbf16>
      %r = nnc.relu %p : tensor<?x2xbf16>
      %2 = nnc.cast %r to = f32 : (tensor<?x2xbf16>) -> tensor<?x2xf32>
      %l = nnc.mse %2, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
      nnc.loss %l : tensor<f32>
    }
    ```
    Products take and give 16 bits; elementwise ops, activations and movement
    follow their operands; sums, normalisations, softmax, losses, metrics and ops
    of plugins compute in f32, and a norm of channels gives 16 bits where its x
    has 16. Parameters are read in f32, so that their
    gradients, their updates and the optimizer's state are in f32. Inputs and
    outputs keep their types. A model in f64, or one that casts by itself, is
    left as it is there.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def BuildEntryPointsPass : Pass<"nnc-build-entry-points", "::mlir::ModuleOp"> {
  let summary = "Make the functions that a plan runs out of the model";
  let description = [{
    ```mlir
    nnc.parameter @w : tensor<3x2xf32> = #nnc.glorot_uniform
    nnc.model @line(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
        attributes {optimizer = {name = "sgd"}, learning_rate = 0.1 : f64} {
      %w = nnc.read @w : tensor<3x2xf32>
      %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
      %l = nnc.mse %p, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
      nnc.loss %l : tensor<f32>
      nnc.output "prediction" %p : tensor<?x2xf32>
    }
    ```
    becomes
    ```mlir
    nnc.parameter @w : tensor<3x2xf32> = #nnc.glorot_uniform
    nnc.parameter scalar @seed : tensor<i64> = #nnc.constant<0.0>
    nnc.parameter scalar @step : tensor<i64> = #nnc.zeros
    nnc.parameter scalar @learning_rate : tensor<f32> = #nnc.constant<0.1>
    func.func @init() { /* assigns each its initial value, except the seed */ }
    func.func @train_step(%x: tensor<?x3xf32> {nnc.name = "x"}, %t: tensor<?x2xf32> {nnc.name = "t"})
        -> (tensor<f32> {nnc.name = "loss", nnc.result = "loss"}) attributes {nnc.training} {
      %w = nnc.read @w : tensor<3x2xf32>
      %p = nnc.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
      %l = nnc.mse %p, %t : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<f32>
      %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<3x2xf32>) -> tensor<3x2xf32>
      nnc.optimize (@w) with (%dw) /* the recipe */
      return %l : tensor<f32>
    }
    func.func @eval_step(/* as above */) -> /* the loss, metrics, the confusion matrix */
    func.func @predict(%x: tensor<?x3xf32> {nnc.name = "x"})
        -> (tensor<?x2xf32> {nnc.name = "prediction", nnc.result = "output"}) { … }
    ```
    A function takes the inputs that its results need, in the model's order.
    Each parameter is read once, at the top. Several losses are added. `l1` and
    `l2` of a loss become explicit penalties over the weights that it depends on.
    Parameters and buffers that `freeze` or the model's `nnc.freeze` match are marked
    `nnc.frozen`: no gradient, no optimizer state, no update, no penalty.
    Random ops get a `stream` each, numbered in program order, so that every
    function draws the same values from the same seed and step. In @eval_step and
    @predict, those with the batch in their shape number their elements over the
    whole set, of which the scalar @first_sample come before the batch.

    The recipe, and what the data block binds, stay in the module's `nnc.recipe`.
    A module without an `nnc.model` is left alone.
  }];
  let options = [
    Option<"gradientsEntry", "gradients-entry", "bool", "false",
           "Also make @gradients: the loss, and its gradient for every parameter "
           "and every floating-point input">,
    Option<"explainEntry", "explain-entry", "bool", "false",
           "Also make @explain: the outputs, and the gradients of their sum, weighted by "
           "further inputs, for the inputs and for one layer">,
    Option<"explainLayer", "explain-layer", "std::string", "\"\"",
           "The layer of @explain, by what its parameters' names begin with; none: the "
           "last tensor of pictures">,
    Option<"trainingEntry", "training-entry", "bool", "true",
           "Make @train_step, where there is an optimizer, and @eval_step">,
    Option<"generateSequences", "generate-sequences", "int64_t", "0",
           "Also make @generate, for so many sequences side by side: the logits of the next "
           "token, with the state of the sequences kept from token to token">,
    Option<"generateInput", "generate-input", "std::string", "\"\"",
           "The input of @generate that has the tokens, where several may">,
    Option<"generateOutput", "generate-output", "std::string", "\"\"",
           "The output that has the logits, where it is not called so">,
    Option<"confusionClasses", "confusion-classes", "int64_t", "1000",
           "The most classes that a confusion matrix is made for">,
    ListOption<"freeze", "freeze", "std::string",
               "Patterns of the parameters that training leaves as they are">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::nnc::NncDialect"];
}

def HoistFromScansPass : Pass<"nnc-hoist-from-scans", "::mlir::func::FuncOp"> {
  let summary = "Take out of loops over time what does not wait for the step before";
  let description = [{
    ```mlir
    func.func @f(%h0: tensor<?x4xf32>, %x: tensor<9x?x3xf32>, %w: tensor<7x4xf32>) -> tensor<?x4xf32> {
      %0 = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%u = %w) steps = 9
          : (tensor<?x4xf32>, tensor<9x?x3xf32>, tensor<7x4xf32>) -> tensor<?x4xf32> {
        %1 = nnc.concat %x_t, %h axis = 1 : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<?x7xf32>
        %2 = nnc.matmul %1, %u : (tensor<?x7xf32>, tensor<7x4xf32>) -> tensor<?x4xf32>
        %3 = nnc.tanh %2 : tensor<?x4xf32>
        nnc.yield %3 : tensor<?x4xf32>
      }
      return %0 : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @f(%h0: tensor<?x4xf32>, %x: tensor<9x?x3xf32>, %w: tensor<7x4xf32>) -> tensor<?x4xf32> {
      %u = nnc.slice %w starts = [0, 0] sizes = [3, 4] : (tensor<7x4xf32>) -> tensor<3x4xf32>
      %v = nnc.slice %w starts = [3, 0] sizes = [4, 4] : (tensor<7x4xf32>) -> tensor<4x4xf32>
      %p = nnc.matmul %x, %u : (tensor<9x?x3xf32>, tensor<3x4xf32>) -> tensor<9x?x4xf32>
      %0 = nnc.scan carried(%h = %h0) over(%p_t = %p) with(%t = %v) steps = 9
          : (tensor<?x4xf32>, tensor<9x?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
        %1 = nnc.matmul %h, %t : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
        %2 = nnc.add %p_t, %1 : tensor<?x4xf32>
        %3 = nnc.tanh %2 : tensor<?x4xf32>
        nnc.yield %3 : tensor<?x4xf32>
      }
      return %0 : tensor<?x4xf32>
    }
    ```
    Products of a slice by a matrix that all steps share leave the loop, as one
    product for all steps, and so does what is computed of shared values alone. A
    product of joined parts is taken apart where some parts are slices. What else
    is computed of slices stays, since its results would need memory for all
    steps. Composites in loops that have no gradient of their own are expanded.
  }];
}

def DifferentiatePass : Pass<"nnc-differentiate", "::mlir::func::FuncOp"> {
  let summary = "Replace nnc.gradient by the ops that compute the gradient";
  let description = [{
    Reverse accumulation, one rule an op, stated with the op.
    ```mlir
    %y = nnc.mul %x, %w : tensor<4xf32>
    %l = nnc.sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
    %dw = nnc.gradient %l wrt (%w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
    ```
    becomes
    ```mlir
    %y = nnc.mul %x, %w : tensor<4xf32>
    %l = nnc.sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
    %one = nnc.constant dense<1.0> : tensor<f32>
    %dy = nnc.broadcast %one : (tensor<f32>) -> tensor<4xf32>
    %dw = nnc.mul %dy, %x : tensor<4xf32>
    ```
    The gradient of an operand that was broadcast is summed down to its shape,
    here and nowhere else; the gradients of several uses are added. A composite
    on the path that states no gradient is expanded first; every other composite
    stays whole. Nothing flows through `nnc.stop_gradient`, nor through integers
    and booleans.

    All ops on the path that have no gradient are reported together. A value that
    the loss does not depend on has the gradient zero, with a warning.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def AddOptimizerPass : Pass<"nnc-add-optimizer", "::mlir::ModuleOp"> {
  let summary = "Replace nnc.optimize by clipping, schedule and updates";
  let description = [{
    ```mlir
    nnc.optimize (@w) with (%dw) {optimizer = {name = "momentum"}, clip_value = 1.0 : f64} : tensor<4xf32>
    ```
    becomes
    ```mlir
    // Module level, with an assignment of zeros in @init:
    nnc.parameter optimizer_state @w.velocity : tensor<4xf32> = #nnc.zeros

    %w = nnc.read @w : tensor<4xf32>
    %rate = nnc.read @learning_rate : tensor<f32>
    %step = nnc.read @step : tensor<i64>
    %v = nnc.read @w.velocity : tensor<4xf32>
    %g = nnc.clamp %dw min = -1.0 max = 1.0 : tensor<4xf32>
    %new:2 = nnc.momentum %w, %g, %rate, %step, %v : …
    nnc.assign @w, %new#0 : tensor<4xf32>
    nnc.assign @w.velocity, %new#1 : tensor<4xf32>
    nnc.assign @step, /* step + 1 */ : tensor<i64>
    ```
    Values are clipped before the global norm, so that the norm's bound holds.
    Gradients within the norm's bound keep their bits. Optimizers stay whole:
    they are composites. Where a schedule makes the rate, the entry point
    @scheduled_rate gives that of the step before to who asks for it.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::nnc::NncDialect"];
}

def ExpandCompositesPass : Pass<"nnc-expand-composites", "::mlir::func::FuncOp"> {
  let summary = "Replace composite ops by their definitions, until none is left";
  let description = [{
    ```mlir
    %y = nnc.silu %x : tensor<4xf32>
    ```
    becomes
    ```mlir
    %0 = nnc.sigmoid %x : tensor<4xf32>
    %y = nnc.mul %x, %0 : tensor<4xf32>
    ```
    In a function with `nnc.training`, expansions are those of a training step:
    dropout draws a mask, and is the identity elsewhere. `nnc.stop_gradient` has
    done its work and goes. Primitives are left alone. An expansion that leads
    back to itself is reported.

    With `attention`, nnc.attend and nnc.attend_gradient stay: a target that has
    kernels for them has their scores nowhere in memory. With `largest-head`, those
    of f32 and f64 with heads of at most so many bytes do, and those of 16 bits with
    heads of a multiple of 16 elements and at most `largest-half-head`.
  }];
  let options = [
    Option<"attention", "attention", "bool", "false", "Whether ops that a target has kernels of attention for stay whole">,
    Option<"largestHead", "largest-head", "int64_t", "0", "The most bytes of a head of f32 or f64 that stays whole; 0 for any head">,
    Option<"largestHalfHead", "largest-half-head", "int64_t", "0", "With largest-head: the most elements of a head of 16 bits that stays whole">
  ];
  let dependentDialects = ["::nnc::NncDialect"];
}

def AverageWeightsPass : Pass<"nnc-average-weights", "::mlir::ModuleOp"> {
  let summary = "Have training steps move the averages of weights";
  let description = [{
    Of a module whose recipe has `average = {name = "exponential", decay = 0.999}`,
    ```mlir
    nnc.parameter @w.average : tensor<4xf32> = <zeros>
        {nnc.average_of = @w, nnc.counters = [@step], role = #nnc.role<optimizer_state>}
    nnc.assign @w, %new : tensor<4xf32>
    ```
    becomes
    ```mlir
    nnc.assign @w, %new : tensor<4xf32>
    %old = nnc.read @w.average : tensor<4xf32>
    %kept = nnc.mul %old, /* 1 - weight */ : tensor<4xf32>
    %more = nnc.mul %new, /* weight */ : tensor<4xf32>
    %average = nnc.add %kept, %more : tensor<4xf32>
    nnc.assign @w.average, %average : tensor<4xf32>
    ```
    The t-th value has the weight (1 - decay) / (1 - decay^t), of a uniform mean 1 / t:
    the first is copied. What several training steps update has a counter of each, and
    t is of their sum. nnc-build-entry-points has declared the averages, and reads
    them where nothing is trained. After composites are expanded: buffers are assigned
    then, too. What has `nnc.accumulates` is left alone.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def KeepRoundedPass : Pass<"nnc-keep-rounded", "::mlir::ModuleOp"> {
  let summary = "Keep the parameters that are read in 16 bits in these, too";
  let description = [{
    With `precision bf16` a training step rounds each weight before products read it, and
    updates it in f32:
    ```mlir
    %w = nnc.read @w : tensor<784x128xf32>
    %low = nnc.cast %w to = bf16 : (tensor<784x128xf32>) -> tensor<784x128xbf16>
    ...
    nnc.assign @w, %new : tensor<784x128xf32>
    ```
    becomes, with the copy in the optimizer's state,
    ```mlir
    %w = nnc.read @w : tensor<784x128xf32>
    %low = nnc.read @w.bf16 : tensor<784x128xbf16>
    ...
    nnc.assign @w, %new : tensor<784x128xf32>
    %rounded = nnc.cast %new to = bf16 : (tensor<784x128xf32>) -> tensor<784x128xbf16>
    nnc.assign @w.bf16, %rounded : tensor<784x128xbf16>
    ```
    so that the kernel of the update writes both. All functions read and assign it so, and
    the runtime writes it with what it loads. Left alone: a module that does not train; and
    a parameter beside which something else is called as its copy would be.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def AlignProductsPass : Pass<"nnc-align-products", "::mlir::func::FuncOp"> {
  let summary = "Give products of 16 bits rows that a library is fast with";
  let description = [{
    Tensor cores are fed by rows that begin at multiples of 16 bytes. A product with a matrix
    whose rows do not, as the logits of 50,257 words,
    ```mlir
    %y = nnc.matmul %x, %w transpose_rhs = true
        : (tensor<?x1024x768xbf16>, tensor<50257x768xbf16>) -> tensor<?x1024x50257xbf16>
    ```
    becomes one of wider matrices, with `bytes = 16`,
    ```mlir
    %p = nnc.pad %w low = [0, 0] high = [7, 0]
        : (tensor<50257x768xbf16>) -> tensor<50264x768xbf16>
    %z = nnc.matmul %x, %p transpose_rhs = true
        : (tensor<?x1024x768xbf16>, tensor<50264x768xbf16>) -> tensor<?x1024x50264xbf16>
    %y = nnc.slice %z starts = [0, 0, 0] sizes = [-1, 1024, 50257]
        : (tensor<?x1024x50264xbf16>) -> tensor<?x1024x50257xbf16>
    ```
    where the copies cost little beside it. A sum over such rows has zeros at its end.
  }];
  let options = [
    Option<"bytes", "bytes", "int64_t", "16", "What rows' sizes are multiples of">
  ];
  let dependentDialects = ["::nnc::NncDialect"];
}

def SimplifyPass : Pass<"nnc-simplify", "::mlir::func::FuncOp"> {
  let summary = "Rewrite arithmetic to cheaper ops of the same value";
  let description = [{
    ```mlir
    %two = nnc.constant dense<2.0> : tensor<f32>
    %y = nnc.pow %x, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %t = nnc.transpose %w : (tensor<3x4xf32>) -> tensor<4x3xf32>
    %z = nnc.matmul %y2, %t : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
    ```
    becomes
    ```mlir
    %y = nnc.mul %x, %x : tensor<4xf32>
    %z = nnc.matmul %y2, %w {transpose_rhs = true} : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
    ```
    Only rewrites that keep the bits of the result, or round once where the
    original rounded twice: a division becomes a product where the reciprocal is
    exact. An explicit broadcast whose only effect an elementwise op has by itself
    goes.
    ```mlir
    %p = nnc.pad %dq low = [0, 0] high = [0, 8] : (tensor<2x4xf32>) -> tensor<2x12xf32>
    %q = nnc.pad %dk low = [0, 4] high = [0, 4] : (tensor<2x4xf32>) -> tensor<2x12xf32>
    %r = nnc.pad %dv low = [0, 8] high = [0, 0] : (tensor<2x4xf32>) -> tensor<2x12xf32>
    %s = nnc.add %p, %q : tensor<2x12xf32>
    %t = nnc.add %s, %r : tensor<2x12xf32>
    ```
    becomes
    ```mlir
    %t = nnc.concat %dq, %dk, %dv axis = 1
        : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x12xf32>
    ```
    where the parts are disjoint, with zeros where there is none. What else is in the
    sum is added to it.
    ```mlir
    %x = nnc.gather %table, %words : (tensor<9x4xf32>, tensor<?x5xi32>) -> tensor<?x5x4xf32>
    %t = nnc.transpose %x permutation = [1, 0, 2] : (tensor<?x5x4xf32>) -> tensor<5x?x4xf32>
    ```
    becomes
    ```mlir
    %w = nnc.transpose %words permutation = [1, 0] : (tensor<?x5xi32>) -> tensor<5x?xi32>
    %t = nnc.gather %table, %w : (tensor<9x4xf32>, tensor<5x?xi32>) -> tensor<5x?x4xf32>
    ```
    if nothing else reads %x, and a scatter_add of transposed rows likewise adds them
    as they lie, by transposed numbers: in another order. No other sum is reordered.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def RemoveDeadStatePass : Pass<"nnc-remove-dead-state", "::mlir::ModuleOp"> {
  let summary = "Remove parameters that no function reads";
  let description = [{
    ```mlir
    nnc.parameter @unused : tensor<4xf32> = #nnc.zeros
    func.func @init() {
      %0 = nnc.constant dense<0.0> : tensor<4xf32>
      nnc.assign @unused, %0 : tensor<4xf32>
      return
    }
    ```
    becomes
    ```mlir
    func.func @init() {
      return
    }
    ```
    The scalars `seed`, `step` and `learning_rate` stay: the runtime sets and
    reports them.
  }];
}

def ConvertElementTypePass : Pass<"nnc-convert-element-type", "::mlir::ModuleOp"> {
  let summary = "Compute in another floating-point type";
  let description = [{
    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = nnc.exp %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
    becomes, with `to=f64`,
    ```mlir
    func.func @f(%x: tensor<4xf64>) -> tensor<4xf64> {
      %0 = nnc.exp %x : tensor<4xf64>
      return %0 : tensor<4xf64>
    }
    ```
    Arguments, parameters, constants and casts change alike, so that gradients
    can be checked without the rounding of f32. Other types are left alone.
  }];
  let options = [
    Option<"from", "from", "std::string", "\"f32\"", "The element type to replace">,
    Option<"to", "to", "std::string", "\"f64\"", "The element type to put in its place">
  ];
}

include "passes/FusionPasses.td"

#endif // NNC_PASSES_TD
