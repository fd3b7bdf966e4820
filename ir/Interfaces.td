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
        Builds the values that define the results, and the updates of buffers
        that a training step makes. `training` is true in a training step:
        dropout then draws a mask, and is the identity elsewhere; there are
        updates there alone. Fails after a diagnostic.
      }],
      "::llvm::FailureOr<::nnc::Expansion>", "buildExpansion",
      (ins "::mlir::OpBuilder &":$builder, "bool":$training)>
  ];
}

def Nnc_Described : OpInterface<"Described"> {
  let cppNamespace = "::nnc";
  let description = "An op that tells how it is called by name (ir/Signature.h).";
  let methods = [
    StaticInterfaceMethod<"Operands, attributes and defaults, from the record.",
      "const ::nnc::Signature &", "getSignature", (ins)>
  ];
}

def Nnc_Layer : OpInterface<"Layer"> {
  let cppNamespace = "::nnc";
  let description = [{
    An op some of whose operands may be made for the caller as parameters. The
    record lists the arguments that decide their shapes (`layerArguments`).
  }];
  let methods = [
    StaticInterfaceMethod<[{
        The parameters of a call whose operands so far are `given`, null where one
        after it is given alone, and whose layer arguments and attributes are
        `arguments`, as far as they are given.
        Fails after a diagnostic at `loc`.
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::nnc::LayerParameter>>", "getLayerParameters",
      (ins "::mlir::Location":$loc, "::mlir::ValueRange":$given,
           "::mlir::DictionaryAttr":$arguments)>
  ];
}

def Nnc_Optimizer : OpInterface<"Optimizer"> {
  let cppNamespace = "::nnc";
  let description = [{
    The update of one parameter. Operands: param, grad, learning_rate, step,
    then the slots; results: the new param, then the new slots, in order. Slots
    start at zero.
  }];
  let methods = [
    StaticInterfaceMethod<"The names of the state slots, in operand order.",
      "::llvm::ArrayRef<::llvm::StringRef>", "getSlots", (ins)>,
    StaticInterfaceMethod<[{
        The type of each slot of a parameter of type `param`, where `attributes`
        are the op's; null for one that there is not. They have the parameter's own
        type where an op does not say otherwise.
      }],
      "::llvm::SmallVector<::mlir::RankedTensorType>", "getSlotTypes",
      (ins "::mlir::RankedTensorType":$param, "::mlir::DictionaryAttr":$attributes), "", [{
        return ::llvm::SmallVector<::mlir::RankedTensorType>(ConcreteOp::getSlots().size(), param);
      }]>
  ];
}

def Nnc_Lowerable : OpInterface<"Lowerable"> {
  let cppNamespace = "::nnc";
  let description = [{
    A primitive of another dialect: it says itself which linalg ops it becomes.
    It is a kernel of its own; one with the trait Nnc_Elementwise, or MLIR's
    Elementwise, is fused as the elementwise ops of nnc are.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds the values of the results from those of the operands, as tensors
        with signless elements, in the form of docs/architecture.md, section 3.
        Fails after a diagnostic.
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "lowerToLinalg",
      (ins "::nnc::KernelBuilder &":$b, "::mlir::ValueRange":$operands)>
  ];
}

def Nnc_Reducing : OpInterface<"Reducing"> {
  let cppNamespace = "::nnc";
  let description = [{
    An op that combines the elements of its one operand along axes, in any order:
    loops over rows can do it beside elementwise ops.
  }];
  let methods = [
    InterfaceMethod<"The axes as they count from 0, ascending.",
      "::llvm::SmallVector<int64_t>", "getReducedAxes", (ins)>
  ];
}

def Nnc_IndexLimited : OpInterface<"IndexLimited"> {
  let cppNamespace = "::nnc";
  let description = [{
    An op with an integer operand that counts something, so that data out of
    range is found when it is read and not by a wrong number later.
  }];
  let methods = [
    InterfaceMethod<"Integer operands and the number of values each may take.",
      "::llvm::SmallVector<::nnc::IndexLimit>", "getIndexLimits", (ins)>
  ];
}

def Nnc_Summed : OpInterface<"Summed"> {
  let cppNamespace = "::nnc";
  let description = [{
    A metric that over a set is no mean of what it is for the batches: it is read
    from sums over the set.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds what is added up, a vector; null where the mean of the batches is
        right. Fails after a diagnostic.
      }],
      "::llvm::FailureOr<::mlir::Value>", "buildSums", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<"How the metric is read from the sums: a name of runtime/MetricSums.h.",
      "::llvm::StringRef", "getReading", (ins)>
  ];
}

def Nnc_Gathered : OpInterface<"Gathered"> {
  let cppNamespace = "::nnc";
  let description = [{
    A metric of an order of the whole set: it is read from all scores, and there is
    no value of a batch.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds what is gathered, f32 [.., 2 * K]: the scores of K classes, then for
        each whether the row is of it, 1 or 0, or anything else where it does not
        count. A weighted reading has [.., 3 * K], with the weight of each behind.
        Fails after a diagnostic.
      }],
      "::llvm::FailureOr<::mlir::Value>", "buildScores", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<"How the metric is read from them: a name of runtime/MetricScores.h.",
      "::llvm::StringRef", "getReading", (ins)>
  ];
}

#endif // NNC_INTERFACES_TD
