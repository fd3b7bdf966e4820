// Loops over time: what a step does, once, and the values that go from step to
// step.
#ifndef NNC_OPS_SCAN_TD
#define NNC_OPS_SCAN_TD

include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "ir/Dialect.td"
include "ir/Types.td"

def ScanOp : Op<Nnc_Dialect, "scan", [
    Pure, IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "A loop over the first dimension of tensors";
  let description = [{
    The region is run `steps` times, from step 0 on or, with `reverse`, from the last
    to the first. Its arguments are, in this order, the `carried` values, which begin as
    their operands; of each tensor of `over`, [steps, ..], the slice [..] of the step;
    and the operands of `with` as they are. It yields the next value of each
    carried one, then values of the step that are kept: results are the last
    carried values, then for each kept value all of them, [steps, ..], each where
    its step is.

    ```mlir
    // begin: [0.0, 0.0], x: [[1.0, 2.0], [3.0, 4.0]], w: 10.0
    %last, %all = nnc.scan carried(%h = %begin) over(%x_t = %x) with(%f = %w) steps = 2
        : (tensor<2xf32>, tensor<2x2xf32>, tensor<f32>) -> (tensor<2xf32>, tensor<2x2xf32>) {
      %0 = nnc.mul %h, %f : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
      %1 = nnc.add %0, %x_t : tensor<2xf32>
      nnc.yield %1, %1 : tensor<2xf32>, tensor<2xf32>
    }
    // last: [13.0, 24.0], all: [[1.0, 2.0], [13.0, 24.0]]
    ```
  }];
  let arguments = (ins Variadic<Nnc_Tensor>:$operands, I64Attr:$num_carried, I64Attr:$num_over,
                       I64Attr:$steps, UnitAttr:$reverse);
  let results = (outs Variadic<Nnc_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
  let builders = [
    // The arguments of the region are made, and nothing else is in it; `kept` are
    // the types of the kept values of one step.
    OpBuilder<(ins "::mlir::ValueRange":$carried, "::mlir::ValueRange":$over, "::mlir::ValueRange":$with,
                   "::mlir::TypeRange":$kept, "int64_t":$steps, "bool":$reverse)>
  ];
  let extraClassDeclaration = [{
    /// The operands: what is carried into the first step, what is gone over, and
    /// what is captured whole.
    ::mlir::OperandRange getCarried();
    ::mlir::OperandRange getOver();
    ::mlir::OperandRange getWith();
    /// The arguments of the region that stand for them.
    ::mlir::Block::BlockArgListType getCarriedArguments();
    ::mlir::Block::BlockArgListType getSlices();
    ::mlir::Block::BlockArgListType getWithArguments();
    ::nnc::YieldOp getYield();
    /// What the region yields as the next carried values, and what is kept.
    ::mlir::OperandRange getNext();
    ::mlir::OperandRange getKept();
    /// The results that are the last carried values, and all kept ones.
    ::mlir::ResultRange getLast();
    ::mlir::ResultRange getStacked();
  }];
}

#endif // NNC_OPS_SCAN_TD
