// The nnc dialect, the base classes of its ops, and the gradient contract.
#ifndef NNC_DIALECT_TD
#define NNC_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/EnumAttr.td"
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
  let hasOperationAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
}

// How a program spells an op: dialects but nnc are named.
class Nnc_CallName<Dialect dialect, string mnemonic> {
  string value = !if(!eq(dialect.name, "nnc"), mnemonic, dialect.name # "." # mnemonic);
}

// How far the windows of a convolution or of pooling reach over the borders of
// the spatial dimensions: a keyword, or numbers (ir/Shapes.h, resolveWindows).
class Nnc_PaddingOf<Pred condition>
    : Attr<condition, "valid, same, same_lower, a number, or a pair of numbers for each dimension"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
  let constBuilderCall = "$_builder.getStringAttr(\"$0\")";
}
def Nnc_Padding : Nnc_PaddingOf<CPred<"::nnc::isPadding($_self)">>;

// An attribute that says itself how a program spells it: a case of
// nnc::AttributeKind.
class Nnc_AttrOfKind<string attributeKind, Pred condition, string summary> : Attr<condition, summary> {
  string kind = attributeKind;
}

// How long a part of a schedule is (ir/Length.h). A default is what makeLength
// takes: 0, or "\"1 run\"".
def Nnc_Length : Nnc_AttrOfKind<"Length", CPred<"::nnc::isLength($_self)">,
    "so many steps, or a text: '2 epochs', '0.1 run'"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
  let constBuilderCall = "::nnc::makeLength($_builder.getContext(), $0)";
}
def Nnc_Lengths : Nnc_AttrOfKind<"Lengths", CPred<"::nnc::isListOfLengths($_self)">,
    "a list of lengths"> {
  let storageType = "::mlir::ArrayAttr";
  let returnType = "::mlir::ArrayAttr";
  let convertFromStorage = "$_self";
}
def Nnc_Floats : Nnc_AttrOfKind<"Floats", DenseF64ArrayAttr.predicate, "a list of numbers"> {
  let storageType = "::mlir::DenseF64ArrayAttr";
  let returnType = "::llvm::ArrayRef<double>";
  let convertFromStorage = "$_self.asArrayRef()";
}

// A number in an interval, such as "[0, 1)": what lies outside of it, and NaN, is
// refused, whether a program, a recipe or a graph gives it.
class Nnc_In<string range, Attr base = F64Attr> : Attr<base.predicate, base.summary # " in " # range> {
  let storageType = base.storageType;
  let returnType = base.returnType;
  let convertFromStorage = base.convertFromStorage;
  let constBuilderCall = base.constBuilderCall;
  let valueType = base.valueType;
  string interval = range;
  string kind = !if(!isa<Nnc_AttrOfKind>(base), !cast<Nnc_AttrOfKind>(base).kind, "");
}

// The kind that an attribute names for itself; empty where it names none.
class Nnc_OwnKind<Attr attribute> {
  string value = !cond(
    !isa<Nnc_AttrOfKind>(attribute) : !cast<Nnc_AttrOfKind>(attribute).kind,
    !isa<Nnc_In>(attribute) : !cast<Nnc_In>(attribute).kind,
    true : "");
}

// How a program spells an attribute: a case of nnc::AttributeKind.
class Nnc_AttributeKind<Attr attribute> {
  string value = !if(!initialized(attribute.defaultValue), attribute.defaultValue, "");
  string storage = attribute.storageType;
  bit isPadding = !or(!isa<Nnc_PaddingOf>(attribute),
    !if(!initialized(attribute.baseAttr), !isa<Nnc_PaddingOf>(attribute.baseAttr), 0));
  string own = !if(!initialized(attribute.baseAttr), Nnc_OwnKind<attribute.baseAttr>.value,
    Nnc_OwnKind<attribute>.value);
  string kind = !cond(
    !ne(own, "") : own,
    isPadding : "Padding",
    !ne(!find(storage, "BoolAttr"), -1) : "Bool",
    !ne(!find(storage, "IntegerAttr"), -1) : "Integer",
    !ne(!find(storage, "FloatAttr"), -1) : "Float",
    !ne(!find(storage, "DenseI64ArrayAttr"), -1) : "Dims",
    !ne(!find(storage, "StringAttr"), -1) : "String",
    !ne(!find(storage, "TypeAttr"), -1) : "Type",
    // Whatever is not MLIR's own: an enumeration of the op's dialect.
    !eq(!find(storage, "::mlir::"), -1) : "Enum",
    true : "Other");
}

