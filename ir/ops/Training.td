// Optimizers and schedules, each defined by other ops.
#ifndef NNC_OPS_TRAINING_TD
#define NNC_OPS_TRAINING_TD

include "ir/Dialect.td"
include "ir/Types.td"

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
