// Names, arithmetic and slices.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace nnc::dsl {

// An expression of the parser's largest depth in each of as many calls would
// exhaust the stack; a level costs less than 2 KiB of it.
static constexpr unsigned kMaxEvaluationDepth = 1500;

Datum Emitter::evaluate(const Expression &expression) {
  if (!expend(expression.loc))
    return {};
  if (depth >= kMaxEvaluationDepth)
    return error(expression.loc, "calls and expressions are nested too deeply "
                                 "here: at most " +
                                     Twine(kMaxEvaluationDepth) +
                                     " levels are supported");
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  return evaluateKind(expression);
}

Datum Emitter::evaluateKind(const Expression &expression) {
  return llvm::TypeSwitch<const Expression *, Datum>(&expression)
      .Case<NumberExpr>([](auto *e) {
        return e->isInteger ? Datum(e->integer) : Datum(e->real);
      })
      .Case<StringExpr>([](auto *e) { return Datum(e->value); })
      .Case<BooleanExpr>([](auto *e) { return Datum(e->value); })
      .Case<NameExpr>([&](auto *e) { return evaluateName(*e); })
      .Case<ListExpr>([&](auto *e) { return evaluateList(*e); })
      .Case<ComprehensionExpr>(
          [&](auto *e) { return evaluateComprehension(*e); })
      .Case<UnaryExpr>([&](auto *e) { return evaluateUnaryExpr(*e); })
      .Case<BinaryExpr>([&](auto *e) { return evaluateBinaryExpr(*e); })
      .Case<CallExpr>([&](auto *e) {
        Datum value = evaluateCall(*e);
        if (trace)
          trace->called(*e, value);
        return value;
      })
      .Case<SubscriptExpr>([&](auto *e) { return evaluateSubscript(*e); })
      .Case<LengthExpr>([&](auto *e) {
        return error(e->loc, "a length in " + e->unit.name +
                                 " stands only in a schedule and an average");
      })
      .Default([&](const Expression *e) {
        return error(e->loc, "a range stands only after 'in' and in the "
                             "arguments of data readers");
      });
}

//===-- Names ------------------------------------------------------------===//

Binding *Emitter::lookup(StringRef name) {
  llvm::DenseMap<StringRef, Binding> &names = boundNames();
  if (auto it = names.find(name); it != names.end())
    return &it->second;
  if (auto it = dimensions.find(name); it != dimensions.end())
    return &it->second;
  if (auto it = constants.find(name); it != constants.end())
    return &it->second;
  return nullptr;
}

std::vector<StringRef> Emitter::visibleNames() const {
  std::vector<StringRef> names;
  if (frame)
    for (auto &[name, binding] : frame->names)
      names.push_back(name);
  for (auto &[name, binding] : dimensions)
    names.push_back(name);
  for (auto &[name, binding] : constants)
    names.push_back(name);
  names.push_back("batch");
  llvm::sort(names);
  return names;
}

Datum Emitter::evaluateName(const NameExpr &name) {
  if (Binding *binding = lookup(name.name)) {
    const char *place = binding->declaration.name.data();
    if (auto it = assignments.find(place); it != assignments.end())
      it->second.used = true;
    if (trace)
      trace->named(name.name, binding->value);
    return binding->value;
  }
  if (name.name == "batch")
    return Datum(Datum::Batch());
  if (Type elementType = parseElementType(name.name, context))
    return Datum(elementType);
  return unknownName(name);
}

Datum Emitter::unknownName(const NameExpr &name) {
  bool isCallable = functions.contains(name.name) ||
                    lookupSignature(context, name.name) != nullptr;
  if (isCallable)
    return error(name.loc, "'" + name.name + "' is a function; write " +
                               name.name + "(...) to call it");
  for (const ConstDecl &constant : program.constants)
    if (constant.name.name == name.name)
      return error(
          name.loc, "'" + name.name + "' is used before it is defined",
          Note{constant.name.loc, "'" + name.name.str() + "' is defined here"});
  std::vector<StringRef> names = visibleNames();
  StringRef nearest = nearestName(name.name, names);
  std::string message = "unknown name '" + name.name.str() + "'";
  if (nearest.empty())
    return error(name.loc, message);
  message += "; did you mean '" + nearest.str() + "'?";
  Binding *binding = lookup(nearest);
  if (!binding)
    return error(name.loc, message);
  return error(name.loc, message,
               Note{binding->declaration.loc,
                    "'" + nearest.str() + "' is declared here"});
}