// What passes ask of an op: ir/Traits.h has what each says.
class Nnc_Trait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::nnc";
}
def Nnc_Elementwise : Nnc_Trait<"Elementwise">;
def Nnc_Positional : Nnc_Trait<"Positional">;
def Nnc_SumsProducts : Nnc_Trait<"SumsProducts">;
def Nnc_MovesElements : Nnc_Trait<"MovesElements">;
def Nnc_ChannelsLast : Nnc_Trait<"ChannelsLast">;
def Nnc_Permutable : Nnc_Trait<"Permutable">;
def Nnc_ReadsWindows : Nnc_Trait<"ReadsWindows">;

class Nnc_IntervalOf<Attr attribute> {
  string value = !if(!isa<Nnc_In>(attribute), !cast<Nnc_In>(attribute).interval,
    !if(!initialized(attribute.baseAttr),
        !if(!isa<Nnc_In>(attribute.baseAttr), !cast<Nnc_In>(attribute.baseAttr).interval, ""), ""));
}
def Nnc_AttributesInInterval : Nnc_Trait<"AttributesInInterval">;

// An argument of a layer that is no attribute of the op: it decides the shape
// of a parameter made for the caller. `kind` is a case of nnc::AttributeKind;
// `defaultValue` is empty where the argument must be given.
class Nnc_LayerArgument<string argumentName, string argumentKind, string value = ""> {
  string name = argumentName;
  string kind = argumentKind;
  string defaultValue = value;
}

