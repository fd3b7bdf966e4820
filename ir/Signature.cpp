// Looking up, building, parsing and printing ops by their signatures.
#include "ir/Signature.h"

#include "ir/Dialect.h"
#include "ir/Shapes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Looking up
//===----------------------------------------------------------------------===//

static StringRef dialectOf(StringRef name) {
  return name.contains('.') ? name.split('.').first
                            : NncDialect::getDialectNamespace();
}

std::string operationName(StringRef name) {
  return name.contains('.') ? name.str() : ("nnc." + name).str();
}

static std::optional<RegisteredOperationName> lookupOp(MLIRContext *context,
                                                       StringRef name) {
  context->getOrLoadDialect(dialectOf(name));
  return RegisteredOperationName::lookup(operationName(name), context);
}

static const Signature *getSignature(RegisteredOperationName name) {
  auto *described = name.getInterface<Described>();
  return described ? &described->getSignature() : nullptr;
}

const Signature *lookupSignature(MLIRContext *context, StringRef name) {
  std::optional<RegisteredOperationName> op = lookupOp(context, name);
  return op ? getSignature(*op) : nullptr;
}

SmallVector<const Signature *> allSignatures(MLIRContext *context) {
  context->getOrLoadDialect<NncDialect>();
  SmallVector<const Signature *> signatures;
  for (RegisteredOperationName op : context->getRegisteredOperations())
    if (const Signature *signature = getSignature(op))
      signatures.push_back(signature);
  llvm::sort(signatures, [](const Signature *a, const Signature *b) {
    return a->name < b->name;
  });
  return signatures;
}