//===-- Arithmetic -------------------------------------------------------===//

Datum Emitter::evaluateUnaryExpr(const UnaryExpr &unary) {
  Datum operand = evaluate(*unary.operand);
  if (operand.isError())
    return {};
  if (operand.isTensor())
    return buildOp(unary.loc,
                   unary.op == UnaryOperator::Not ? "logical_not" : "neg",
                   operand.tensor());
  std::string problem;
  if (std::optional<Datum> result = evaluateUnary(unary.op, operand, problem))
    return *result;
  return error(unary.loc, problem);
}

Datum Emitter::evaluateBinaryExpr(const BinaryExpr &binary) {
  Datum lhs = evaluate(*binary.lhs);
  // `stride != 1 or heavy(...)`: what is not needed is not evaluated.
  if (lhs.isBoolean() && ((binary.op == BinaryOperator::Or && lhs.boolean()) ||
                          (binary.op == BinaryOperator::And && !lhs.boolean())))
    return lhs;
  Datum rhs = evaluate(*binary.rhs);
  if (lhs.isError() || rhs.isError())
    return {};
  if (lhs.isTensor() || rhs.isTensor())
    return evaluateTensorBinary(binary, lhs, rhs);
  if (lhs.isList() && rhs.isList() && binary.op == BinaryOperator::Add)
    return joinLists(lhs, rhs, binary.loc);
  std::string problem;
  if (std::optional<Datum> result =
          evaluateBinary(binary.op, lhs, rhs, problem))
    return *result;
  return error(binary.loc, "'" + binary.spelling + "': " + problem);
}

namespace {
struct TensorOperator {
  BinaryOperator op;
  StringRef name;
  StringRef predicate; // of compare
};
} // namespace

static constexpr TensorOperator kTensorOperators[] = {
    {BinaryOperator::Add, "add", ""},
    {BinaryOperator::Subtract, "sub", ""},
    {BinaryOperator::Multiply, "mul", ""},
    {BinaryOperator::Divide, "div", ""},
    {BinaryOperator::Power, "pow", ""},
    {BinaryOperator::And, "logical_and", ""},
    {BinaryOperator::Or, "logical_or", ""},
    {BinaryOperator::Equal, "compare", "eq"},
    {BinaryOperator::NotEqual, "compare", "ne"},
    {BinaryOperator::Less, "compare", "lt"},
    {BinaryOperator::LessEqual, "compare", "le"},
    {BinaryOperator::Greater, "compare", "gt"},
    {BinaryOperator::GreaterEqual, "compare", "ge"},
};

Datum Emitter::evaluateTensorBinary(const BinaryExpr &binary, const Datum &lhs,
                                    const Datum &rhs) {
  const TensorOperator *entry = llvm::find_if(
      kTensorOperators, [&](auto &e) { return e.op == binary.op; });
  if (entry == std::end(kTensorOperators))
    return error(binary.loc, "'" + binary.spelling +
                                 "' works on numbers known while compiling, "
                                 "not on tensors");
  Type elementType =
      getElementTypeOrSelf((lhs.isTensor() ? lhs : rhs).tensor().getType());
  mlir::Value lhsTensor = toTensor(lhs, elementType, binary.lhs->loc);
  mlir::Value rhsTensor = toTensor(rhs, elementType, binary.rhs->loc);
  if (!lhsTensor || !rhsTensor)
    return {};
  SmallVector<NamedAttribute> attributes;
  if (!entry->predicate.empty())
    attributes.push_back(builder.getNamedAttr(
        "predicate",
        parseEnumKeyword(context, entry->name, "predicate", entry->predicate)));
  return buildOp(binary.loc, entry->name, {lhsTensor, rhsTensor}, attributes);
}