// What every computing op shares: no effects, result types that follow from the
// operands and attributes, one syntax, and a signature for callers by name.
//   resultTypes  a C++ expression for each result, in terms of `site` (for
//                diagnostics), the operands' types by name, and `adaptor`.
// The dialect may be a plugin's (docs/adding-an-op.md); so that the generated
// code works in any namespace, what it names is qualified.
class Nnc_ComputingOp<string mnemonic, list<Trait> traits, Dialect dialect>
    : Op<dialect, mnemonic, traits # [Pure, InferTypeOpAdaptor, Nnc_AttributesInInterval,
         DeclareOpInterfaceMethods<Nnc_Described>]> {
  list<string> resultTypes = [];
  string callName = Nnc_CallName<dialect, mnemonic>.value;
  // A case of nnc::Category: where a program may name the op.
  string category = "Op";
  // A case of nnc::Precision: what it computes in where 16 bits are asked for.
  string precision = "Full";
  // Which values of a metric are better, "larger" or "smaller": a run that stops
  // by itself goes by it. Of a loss it is always the smaller ones.
  string better = "";
  assert !or(!ne(category, "Metric"), !eq(better, "larger"), !eq(better, "smaller")),
    dialect.name # "." # mnemonic # ": a metric says which of its values are better";
  // Arguments that passes fill in and programs do not name.
  list<string> hidden = ["counter", "stream"];
  list<Nnc_LayerArgument> layerArguments = [];
  // Operands that are state of the model but no parameters: what an expansion may
  // update in a training step, and no optimizer changes. A layer makes buffers of
  // them, and parameters of the others.
  list<string> buffers = [];
  bit sharedSyntax = 1;
  let hasCustomAssemblyFormat = sharedSyntax;

  list<int> operandIndices = !filter(i, !range(!size(arguments)),
      !isa<TypeConstraint>(!getdagarg<Constraint>(arguments, i)));
  list<int> attributeIndices = !filter(i, !range(!size(arguments)),
      !isa<Attr>(!getdagarg<Constraint>(arguments, i)));
  assert !eq(!size(resultTypes), !size(results)),
    dialect.name # "." # mnemonic # ": resultTypes needs one expression per result";

  // The operands as C++ locals: Exprs for a gradient or an expansion, types for
  // inference. An absent optional operand is a null one.
  string operandLocals = !interleave(!foreach(i, !range(!size(operandIndices)),
      "  [[maybe_unused]] "
      # !if(!isa<Variadic>(!getdagarg<Constraint>(arguments, operandIndices[i])),
            "::llvm::SmallVector<::nnc::Expr> ", "::nnc::Expr ")
      # !getdagname(arguments, operandIndices[i])
      # !if(!isa<Variadic>(!getdagarg<Constraint>(arguments, operandIndices[i])),
            " = ::nnc::variadicOperand(b, getODSOperands(" # i # "));\n",
            " = ::nnc::operand(b, getODSOperands(" # i # "));\n")), "");
  string typeLocals = !interleave(!foreach(i, !range(!size(operandIndices)),
      "  [[maybe_unused]] "
      # !if(!isa<Variadic>(!getdagarg<Constraint>(arguments, operandIndices[i])),
            "::llvm::SmallVector<::mlir::RankedTensorType> ", "::mlir::RankedTensorType ")
      # !getdagname(arguments, operandIndices[i]) # ";\n"
      # "  if (failed(::nnc::operandType(site, adaptor.getODSOperands(" # i # "), \""
      # !getdagname(arguments, operandIndices[i]) # "\", "
      # !getdagname(arguments, operandIndices[i]) # ")))\n    return ::mlir::failure();\n"), "");

  string inferenceDefinition =
    "::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context, "
    # "std::optional<::mlir::Location> location, [[maybe_unused]] Adaptor adaptor, "
    # "::llvm::SmallVectorImpl<::mlir::Type> &types) {\n"
    # "  using namespace ::nnc;\n"
    # "  [[maybe_unused]] OpSite site(context, location, \"" # callName # "\");\n"
    # typeLocals
    # !interleave(!foreach(type, resultTypes,
        "  if (failed(appendType(types, " # type # ")))\n    return ::mlir::failure();\n"), "")
    # "  return ::mlir::success();\n}\n";

  string syntaxDefinition = !if(sharedSyntax,
    "::mlir::ParseResult $cppClass::parse(::mlir::OpAsmParser &parser, ::mlir::OperationState &result) {\n"
    # "  return ::nnc::parseComputingOp(parser, result, getSignature());\n}\n"
    # "void $cppClass::print(::mlir::OpAsmPrinter &printer) {\n"
    # "  ::nnc::printComputingOp(printer, *this, getSignature());\n}\n", "");

  string defaultsFunction = !if(!empty(attributeIndices), "nullptr",
    "[](::mlir::OperationName name) {\n"
    # "      Properties properties;\n"
    # "      populateDefaultProperties(name, properties);\n"
    # "      return ::llvm::cast_or_null<::mlir::DictionaryAttr>("
    # "getPropertiesAsAttr(name.getContext(), properties));\n    }");
  string signatureDefinition =
    "const ::nnc::Signature &$cppClass::getSignature() {\n"
    # "  static const ::nnc::Signature signature{\n    \"" # callName # "\", R\"(" # summary # ")\", ::nnc::Category::"
    # category # ", ::nnc::Precision::" # precision # ",\n    {"
    # !interleave(!foreach(i, operandIndices,
        "{\"" # !getdagname(arguments, i) # "\", ::nnc::Arity::"
        # !cond(!isa<Variadic>(!getdagarg<Constraint>(arguments, i)) : "Variadic",
                !isa<Optional>(!getdagarg<Constraint>(arguments, i)) : "Optional",
                true : "One")
        # ", " # !if(!empty(!filter(h, hidden, !eq(h, !getdagname(arguments, i)))), "false", "true")
        # ", " # !if(!empty(!filter(h, buffers, !eq(h, !getdagname(arguments, i)))), "false", "true") # "}"), ", ")
    # "},\n    {"
    # !interleave(!foreach(i, attributeIndices,
        "{\"" # !getdagname(arguments, i) # "\", ::nnc::AttributeKind::"
        # Nnc_AttributeKind<!getdagarg<Attr>(arguments, i)>.kind
        # ", R\"(" # Nnc_AttributeKind<!getdagarg<Attr>(arguments, i)>.value # ")\", "
        # !if(!getdagarg<Attr>(arguments, i).isOptional, "true", "false") # ", "
        # !if(!empty(!filter(h, hidden, !eq(h, !getdagname(arguments, i)))), "false", "true")
        # ", \"" # Nnc_IntervalOf<!getdagarg<Attr>(arguments, i)>.value # "\"}"), ", ")
    # "},\n    {"
    # !interleave(!foreach(a, layerArguments,
        "{\"" # a.name # "\", ::nnc::AttributeKind::" # a.kind # ", \"" # a.defaultValue # "\", false, false, {}}"), ", ")
    # "},\n    " # defaultsFunction # ",\n    \"" # !if(!eq(category, "Loss"), "smaller", better)
    # "\"};\n  return signature;\n}\n";

  string computingDefinition = inferenceDefinition # syntaxDefinition # signatureDefinition;

  string gradientSignature =
    "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>> "
    # "$cppClass::buildGradient(::mlir::OpBuilder &builder, ::mlir::ValueRange upstream) {\n";
}

// An inline gradient rule as the C++ of buildGradient.
class Nnc_InlineGradient<string signature, string operandLocals, list<string> gradient> {
  string definition = signature
      # "  using namespace ::nnc;\n"
      # "  ::mlir::ImplicitLocOpBuilder b(getLoc(), builder);\n"
      # "  [[maybe_unused]] Expr dy(b, upstream[0]), y(b, getOperation()->getResult(0));\n"
      # operandLocals
      # "  return ::llvm::SmallVector<::mlir::Value>{"
      # !interleave(gradient, ", ") # "};\n}\n";
}

// The base of every primitive. It says how it is differentiated exactly once:
//   gradient     one expression per operand, in terms of `dy` (the gradient of
//                the only result), the result `y`, and the operands by name;
//                `nullptr` is a gradient of zero;
//   hasGradient  the rule is C++, in the file that shares this one's stem;
//   noGradient   why no gradient exists; becomes the diagnostic.
class Nnc_Op<string mnemonic, list<Trait> traits = [], Dialect dialect = Nnc_Dialect>
    : Nnc_ComputingOp<mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_Differentiable>], dialect> {
  list<string> gradient = [];
  bit hasGradient = 0;
  string noGradient = "";

  bit gradientIsInline = !not(!empty(gradient));
  assert !eq(!add(gradientIsInline, hasGradient, !ne(noGradient, "")), 1),
    dialect.name # "." # mnemonic # ": set exactly one of gradient, hasGradient, noGradient";
  assert !or(!not(gradientIsInline), !eq(!size(gradient), !size(operandIndices))),
    dialect.name # "." # mnemonic # ": gradient needs one expression per operand";

  string reasonDefinition =
    "::llvm::StringRef $cppClass::getNoGradientReason() { return \"" # noGradient # "\"; }\n";
  string gradientDefinition = reasonDefinition # !cond(
    gradientIsInline: Nnc_InlineGradient<gradientSignature, operandLocals, gradient>.definition,
    hasGradient: "",
    true: gradientSignature
      # "  ::mlir::emitError(getLoc()) << \"'" # callName # "' has no gradient: \" << getNoGradientReason();\n"
      # "  return ::mlir::failure();\n}\n");
  let extraClassDefinition = computingDefinition # gradientDefinition;
}

// An op that other ops define. It is differentiated and lowered by expanding it.
//   expansion     the value of the only result, in terms of the operands by name
//                 and `training`;
//   hasExpansion  the definition is C++ (several results, loops), in the file
//                 that shares this one's stem;
//   updates       beside an `expansion`: the new value of each of `buffers`, in
//                 their order, after a training step.
class Nnc_CompositeOp<string mnemonic, list<Trait> traits = [], Dialect dialect = Nnc_Dialect>
    : Nnc_ComputingOp<mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_Composite>], dialect> {
  string expansion = "";
  bit hasExpansion = 0;
  list<string> updates = [];
  assert !eq(!add(!ne(expansion, ""), hasExpansion), 1),
    dialect.name # "." # mnemonic # ": set exactly one of expansion, hasExpansion";
  assert !or(hasExpansion, !eq(!size(updates), !size(buffers))),
    dialect.name # "." # mnemonic # ": updates needs one expression per buffer";

  string expansionDefinition = !if(hasExpansion, "",
    "::llvm::FailureOr<::nnc::Expansion> "
    # "$cppClass::buildExpansion(::mlir::OpBuilder &builder, [[maybe_unused]] bool training) {\n"
    # "  using namespace ::nnc;\n"
    # "  ::mlir::ImplicitLocOpBuilder b(getLoc(), builder);\n"
    # operandLocals
    # "  ::nnc::Expansion expansion{" # expansion # "};\n"
    # !interleave(!foreach(i, !range(!size(updates)),
        "  if (training)\n    expansion.updates.push_back({" # buffers[i] # ", " # updates[i] # "});\n"), "")
    # "  return expansion;\n}\n");
  let extraClassDefinition = computingDefinition # expansionDefinition;
}

// A composite with a gradient of its own, used in place of the expansion's
// because it is stabler or cheaper; the record says which.
class Nnc_CompositeWithGradientOp<string mnemonic, list<Trait> traits = [],
                                  Dialect dialect = Nnc_Dialect>
    : Nnc_CompositeOp<mnemonic, traits # [DeclareOpInterfaceMethods<Nnc_Differentiable>], dialect> {
  list<string> gradient = [];
  bit hasGradient = 0;
  assert !eq(!add(!not(!empty(gradient)), hasGradient), 1),
    dialect.name # "." # mnemonic # ": set exactly one of gradient, hasGradient";
  assert !or(hasGradient, !eq(!size(gradient), !size(operandIndices))),
    dialect.name # "." # mnemonic # ": gradient needs one expression per operand";

  string gradientDefinition =
    "::llvm::StringRef $cppClass::getNoGradientReason() { return {}; }\n"
    # !if(hasGradient, "",
          Nnc_InlineGradient<gradientSignature, operandLocals, gradient>.definition);
  let extraClassDefinition = computingDefinition # expansionDefinition # gradientDefinition;
}

#endif // NNC_DIALECT_TD