// Enumeration attributes are spelled #DIALECT.MNEMONIC<keyword>, and named
// after their mnemonic in every op.
Attribute parseEnumKeyword(MLIRContext *context, StringRef op,
                           StringRef attribute, StringRef keyword) {
  if (!llvm::all_of(keyword,
                    [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return {};
  ScopedDiagnosticHandler silence(context,
                                  [](Diagnostic &) { return success(); });
  return parseAttribute(
      ("#" + dialectOf(op) + "." + attribute + "<" + keyword + ">").str(),
      context);
}

static std::string getEnumKeyword(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return StringRef(text).split('<').second.drop_back().str();
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {
/// The properties of an op before it exists.
class PropertyStorage {
public:
  explicit PropertyStorage(OperationName name)
      : name(name), bytes(name.getOpPropertyByteSize() + kAlignment) {
    if (name.getOpPropertyByteSize()) {
      name.initOpProperties(get(), OpaqueProperties(nullptr));
      name.populateDefaultProperties(get());
    }
  }
  ~PropertyStorage() {
    if (name.getOpPropertyByteSize())
      name.destroyOpProperties(get());
  }
  PropertyStorage(const PropertyStorage &) = delete;

  OpaqueProperties get() {
    uintptr_t address = reinterpret_cast<uintptr_t>(bytes.data());
    return reinterpret_cast<void *>(llvm::alignTo(address, kAlignment));
  }

private:
  static constexpr size_t kAlignment = alignof(std::max_align_t);
  OperationName name;
  std::vector<char> bytes;
};
} // namespace

/// What MLIR calls the number of values of each operand, where an op has
/// several that may be absent.
static constexpr StringLiteral kOperandCounts = "operandSegmentSizes";

static bool hasOperandCounts(OperationName name) {
  return name.hasTrait<OpTrait::AttrSizedOperandSegments>();
}

SmallVector<int32_t> operandCounts(Operation *op, const Signature &signature) {
  if (hasOperandCounts(op->getName())) {
    auto counts = op->getAttrOfType<DenseI32ArrayAttr>(kOperandCounts);
    return SmallVector<int32_t>(counts.asArrayRef());
  }
  // One operand at most is not exactly one value.
  SmallVector<int32_t> counts(signature.operands.size(), 1);
  for (auto [operand, count] : llvm::zip_equal(signature.operands, counts))
    if (operand.arity != Arity::One)
      count = int32_t(op->getNumOperands()) - int32_t(counts.size()) + 1;
  return counts;
}

SmallVector<Value> operandsByName(Operation *op, const Signature &signature) {
  SmallVector<Value> operands;
  ValueRange values = op->getOperands();
  for (auto [operand, count] :
       llvm::zip_equal(signature.operands, operandCounts(op, signature))) {
    llvm::append_range(operands, values.take_front(count));
    values = values.drop_front(count);
    if (operand.arity == Arity::Variadic ||
        (operand.arity == Arity::Optional && count == 0))
      operands.push_back({});
  }
  while (!operands.empty() && !operands.back())
    operands.pop_back();
  return operands;
}

void fillOperand(Operation *op, const Signature &signature, unsigned index,
                 ValueRange values) {
  SmallVector<int32_t> counts = operandCounts(op, signature);
  assert(counts[index] == 0 && "the operand has no values yet");
  unsigned place = 0;
  for (int32_t count : ArrayRef(counts).take_front(index))
    place += count;
  op->insertOperands(place, values);
  counts[index] = values.size();
  if (hasOperandCounts(op->getName()))
    op->setAttr(kOperandCounts,
                DenseI32ArrayAttr::get(op->getContext(), counts));
}

/// Of operands as createByName takes them, how many values each has. Those of a
/// variadic one end with a null, or with the last operand.
static SmallVector<int32_t> countOperands(const Signature &signature,
                                          ValueRange operands) {
  SmallVector<int32_t> counts;
  for (const OperandInfo &info : signature.operands) {
    size_t count = !operands.empty() && operands.front(), next = 1;
    if (info.arity == Arity::Variadic) {
      for (count = 0; count < operands.size() && operands[count];)
        ++count;
      next = count + 1;
    }
    counts.push_back(count);
    operands = operands.drop_front(std::min(next, operands.size()));
  }
  return counts;
}

/// Whether operands may be absent as `operands` have them.
static LogicalResult checkAbsent(const OpSite &site, OperationName name,
                                 const Signature &signature,
                                 ValueRange operands) {
  SmallVector<int32_t> counts = countOperands(signature, operands);
  for (auto [info, count] : llvm::zip(signature.operands, counts))
    if (info.arity == Arity::One && count == 0)
      return site.error() << "needs its operand '" << info.name << "'";
  int64_t numGiven = llvm::count_if(operands, [](Value v) { return bool(v); });
  int64_t numCounted =
      std::accumulate(counts.begin(), counts.end(), int64_t(0));
  if (numGiven != numCounted ||
      (!hasOperandCounts(name) && numGiven != int64_t(operands.size())))
    return site.error() << "has an operand without a value";
  return success();
}

static LogicalResult checkOperandCount(const OpSite &site,
                                       const Signature &signature,
                                       size_t count) {
  size_t least =
      llvm::count_if(signature.operands, [](const OperandInfo &operand) {
        return operand.arity == Arity::One;
      });
  bool isOpen =
      llvm::any_of(signature.operands, [](const OperandInfo &operand) {
        return operand.arity == Arity::Variadic;
      });
  if (count >= least && (isOpen || count <= signature.operands.size()))
    return success();
  return site.error() << "takes " << (isOpen ? "at least " : "") << least
                      << " operands, here there are " << count;
}

static LogicalResult checkAttributes(const OpSite &site,
                                     const Signature &signature,
                                     DictionaryAttr attributes) {
  for (NamedAttribute attribute : attributes)
    if (llvm::none_of(signature.attributes, [&](const AttributeInfo &known) {
          return known.name == attribute.getName().getValue();
        }))
      return site.error() << "has no argument " << attribute.getName();
  for (const AttributeInfo &known : signature.attributes)
    if (known.isRequired() && !attributes.contains(known.name))
      return site.error() << "needs its argument '" << known.name << "'";
  return success();
}

FailureOr<Operation *> createByName(OpBuilder &builder, Location loc,
                                    StringRef name, ValueRange operands,
                                    ArrayRef<NamedAttribute> attributes) {
  MLIRContext *context = builder.getContext();
  OpSite site(loc, name);
  std::optional<RegisteredOperationName> op = lookupOp(context, name);
  const Signature *signature = op ? getSignature(*op) : nullptr;
  if (!signature)
    return site.error() << "is no op";
  DictionaryAttr given = DictionaryAttr::get(context, attributes);
  if (failed(checkOperandCount(site, *signature, operands.size())) ||
      failed(checkAbsent(site, *op, *signature, operands)) ||
      failed(checkAttributes(site, *signature, given)))
    return failure();

  NamedAttrList inherent(given);
  if (hasOperandCounts(*op))
    inherent.set(
        kOperandCounts,
        DenseI32ArrayAttr::get(context, countOperands(*signature, operands)));
  given = inherent.getDictionary(context);
  PropertyStorage properties(*op);
  auto emitError = [&] { return site.error(); };
  if (!given.empty() && failed(op->setOpPropertiesFromAttribute(
                            *op, properties.get(), given, emitError)))
    return failure();
  OperationState state(loc, *op);
  llvm::copy_if(operands, std::back_inserter(state.operands),
                [](Value operand) { return bool(operand); });
  auto *inference = op->getInterface<InferTypeOpInterface>();
  if (failed(inference->inferReturnTypes(context, loc, state.operands, given,
                                         properties.get(), {}, state.types)))
    return failure();
  state.addAttributes(inherent);

  // Constraints of operands and the op's own verifier still have their say.
  Operation *created = Operation::create(state);
  if (failed(op->verifyInvariants(created))) {
    created->destroy();
    return failure();
  }
  return builder.insert(created);
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

namespace {
/// The numbers from `low` to `high`, as a record writes them: "[0, 1)".
struct Interval {
  double low, high;
  bool hasLow, hasHigh; ///< Whether the ends belong to it.

  explicit Interval(StringRef text)
      : hasLow(text.front() == '['), hasHigh(text.back() == ']') {
    auto [first, second] = text.drop_front().drop_back().split(',');
    bool isWrong =
        first.trim().getAsDouble(low) || second.trim().getAsDouble(high);
    assert(!isWrong && "an interval of a record is two numbers");
    (void)isWrong;
  }

  // Written so that NaN is outside.
  bool holds(double x) const {
    return (hasLow ? x >= low : x > low) && (hasHigh ? x <= high : x < high);
  }

  std::string describe() const {
    bool isBelow = !std::isinf(high);
    if (std::isinf(low) && !isBelow)
      return "a finite number";
    if (hasLow && hasHigh)
      return printNumber(low) + " to " + printNumber(high);
    std::string text = (hasLow ? "at least " : "above ") + printNumber(low);
    if (isBelow)
      text += (hasHigh ? " and at most " : " and below ") + printNumber(high);
    return text;
  }
};
} // namespace

/// The number of an attribute, if it is one.
static std::optional<double> getNumber(Attribute value) {
  if (auto number = dyn_cast_or_null<FloatAttr>(value))
    return number.getValueAsDouble();
  if (auto number = dyn_cast_or_null<IntegerAttr>(value))
    return static_cast<double>(number.getInt());
  return std::nullopt;
}

std::string explainOutside(const AttributeInfo &info, Attribute value) {
  std::optional<double> number = getNumber(value);
  if (info.interval.empty() || !number)
    return {};
  Interval interval(info.interval);
  if (interval.holds(*number))
    return {};
  std::string problem = (info.name + " is " + printNumber(*number) +
                         ": expected " + interval.describe())
                            .str();
  // "inf: expected at least 0" would not say what is wrong.
  return *number > interval.low && std::isinf(interval.high) &&
                 !std::isinf(interval.low)
             ? problem + " and finite"
             : problem;
}

LogicalResult verifyIntervals(Operation *op, const Signature &signature) {
  OpSite site(op->getLoc(), signature.name);
  FloatType type;
  if (op->getNumResults())
    type = dyn_cast<FloatType>(getElementTypeOrSelf(op->getResult(0)));
  for (const AttributeInfo &info : signature.attributes) {
    if (info.kind != AttributeKind::Float && info.interval.empty())
      continue;
    Attribute value = op->getAttr(info.name);
    if (std::string problem = explainOutside(info, value); !problem.empty())
      return site.error() << problem;
    auto number = dyn_cast_or_null<FloatAttr>(value);
    if (number && type && !fitsIn(number.getValueAsDouble(), type))
      return site.error() << info.name << " is "
                          << printNumber(number.getValueAsDouble())
                          << ": it does not fit in " << printElementType(type);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

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
             << name << "'";
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

static void printValue(OpAsmPrinter &printer, const AttributeInfo &info,
                       Attribute value) {
  switch (info.kind) {
  case AttributeKind::Integer:
  case AttributeKind::Float:
  case AttributeKind::Type:
  case AttributeKind::Bool:
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