std::optional<int64_t> Emitter::expectInteger(const Expression &expression,
                                              const Twine &what) {
  Datum value = evaluate(expression);
  if (value.isError())
    return std::nullopt;
  if (value.isInteger())
    return value.integer();
  if (value.isReal() && std::fabs(value.number()) < 1e15 &&
      value.number() == std::floor(value.number()))
    return int64_t(value.number());
  error(expression.loc, "expected a whole number known while compiling as " +
                            what + ", found " + value.describe());
  return std::nullopt;
}

std::optional<bool> Emitter::expectCondition(const Expression &expression,
                                             StringRef what) {
  Datum value = evaluate(expression);
  if (value.isError())
    return std::nullopt;
  if (value.isBoolean())
    return value.boolean();
  if (value.isTensor())
    error(expression.loc,
          what + " must be known while compiling, found " + value.describe() +
              "; select(condition, a, b) chooses between tensors");
  else
    error(expression.loc,
          what + " must be true or false, found " + value.describe());
  return std::nullopt;
}

//===-- Constants --------------------------------------------------------===//

Attribute Emitter::toElement(const Datum &value, Type elementType, SMLoc loc) {
  auto reject = [&](const Twine &why) {
    error(loc, why);
    return Attribute();
  };
  if (elementType.isInteger(1)) {
    if (value.isBoolean())
      return builder.getBoolAttr(value.boolean());
    return reject("expected true or false, found " + value.describe());
  }
  if (!value.isNumber())
    return reject("expected a number, found " + value.describe());
  std::string type = printElementType(elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    if (!fitsIn(value.number(), floatType))
      return reject(value.describe() + " does not fit in " + type);
    return builder.getFloatAttr(elementType, value.number());
  }

  // Integer tensors.
  double number = value.number();
  if (number != std::floor(number))
    return reject(value.describe() +
                  " is not a whole number, and the tensor's "
                  "elements are " +
                  type + "; convert the tensor with cast(x, f32)");
  unsigned width = elementType.getIntOrFloatBitWidth();
  bool isUnsigned = elementType.isUnsignedInteger();
  if (!value.isInteger())
    return reject(value.describe() +
                  " is written as a real number, and the "
                  "tensor's elements are " +
                  type);
  bool fits =
      value.isInteger() && (isUnsigned ? llvm::isUIntN(width, value.integer())
                                       : llvm::isIntN(width, value.integer()));
  if (!fits)
    return reject(value.describe() + " does not fit in " + type);
  return IntegerAttr::get(elementType,
                          APInt(width, value.integer(), !isUnsigned));
}

bool Emitter::flatten(const Datum &value, unsigned level,
                      SmallVectorImpl<int64_t> &shape,
                      SmallVectorImpl<Datum> &elements, SMLoc loc) {
  if (!value.isList()) {
    elements.push_back(value);
    if (level == shape.size())
      return true;
    error(loc, "the rows of this list differ in depth");
    return false;
  }
  bool isFirst = elements.empty() && level == shape.size();
  int64_t size = value.list().size();
  if (isFirst)
    shape.push_back(size);
  if (level >= shape.size()) {
    error(loc, "the rows of this list differ in depth");
    return false;
  }
  if (shape[level] != size || size == 0) {
    error(loc, size == 0 ? Twine("a list of numbers cannot be empty")
                         : "the rows of this list differ in length: " +
                               Twine(shape[level]) + " and " + Twine(size));
    return false;
  }
  return llvm::all_of(value.list(), [&](const Datum &element) {
    return flatten(element, level + 1, shape, elements, loc);
  });
}

DenseElementsAttr Emitter::toElements(const Datum &value, Type elementType,
                                      SMLoc loc) {
  SmallVector<int64_t> shape;
  SmallVector<Datum> elements;
  if (!expend(loc, value.elementCount()))
    return nullptr;
  if (!flatten(value, 0, shape, elements, loc))
    return nullptr;
  SmallVector<Attribute> attributes;
  for (const Datum &element : elements) {
    attributes.push_back(toElement(element, elementType, loc));
    if (!attributes.back())
      return nullptr;
  }
  return DenseElementsAttr::get(RankedTensorType::get(shape, elementType),
                                attributes);
}

