// The one syntax that all computing ops have in text.
#include "ir/Dialect.h"
#include "ir/OperandCounts.h"
#include "ir/Shapes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Builders.h"

#include <numeric>

using namespace mlir;

namespace nnc {

/// A keyword, or numbers in brackets.
static ParseResult parsePadding(OpAsmParser &parser, Attribute &value) {
  StringRef keyword;
  if (failed(parser.parseOptionalKeyword(&keyword))) {
    value = DenseI64ArrayAttr::parse(parser, {});
    return success(value != nullptr);
  }
  value = parser.getBuilder().getStringAttr(keyword);
  if (isPadding(value))
    return success();
  return parser.emitError(parser.getCurrentLocation())
         << "'" << keyword << "' is no padding";
}

/// Whether a text follows, which becomes `value`. It has no type behind it:
/// what follows are those of the op.
static bool parseOptionalText(OpAsmParser &parser, Attribute &value) {
  std::string text;
  if (failed(parser.parseOptionalString(&text)))
    return false;
  value = parser.getBuilder().getStringAttr(text);
  return true;
}

static ParseResult parseValue(OpAsmParser &parser, const Signature &signature,
                              const AttributeInfo &info, Attribute &value) {
  Builder &builder = parser.getBuilder();
  switch (info.kind) {
  case AttributeKind::Integer:
    return parser.parseAttribute(value, builder.getI64Type());
  case AttributeKind::Float:
    return parser.parseAttribute(value, builder.getF64Type());
  case AttributeKind::Dims:
    value = DenseI64ArrayAttr::parse(parser, {});
    return success(value != nullptr);
  case AttributeKind::Padding:
    return parsePadding(parser, value);
  case AttributeKind::String:
    return success(parseOptionalText(parser, value) ||
                   succeeded(parser.parseAttribute(value)));
  case AttributeKind::Length:
    return success(
        parseOptionalText(parser, value) ||
        succeeded(parser.parseAttribute(value, builder.getI64Type())));
  case AttributeKind::Enum: {
    StringRef keyword;
    llvm::SMLoc start = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return failure();
    value = parseEnumKeyword(parser.getContext(), signature.name, info.name,
                             keyword);
    if (!value)
      return parser.emitError(start)
             << "'" << keyword << "' is no " << info.name;
    return success();
  }
  default:
    return parser.parseAttribute(value);
  }
}

namespace {
/// The operands of an op as they are parsed.
struct ParsedOperands {
  SmallVector<OpAsmParser::UnresolvedOperand> values;
  /// Of those that are named, which operand of the signature each is, and how
  /// many values it has.
  SmallVector<std::pair<unsigned, unsigned>> named;
};
} // namespace

/// Parses `%value` or `(%value, ..)` of ` name = ..` if `name` is an operand
/// that need not have exactly one value. Those that are named stand in the
/// signature's order.
static OptionalParseResult parseNamedOperand(OpAsmParser &parser,
                                             const Signature &signature,
                                             StringRef name,
                                             ParsedOperands &operands) {
  for (auto [index, info] : llvm::enumerate(signature.operands)) {
    if (info.name != name || info.arity == Arity::One)
      continue;
    if (!operands.named.empty() && index <= operands.named.back().first)
      return parser.emitError(parser.getCurrentLocation())
             << "operand '" << name << "' stands in a wrong place";
    size_t before = operands.values.size();
    if (failed(parser.parseEqual()))
      return ParseResult(failure());
    if (parser.parseOperandList(operands.values))
      return ParseResult(failure());
    unsigned count = operands.values.size() - before;
    if (count != 1 && info.arity == Arity::Optional)
      return parser.emitError(parser.getCurrentLocation())
             << "operand '" << name << "' is one value";
    operands.named.push_back({index, count});
    return ParseResult(success());
  }
  return std::nullopt;
}

/// Parses ` name = value` for as long as one of the op's attributes, or an
/// operand of it, follows.
static ParseResult parseAttributes(OpAsmParser &parser,
                                   const Signature &signature,
                                   ParsedOperands &operands,
                                   NamedAttrList &attributes) {
  StringRef name;
  while (succeeded(parser.parseOptionalKeyword(&name))) {
    if (OptionalParseResult operand =
            parseNamedOperand(parser, signature, name, operands);
        operand.has_value()) {
      if (failed(*operand))
        return failure();
      continue;
    }
    const AttributeInfo *info =
        llvm::find_if(signature.attributes, [&](const AttributeInfo &known) {
          return known.name == name;
        });
    if (info == signature.attributes.end())
      return parser.emitError(parser.getCurrentLocation())
             << "'" << operationName(signature.name) << "' has no attribute '"
             << name << "'"
             << explainMissing(parser.getContext(), signature, name);
    Attribute value;
    if (parser.parseEqual() || parseValue(parser, signature, *info, value))
      return failure();
    attributes.set(info->name, value);
  }
  return success();
}

/// Parses the type that all share, or a function type.
static ParseResult parseTypes(OpAsmParser &parser, size_t operandCount,
                              SmallVectorImpl<Type> &operandTypes,
                              SmallVectorImpl<Type> &resultTypes) {
  Type type;
  if (parser.parseColonType(type))
    return failure();
  if (auto function = dyn_cast<FunctionType>(type)) {
    llvm::append_range(operandTypes, function.getInputs());
    llvm::append_range(resultTypes, function.getResults());
    return success();
  }
  operandTypes.assign(operandCount, type);
  resultTypes.push_back(type);
  return success();
}

/// Says in `result` which operand each value is: the first `numLeading`, from
/// the signature's first on, then the named ones.
static LogicalResult setOperandCounts(const OpSite &site,
                                      const Signature &signature,
                                      unsigned numLeading,
                                      const ParsedOperands &operands,
                                      OperationState &result) {
  ValueRange values(result.operands);
  SmallVector<int32_t> counts =
      countOperands(signature, values.take_front(numLeading));
  for (auto [index, count] : operands.named) {
    if (counts[index] != 0)
      return site.error() << "has its operand '"
                          << signature.operands[index].name << "' twice";
    counts[index] = count;
  }
  int64_t numCounted =
      std::accumulate(counts.begin(), counts.end(), int64_t(0));
  if (numCounted != int64_t(values.size()))
    return site.error() << "takes no " << values.size() << " operands";
  result.attributes.set(kOperandCounts,
                        DenseI32ArrayAttr::get(result.getContext(), counts));
  return success();
}

ParseResult parseComputingOp(OpAsmParser &parser, OperationState &result,
                             const Signature &signature) {
  ParsedOperands operands;
  SmallVector<Type> operandTypes;
  llvm::SMLoc start = parser.getCurrentLocation();
  if (parser.parseOperandList(operands.values))
    return failure();
  unsigned numLeading = operands.values.size();
  if (parseAttributes(parser, signature, operands, result.attributes) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parseTypes(parser, operands.values.size(), operandTypes, result.types) ||
      parser.resolveOperands(operands.values, operandTypes, start,
                             result.operands))
    return failure();
  OpSite site(parser.getEncodedSourceLoc(start), signature.name);
  if (hasOperandCounts(result.name) &&
      failed(setOperandCounts(site, signature, numLeading, operands, result)))
    return failure();
  std::optional<RegisteredOperationName> info = result.name.getRegisteredInfo();
  return info->verifyInherentAttrs(result.attributes, [&] {
    return parser.emitError(start) << "'" << result.name << "' ";
  });
}

static std::string getEnumKeyword(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return StringRef(text).split('<').second.drop_back().str();
}

static void printValue(OpAsmPrinter &printer, const AttributeInfo &info,
                       Attribute value) {
  switch (info.kind) {
  case AttributeKind::Integer:
  case AttributeKind::Float:
  case AttributeKind::Type:
  case AttributeKind::Bool:
  case AttributeKind::Length:
    return printer.printAttributeWithoutType(value);
  case AttributeKind::Dims:
    return cast<DenseI64ArrayAttr>(value).print(printer);
  case AttributeKind::Padding:
    if (auto keyword = dyn_cast<StringAttr>(value))
      printer << keyword.getValue();
    else
      cast<DenseI64ArrayAttr>(value).print(printer);
    return;
  case AttributeKind::Enum:
    printer << getEnumKeyword(value);
    return;
  default:
    return printer.printAttribute(value);
  }
}

/// Prints the operands up to the first that is absent, or to the end of a
/// variadic one, then those after it by name.
static void printOperands(OpAsmPrinter &printer, Operation *op,
                          const Signature &signature) {
  ValueRange values = op->getOperands();
  StringRef separator = " ";
  bool isNamed = false;
  for (auto [info, count] :
       llvm::zip_equal(signature.operands, operandCounts(op, signature))) {
    ValueRange own = values.take_front(count);
    values = values.drop_front(count);
    bool isVariadic = info.arity == Arity::Variadic;
    if (!own.empty() && !isNamed) {
      printer << separator << own;
      separator = ", ";
    } else if (!own.empty()) {
      printer << ' ' << info.name << " = " << own;
    }
    isNamed |= own.empty() || isVariadic;
  }
}

void printComputingOp(OpAsmPrinter &printer, Operation *op,
                      const Signature &signature) {
  printOperands(printer, op, signature);
  DictionaryAttr defaults =
      signature.defaults ? signature.defaults(op->getName()) : DictionaryAttr();
  for (const AttributeInfo &info : signature.attributes) {
    Attribute value = op->getInherentAttr(info.name).value_or(Attribute());
    if (!value || (defaults && defaults.get(info.name) == value))
      continue;
    printer << ' ' << info.name << " = ";
    printValue(printer, info, value);
  }
  printer.printOptionalAttrDict(llvm::to_vector(op->getDiscardableAttrs()));
  printer << " : ";
  auto types = llvm::concat<const Type>(llvm::to_vector(op->getOperandTypes()),
                                        llvm::to_vector(op->getResultTypes()));
  if (op->getNumOperands() && op->getNumResults() == 1 &&
      llvm::all_equal(types))
    printer << op->getResult(0).getType();
  else
    printer.printFunctionalType(op);
}

} // namespace nnc
