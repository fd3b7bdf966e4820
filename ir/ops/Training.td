// Optimizers, each defined by other ops.
#ifndef NNC_OPS_TRAINING_TD
#define NNC_OPS_TRAINING_TD

include "ir/Dialect.td"
include "ir/Types.td"

// Operands: param, grad, learning_rate, step (from 0), then `slots`; results: the
// new param and slots.
//   slotTypes  the type of each slot as C++, in terms of `param`; empty: all have
//              that of param. One that is null for some parameters is optional and
//              the last.
class Nnc_OptimizerOp<string mnemonic, list<string> slots, dag attributes, list<string> slotTypes = []>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_Optimizer, ["getSlotTypes"]>]> {
  bit hasOptionalSlot = 0;
  list<bit> isOptional = !foreach(i, !range(!size(slots)),
      !and(hasOptionalSlot, !eq(i, !sub(!size(slots), 1))));
  string others = !interleave(!foreach(name, slots, "{\"" # name # "\", " # name # "}"), ", ");
  string update = "inferUpdate(site, param, {{\"grad\", grad}}, {" # others # "}, getSlotTypes(param))";
  let arguments = !con((ins Nnc_FloatTensor:$param, Nnc_FloatTensor:$grad,
                            Nnc_FloatScalar:$learning_rate, Nnc_CountScalar:$step),
      !dag(ins, !foreach(optional, isOptional, !if(optional, Optional<Nnc_FloatTensor>, Nnc_FloatTensor)), slots),
      attributes);
  let results = !con((outs Nnc_FloatTensor:$new_param),
      !dag(outs, !foreach(optional, isOptional, !if(optional, Optional<Nnc_FloatTensor>, Nnc_FloatTensor)),
           !foreach(name, slots, "new_" # name)));
  let resultTypes = !listconcat([update], !foreach(name, slots, "presentTypes(" # name # ")"));
  let category = "Optimizer";
  let hasExpansion = 1;
  let extraClassDefinition = computingDefinition # expansionDefinition
    # "::llvm::ArrayRef<::llvm::StringRef> $cppClass::getSlots() {\n"
    # !if(!empty(slots), "  return {};\n",
          "  static const ::llvm::StringRef slots[] = {\"" # !interleave(slots, "\", \"") # "\"};\n"
          # "  return slots;\n") # "}\n"
    # "::llvm::SmallVector<::mlir::RankedTensorType> "
    # "$cppClass::getSlotTypes([[maybe_unused]] ::mlir::RankedTensorType param) {\n"
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
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum, Nnc_WeightDecay:$weight_decay)> {
  let summary = "Gradient descent with momentum";
  let description = [{
    velocity' = momentum * velocity + grad; param - learning_rate * velocity'. grad is
    the gradient with weight_decay * param added to it.

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

def RmspropOp : Nnc_OptimizerOp<"rmsprop", ["square"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$decay, DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-7">:$epsilon,
    Nnc_WeightDecay:$weight_decay)> {
  let summary = "Gradient descent scaled by recent magnitudes";
  let description = [{
    square' = decay * square + (1 - decay) * grad ^ 2;
    param - learning_rate * grad / (sqrt(square') + epsilon). grad is the gradient with
    weight_decay * param added to it.

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
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay)> {
  let summary = "Adaptive moment estimation";
  let description = [{
    m' = beta1 * m + (1 - beta1) * grad; v' = beta2 * v + (1 - beta2) * grad ^ 2;
    param - learning_rate * m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon),
    with t = step + 1. grad is the gradient with weight_decay * param added to it; adamw
    decays param apart from it.

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

def NadamOp : Nnc_OptimizerOp<"nadam", ["m", "v", "passed"], (ins
    DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$beta1, DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.999">:$beta2,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-8">:$epsilon, Nnc_WeightDecay:$weight_decay,
    DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.004">:$momentum_decay),
    ["param", "param", "inferScalarSlot(param)"]> {
  let summary = "Adam with Nesterov's momentum";
  let description = [{
    m and v as adam has them. With t = step + 1,
    mu(t) = beta1 * (1 - 0.96 ^ (t * momentum_decay) / 2), and P(t) the product of mu(1) to
    mu(t): param - learning_rate / (sqrt(v' / (1 - beta2^t)) + epsilon)
    * (mu(t + 1) / (1 - P(t) * mu(t + 1)) * m' + (1 - mu(t)) / (1 - P(t)) * grad).
    `passed` is a scalar, 1 - P(t). grad is the gradient with weight_decay * param added to
    it.

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
  let hasOptionalSlot = 1;
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
  let hasOptionalSlot = 1;
}

#endif // NNC_OPS_TRAINING_TD