mlir::Value Emitter::toTensor(const Datum &value, Type elementType, SMLoc loc) {
  if (value.isError())
    return nullptr;
  if (value.isTensor())
    return value.tensor();
  if (value.isBatch()) {
    error(loc, "'batch' is not known while compiling; size(x, axes = [0]) is "
               "its value as a tensor");
    return nullptr;
  }
  auto isTensor = [](const Datum &element) { return element.isTensor(); };
  if (value.isList() && llvm::any_of(value.list(), isTensor)) {
    error(loc, "expected a tensor, found a list of tensors; concat(list, axis "
               "= 1) makes one of them");
    return nullptr;
  }
  bool isLiteral = value.isNumber() || value.isBoolean() || value.isList();
  if (!isLiteral) {
    error(loc, "expected a tensor, found " + value.describe());
    return nullptr;
  }
  DenseElementsAttr elements = toElements(value, elementType, loc);
  if (!elements)
    return nullptr;
  return ConstantOp::create(builder, diagnostics.location(loc), elements);
}

//===-- Slices -----------------------------------------------------------===//

Datum Emitter::evaluateSubscript(const SubscriptExpr &subscript) {
  Datum base = evaluate(*subscript.base);
  if (base.isError())
    return {};
  if (base.isTensor())
    return sliceTensor(subscript, base.tensor());
  if (base.isList())
    return partOfList(subscript, base.list());
  return error(subscript.loc, "expected a tensor or a list before '[', found " +
                                  base.describe());
}

bool Emitter::evaluateBounds(const SubscriptItem &item, int64_t dim,
                             int64_t &start, int64_t &size, unsigned axis) {
  bool isWhole = item.isRange && !item.lower && !item.upper;
  if (isWhole) {
    start = 0;
    size = dim;
    return true;
  }
  if (ShapedType::isDynamic(dim)) {
    error(item.loc,
          "the batch cannot be sliced; write ':' for dimension " + Twine(axis));
    return false;
  }
  auto resolve = [&](const ExpressionPtr &bound, int64_t absent) {
    if (!bound)
      return std::optional<int64_t>(absent);
    std::optional<int64_t> value = expectInteger(*bound, "an index");
    if (value && *value < 0)
      *value += dim;
    return value;
  };
  std::optional<int64_t> lower = resolve(item.lower, 0);
  if (!lower)
    return false;
  // An index outside is found below; it must not overflow here.
  std::optional<int64_t> upper =
      item.isRange ? resolve(item.upper, dim) : *lower + (*lower != INT64_MAX);
  if (!upper)
    return false;
  if (*lower < 0 || *upper > dim || *lower >= *upper) {
    error(item.loc, "elements " + Twine(*lower) + " to " + Twine(*upper) +
                        " (excluded) are not a part of dimension " +
                        Twine(axis) + ", which has " + Twine(dim));
    return false;
  }
  start = *lower;
  size = *upper - *lower;
  return true;
}

Datum Emitter::sliceTensor(const SubscriptExpr &subscript, mlir::Value base) {
  auto type = cast<RankedTensorType>(base.getType());
  if (subscript.items.size() > size_t(type.getRank()))
    return error(subscript.loc,
                 "too many indices: " + Twine(subscript.items.size()) +
                     " for " + printType(type));
  SmallVector<int64_t> starts, sizes, kept;
  for (unsigned axis = 0; axis < type.getRank(); ++axis) {
    int64_t dim = type.getDimSize(axis), start = 0, size = dim;
    bool isIndex = false;
    if (axis < subscript.items.size()) {
      const SubscriptItem &item = subscript.items[axis];
      isIndex = !item.isRange;
      if (!evaluateBounds(item, dim, start, size, axis))
        return {};
    }
    starts.push_back(start);
    sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
    if (!isIndex)
      kept.push_back(sizes.back());
  }
  Datum part = buildOp(
      subscript.loc, "slice", base,
      {builder.getNamedAttr("starts", builder.getDenseI64ArrayAttr(starts)),
       builder.getNamedAttr("sizes", builder.getDenseI64ArrayAttr(sizes))});
  if (part.isError() || kept.size() == sizes.size())
    return part;
  return buildOp(
      subscript.loc, "reshape", part.tensor(),
      builder.getNamedAttr("shape", builder.getDenseI64ArrayAttr(kept)));
}

} // namespace nnc::dsl
