// Ops that compute each element from the elements at the same place.
#ifndef NNC_OPS_ELEMENTWISE_TD
#define NNC_OPS_ELEMENTWISE_TD

include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"

// y has the shape to which the operands broadcast, and their element type.
class Nnc_Binary<string mnemonic, Type tensor = Nnc_NumericTensor>
    : Nnc_Op<mnemonic, [Nnc_Elementwise]> {
  let arguments = (ins tensor:$lhs, tensor:$rhs);
  let results = (outs tensor:$y);
  let resultTypes = ["inferElementwise(site, {{\"lhs\", lhs}, {\"rhs\", rhs}})"];
}

// y has the type of x.
class Nnc_Unary<string mnemonic, Type tensor = Nnc_FloatTensor>
    : Nnc_Op<mnemonic, [Nnc_Elementwise]> {
  let arguments = (ins tensor:$x);
  let results = (outs tensor:$y);
  let resultTypes = ["x"];
}

def AddOp : Nnc_Binary<"add"> {
  let summary = "Sum of two tensors";
  let description = [{
    y = lhs + rhs. Shapes broadcast: aligned on the right, 1 stretches.

    dlhs = dy, drhs = dy.

    ```mlir
    // lhs: [1.0, 2.0], rhs: [10.0, 20.0]
    %y = nnc.add %lhs, %rhs : tensor<2xf32>
    // y: [11.0, 22.0]
    ```
  }];
  let gradient = ["dy", "dy"];
  let hasFolder = 1;
  let precision = "Follow";
}

def SubOp : Nnc_Binary<"sub"> {
  let summary = "Difference of two tensors";
  let description = [{
    y = lhs - rhs.

    dlhs = dy, drhs = -dy.

    ```mlir
    // lhs: [1.0, 2.0], rhs: [10.0, 20.0]
    %y = nnc.sub %lhs, %rhs : tensor<2xf32>
    // y: [-9.0, -18.0]
    ```
  }];
  let gradient = ["dy", "-dy"];
  let hasFolder = 1;
  let precision = "Follow";
}

def MulOp : Nnc_Binary<"mul"> {
  let summary = "Product of two tensors, element by element";
  let description = [{
    y = lhs * rhs.

    dlhs = dy * rhs, drhs = dy * lhs.

    ```mlir
    // lhs: [1.0, 2.0], rhs: [10.0, 20.0]
    %y = nnc.mul %lhs, %rhs : tensor<2xf32>
    // y: [10.0, 40.0]
    ```
  }];
  let gradient = ["dy * rhs", "dy * lhs"];
  let hasFolder = 1;
  let precision = "Follow";
}

def DivOp : Nnc_Binary<"div"> {
  let summary = "Quotient of two tensors";
  let description = [{
    y = lhs / rhs. Integers round towards zero and wrap around: an integer divided
    by zero is 0, and the smallest one divided by -1 is itself.

    dlhs = dy / rhs, drhs = -dy * y / rhs.

    ```mlir
    // lhs: [1.0, 2.0], rhs: [4.0, 8.0]
    %y = nnc.div %lhs, %rhs : tensor<2xf32>
    // y: [0.25, 0.25]
    ```
  }];
  let gradient = ["dy / rhs", "-(dy * y / rhs)"];
  let hasFolder = 1;
}

def PowOp : Nnc_Binary<"pow", Nnc_FloatTensor> {
  let summary = "Power";
  let description = [{
    y = lhs ^ rhs, as C's pow.

    dlhs = dy * rhs * lhs ^ (rhs - 1), and 0 where rhs is 0, also at lhs = 0: the
    power is constant. drhs = dy * y * log(lhs) where lhs > 0,
    else 0: the power is not differentiable in an exponent of a negative base.

    ```mlir
    // lhs: [2.0, 9.0], rhs: [3.0, 0.5]
    %y = nnc.pow %lhs, %rhs : tensor<2xf32>
    // y: [8.0, 3.0]
    ```
  }];
  let gradient = [
    "select(compare(rhs, scalar(rhs, 0.0), Predicate::eq), 0.0, dy * rhs * pow(lhs, rhs - 1.0))",
    // The inner select keeps log away from what the outer one discards.
    "select(lhs > 0.0, dy * y * log(select(lhs > 0.0, lhs, 1.0)), 0.0)"
  ];
  let hasFolder = 1;
}

def MaximumOp : Nnc_Binary<"maximum"> {
  let summary = "The larger of two tensors, element by element";
  let description = [{
    y = max(lhs, rhs). NaN if either is.

    The gradient goes to the operand that is larger, to `lhs` where they tie:
    dlhs = dy where lhs >= rhs, else 0; drhs = dy where lhs < rhs, else 0.

    ```mlir
    // lhs: [1.0, 5.0], rhs: [3.0, 4.0]
    %y = nnc.maximum %lhs, %rhs : tensor<2xf32>
    // y: [3.0, 5.0]
    ```
  }];
  let gradient = ["select(lhs >= rhs, dy, 0.0)", "select(lhs < rhs, dy, 0.0)"];
  let hasFolder = 1;
  let precision = "Follow";
}

