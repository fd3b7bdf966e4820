// Optimizers, each defined by other ops.
#ifndef NNC_OPS_TRAINING_TD
#define NNC_OPS_TRAINING_TD

include "ir/Dialect.td"
include "ir/Types.td"

// Operands: param, grad, learning_rate, step (from 0), then `slots`; results: the
// new param and slots.
//   slotTypes    the type of each slot as C++, in terms of `param` and of the op's
//                `attributes`; empty: all have that of param. Null where there is
//                no such slot.
//   numOptional  how many slots, the last ones, may be null. One is an operand of
//                its own; of several those that are there are one operand, `more`.
class Nnc_OptimizerOp<string mnemonic, list<string> slots, dag attributes, list<string> slotTypes = []>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_Optimizer, ["getSlotTypes"]>]> {
  int numOptional = 0;
  int numAlways = !sub(!size(slots), numOptional);
  list<string> slotOperands = !if(!gt(numOptional, 1),
      !listconcat(!foreach(i, !range(numAlways), slots[i]), ["more"]), slots);
  list<TypeConstraint> slotKinds = !foreach(i, !range(!size(slotOperands)), !cond(
      !lt(i, numAlways) : Nnc_FloatTensor,
      !eq(numOptional, 1) : Optional<Nnc_FloatTensor>,
      true : Variadic<Nnc_FloatTensor>));
  string present = !interleave(!foreach(i, !range(!size(slotOperands)),
      "llvm::append_range(slots, ArrayRef(" # slotOperands[i] # ")); "), "");
  string update = "[&]() -> TypeOrFailure {\n"
    # "    ::llvm::SmallVector<::mlir::RankedTensorType> slots;\n"
    # "    " # present # "\n"
    # "    auto attributes = ::llvm::cast_or_null<::mlir::DictionaryAttr>("
    # "getPropertiesAsAttr(context, adaptor.getProperties()));\n"
    # "    return inferUpdate(site, param, {{\"grad\", grad}}, getSlots(), slots, "
    # "getSlotTypes(param, attributes));\n  }()";
  let arguments = !con((ins Nnc_FloatTensor:$param, Nnc_FloatTensor:$grad,
                            Nnc_FloatScalar:$learning_rate, Nnc_CountScalar:$step),
      !dag(ins, slotKinds, slotOperands), attributes);
  let results = !con((outs Nnc_FloatTensor:$new_param),
      !dag(outs, slotKinds, !foreach(name, slotOperands, "new_" # name)));
  let resultTypes = !listconcat([update], !foreach(name, slotOperands, "presentTypes(" # name # ")"));
  let category = "Optimizer";
  let hasExpansion = 1;
  let extraClassDefinition = computingDefinition # expansionDefinition
    # "::llvm::ArrayRef<::llvm::StringRef> $cppClass::getSlots() {\n"
    # !if(!empty(slots), "  return {};\n",
          "  static const ::llvm::StringRef slots[] = {\"" # !interleave(slots, "\", \"") # "\"};\n"
          # "  return slots;\n") # "}\n"
    # "::llvm::SmallVector<::mlir::RankedTensorType> "
    # "$cppClass::getSlotTypes([[maybe_unused]] ::mlir::RankedTensorType param, "
    # "[[maybe_unused]] ::mlir::DictionaryAttr attributes) {\n"
    # "  using namespace ::nnc;\n"
    # "  return {" # !interleave(!if(!empty(slotTypes), !foreach(name, slots, "param"), slotTypes), ", ") # "};\n}\n";
}

// The factor of a penalty that is added to the gradient, as PyTorch has it.
defvar Nnc_WeightDecay = DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">;

def SgdOp : Nnc_OptimizerOp<"sgd", [], (ins Nnc_WeightDecay:$weight_decay)> {
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

def MomentumOp : Nnc_OptimizerOp<"momentum", ["velocity"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.0">:$dampening)> {
  let summary = "Gradient descent with momentum";
  let description = [{
    velocity' = momentum * velocity + (1 - dampening) * grad, of the first step grad
    alone; param - learning_rate * velocity'. grad is the gradient with
    weight_decay * param added to it.

    Source: Polyak 1964, doi:10.1016/0041-5553(64)90137-5.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, velocity: [1.0]
    %p, %v = nnc.momentum %param, %grad, %learning_rate, %step, %velocity
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.86], v: [1.4]
    ```
  }];
}

def NesterovOp : Nnc_OptimizerOp<"nesterov", ["velocity"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum, Nnc_WeightDecay:$weight_decay)> {
  let summary = "Gradient descent with Nesterov's momentum";
  let description = [{
    velocity' = momentum * velocity + grad;
    param - learning_rate * (grad + momentum * velocity'). grad is the gradient with
    weight_decay * param added to it.

    Source: Sutskever et al. 2013, PMLR 28(3).

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, velocity: [1.0]
    %p, %v = nnc.nesterov %param, %grad, %learning_rate, %step, %velocity
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.824], v: [1.4]
    ```
  }];
}

def RmspropOp : Nnc_OptimizerOp<"rmsprop", ["square", "mean", "velocity"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$decay, DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-7">:$epsilon,
    Nnc_WeightDecay:$weight_decay, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.0">:$momentum,
    DefaultValuedAttr<BoolAttr, "false">:$centered),
    ["param", "slotWhere(attributes, \"centered\", param)", "slotWhere(attributes, \"momentum\", param)"]> {
  let summary = "Gradient descent scaled by recent magnitudes";
  let description = [{
    square' = decay * square + (1 - decay) * grad ^ 2;
    change = grad / (sqrt(square') + epsilon); param - learning_rate * change. grad is
    the gradient with weight_decay * param added to it.

    With `centered` there is mean' = decay * mean + (1 - decay) * grad, and
    max(square' - mean' ^ 2, 0) stands for square' in the root. With `momentum` above 0
    there is velocity' = momentum * velocity + change, which stands for change. Both are
    of `more`, in this order.

    Source: Tieleman and Hinton 2012, Coursera lecture 6.5; centered: Graves 2013,
    arXiv:1308.0850, equations 38 to 45.

    ```mlir
    // param: [1.0], grad: [1.0], learning_rate: 0.1, square: [0.0]
    %p, %s = nnc.rmsprop %param, %grad, %learning_rate, %step, %square
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.683772], s: [0.1]
    ```
  }];
  let numOptional = 2;
}

def AdagradOp : Nnc_OptimizerOp<"adagrad", ["square"], (ins
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-7">:$epsilon, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$rate_decay,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">:$initial_accumulator)> {
  let summary = "Gradient descent scaled by all magnitudes so far";
  let description = [{
    square' = square + grad ^ 2;
    param - learning_rate / (1 + step * rate_decay) * grad
    / (sqrt(initial_accumulator + square') + epsilon). grad is the gradient with
    weight_decay * param added to it.

    Source: Duchi, Hazan and Singer 2011, JMLR 12.

    ```mlir
    // param: [1.0], grad: [2.0], learning_rate: 0.1, square: [0.0]
    %p, %s = nnc.adagrad %param, %grad, %learning_rate, %step, %square
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [0.9], s: [4.0]
    ```
  }];
}

def AdadeltaOp : Nnc_OptimizerOp<"adadelta", ["square", "change"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$decay, DefaultValuedAttr<Nnc_In<"(0, inf)">, "1e-6">:$epsilon,
    Nnc_WeightDecay:$weight_decay)> {
  let summary = "Steps as large as the last ones were, over recent magnitudes";
  let description = [{
    square' = decay * square + (1 - decay) * grad ^ 2;
    d = sqrt(change + epsilon) / sqrt(square' + epsilon) * grad;
    change' = decay * change + (1 - decay) * d ^ 2; param - learning_rate * d. Its rate is
    usually 1. grad is the gradient with weight_decay * param added to it.

    Source: Zeiler 2012, arXiv:1212.5701, algorithm 1.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 1.0, square: [0.1], change: [0.01]
    %p, %s, %c = nnc.adadelta %param, %grad, %learning_rate, %step, %square, %change
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.852551], s: [0.115], c: [0.0111741]
    ```
  }];
}

def RpropOp : Nnc_OptimizerOp<"rprop", ["previous", "size"], (ins
    DefaultValuedAttr<Nnc_In<"(0, 1)">, "0.5">:$decrease, DefaultValuedAttr<Nnc_In<"[1, inf)">, "1.2">:$increase,
    DefaultValuedAttr<Nnc_In<"(0, inf)">, "1e-6">:$least, DefaultValuedAttr<Nnc_In<"(0, inf)">, "50.0">:$most)> {
  let summary = "Steps whose size follows the sign of the gradient, for whole sets";
  let description = [{
    size is learning_rate at the first step. Where grad has the sign of `previous`
    size' = size * increase; where it has the other one, size * decrease, and grad is then
    taken as 0; else size. size' is limited to [least, most]; previous' = grad;
    param - sign(grad) * size'. For batches of all samples: the noise of small ones turns
    signs.

    Source: Riedmiller and Braun 1993, doi:10.1109/ICNN.1993.298623, as torch.optim.Rprop
    has it.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 1, previous: [2.0], size: [0.25]
    %p, %g, %s = nnc.rprop %param, %grad, %learning_rate, %step, %previous, %size
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.7], g: [0.5], s: [0.3]
    ```
  }];
}

defvar Nnc_MomentSlots = ["param", "param", "slotWhere(attributes, \"amsgrad\", param)"];

def AdamOp : Nnc_OptimizerOp<"adam", ["m", "v", "v_max"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<BoolAttr, "false">:$amsgrad), Nnc_MomentSlots> {
  let summary = "Adaptive moment estimation";
  let description = [{
    m' = beta1 * m + (1 - beta1) * grad; v' = beta2 * v + (1 - beta2) * grad ^ 2;
    param - learning_rate * m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon),
    with t = step + 1. grad is the gradient with weight_decay * param added to it; adamw
    decays param apart from it. With `amsgrad` there is v_max' = max(v_max, v'), which
    stands for v' in the root.

    Source: Kingma and Ba 2014, arXiv:1412.6980, algorithm 1; amsgrad: Reddi et al. 2018,
    arXiv:1904.09237, algorithm 2, as torch.optim.Adam has it.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.adam %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.9], m1: [0.05], v1: [0.00025]
    ```
  }];
  let numOptional = 1;
}

def AdamwOp : Nnc_OptimizerOp<"adamw", ["m", "v", "v_max"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.01">:$weight_decay,
    DefaultValuedAttr<BoolAttr, "false">:$amsgrad), Nnc_MomentSlots> {
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
  let numOptional = 1;
}

def AdamaxOp : Nnc_OptimizerOp<"adamax", ["m", "u"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay)> {
  let summary = "Adam by the largest recent magnitude";
  let description = [{
    m' = beta1 * m + (1 - beta1) * grad; u' = max(beta2 * u, |grad| + epsilon);
    param - learning_rate / (1 - beta1^t) * m' / u', with t = step + 1. grad is the
    gradient with weight_decay * param added to it.

    Source: Kingma and Ba 2014, arXiv:1412.6980, algorithm 2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], u: [0.0]
    %p, %m1, %u1 = nnc.adamax %param, %grad, %learning_rate, %step, %m, %u
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.9], m1: [0.05], u1: [0.5]
    ```
  }];
}

def RadamOp : Nnc_OptimizerOp<"radam", ["m", "v"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<BoolAttr, "false">:$decoupled_weight_decay)> {
  let summary = "Adam that waits until its variance is known";
  let description = [{
    m and v as adam has them. With t = step + 1, R = 2 / (1 - beta2) - 1 and
    r(t) = R - 2 t beta2^t / (1 - beta2^t): param - learning_rate * m' / (1 - beta1^t) * a.
    Where r(t) > 5, a = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r))
    / (sqrt(v' / (1 - beta2^t)) + epsilon); before, a = 1. grad is the gradient with
    weight_decay * param added to it; with `decoupled_weight_decay` the decay is adamw's.

    Source: Liu et al. 2019, arXiv:1908.03265, algorithm 2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.radam %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.95], m1: [0.05], v1: [0.00025]
    ```
  }];
}

def NadamOp : Nnc_OptimizerOp<"nadam", ["m", "v", "passed"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.004">:$momentum_decay,
    DefaultValuedAttr<BoolAttr, "false">:$decoupled_weight_decay),
    ["param", "param", "inferScalarSlot(param)"]> {
  let summary = "Adam with Nesterov's momentum";
  let description = [{
    m and v as adam has them. With t = step + 1,
    mu(t) = beta1 * (1 - 0.96 ^ (t * momentum_decay) / 2), and P(t) the product of mu(1) to
    mu(t): param - learning_rate / (sqrt(v' / (1 - beta2^t)) + epsilon)
    * (mu(t + 1) / (1 - P(t) * mu(t + 1)) * m' + (1 - mu(t)) / (1 - P(t)) * grad).
    `passed` is a scalar, 1 - P(t). grad is the gradient with weight_decay * param added to
    it; with `decoupled_weight_decay` the decay is adamw's.

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0], passed: 0.0
    %p, %m1, %v1, %q = nnc.nadam %param, %grad, %learning_rate, %step, %m, %v, %passed
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>, tensor<f32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>)
    // p: [0.894355], m1: [0.05], v1: [0.00025], q: 0.549927
    ```
  }];
}

def LionOp : Nnc_OptimizerOp<"lion", ["m"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.99">:$beta2,
    Nnc_WeightDecay:$weight_decay)> {
  let summary = "Descent by the sign of a mean of gradients";
  let description = [{
    param * (1 - learning_rate * weight_decay)
    - learning_rate * sign(beta1 * m + (1 - beta1) * grad);
    m' = beta2 * m + (1 - beta2) * grad. Its rate is a third to a tenth of Adam's, and its
    weight decay as many times that of AdamW.

    Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, m: [-1.0]
    %p, %m1 = nnc.lion %param, %grad, %learning_rate, %step, %m
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
    // p: [1.1], m1: [-0.985]
    ```
  }];
}

def LambOp : Nnc_OptimizerOp<"lamb", ["m", "v"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-6">:$epsilon, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.01">:$weight_decay)> {
  let summary = "Adam scaled to the norm of each parameter, for large batches";
  let description = [{
    m and v as adam has them;
    u = m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon) + weight_decay * param;
    param - learning_rate * trust * u. trust is |param| / |u|, the norms of the whole
    parameter, and 1 where either is 0.

    Source: You et al. 2019, arXiv:1904.00962, algorithm 2.

    ```mlir
    // param: [2.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.lamb %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [1.8], m1: [0.05], v1: [0.00025]
    ```
  }];
}

def AdafactorOp : Nnc_OptimizerOp<"adafactor", ["row", "column"], (ins
    DefaultValuedAttr<Nnc_In<"(0, inf)">, "0.8">:$decay_power, DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.1920929e-7">:$epsilon1,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-3">:$epsilon2, DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$clip,
    Nnc_WeightDecay:$weight_decay),
    ["inferRowSlot(param)", "inferColumnSlot(param)"]> {
  let summary = "Adaptive steps whose second moments of a matrix are a row and a column";
  let description = [{
    With t = step + 1 and s = t ^ -decay_power, of a parameter of rank 2 and more, over its
    last two dimensions: row' = row + s * (mean of grad ^ 2 along the last - row), column'
    as well along the last but one, and v = row' * column' / max(mean of row', epsilon1). Of
    any other, row has v itself, v' = row + s * (grad ^ 2 - row), and there is no column.
    u = grad / sqrt(max(v, epsilon1 ^ 2));
    param * (1 - learning_rate * weight_decay) - a * u / max(1, rms(u) / clip), with
    a = max(epsilon2, rms(param)) * min(learning_rate, 1 / sqrt(t)): the rate is a share of
    the parameter's own size.

    Source: Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 and 5; with the numbers
    of torch.optim.Adafactor.

    ```mlir
    // param: [[1.0, 1.0]], grad: [[0.5, 0.25]], learning_rate: 0.1, step: 0, row: [[0.0]], column: [[0.0, 0.0]]
    %p, %r, %c = nnc.adafactor %param, %grad, %learning_rate, %step, %row, %column
        : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<f32>, tensor<i64>, tensor<1x1xf32>, tensor<1x2xf32>)
        -> (tensor<1x2xf32>, tensor<1x1xf32>, tensor<1x2xf32>)
    // p: [[0.9, 0.9]], r: [[0.15625]], c: [[0.25, 0.0625]]
    ```
  }];
  let numOptional = 1;
}

def MuonOp : Nnc_OptimizerOp<"muon", ["m", "v"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.95">:$momentum, DefaultValuedAttr<BoolAttr, "true">:$nesterov,
    DefaultValuedAttr<Nnc_In<"[1, 32]", I64Attr>, "5">:$iterations,
    DefaultValuedAttr<BoolAttr, "true">:$match_adamw, DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.1">:$weight_decay,
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon),
    ["param", "param.getRank() < 2 ? param : ::mlir::RankedTensorType()"]> {
  let summary = "Momentum whose singular values are made equal; adamw for what is no matrix";
  let description = [{
    Of a parameter of rank 2 and more, as a matrix of its last dimension's B columns and A
    rows: m' = momentum * m + (1 - momentum) * grad;
    u = momentum * m' + (1 - momentum) * grad with `nesterov`, else m';
    param * (1 - learning_rate * weight_decay) - learning_rate * scale * O(u). O(u) is near
    the product U V^T of the singular vectors of u: x = u / |u|, then `iterations` times
    x = 3.4445 x - 4.7750 (x x^T) x + 2.0315 (x x^T)^2 x (Newton and Schulz). scale is
    0.2 * sqrt(max(A, B)) with `match_adamw`, which suits the rates of AdamW, else
    sqrt(max(1, B / A)).

    A parameter of rank 0 or 1 changes as by adamw with beta1, beta2, epsilon and the same
    rate and weight decay; v is there for it alone. A group gives tables of embeddings and
    the last layer an optimizer of their own.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; scale: Liu et al.
    2025, arXiv:2502.16982, section 2.2.

    ```mlir
    // param: [1.0], grad: [0.5], learning_rate: 0.1, step: 0, m: [0.0], v: [0.0]
    %p, %m1, %v1 = nnc.muon %param, %grad, %learning_rate, %step, %m, %v
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>)
        -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
    // p: [0.89], m1: [0.05], v1: [0.00025]
    ```
  }];
  let numOptional = 1;
}

#endif // NNC_OPS_TRAINING_TD
