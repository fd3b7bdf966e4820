// The nnc dialect, the base classes of its ops, and the gradient contract.
#ifndef NNC_DIALECT_TD
#define NNC_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "ir/Interfaces.td"

def Nnc_Dialect : Dialect {
  let name = "nnc";
  let cppNamespace = "::nnc";
  let summary = "Training steps of neural networks";
  let description = [{
    Tensors are ranked; a dynamic dimension is always the batch. Elementwise ops
    broadcast as NumPy does. Values are immutable; state is read and assigned by
    symbol. docs/architecture.md states the rest.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

// The operands of an op as C++ locals: a named Expr each, or a SmallVector of
// them for a variadic operand.
class Nnc_OperandLocals<dag arguments> {
  list<int> indices = !filter(i, !range(!size(arguments)),
      !isa<TypeConstraint>(!getdagarg<Constraint>(arguments, i)));
}

// The base of every op. An op says how it is differentiated exactly once:
//   gradient     one expression per operand, in terms of `dy` (the gradient of
//                the only result), the result `y`, and the operands by name;
//   hasGradient  the rule is C++, in the file that shares this one's stem;
//   noGradient   why no gradient exists; becomes the diagnostic.
class Nnc_Op<string mnemonic, list<Trait> traits = []>
    : Op<Nnc_Dialect, mnemonic,
         traits # [DeclareOpInterfaceMethods<Nnc_Differentiable>]> {
  list<string> gradient = [];
  bit hasGradient = 0;
  string noGradient = "";

  bit gradientIsInline = !not(!empty(gradient));
  list<int> operandIndices = !filter(i, !range(!size(arguments)),
      !isa<TypeConstraint>(!getdagarg<Constraint>(arguments, i)));
  assert !eq(!add(gradientIsInline, hasGradient, !ne(noGradient, "")), 1),
    "nnc." # mnemonic # ": set exactly one of gradient, hasGradient, noGradient";
  assert !or(!not(gradientIsInline), !eq(!size(gradient), !size(operandIndices))),
    "nnc." # mnemonic # ": gradient needs one expression per operand";

  string operandLocals = !interleave(!foreach(i, !range(!size(operandIndices)),
      "  [[maybe_unused]] Expr " # !getdagname(arguments, operandIndices[i])
        # "(b, getOperation()->getOperand(" # i # "));\n"), "");
  string gradientSignature =
    "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>> "
    # "$cppClass::buildGradient(::mlir::OpBuilder &builder, ::mlir::ValueRange upstream) {\n";
  string reasonDefinition =
    "::llvm::StringRef $cppClass::getNoGradientReason() { return \"" # noGradient # "\"; }\n";
  string gradientDefinition = reasonDefinition # !cond(
    gradientIsInline: gradientSignature
      # "  ::mlir::ImplicitLocOpBuilder b(getLoc(), builder);\n"
      # "  [[maybe_unused]] Expr dy(b, upstream[0]), y(b, getOperation()->getResult(0));\n"
      # operandLocals
      # "  return ::llvm::SmallVector<::mlir::Value>{"
      # !interleave(gradient, ", ") # "};\n}\n",
    hasGradient: "",
    true: gradientSignature
      # "  emitOpError(\"has no gradient: \") << getNoGradientReason();\n"
      # "  return ::mlir::failure();\n}\n");
  let extraClassDefinition = gradientDefinition;
}

// An op that other ops define. It is differentiated and lowered by expanding it,
// unless it states a stabler or cheaper `gradient` of its own.
//   expansion     the value of the only result, in terms of the operands by name;
//   hasExpansion  the definition is C++ (several results, loops), in the file
//                 that shares this one's stem.
class Nnc_CompositeOp<string mnemonic, list<Trait> traits = []>
    : Op<Nnc_Dialect, mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_Composite>]> {
  string expansion = "";
  bit hasExpansion = 0;
  assert !eq(!add(!ne(expansion, ""), hasExpansion), 1),
    "nnc." # mnemonic # ": set exactly one of expansion, hasExpansion";

  list<int> operandIndices = !filter(i, !range(!size(arguments)),
      !isa<TypeConstraint>(!getdagarg<Constraint>(arguments, i)));
  string operandLocals = !interleave(!foreach(i, !range(!size(operandIndices)),
      "  [[maybe_unused]] Expr " # !getdagname(arguments, operandIndices[i])
        # "(b, getOperation()->getOperand(" # i # "));\n"), "");
  string expansionDefinition = !if(hasExpansion, "",
    "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>> "
    # "$cppClass::buildExpansion(::mlir::OpBuilder &builder, [[maybe_unused]] bool training) {\n"
    # "  ::mlir::ImplicitLocOpBuilder b(getLoc(), builder);\n"
    # operandLocals
    # "  return ::llvm::SmallVector<::mlir::Value>{" # expansion # "};\n}\n");
  let extraClassDefinition = expansionDefinition;
}

#endif // NNC_DIALECT_TD
