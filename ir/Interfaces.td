// What an op may be asked for beyond MLIR's own interfaces.
#ifndef NNC_INTERFACES_TD
#define NNC_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Nnc_Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::nnc";
  let description = "An op that states its gradient, or why it has none.";
  let methods = [
    InterfaceMethod<[{
        Builds the gradient of each operand, given that of each result. An entry
        of `upstream` is null where nothing depends on the result. An entry of
        the answer is null where the operand's gradient is zero. The gradient
        may still have the broadcast shape: the caller sums it down. Fails after
        a diagnostic where there is no gradient.
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildGradient",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$upstream)>,
    InterfaceMethod<"Why the op has no gradient; empty if it has one.",
      "::llvm::StringRef", "getNoGradientReason", (ins)>
  ];
}

def Nnc_Composite : OpInterface<"Composite"> {
  let cppNamespace = "::nnc";
  let description = "An op that other ops define.";
  let methods = [
    InterfaceMethod<[{
        Builds the values that define the results. `training` is true in a
        training step: dropout then draws a mask, and is the identity elsewhere.
        Fails after a diagnostic.
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildExpansion",
      (ins "::mlir::OpBuilder &":$builder, "bool":$training)>
  ];
}

#endif // NNC_INTERFACES_TD
