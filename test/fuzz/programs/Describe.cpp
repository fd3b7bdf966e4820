// Ops, types and attributes of a module as JSON, one object an op.
#include "test/fuzz/programs/Describe.h"

#include "codegen/lower/Lowering.h"
#include "ir/Dialect.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "passes/EntryPoints.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
namespace json = llvm::json;

namespace nnc::fuzz {

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

static std::string printed(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

json::Array describeType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  json::Array shape;
  for (int64_t size : tensor.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return json::Array{printed(tensor.getElementType()), std::move(shape)};
}

/// JSON has no infinities: they are text.
static json::Value describeNumber(double number) {
  if (std::isnan(number))
    return "nan";
  if (std::isinf(number))
    return number > 0 ? "inf" : "-inf";
  return number;
}

static double toDouble(const llvm::APFloat &number) {
  return number.convertToDouble();
}

/// The elements, or the one that they all are.
static json::Value describeElements(DenseElementsAttr elements) {
  json::Array numbers;
  int64_t count = elements.isSplat() ? 1 : elements.getNumElements();
  Type type = elements.getElementType();
  if (isa<FloatType>(type)) {
    auto values = elements.getValues<llvm::APFloat>();
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(describeNumber(toDouble(values[i])));
    return numbers;
  }
  bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
  auto values = elements.getValues<llvm::APInt>();
  for (int64_t i = 0; i < count; ++i) {
    llvm::APInt value = values[i];
    numbers.push_back(isUnsigned ? int64_t(value.getZExtValue())
                                 : value.getSExtValue());
  }
  return numbers;
}

static json::Value describeAttribute(Attribute attribute);

static json::Object describeDictionary(ArrayRef<NamedAttribute> attributes) {
  json::Object object;
  for (NamedAttribute attribute : attributes)
    object[attribute.getName().strref()] =
        describeAttribute(attribute.getValue());
  return object;
}

static json::Value describeAttribute(Attribute attribute) {
  if (auto flag = dyn_cast<BoolAttr>(attribute))
    return flag.getValue();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return number.getInt();
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return describeNumber(toDouble(number.getValue()));
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.getValue();
  if (auto type = dyn_cast<TypeAttr>(attribute))
    return printed(type.getValue());
  if (auto name = dyn_cast<FlatSymbolRefAttr>(attribute))
    return name.getValue();
  if (auto dims = dyn_cast<DenseI64ArrayAttr>(attribute)) {
    json::Array array;
    for (int64_t dim : dims.asArrayRef())
      array.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
    return array;
  }
  if (auto numbers = dyn_cast<DenseF64ArrayAttr>(attribute)) {
    json::Array array;
    for (double number : numbers.asArrayRef())
      array.push_back(describeNumber(number));
    return array;
  }
  if (auto list = dyn_cast<ArrayAttr>(attribute)) {
    json::Array array;
    for (Attribute element : list)
      array.push_back(describeAttribute(element));
    return array;
  }
  if (auto elements = dyn_cast<DenseElementsAttr>(attribute))
    return describeElements(elements);
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute))
    return describeDictionary(dictionary.getValue());
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  // An enumeration's keyword: `#nnc.predicate<lt>`.
  StringRef keyword = StringRef(text).split('<').second.drop_back();
  auto isOfWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  if (!keyword.empty() && llvm::all_of(keyword, isOfWord))
    return keyword.str();
  return text;
}

//===----------------------------------------------------------------------===//
// Ops by their records
//===----------------------------------------------------------------------===//

static StringRef name(Category category) {
  static constexpr StringLiteral names[] = {
      "op", "loss", "metric", "optimizer", "schedule", "internal"};
  return names[size_t(category)];
}

static StringRef name(Arity arity) {
  static constexpr StringLiteral names[] = {"one", "optional", "variadic"};
  return names[size_t(arity)];
}

static StringRef name(AttributeKind kind) {
  static constexpr StringLiteral names[] = {
      "integer", "float",   "bool",   "dims",    "string", "type",
      "enum",    "padding", "length", "lengths", "floats", "other"};
  return names[size_t(kind)];
}

static json::Array describeAttributes(ArrayRef<AttributeInfo> attributes) {
  json::Array described;
  for (const AttributeInfo &attribute : attributes)
    if (!attribute.hidden)
      described.push_back(json::Object{{"name", attribute.name},
                                       {"kind", name(attribute.kind)},
                                       {"default", attribute.defaultValue},
                                       {"required", attribute.isRequired()}});
  return described;
}