def MinimumOp : Nnc_Binary<"minimum"> {
  let summary = "The smaller of two tensors, element by element";
  let description = [{
    y = min(lhs, rhs). NaN if either is.

    The gradient goes to the operand that is smaller, to `lhs` where they tie:
    dlhs = dy where lhs <= rhs, else 0; drhs = dy where lhs > rhs, else 0.

    ```mlir
    // lhs: [1.0, 5.0], rhs: [3.0, 4.0]
    %y = nnc.minimum %lhs, %rhs : tensor<2xf32>
    // y: [1.0, 4.0]
    ```
  }];
  let gradient = ["select(lhs <= rhs, dy, 0.0)", "select(lhs > rhs, dy, 0.0)"];
  let hasFolder = 1;
  let precision = "Follow";
}

def NegOp : Nnc_Unary<"neg", Nnc_NumericTensor> {
  let summary = "Negative";
  let description = [{
    y = -x. The smallest integer is its own negative.

    dx = -dy.

    ```mlir
    // x: [1.0, -2.0]
    %y = nnc.neg %x : tensor<2xf32>
    // y: [-1.0, 2.0]
    ```
  }];
  let gradient = ["-dy"];
  let hasFolder = 1;
  let precision = "Follow";
}

def AbsOp : Nnc_Unary<"abs", Nnc_NumericTensor> {
  let summary = "Absolute value";
  let description = [{
    y = |x|. That of the smallest integer is itself.

    dx = dy * sign(x), which is 0 at 0.

    ```mlir
    // x: [1.0, -2.0]
    %y = nnc.abs %x : tensor<2xf32>
    // y: [1.0, 2.0]
    ```
  }];
  let gradient = ["dy * sign(x)"];
  let precision = "Follow";
}

def SignOp : Nnc_Unary<"sign", Nnc_NumericTensor> {
  let summary = "Sign";
  let description = [{
    y = -1, 0 or 1 as x is negative, zero or positive. NaN for NaN.

    dx = 0: the sign is constant wherever it is differentiable.

    ```mlir
    // x: [3.0, 0.0, -2.0]
    %y = nnc.sign %x : tensor<3xf32>
    // y: [1.0, 0.0, -1.0]
    ```
  }];
  let gradient = ["nullptr"];
}

def ExpOp : Nnc_Unary<"exp"> {
  let summary = "Exponential";
  let description = [{
    y = e ^ x.

    dx = dy * y.

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.exp %x : tensor<2xf32>
    // y: [1.0, 2.71828]
    ```
  }];
  let gradient = ["dy * y"];
}

def LogOp : Nnc_Unary<"log"> {
  let summary = "Natural logarithm";
  let description = [{
    y = ln x. NaN where x < 0, -inf at 0.

    dx = dy / x.

    ```mlir
    // x: [1.0, 2.71828]
    %y = nnc.log %x : tensor<2xf32>
    // y: [0.0, 1.0]
    ```
  }];
  let gradient = ["dy / x"];
}

def Log1pOp : Nnc_Unary<"log1p"> {
  let summary = "Natural logarithm of 1 + x";
  let description = [{
    y = ln(1 + x), exact for small x.

    dx = dy / (1 + x).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.log1p %x : tensor<2xf32>
    // y: [0.0, 0.693147]
    ```
  }];
  let gradient = ["dy / (1.0 + x)"];
}

def Expm1Op : Nnc_Unary<"expm1"> {
  let summary = "Exponential less one";
  let description = [{
    y = e ^ x - 1, exact for small x.

    dx = dy * (y + 1).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.expm1 %x : tensor<2xf32>
    // y: [0.0, 1.71828]
    ```
  }];
  let gradient = ["dy * (y + 1.0)"];
}

def TanhOp : Nnc_Unary<"tanh"> {
  let summary = "Hyperbolic tangent";
  let description = [{
    y = (e ^ x - e ^ -x) / (e ^ x + e ^ -x).

    dx = dy * (1 - y * y).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.tanh %x : tensor<2xf32>
    // y: [0.0, 0.761594]
    ```
  }];
  let gradient = ["dy * (1.0 - y * y)"];
  let precision = "Follow";
}

