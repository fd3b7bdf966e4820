// The model as written, its state, and the step's calculus before it is explicit.
#ifndef NNC_OPS_STATE_TD
#define NNC_OPS_STATE_TD

include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"

// An op about state or the program, which has no value to differentiate.
class Nnc_StateOp<string mnemonic, list<Trait> traits = []>
    : Op<Nnc_Dialect, mnemonic, traits>;

def ModelOp : Nnc_StateOp<"model", [
    FunctionOpInterface, IsolatedFromAbove, NoTerminator, SingleBlock,
    OpAsmOpInterface]> {
  let summary = "A program as written";
  let description = [{
    Computation on the inputs, with nnc.loss, nnc.metric and nnc.output among it.
    The recipe (optimizer, epochs, data) stands in attributes;
    docs/architecture.md lists them.

    ```mlir
    nnc.model @double(%x: tensor<?x2xf32> {nnc.name = "x"}) {
      %y = nnc.add %x, %x : tensor<?x2xf32>
      nnc.output "y" %y : tensor<?x2xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::nnc::RecipeAttr getRecipe();
  }];
}

def LossOp : Nnc_StateOp<"loss", [MemoryEffects<[MemWrite]>]> {
  let summary = "A number to be made small";
  let description = [{
    Several losses of a model are added. One that has a name is reported by it, as a
    metric is. With `nnc.step` it is of one of several training steps, whose losses
    are added each for itself.

    ```mlir
    nnc.loss %loss : tensor<f32>
    nnc.loss %divergence name "kl" : tensor<f32>
    nnc.loss %of_critic {nnc.step = "discriminate"} : tensor<f32>
    ```
  }];
  let arguments = (ins Nnc_FloatScalar:$value, OptionalAttr<StrAttr>:$name);
  let assemblyFormat = "$value (`name` $name^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def MetricOp : Nnc_StateOp<"metric", [MemoryEffects<[MemWrite]>]> {
  let summary = "A number to be reported";
  let description = [{
    A mean over the batch; over an epoch it is averaged by the size of the batch,
    but for metrics of a whole set (docs/metrics.md). With `nnc.step` it is of one
    of several training steps.

    ```mlir
    nnc.metric "accuracy" %share : tensor<f32>
    ```
  }];
  let arguments = (ins StrAttr:$name, Nnc_FloatScalar:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def OutputOp : Nnc_StateOp<"output", [MemoryEffects<[MemWrite]>]> {
  let summary = "A tensor that prediction returns";
  let description = [{
    With `nnc.group` the outputs of that name are an entry point of their own.

    ```mlir
    nnc.output "probabilities" %p : tensor<?x10xf32>
    nnc.output "code" %z {nnc.group = "encode"} : tensor<?x16xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, Nnc_Tensor:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def ParameterOp : Nnc_StateOp<"parameter", [Symbol]> {
  let summary = "A tensor that lives from step to step";
  let description = [{
    Its static type, how it begins, and its role: `parameter` (an optimizer changes
    it), `buffer` (it moves with the model, and no optimizer changes it),
    `optimizer_state`, `scalar`, or `generation` (what the next token of a sequence
    needs of those before it; in no file). With the attribute `nnc.frozen` a parameter or a
    buffer keeps its role, and training leaves it as it is.

    ```mlir
    nnc.parameter @weight : tensor<784x128xf32> = <glorot_uniform>
    nnc.parameter @step : tensor<i64> = <zeros> {role = #nnc.role<scalar>}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Nnc_Tensor>:$type,
                       Nnc_InitializerAttr:$initializer,
                       DefaultValuedAttr<Nnc_RoleAttr, "::nnc::Role::parameter">:$role);
  let assemblyFormat = "$sym_name `:` $type `=` $initializer attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether it moves with the model: parameters and buffers do.
    bool isOfModel();
    /// Whether an optimizer changes it: parameters that are not frozen.
    bool isTrained();
    bool isFrozen();
    void setFrozen();
  }];
}

def ReadOp : Nnc_StateOp<"read", [
    MemoryEffects<[MemRead]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a parameter, here in program order";
  let description = [{
    ```mlir
    %w = nnc.read @weight : tensor<784x128xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs Nnc_Tensor:$y);
  let assemblyFormat = "$parameter attr-dict `:` type($y)";
}

def AssignOp : Nnc_StateOp<"assign", [
    MemoryEffects<[MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A new value for a parameter";
  let description = [{
    ```mlir
    nnc.assign @weight, %new : tensor<784x128xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, Nnc_Tensor:$value);
  let assemblyFormat = "$parameter `,` $value attr-dict `:` type($value)";
}

def GradientOp : Nnc_StateOp<"gradient", [Pure]> {
  let summary = "The derivatives of a number by tensors";
  let description = [{
    Each result is the derivative of the loss by the variable at its place, and
    has its type. nnc-differentiate replaces the op.

    ```mlir
    %dw, %db = nnc.gradient %loss wrt (%w, %b)
        : (tensor<f32>, tensor<4x2xf32>, tensor<2xf32>) -> (tensor<4x2xf32>, tensor<2xf32>)
    ```
  }];
  let arguments = (ins Nnc_FloatScalar:$loss, Variadic<Nnc_FloatTensor>:$variables);
  let results = (outs Variadic<Nnc_FloatTensor>:$gradients);
  let assemblyFormat = "$loss `wrt` `(` $variables `)` attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def OptimizeOp : Nnc_StateOp<"optimize", [
    MemoryEffects<[MemRead, MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "One step of the optimizer on parameters";
  let description = [{
    Each parameter is updated with the gradient at its place, as the recipe in
    the attributes says. The scalar `counter` counts its steps and `rate` holds its
    learning rate, before its schedule; they are `@step` and `@learning_rate` where it
    does not say. Clipping is of its gradients alone. nnc-add-optimizer replaces the op.

    ```mlir
    nnc.optimize [@w, @b] with (%dw, %db) {optimizer = {name = "sgd"}, learning_rate = 0.1}
        : tensor<4x2xf32>, tensor<2xf32>
    ```
  }];
  let arguments = (ins TypedArrayAttrBase<FlatSymbolRefAttr, "parameters">:$parameters,
                       Variadic<Nnc_FloatTensor>:$gradients,
                       OptionalAttr<FlatSymbolRefAttr>:$counter,
                       OptionalAttr<FlatSymbolRefAttr>:$rate);
  let assemblyFormat = "$parameters `with` `(` $gradients `)` attr-dict (`:` type($gradients)^)?";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::nnc::RecipeAttr getRecipe();
  }];
}

#endif // NNC_OPS_STATE_TD
