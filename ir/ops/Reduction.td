// Ops that combine the elements along axes.
#ifndef NNC_OPS_REDUCTION_TD
#define NNC_OPS_REDUCTION_TD

include "ir/Dialect.td"
include "ir/Types.td"

// `axes` may be negative, counted from the end; none means all.
defvar Nnc_ReductionArguments = (ins Nnc_FloatTensor:$x,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$axes,
    DefaultValuedAttr<BoolAttr, "false">:$keep_dims);
defvar Nnc_ReducedAxes = [{
  /// The axes as they count from 0, ascending; all of them where none are named.
  ::llvm::SmallVector<int64_t> getReducedAxes() {
    return ::nnc::resolveAxes(getX().getType().getRank(), getAxes());
  }
}];

class Nnc_Reduction<string mnemonic> : Nnc_Op<mnemonic, [Nnc_Reducing]> {
  let arguments = Nnc_ReductionArguments;
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferReduction(site, x, adaptor.getAxes(), adaptor.getKeepDims())"];
  let extraClassDeclaration = Nnc_ReducedAxes;
}

def SumOp : Nnc_Reduction<"sum"> {
  let summary = "Sum along axes";
  let description = [{
    y = sum of x over `axes` (all where none are named). Reduced dimensions
    vanish, or become 1 with `keep_dims`.

    dx = dy, repeated along the axes.

    ```mlir
    // x: [[1.0, 2.0], [3.0, 4.0]]
    %y = nnc.sum %x axes = [1] : (tensor<2x2xf32>) -> tensor<2xf32>
    // y: [3.0, 7.0]
    ```
  }];
  let gradient = ["broadcastLike(keepReduced(dy, x, getReducedAxes()), x)"];
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def ReduceMaxOp : Nnc_Reduction<"reduce_max"> {
  let summary = "Largest element along axes";
  let description = [{
    y = max of x over `axes` (all where none are named). NaN if there is one.

    The gradient is shared equally among the elements that attain the maximum:
    dx = dy * [x = y] / (number of such elements).

    ```mlir
    // x: [[1.0, 2.0], [4.0, 3.0]]
    %y = nnc.reduce_max %x axes = [1] : (tensor<2x2xf32>) -> tensor<2xf32>
    // y: [2.0, 4.0]
    ```
  }];
  let gradient = ["shareAmongEqual(dy, x, y, getReducedAxes())"];
  let hasCanonicalizeMethod = 1;
}

def ReduceMinOp : Nnc_Reduction<"reduce_min"> {
  let summary = "Smallest element along axes";
  let description = [{
    y = min of x over `axes` (all where none are named). NaN if there is one.

    The gradient is shared equally among the elements that attain the minimum:
    dx = dy * [x = y] / (number of such elements).

    ```mlir
    // x: [[1.0, 2.0], [4.0, 3.0]]
    %y = nnc.reduce_min %x axes = [1] : (tensor<2x2xf32>) -> tensor<2xf32>
    // y: [1.0, 3.0]
    ```
  }];
  let gradient = ["shareAmongEqual(dy, x, y, getReducedAxes())"];
  let hasCanonicalizeMethod = 1;
}

def ArgmaxOp : Nnc_Op<"argmax", [Nnc_Reducing]> {
  let summary = "Where the largest element is";
  let description = [{
    y = the index of the largest element of x along `axis`, the first of equals;
    of element type i32. The axis vanishes. NaN is larger than nothing: where no
    element is larger than -inf, y is 0.

    There is no gradient: an index does not vary smoothly.

    ```mlir
    // x: [[1.0, 2.0], [4.0, 3.0]]
    %y = nnc.argmax %x : (tensor<2x2xf32>) -> tensor<2xi32>
    // y: [1, 0]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs Nnc_IntegerTensor:$y);
  let resultTypes = [
    "withElementType(inferReduction(site, x, {static_cast<int64_t>(adaptor.getAxis())}, false), ::mlir::IntegerType::get(context, 32))"
  ];
  let noGradient = "an index does not vary smoothly with its input";
  let extraClassDeclaration = [{
    /// The axis as it counts from 0.
    int64_t getResolvedAxis() {
      return ::nnc::resolveAxis(getX().getType().getRank(), getAxis());
    }
    ::llvm::SmallVector<int64_t> getReducedAxes() { return {getResolvedAxis()}; }
  }];
}

def SizeOp : Nnc_Op<"size"> {
  let summary = "Number of elements along axes";
  let description = [{
    y = the product of the sizes of `axes` (all where none are named), a scalar
    of the element type of x. It is how the batch enters arithmetic.

    dx = 0: the number does not depend on the elements.

    ```mlir
    // x: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    %y = nnc.size %x axes = [0] : (tensor<3x2xf32>) -> tensor<f32>
    // y: 3.0
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$axes);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferSize(site, x, adaptor.getAxes())"];
  let gradient = ["nullptr"];
  let hasFolder = 1;
  let extraClassDeclaration = Nnc_ReducedAxes;
}

def MeanOp : Nnc_CompositeOp<"mean"> {
  let summary = "Mean along axes";
  let description = [{
    y = sum(x, axes) / size(x, axes).

    dx = dy / size(x, axes), repeated along the axes.

    ```mlir
    // x: [[1.0, 2.0], [3.0, 4.0]]
    %y = nnc.mean %x axes = [1] : (tensor<2x2xf32>) -> tensor<2xf32>
    // y: [1.5, 3.5]
    ```
  }];
  let arguments = Nnc_ReductionArguments;
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferReduction(site, x, adaptor.getAxes(), adaptor.getKeepDims())"];
  let expansion = "sum(x, getReducedAxes(), getKeepDims()) / size(x, getReducedAxes())";
  let extraClassDeclaration = Nnc_ReducedAxes;
}

def LogsumexpOp : Nnc_CompositeWithGradientOp<"logsumexp"> {
  let summary = "Logarithm of the sum of exponentials along axes";
  let description = [{
    y = m + ln(sum(e ^ (x - m))) over `axes`, with m = max(x) so that no
    exponent is positive; an infinite m is limited to the largest finite number,
    so that y is inf where an x is inf, and -inf where all are.

    dx = dy * softmax(x), without a gradient through the maximum. It is computed
    from x - m: in x - y a large m would have rounded the logarithm away. NaN where
    m is infinite.

    ```mlir
    // x: [[0.0, 0.0]]
    %y = nnc.logsumexp %x axes = [1] : (tensor<1x2xf32>) -> tensor<1xf32>
    // y: [0.693147]
    ```
  }];
  let arguments = Nnc_ReductionArguments;
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferReduction(site, x, adaptor.getAxes(), adaptor.getKeepDims())"];
  let hasExpansion = 1;
  let gradient = [
    "softmaxGradient(dy, x, getReducedAxes())"
  ];
  let extraClassDeclaration = Nnc_ReducedAxes;
}

#endif // NNC_OPS_REDUCTION_TD
