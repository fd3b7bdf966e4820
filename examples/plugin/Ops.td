// The dialect `extra`: what a model calls as extra.NAME(...). The base classes
// are nnc's own; they generate shapes, syntax, gradients and expansions.
include "ir/Dialect.td"
include "ir/Types.td"

def Extra_Dialect : Dialect {
  let name = "extra";
  let cppNamespace = "::extra";
  let summary = "Ops that nnc does not bring";
}

// A composite: other ops define it, and nothing else is needed. It is
// differentiated, fused and lowered by its expansion.
def SwigluOp : Nnc_CompositeOp<"swiglu", [], Extra_Dialect> {
  let summary = "Gated linear unit with a swish gate";
  let description = [{
    y = x * gate * sigmoid(gate).

    Source: Shazeer 2020, arXiv:2002.05202, section 2.

    ```mlir
    // x: [3.0, 3.0], gate: [0.0, 1.0]
    %y = extra.swiglu %x, %gate : tensor<2xf32>
    // y: [0.0, 2.1932]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$gate);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferElementwise(site, {{\"x\", x}, {\"gate\", gate}})"];
  let expansion = "x * gate * sigmoid(gate)";
}

// A layer with state: `buffers` are made for the caller as `dense` makes weights,
// move with the model and are changed by no optimizer, but by `updates`, once a
// training step.
def CenterOp : Nnc_CompositeOp<"center", [DeclareOpInterfaceMethods<Nnc_Layer>], Extra_Dialect> {
  let summary = "Difference from the mean of the samples";
  let description = [{
    Training subtracts the mean of the batch from each feature, and has `mean`
    follow it: mean' = momentum * mean + (1 - momentum) * mean of x. Evaluation and
    prediction subtract `mean`.

    ```mlir
    // x: [[3.0], [5.0]], mean: [1.0]
    %y = extra.center %x, %mean : (tensor<2x1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
    // y: [[2.0], [4.0]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, Nnc_FloatTensor:$mean,
                       DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.9">:$momentum);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferElementwise(site, {{\"x\", x}, {\"mean\", mean}})"];
  let buffers = ["mean"];
  let expansion = "x - (training ? ::nnc::mean(x, {0}) : mean)";
  let updates = ["mean * number(getMomentum()) + ::nnc::mean(x, {0}) * (1.0 - number(getMomentum()))"];
}

// An elementwise primitive: its gradient fits into the record, its lowering is
// in Ops.cpp, and MLIR's trait Elementwise has it fused with its neighbours.
def SquareOp : Nnc_Op<"square", [Elementwise, DeclareOpInterfaceMethods<Nnc_Lowerable>],
                      Extra_Dialect> {
  let summary = "Square of each element";
  let description = [{
    y = x * x.

    dx = 2 * x * dy.

    ```mlir
    // x: [-3.0, 2.0]
    %y = extra.square %x : tensor<2xf32>
    // y: [9.0, 4.0]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
  let gradient = ["2.0 * x * dy"];
}

// A structured primitive: gradient, shape rule and lowering are C++. It is a
// kernel of its own.
def CumsumOp : Nnc_Op<"cumsum", [DeclareOpInterfaceMethods<Nnc_Lowerable>], Extra_Dialect> {
  let summary = "Running sum along the last axis";
  let description = [{
    y[.., j] = sum of x[.., i] over i <= j, or over i >= j where `reverse`.

    dx is the running sum of dy in the other direction.

    ```mlir
    // x: [1.0, 2.0, 3.0]
    %y = extra.cumsum %x : tensor<3xf32>
    // y: [1.0, 3.0, 6.0]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["::extra::inferCumsum(site, x)"];
  let hasGradient = 1;
}

// An optimizer: `optimizer extra.sign_descent(0.001)` in a training block. It
// keeps no state (getSlots, in Ops.cpp).
def SignDescentOp : Nnc_CompositeOp<"sign_descent", [DeclareOpInterfaceMethods<Nnc_Optimizer>],
                                    Extra_Dialect> {
  let summary = "Descent by the gradient's sign alone";
  let description = [{
    param - learning_rate * sign(grad).

    ```mlir
    // param: [1.0], grad: [-0.5], learning_rate: 0.25
    %p = extra.sign_descent %param, %grad, %learning_rate, %step
        : (tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i64>) -> tensor<1xf32>
    // p: [1.25]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$param, Nnc_FloatTensor:$grad,
                       Nnc_FloatScalar:$learning_rate, Nnc_CountScalar:$step);
  let results = (outs Nnc_FloatTensor:$new_param);
  let resultTypes = ["inferUpdate(site, param, {{\"grad\", grad}})"];
  let category = "Optimizer";
  let expansion = "param - learning_rate * sign(grad)";
}
