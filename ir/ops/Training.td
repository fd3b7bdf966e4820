// Losses, metrics, optimizers and schedules, each defined by other ops.
#ifndef NNC_OPS_TRAINING_TD
#define NNC_OPS_TRAINING_TD

include "ir/Dialect.td"
include "ir/Types.td"

// `l1` and `l2` weigh the penalty over the weights that the loss depends on, sum
// of |w| and sum of w * w, which nnc-build-entry-points adds as ops of its own.
defvar Nnc_Penalties = (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$l1, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$l2);

//===- Losses --------------------------------------------------------------===//

def CrossEntropyOp : Nnc_CompositeWithGradientOp<"cross_entropy", [
    DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Cross-entropy of a softmax with the target";
  let description = [{
    y = mean of -sum_c t[c] * log_softmax(logits)[c] over all rows of logits
    [.., C]. The target is integers [..], which stand for one-hot rows t, or rows
    [.., C] of floats. In nats. An integer that is no class stands for a row of
    zeros, as in one_hot: the row counts, and adds nothing to loss and gradient.

    dlogits = (softmax(logits) * sum(t) - t) * dy / rows, which is bounded where
    the parts are not. Both are computed from logits - max(logits), so that logits
    of any size lose nothing but what they have lost themselves. For a target of floats dt = -log_softmax(logits) * dy / rows.

    ```mlir
    // logits: [[0.0, 0.0]], target: [1]
    %y = nnc.cross_entropy %logits, %target : (tensor<1x2xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferClassification(site, {\"logits\", logits}, target)"];
  let category = "Loss";
  let hasExpansion = 1;
  let hasGradient = 1;
}

def BinaryCrossEntropyOp : Nnc_CompositeOp<"binary_cross_entropy", [Nnc_Permutable]> {
  let summary = "Cross-entropy of probabilities with the target";
  let description = [{
    y = mean of -(t * ln p + (1 - t) * ln(1 - p)), with p limited to
    [m, 1 - m]. In nats. m = 1e-7, or half an epsilon of the element type where it
    is larger (f16 2^-11, bf16 2^-8), so that 1 - m is below 1. bce_logits is exact where this saturates.

    The gradient is that of the definition: 0 beyond the limits.

    ```mlir
    // probability: [0.5, 0.5], target: [1.0, 0.0]
    %y = nnc.binary_cross_entropy %probability, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$probability, Nnc_NumericTensor:$target), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairwise(site, {\"probability\", probability}, target)"];
  let category = "Loss";
  let hasExpansion = 1;
}

def BceLogitsOp : Nnc_CompositeWithGradientOp<"bce_logits", [Nnc_Permutable]> {
  let summary = "Cross-entropy of sigmoids with the target";
  let description = [{
    y = mean of max(x, 0) - x * t + ln(1 + e ^ -|x|), which is the binary
    cross-entropy of sigmoid(x), with no exponent positive. In nats.

    dlogits = (sigmoid(x) - t) * dy / n, which has no kink at 0 as the parts have;
    dt = -x * dy / n.

    ```mlir
    // logits: [0.0], target: [1.0]
    %y = nnc.bce_logits %logits, %target : (tensor<1xf32>, tensor<1xf32>) -> tensor<f32>
    // y: 0.693147
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$logits, Nnc_NumericTensor:$target), Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairwise(site, {\"logits\", logits}, target)"];
  let category = "Loss";
  let expansion = "mean(maximum(logits, 0.0) - logits * alignTarget(target, logits) + log1p(exp(-abs(logits))))";
  let gradient = [
    "(sigmoid(logits) - alignTarget(target, logits)) * (dy / size(logits))",
    "target.isFloat() ? ::mlir::Value(alignTarget(-logits * (dy / size(logits)), target)) : ::mlir::Value()"
  ];
}

class Nnc_Distance<string mnemonic, string itsCategory, dag attributes>
    : Nnc_CompositeOp<mnemonic, [Nnc_Permutable]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), attributes);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferPairwise(site, {\"prediction\", prediction}, target)"];
  let category = itsCategory;
}

def MseOp : Nnc_Distance<"mse", "Loss", Nnc_Penalties> {
  let summary = "Mean squared error";
  let description = [{
    y = mean of (prediction - target) ^ 2 over all elements.

    dprediction = 2 * (prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mse %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 2.5
    ```
  }];
  let expansion = "meanSquaredError(prediction, target)";
}

def MaeOp : Nnc_Distance<"mae", "Loss", Nnc_Penalties> {
  let summary = "Mean absolute error";
  let description = [{
    y = mean of |prediction - target| over all elements.

    dprediction = sign(prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mae %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let expansion = "meanAbsoluteError(prediction, target)";
}

def HuberOp : Nnc_Distance<"huber", "Loss", !con((ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$delta), Nnc_Penalties)> {
  let summary = "Squared error near zero, absolute error beyond";
  let description = [{
    y = mean of d * d / 2 where |d| <= delta, else delta * (|d| - delta / 2), with
    d = prediction - target.

    dprediction = min(max(d, -delta), delta) * dy / n.

    Source: Huber 1964, doi:10.1214/aoms/1177703732.

    ```mlir
    // prediction: [1.0, 4.0], target: [0.5, 0.0]
    %y = nnc.huber %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.8125
    ```
  }];
  let hasExpansion = 1;
}

//===- Metrics -------------------------------------------------------------===//

def AccuracyOp : Nnc_CompositeOp<"accuracy", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Share of right predictions";
  let description = [{
    With predictions [.., C], C > 1: the share of rows whose largest element is at
    the target, which is integers [..] or one-hot rows [.., C]. With predictions
    [B] or [B, 1]: the share of those above `threshold` exactly where the target
    is above 1/2. The threshold 0 suits logits, 0.5 probabilities. A row in which
    there is a NaN is wrong.

    ```mlir
    // prediction: [[1.0, 2.0], [4.0, 3.0]], target: [1, 1]
    %y = nnc.accuracy %prediction, %target : (tensor<2x2xf32>, tensor<2xi32>) -> tensor<f32>
    // y: 0.5
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target,
                       DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "0.0">:$threshold);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferAccuracy(site, prediction, target)"];
  let category = "Metric";
  let hasExpansion = 1;
}

def TopKAccuracyOp : Nnc_CompositeOp<"top_k_accuracy", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Share of predictions with the target among the k largest";
  let description = [{
    The share of rows of [.., C] in which fewer than k elements are larger than
    the one at the target: integers [..] or one-hot rows [.., C]. NaN counts as
    larger, and a target that is no class or at a NaN is wrong.

    ```mlir
    // prediction: [[1.0, 2.0, 3.0]], target: [1]
    %y = nnc.top_k_accuracy %prediction, %target k = 2 : (tensor<1x3xf32>, tensor<1xi32>) -> tensor<f32>
    // y: 1.0
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target,
                       DefaultValuedAttr<Nnc_In<"[1, inf)", I64Attr>, "5">:$k);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferClassification(site, {\"prediction\", prediction}, target)"];
  let category = "Metric";
  let hasExpansion = 1;
}

def MeanSquaredErrorOp : Nnc_Distance<"mean_squared_error", "Metric", (ins)> {
  let summary = "Mean squared error, as a metric";
  let description = [{
    y = mean of (prediction - target) ^ 2 over all elements: mse without penalties.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mean_squared_error %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 2.5
    ```
  }];
  let expansion = "meanSquaredError(prediction, target)";
}

def MeanAbsoluteErrorOp : Nnc_Distance<"mean_absolute_error", "Metric", (ins)> {
  let summary = "Mean absolute error, as a metric";
  let description = [{
    y = mean of |prediction - target| over all elements: mae without penalties.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mean_absolute_error %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let expansion = "meanAbsoluteError(prediction, target)";
}

//===- Optimizers ----------------------------------------------------------===//

// Operands: param, grad, learning_rate, step (from 0), then `slots`; results: the
// new param and slots.
class Nnc_OptimizerOp<string mnemonic, list<string> slots, dag attributes>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_Optimizer>]> {
  list<string> allOthers = ["grad"] # slots;
  string others = !interleave(!foreach(name, allOthers, "{\"" # name # "\", " # name # "}"), ", ");
  string update = "inferUpdate(site, param, {" # others # "})";
  let arguments = !con((ins Nnc_FloatTensor:$param, Nnc_FloatTensor:$grad,
                            Nnc_FloatScalar:$learning_rate, Nnc_CountScalar:$step),
      !dag(ins, !foreach(name, slots, Nnc_FloatTensor), slots), attributes);
  let results = !con((outs Nnc_FloatTensor:$new_param),
      !dag(outs, !foreach(name, slots, Nnc_FloatTensor), !foreach(name, slots, "new_" # name)));
  let resultTypes = !listconcat([update], !foreach(name, slots, "param"));
  let category = "Optimizer";
  let hasExpansion = 1;
  let extraClassDefinition = computingDefinition # expansionDefinition
    # "::llvm::ArrayRef<::llvm::StringRef> $cppClass::getSlots() {\n"
    # !if(!empty(slots), "  return {};\n",
          "  static const ::llvm::StringRef slots[] = {\"" # !interleave(slots, "\", \"") # "\"};\n"
          # "  return slots;\n") # "}\n";
}

def SgdOp : Nnc_OptimizerOp<"sgd", [], (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$weight_decay)> {
  let summary = "Gradient descent";
  let description = [{
    param - learning_rate * (grad + weight_decay * param).

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1
    %p = nnc.sgd %param, %grad, %learning_rate, %step
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>) -> tensor<1xf32>
    // p: [0.95]
    ```
  }];
}

def MomentumOp : Nnc_OptimizerOp<"momentum", ["velocity"], (ins DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum)> {
  let summary = "Gradient descent with momentum";
  let description = [{
    velocity' = momentum * velocity + grad; param - learning_rate * velocity'.

    Source: Polyak 1964, doi:10.1016/0041-5553(64)90137-5.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, velocity: [1.0]
    %p, %v = nnc.momentum %param, %grad, %learning_rate, %step, %velocity
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.86], v: [1.4]
    ```
  }];
}

def NesterovOp : Nnc_OptimizerOp<"nesterov", ["velocity"], (ins DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum)> {
  let summary = "Gradient descent with Nesterov's momentum";
  let description = [{
    velocity' = momentum * velocity + grad;
    param - learning_rate * (grad + momentum * velocity').

    Source: Sutskever et al. 2013, PMLR 28(3).

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, velocity: [1.0]
    %p, %v = nnc.nesterov %param, %grad, %learning_rate, %step, %velocity
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.824], v: [1.4]
    ```
  }];
}

def RmspropOp : Nnc_OptimizerOp<"rmsprop", ["square"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$decay, DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-7">:$epsilon)> {
  let summary = "Gradient descent scaled by recent magnitudes";
  let description = [{
    square' = decay * square + (1 - decay) * grad ^ 2;
    param - learning_rate * grad / (sqrt(square') + epsilon).

    Source: Tieleman and Hinton 2012, Coursera lecture 6.5.

    ```mlir
    // param: [1.0], grad: [1.0], learning_rate: 0.1, square: [0.0]
    %p, %s = nnc.rmsprop %param, %grad, %learning_rate, %step, %square
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.683772], s: [0.1]
    ```
  }];
}

def AdagradOp : Nnc_OptimizerOp<"adagrad", ["square"], (ins DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-7">:$epsilon)> {
  let summary = "Gradient descent scaled by all magnitudes so far";
  let description = [{
    square' = square + grad ^ 2; param - learning_rate * grad / (sqrt(square') + epsilon).

    Source: Duchi, Hazan and Singer 2011, JMLR 12.

    ```mlir
    // param: [1.0], grad: [2.0], learning_rate: 0.1, square: [0.0]
    %p, %s = nnc.adagrad %param, %grad, %learning_rate, %step, %square
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.9], s: [4.0]
    ```
  }];
}

def AdamOp : Nnc_OptimizerOp<"adam", ["m", "v"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon)> {
  let summary = "Adaptive moment estimation";
  let description = [{
    m' = beta1 * m + (1 - beta1) * grad; v' = beta2 * v + (1 - beta2) * grad ^ 2;
    param - learning_rate * m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon),
    with t = step + 1.

    Source: Kingma and Ba 2014, arXiv:1412.6980, algorithm 1.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.adam %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.9], m1: [0.05], v1: [0.00025]
    ```
  }];
}

def AdamwOp : Nnc_OptimizerOp<"adamw", ["m", "v"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.01">:$weight_decay)> {
  let summary = "Adam with weight decay apart from the gradient";
  let description = [{
    As adam, from param * (1 - learning_rate * weight_decay) in place of param.

    Source: Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.adamw %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.899], m1: [0.05], v1: [0.00025]
    ```
  }];
}

//===- Schedules -----------------------------------------------------------===//

// The learning rate of a step, counted from 0, out of that of the recipe.
class Nnc_ScheduleOp<string mnemonic, dag attributes> : Nnc_CompositeOp<mnemonic> {
  let arguments = !con((ins Nnc_FloatScalar:$base, Nnc_CountScalar:$step), attributes);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["base"];
  let category = "Schedule";
}

def StepDecayOp : Nnc_ScheduleOp<"step_decay", (ins Nnc_In<"[1, inf)", I64Attr>:$every, Nnc_In<"(0, inf)">:$factor)> {
  let summary = "A factor after every so many steps";
  let description = [{
    y = base * factor ^ floor(step / every).

    ```mlir
    // base: 0.1, step: 25
    %y = nnc.step_decay %base, %step every = 10 factor = 0.5 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.025
    ```
  }];
  let expansion = "base * pow(getFactor().convertToDouble(), floor(cast(step, base.elementType()) / double(getEvery())))";
}

def ExponentialDecayOp : Nnc_ScheduleOp<"exponential_decay", (ins Nnc_In<"[1, inf)", I64Attr>:$every, Nnc_In<"(0, inf)">:$factor)> {
  let summary = "A factor over every so many steps, smoothly";
  let description = [{
    y = base * factor ^ (step / every).

    ```mlir
    // base: 0.1, step: 5
    %y = nnc.exponential_decay %base, %step every = 10 factor = 0.25 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.05
    ```
  }];
  let expansion = "base * pow(getFactor().convertToDouble(), cast(step, base.elementType()) / double(getEvery()))";
}

def CosineOp : Nnc_ScheduleOp<"cosine", (ins
    DefaultValuedAttr<Nnc_In<"[0, inf)", I64Attr>, "0">:$warmup, I64Attr:$total,
                                            DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$final)> {
  let summary = "Half a cosine after a linear warm-up";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then final +
    (base - final) * (1 + cos(pi * t)) / 2, with t from 0 to 1 at step `total`, and
    `final` after it.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5.

    ```mlir
    // base: 0.1, step: 60
    %y = nnc.cosine %base, %step warmup = 20 total = 100 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.05
    ```
  }];
  let hasExpansion = 1;
  let hasVerifier = 1;
}

#endif // NNC_OPS_TRAINING_TD
