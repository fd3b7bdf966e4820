// Values that have no operand: constants and indices. Primitive.
#ifndef NNC_OPS_CONSTANT_TD
#define NNC_OPS_CONSTANT_TD

include "ir/Dialect.td"
include "ir/Types.td"

def ConstantOp : Nnc_Op<"constant", [ConstantLike]> {
  let summary = "Values known when compiling";
  let description = [{
    y = value, which is of a static shape.

    ```mlir
    %y = nnc.constant dense<[1.0, 2.0]> : tensor<2xf32>
    // y: [1.0, 2.0]
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Nnc_Tensor:$y);
  let resultTypes = ["inferConstant(site, adaptor.getValue())"];
  let noGradient = "a constant has no operand";
  let sharedSyntax = 0;
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def IotaOp : Nnc_Op<"iota", [Nnc_Positional]> {
  let summary = "Indices along an axis";
  let description = [{
    y[i0, i1, ...] = i_axis. A -1 in the shape is the batch.

    ```mlir
    %y = nnc.iota shape = [2, 3] type = i32 axis = 1 : () -> tensor<2x3xi32>
    // y: [[0, 1, 2], [0, 1, 2]]
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$shape, TypeAttr:$type,
                       DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Nnc_NumericTensor:$y);
  let resultTypes = ["inferIota(site, adaptor.getShape(), adaptor.getAxis(), adaptor.getType())"];
  let noGradient = "an index has no operand";
}

#endif // NNC_OPS_CONSTANT_TD
