// The passes that decide what is one kernel, in the order in which they run.
#ifndef NNC_PASSES_FUSIONPASSES_TD
#define NNC_PASSES_FUSIONPASSES_TD

include "mlir/Pass/PassBase.td"

def FuseUpdatesPass : Pass<"nnc-fuse-updates", "::mlir::func::FuncOp"> {
  let summary = "Gather the updates of all parameters into one kernel";
  let description = [{
    ```mlir
    %0 = nnc.mul %rate, %dw : (tensor<f32>, tensor<3x2xf32>) -> tensor<3x2xf32>
    %1 = nnc.sub %w, %0 : tensor<3x2xf32>
    %2 = nnc.mul %rate, %db : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
    %3 = nnc.sub %b, %2 : tensor<2xf32>
    nnc.assign @w, %1 : tensor<3x2xf32>
    nnc.assign @b, %3 : tensor<2xf32>
    ```
    becomes
    ```mlir
    %0:2 = nnc.fused "updates" (%a = %rate, %b = %dw, %c = %w, %d = %db, %e = %b) : … {
      %1 = nnc.mul %a, %b : (tensor<f32>, tensor<3x2xf32>) -> tensor<3x2xf32>
      %2 = nnc.sub %c, %1 : tensor<3x2xf32>
      %3 = nnc.mul %a, %d : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
      %4 = nnc.sub %e, %3 : tensor<2xf32>
      nnc.yield %2, %4 : tensor<3x2xf32>, tensor<2xf32>
    }
    nnc.assign @w, %0#0 : tensor<3x2xf32>
    nnc.assign @b, %0#1 : tensor<2xf32>
    ```
    for targets on which starting a kernel costs more than the memory traffic
    that is saved by an update in the epilogue of its gradient. Only elementwise
    ops whose values become state and nothing else are gathered; scalars stay
    outside. More buffers than one launch takes make several kernels, each of as many equal
    layers as fit where there are such. The norms of
    gradients of one type, for clipping, are gathered by eights.
  }];
}