def SigmoidOp : Nnc_Unary<"sigmoid"> {
  let summary = "Logistic function";
  let description = [{
    y = 1 / (1 + e ^ -x).

    dx = dy * y * (1 - y).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.sigmoid %x : tensor<2xf32>
    // y: [0.5, 0.731059]
    ```
  }];
  let gradient = ["dy * y * (1.0 - y)"];
  let precision = "Follow";
}

def ErfOp : Nnc_Unary<"erf"> {
  let summary = "Error function";
  let description = [{
    y = 2 / sqrt(pi) * integral of e ^ (-t * t) from 0 to x.

    dx = dy * 2 / sqrt(pi) * e ^ (-x * x).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.erf %x : tensor<2xf32>
    // y: [0.0, 0.842701]
    ```
  }];
  let gradient = ["dy * (2.0 / std::sqrt(M_PI)) * exp(-(x * x))"];
}

def SqrtOp : Nnc_Unary<"sqrt"> {
  let summary = "Square root";
  let description = [{
    y = sqrt(x). NaN where x < 0.

    dx = dy / (2 * y).

    ```mlir
    // x: [4.0, 9.0]
    %y = nnc.sqrt %x : tensor<2xf32>
    // y: [2.0, 3.0]
    ```
  }];
  let gradient = ["dy / (2.0 * y)"];
}

def RsqrtOp : Nnc_Unary<"rsqrt"> {
  let summary = "One over the square root";
  let description = [{
    y = 1 / sqrt(x).

    dx = -dy * y * y * y / 2.

    ```mlir
    // x: [4.0, 16.0]
    %y = nnc.rsqrt %x : tensor<2xf32>
    // y: [0.5, 0.25]
    ```
  }];
  let gradient = ["-0.5 * dy * y * y * y"];
}