json::Array describeOps(MLIRContext *context) {
  json::Array ops;
  Lowerings lowerings = allLowerings();
  for (const Signature *signature : allSignatures(context)) {
    OperationName registered(operationName(signature->name), context);
    json::Array operands;
    for (const OperandInfo &operand : signature->operands)
      if (!operand.hidden)
        operands.push_back(json::Object{{"name", operand.name},
                                        {"arity", name(operand.arity)}});
    ops.push_back(json::Object{
        {"name", signature->name},
        {"category", name(signature->category)},
        {"gathered", registered.hasInterface<Gathered>()},
        {"composite", registered.hasInterface<Composite>()},
        {"lowered", lowerings.find(registered) != nullptr},
        {"operands", std::move(operands)},
        {"attributes", describeAttributes(signature->attributes)},
        {"layerArguments", describeAttributes(signature->layerArguments)}});
  }
  return ops;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {

/// Numbers the values of one function.
class Numbering {
public:
  int64_t add(Value value) {
    return numbers.try_emplace(value, numbers.size()).first->second;
  }
  json::Array all(ValueRange values) {
    json::Array array;
    for (Value value : values)
      array.push_back(add(value));
    return array;
  }

private:
  llvm::DenseMap<Value, int64_t> numbers;
};

} // namespace

static json::Object describeOp(Operation &op, Numbering &numbering);

/// The step of a loop: its arguments, ops, and what it yields.
static json::Object describeStep(ScanOp scan, Numbering &numbering) {
  json::Array types, ops;
  for (Type type : scan.getBody().getArgumentTypes())
    types.push_back(describeType(type));
  json::Array arguments = numbering.all(scan.getBody().getArguments());
  for (Operation &op : scan.getBody().front().without_terminator())
    ops.push_back(describeOp(op, numbering));
  return json::Object{{"arguments", std::move(arguments)},
                      {"types", std::move(types)},
                      {"ops", std::move(ops)},
                      {"yields", numbering.all(scan.getYield().getValues())}};
}

static json::Object describeOp(Operation &op, Numbering &numbering) {
  StringRef opName = op.getName().getStringRef();
  opName.consume_front("nnc.");
  json::Array types;
  for (Type type : op.getResultTypes())
    types.push_back(describeType(type));
  SmallVector<NamedAttribute> attributes(op.getAttrs());
  json::Object described{{"name", opName},
                         {"operands", numbering.all(op.getOperands())},
                         {"results", numbering.all(op.getResults())},
                         {"types", std::move(types)},
                         {"attributes", describeDictionary(attributes)}};
  if (auto scan = dyn_cast<ScanOp>(op))
    described["step"] = describeStep(scan, numbering);
  return described;
}

static std::string textOf(Attribute attribute) {
  auto text = dyn_cast_or_null<StringAttr>(attribute);
  return text ? text.str() : std::string();
}

static json::Array describeArguments(FunctionOpInterface function,
                                     Numbering &numbering) {
  json::Array arguments;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto limit = function.getArgAttrOfType<IntegerAttr>(index, kIndexLimitAttr);
    arguments.push_back(
        json::Object{{"name", textOf(function.getArgAttr(index, kNameAttr))},
                     {"value", numbering.add(argument)},
                     {"limit", limit ? limit.getInt() : 0},
                     {"type", describeType(argument.getType())}});
  }
  return arguments;
}

static json::Object describeFunction(FunctionOpInterface function) {
  Numbering numbering;
  json::Array arguments = describeArguments(function, numbering);
  json::Array ops, results;
  for (Operation &op : function.getFunctionBody().front()) {
    if (!isa<func::ReturnOp>(op)) {
      ops.push_back(describeOp(op, numbering));
      continue;
    }
    for (auto [i, value] : llvm::enumerate(op.getOperands()))
      results.push_back(
          json::Object{{"name", textOf(function.getResultAttr(i, kNameAttr))},
                       {"kind", textOf(function.getResultAttr(i, kResultAttr))},
                       {"value", numbering.add(value)}});
  }
  bool trains =
      function->hasAttr(kTrainingAttr) && !function->hasAttr(kStateStaysAttr);
  return json::Object{{"arguments", std::move(arguments)},
                      {"ops", std::move(ops)},
                      {"results", std::move(results)},
                      {"trains", trains}};
}

json::Object describeModule(ModuleOp module) {
  json::Object functions;
  json::Array parameters;
  for (Operation &op : *module.getBody()) {
    if (auto function = dyn_cast<FunctionOpInterface>(op))
      functions[function.getName()] = describeFunction(function);
    if (auto parameter = dyn_cast<ParameterOp>(op))
      parameters.push_back(
          json::Object{{"name", parameter.getSymName()},
                       {"role", stringifyEnum(parameter.getRole())},
                       {"type", describeType(parameter.getType())}});
  }
  return json::Object{{"functions", std::move(functions)},
                      {"parameters", std::move(parameters)}};
}

} // namespace nnc::fuzz
