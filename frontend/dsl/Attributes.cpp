// What the argument of a call becomes where an op has an attribute.
#include "frontend/dsl/Emitter.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

Attribute Emitter::toEnum(const AttributeInfo &info, StringRef op,
                          const Expression &expression) {
  StringRef keyword;
  if (auto *name = llvm::dyn_cast<NameExpr>(&expression))
    keyword = name->name;
  if (auto *string = llvm::dyn_cast<StringExpr>(&expression))
    keyword = string->value;
  Attribute value = parseEnumKeyword(context, op, info.name, keyword);
  if (!value && llvm::isa<NameExpr>(expression) && lookup(keyword)) {
    Datum bound = evaluate(expression); // a name for a string: padding = p
    if (bound.isString())
      value = parseEnumKeyword(context, op, info.name, bound.string());
  }
  if (!value)
    error(expression.loc, "'" + op + "' knows no " + info.name +
                              (keyword.empty() ? "" : " '" + keyword + "'"));
  return value;
}

Attribute Emitter::toDims(const AttributeInfo &info, const Datum &value,
                          SMLoc loc) {
  SmallVector<int64_t> dims;
  auto add = [&](const Datum &element) {
    if (element.isBatch())
      dims.push_back(-1);
    else if (element.isInteger())
      dims.push_back(element.integer());
    else
      error(loc, "expected a list of whole numbers as '" + info.name +
                     "', found " + element.describe() +
                     (value.isList() ? " in it" : ""));
    return element.isBatch() || element.isInteger();
  };
  if (value.isList() && !expend(loc, value.list().size()))
    return nullptr;
  bool valid = value.isList() ? llvm::all_of(value.list(), add) : add(value);
  return valid ? builder.getDenseI64ArrayAttr(dims) : Attribute();
}

// 1, [1, 2] for each dimension, [[0, 1], [1, 2]] for each side of each; none
// where it is no such. A list of more than one becomes a pair a dimension.
static SmallVector<int64_t> paddingNumbers(const Datum &value) {
  auto isInteger = [](const Datum &datum) { return datum.isInteger(); };
  auto isPair = [&](const Datum &datum) {
    return datum.isList() && datum.list().size() == 2 &&
           llvm::all_of(datum.list(), isInteger);
  };
  if (value.isInteger())
    return {value.integer()};
  if (!value.isList())
    return {};
  ArrayRef<Datum> list = value.list();
  if (list.size() == 1 && isInteger(list.front()))
    return {list.front().integer()};
  SmallVector<int64_t> numbers;
  for (const Datum &element : list) {
    if (isInteger(element))
      numbers.append(2, element.integer());
    else if (isPair(element))
      numbers.append(
          {element.list()[0].integer(), element.list()[1].integer()});
    else
      return {};
  }
  return numbers;
}

Attribute Emitter::toPadding(const AttributeInfo &info, StringRef op,
                             const Expression &expression) {
  auto asKeyword = [&](StringRef text) -> Attribute {
    Attribute keyword = builder.getStringAttr(text);
    return isPadding(keyword) ? keyword : Attribute();
  };
  if (auto *name = llvm::dyn_cast<NameExpr>(&expression))
    if (Attribute keyword = asKeyword(name->name))
      return keyword;
  Datum value = evaluate(expression);
  if (value.isError() || !expend(expression.loc, value.elementCount()))
    return nullptr;
  if (value.isString())
    if (Attribute keyword = asKeyword(value.string()))
      return keyword;
  SmallVector<int64_t> numbers = paddingNumbers(value);
  if (!numbers.empty())
    return builder.getDenseI64ArrayAttr(numbers);
  error(expression.loc, "expected valid, same, same_lower, a number, or a list "
                        "of numbers or pairs of numbers as '" +
                            info.name + "' of '" + op + "', found " +
                            value.describe());
  return nullptr;
}

Attribute Emitter::toAttribute(const AttributeInfo &info, StringRef op,
                               const Expression &expression) {
  if (info.kind == AttributeKind::Enum)
    return toEnum(info, op, expression);
  if (info.kind == AttributeKind::Padding)
    return toPadding(info, op, expression);
  const std::string what = ("'" + info.name + "' of '" + op + "'").str();
  if (info.kind == AttributeKind::Length)
    return toLength(expression, what);
  if (info.kind == AttributeKind::Lengths)
    return toLengths(expression, what);
  Datum value = evaluate(expression);
  if (value.isError())
    return nullptr;
  auto reject = [&](StringRef expected) {
    error(expression.loc, "expected " + expected + " as " + what + ", found " +
                              value.describe());
    return Attribute();
  };
  switch (info.kind) {
  case AttributeKind::Integer:
    return value.isInteger() ? builder.getI64IntegerAttr(value.integer())
                             : reject("a whole number");
  case AttributeKind::Float:
    return value.isNumber() ? builder.getF64FloatAttr(value.number())
                            : reject("a number");
  case AttributeKind::Bool:
    return value.isBoolean() ? builder.getBoolAttr(value.boolean())
                             : reject("true or false");
  case AttributeKind::String:
    return value.isString() ? builder.getStringAttr(value.string())
                            : reject("a string");
  case AttributeKind::Type:
    return value.isElementType() ? TypeAttr::get(value.elementType())
                                 : reject("an element type such as f32");
  case AttributeKind::Dims:
    return toDims(info, value, expression.loc);
  case AttributeKind::Floats:
    if (Attribute numbers = toFloats(value))
      return numbers;
    return reject("a list of numbers");
  case AttributeKind::Enum:
  case AttributeKind::Padding:
  case AttributeKind::Length:
  case AttributeKind::Lengths:
  case AttributeKind::Other:
    break;
  }
  return reject("nothing, since programs cannot give this argument,");
}

} // namespace nnc::dsl