def SinOp : Nnc_Unary<"sin"> {
  let summary = "Sine";
  let description = [{
    y = sin(x), x in radians.

    dx = dy * cos(x).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.sin %x : tensor<2xf32>
    // y: [0.0, 0.841471]
    ```
  }];
  let gradient = ["dy * cos(x)"];
}

def CosOp : Nnc_Unary<"cos"> {
  let summary = "Cosine";
  let description = [{
    y = cos(x), x in radians.

    dx = -dy * sin(x).

    ```mlir
    // x: [0.0, 1.0]
    %y = nnc.cos %x : tensor<2xf32>
    // y: [1.0, 0.540302]
    ```
  }];
  let gradient = ["-(dy * sin(x))"];
}

def FloorOp : Nnc_Unary<"floor"> {
  let summary = "Largest integer that is not larger";
  let description = [{
    y = floor(x).

    dx = 0: the floor is constant wherever it is differentiable.

    ```mlir
    // x: [1.5, -1.5]
    %y = nnc.floor %x : tensor<2xf32>
    // y: [1.0, -2.0]
    ```
  }];
  let gradient = ["nullptr"];
}

def CeilOp : Nnc_Unary<"ceil"> {
  let summary = "Smallest integer that is not smaller";
  let description = [{
    y = ceil(x).

    dx = 0: the ceiling is constant wherever it is differentiable.

    ```mlir
    // x: [1.5, -1.5]
    %y = nnc.ceil %x : tensor<2xf32>
    // y: [2.0, -1.0]
    ```
  }];
  let gradient = ["nullptr"];
}

def TruncOp : Nnc_Unary<"trunc"> {
  let summary = "Whole part";
  let description = [{
    y = x without its digits after the point: floor(x) where x >= 0, else ceil(x).

    dx = 0: the whole part is constant wherever it is differentiable.

    ```mlir
    // x: [1.5, -1.5]
    %y = nnc.trunc %x : tensor<2xf32>
    // y: [1.0, -1.0]
    ```
  }];
  let gradient = ["nullptr"];
}

def RoundOp : Nnc_Unary<"round"> {
  let summary = "Nearest integer, halves to even";
  let description = [{
    y = the integer nearest to x; the even one of two that are equally near.

    dx = 0: rounding is constant wherever it is differentiable.

    ```mlir
    // x: [1.4, 2.5]
    %y = nnc.round %x : tensor<2xf32>
    // y: [1.0, 2.0]
    ```
  }];
  let gradient = ["nullptr"];
}

def ClampOp : Nnc_Op<"clamp", [Nnc_Elementwise]> {
  let summary = "Limited to a range";
  let description = [{
    y = min(max(x, min), max), with min <= max.

    dx = dy where min <= x <= max, else 0.

    ```mlir
    // x: [-3.0, 0.5, 3.0]
    %y = nnc.clamp %x min = -1.0 max = 1.0 : tensor<3xf32>
    // y: [-1.0, 0.5, 1.0]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, F64Attr:$min, F64Attr:$max);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
  let gradient = ["select(logicalAnd(x >= getMin().convertToDouble(), x <= getMax().convertToDouble()), dy, 0.0)"];
  let hasVerifier = 1;
  let precision = "Follow";
}

def CompareOp : Nnc_Op<"compare", [Nnc_Elementwise]> {
  let summary = "Comparison, element by element";
  let description = [{
    y = lhs predicate rhs, of element type i1. Shapes broadcast. A comparison
    with NaN is false, except that `ne` is true.

    There is no gradient: the result is not a number.

    ```mlir
    // lhs: [1.0, 5.0], rhs: [3.0, 4.0]
    %y = nnc.compare %lhs, %rhs predicate = gt : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
    // y: [false, true]
    ```
  }];
  let arguments = (ins Nnc_NumericTensor:$lhs, Nnc_NumericTensor:$rhs, Nnc_PredicateAttr:$predicate);
  let results = (outs Nnc_BoolTensor:$y);
  let resultTypes = [
    "withElementType(inferElementwise(site, {{\"lhs\", lhs}, {\"rhs\", rhs}}), ::mlir::IntegerType::get(context, 1))"
  ];
  let noGradient = "a comparison is constant wherever it is differentiable";
  let hasFolder = 1;
}

def SelectOp : Nnc_Op<"select", [Nnc_Elementwise]> {
  let summary = "One of two tensors, element by element";
  let description = [{
    y = on_true where the condition holds, on_false elsewhere. Shapes broadcast.

    don_true = dy where the condition holds, else 0; don_false the reverse.

    ```mlir
    // condition: [true, false], on_true: [1.0, 2.0], on_false: [3.0, 4.0]
    %y = nnc.select %condition, %on_true, %on_false
        : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    // y: [1.0, 4.0]
    ```
  }];
  let arguments = (ins Nnc_BoolTensor:$condition, Nnc_Tensor:$on_true, Nnc_Tensor:$on_false);
  let results = (outs Nnc_Tensor:$y);
  let resultTypes = ["inferSelect(site, condition, on_true, on_false)"];
  let gradient = ["nullptr", "select(condition, dy, 0.0)", "select(condition, 0.0, dy)"];
  let hasFolder = 1;
  let precision = "Follow";
}

def LogicalAndOp : Nnc_Binary<"logical_and", Nnc_BoolTensor> {
  let summary = "Both hold";
  let description = [{
    y = lhs and rhs. There is no gradient: the result is not a number.

    ```mlir
    // lhs: [true, true], rhs: [true, false]
    %y = nnc.logical_and %lhs, %rhs : tensor<2xi1>
    // y: [true, false]
    ```
  }];
  let noGradient = "a truth value is not a number";
}

def LogicalOrOp : Nnc_Binary<"logical_or", Nnc_BoolTensor> {
  let summary = "At least one holds";
  let description = [{
    y = lhs or rhs. There is no gradient: the result is not a number.

    ```mlir
    // lhs: [false, true], rhs: [false, false]
    %y = nnc.logical_or %lhs, %rhs : tensor<2xi1>
    // y: [false, true]
    ```
  }];
  let noGradient = "a truth value is not a number";
}

def LogicalNotOp : Nnc_Unary<"logical_not", Nnc_BoolTensor> {
  let summary = "Does not hold";
  let description = [{
    y = not x. There is no gradient: the result is not a number.

    ```mlir
    // x: [false, true]
    %y = nnc.logical_not %x : tensor<2xi1>
    // y: [true, false]
    ```
  }];
  let noGradient = "a truth value is not a number";
}

def CastOp : Nnc_Op<"cast", [Nnc_Elementwise]> {
  let summary = "Conversion to another element type";
  let description = [{
    y = x in element type `to`. From float to integer it rounds towards zero;
    what is beyond the integers gives the nearest one, and NaN gives 0. From integer
    to integer it wraps around. To bool it is x != 0; from bool it is 0 or 1.

    dx = dy, cast back, where both element types are floats, else 0.

    ```mlir
    // x: [1, 255]
    %y = nnc.cast %x to = f32 : (tensor<2xui8>) -> tensor<2xf32>
    // y: [1.0, 255.0]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, TypeAttr:$to);
  let results = (outs Nnc_Tensor:$y);
  let resultTypes = ["inferCast(site, x, adaptor.getTo())"];
  let gradient = ["x.isFloat() && y.isFloat() ? ::mlir::Value(cast(dy, x.elementType())) : ::mlir::Value()"];
  let hasFolder = 1;
}

def StopGradientOp : Nnc_Unary<"stop_gradient", Nnc_Tensor> {
  let summary = "A constant to differentiation";
  let description = [{
    y = x.

    dx = 0, by definition.

    ```mlir
    // x: [1.0, 2.0]
    %y = nnc.stop_gradient %x : tensor<2xf32>
    // y: [1.0, 2.0]
    ```
  }];
  let gradient = ["nullptr"];
  let precision = "Follow";
}

#endif // NNC_OPS_ELEMENTWISE_TD