def FuseEpiloguePass : Pass<"nnc-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "Move elementwise ops into the matrix product before them";
  let description = [{
    Bias, activation, mask and residual, forward and backward, and the update of
    a weight into the product that makes its gradient:
    ```mlir
    %0 = nnc.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
    %1 = nnc.add %0, %bias : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
    %2 = nnc.tanh %1 : tensor<8x16xf32>
    ```
    becomes
    ```mlir
    %2 = nnc.fused "contraction" (%a = %x, %b = %w, %c = %bias)
        : (tensor<8x4xf32>, tensor<4x16xf32>, tensor<16xf32>) -> tensor<8x16xf32> {
      %0 = nnc.matmul %a, %b : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
      %1 = nnc.add %0, %c : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
      %3 = nnc.tanh %1 : tensor<8x16xf32>
      nnc.yield %3 : tensor<8x16xf32>
    }
    ```
    What is used outside as well becomes one more result. Constants that are one
    number are copied into the region, and elementwise ops of the same shape that
    only the region reads move into it.

    Left alone: ops of another shape than the product's; ops that need something
    computed from the product outside of the region, as softmax and the clipping
    of the gradients' norm do; and ops that only a later rows kernel reads,
    unless their result is smaller than what they are computed from. Op by op,
    nothing is computed twice. A region ends at 160 ops.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def FuseElementwisePass : Pass<"nnc-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Make one kernel of each chain of elementwise ops";
  let description = [{
    ```mlir
    %0 = nnc.mul %x, %y : tensor<4x8xf32>
    %1 = nnc.add %0, %row : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %2 = nnc.tanh %1 : tensor<4x8xf32>
    return %0, %2 : tensor<4x8xf32>, tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %0:2 = nnc.fused "rows" (%a = %x, %b = %y, %c = %row)
        : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
      %1 = nnc.mul %a, %b : tensor<4x8xf32>
      %2 = nnc.add %1, %c : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
      %3 = nnc.tanh %2 : tensor<4x8xf32>
      nnc.yield %1, %3 : tensor<4x8xf32>, tensor<4x8xf32>
    }
    return %0#0, %0#1 : tensor<4x8xf32>, tensor<4x8xf32>
    ```
    A value that is used outside becomes one more result. Constants, sizes,
    index ramps, broadcasts, casts and reshapes are copied into each kernel that
    uses them.

    Left alone: ops that share no space of rows and columns (passes/RowSpace.h);
    ops with something between them that would have to run in the middle; and
    scalars that several kernels use, which are FuseSiblings' concern.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def FuseReductionsPass : Pass<"nnc-fuse-reductions", "::mlir::func::FuncOp"> {
  let summary = "Merge reductions with the kernels before and after them";
  let description = [{
    ```mlir
    %0 = nnc.exp %x : tensor<4x8xf32>
    %1 = nnc.sum %0 axes = [1] keep_dims = true : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %2 = nnc.div %0, %1 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %2 = nnc.fused "rows" (%a = %x) : (tensor<4x8xf32>) -> tensor<4x8xf32> {
      %0 = nnc.exp %a : tensor<4x8xf32>
      %1 = nnc.sum %0 axes = [1] keep_dims = true : (tensor<4x8xf32>) -> tensor<4x1xf32>
      %3 = nnc.div %0, %1 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
      nnc.yield %3 : tensor<4x8xf32>
    }
    ```
    Reductions over all of the columns, all of the rows, or both: one over a part
    of either stays by itself, as does the index of a maximum down a column.

    With `samples`, kernels are merged in which only each sample by itself has
    rows and columns: sums over the positions of pictures, with what is before and
    after them.
  }];
  let options = [
    Option<"samples", "samples", "bool", "false", "Whether each sample may have rows and columns of its own">
  ];
  let dependentDialects = ["::nnc::NncDialect"];
}

def FuseSiblingsPass : Pass<"nnc-fuse-siblings", "::mlir::func::FuncOp"> {
  let summary = "Merge independent kernels that are alike";
  let description = [{
    Kernels over one space that read the same operand, such as a loss and a
    metric of the same logits; small ones of equal size, such as the updates of
    biases; and arithmetic on scalars, with a kernel that ends with a scalar.
    ```mlir
    %0 = nnc.add %p, %dp : tensor<16xf32>
    %1 = nnc.add %q, %dq : tensor<16xf32>
    ```
    becomes
    ```mlir
    %0:2 = nnc.fused "rows" (%a = %p, %b = %dp, %c = %q, %d = %dq)
        : (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
      %1 = nnc.add %a, %b : tensor<16xf32>
      %2 = nnc.add %c, %d : tensor<16xf32>
      nnc.yield %1, %2 : tensor<16xf32>, tensor<16xf32>
    }
    ```
    Large kernels without a common operand are left alone: there is nothing to
    share.
  }];
  let dependentDialects = ["::nnc::NncDialect"];
}

def RecomputePass : Pass<"nnc-recompute", "::mlir::func::FuncOp"> {
  let summary = "Compute in a kernel what would cost it a read";
  let description = [{
    The backward pass reads values of the forward pass that are a few additions away
    from others that it reads:
    ```mlir
    %0 = nnc.sub %x, %mean : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
    %1 = nnc.maximum %0, %zero : (tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xf32>
    %y = nnc.matmul %1, %w : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
    ...
    %2 = nnc.compare %1, %zero predicate = gt : (tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xi1>
    %3 = nnc.select %2, %dy, %zero : (tensor<64x8xi1>, tensor<64x8xf32>, tensor<f32>) -> tensor<64x8xf32>
    %4 = nnc.mul %3, %0 : tensor<64x8xf32>
    ```
    The kernel of the last three reads `%x` and `%mean` in place of `%0` and `%1`, and
    has copies of the first two ops. `%0` is never written. Regions of products do so with
    what they read of each other's, as the derivative of an activation is computed of what
    the activation is.

    Left alone: values of ops that take many instructions; and what would need more
    to be read than it saves, or as much where the value is in memory anyway.
  }];
  let options = [
    Option<"hasTanh16", "has-tanh16", "bool", "false",
           "Whether a hyperbolic tangent of 16 bits takes an instruction or two">
  ];
  let dependentDialects = ["::nnc::NncDialect"];
}

#endif // NNC_PASSES_FUSIONPASSES_TD
