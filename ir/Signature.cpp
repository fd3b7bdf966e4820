// Looking up and building ops by their signatures.
#include "ir/Signature.h"

#include "ir/Dialect.h"
#include "ir/OperandCounts.h"
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

/// `a`, `a and b`, `a, b and c`.
static std::string join(ArrayRef<StringRef> names) {
  std::string text;
  for (auto [i, name] : llvm::enumerate(names)) {
    if (i > 0)
      text += i + 1 == names.size() ? " and " : ", ";
    text += name;
  }
  return text;
}

static bool hasArgument(const Signature &signature, StringRef name) {
  auto isCalled = [&](const auto &info) {
    return info.name == name && !info.hidden;
  };
  return llvm::any_of(signature.operands, isCalled) ||
         llvm::any_of(signature.attributes, isCalled);
}

std::string explainMissing(MLIRContext *context, const Signature &signature,
                           StringRef name) {
  if (signature.category != Category::Loss &&
      signature.category != Category::Metric)
    return {};
  SmallVector<StringRef> having;
  for (const Signature *other : allSignatures(context))
    if (other->category == signature.category && hasArgument(*other, name))
      having.push_back(other->name);
  if (having.empty())
    return {};
  return ", which " + join(having) + (having.size() == 1 ? " has" : " have");
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
      return site.error() << "has no argument " << attribute.getName()
                          << explainMissing(attributes.getContext(), signature,
                                            attribute.getName());
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

} // namespace nnc
