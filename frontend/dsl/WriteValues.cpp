// Numbers, lists, types, attributes and initializers as programs have them.
#include "frontend/dsl/ProgramWriter.h"

#include "frontend/dsl/Datum.h"
#include "frontend/dsl/Lexer.h"

#include "ir/Initializer.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

using namespace mlir;

namespace nnc::dsl {

/// With a point or an exponent, so that it is no whole number.
template <typename T> static std::optional<std::string> spellReal(T number) {
  if (!std::isfinite(number))
    return std::nullopt;
  char text[40];
  auto [end, problem] = std::to_chars(text, text + sizeof text, number);
  std::string spelled(text, end);
  if (spelled.find_first_of(".e") == std::string::npos)
    spelled += ".0";
  return spelled;
}

std::optional<std::string> spellFloat(const llvm::APFloat &number) {
  bool isDouble = &number.getSemantics() == &llvm::APFloat::IEEEdouble();
  // What 16 bits hold, 32 do.
  if (isDouble)
    return spellReal(number.convertToDouble());
  llvm::APFloat single = number;
  bool losesInfo = false;
  single.convert(llvm::APFloat::IEEEsingle(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return spellReal(single.convertToFloat());
}

std::optional<std::string> spellFloat(double number) {
  return spellReal(number);
}

std::string spellString(StringRef text) {
  std::string spelled = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      spelled += '\\';
    if (c == '\n' || c == '\t')
      spelled += c == '\n' ? "\\n" : "\\t";
    else
      spelled += c;
  }
  return spelled + "\"";
}

std::string spellType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text = printElementType(tensor.getElementType());
  if (tensor.getRank() == 0)
    return text;
  auto sizes = llvm::map_range(tensor.getShape(), [](int64_t size) {
    return ShapedType::isDynamic(size) ? std::string("batch")
                                       : std::to_string(size);
  });
  return text + "[" + llvm::join(sizes, ", ") + "]";
}

static std::optional<std::string> spellElement(Attribute element) {
  if (auto boolean = dyn_cast<BoolAttr>(element))
    return std::string(boolean.getValue() ? "true" : "false");
  if (auto number = dyn_cast<FloatAttr>(element))
    return spellFloat(number.getValue());
  auto integer = cast<IntegerAttr>(element);
  llvm::SmallString<24> digits;
  integer.getValue().toString(digits, 10,
                              !integer.getType().isUnsignedInteger());
  return std::string(digits);
}

/// The elements from `place` on, of the dimensions from `axis` on.
static std::string nest(ArrayRef<int64_t> shape, unsigned axis,
                        ArrayRef<std::string> elements, size_t &place) {
  if (axis == shape.size())
    return elements[place++];
  std::string text = "[";
  for (int64_t i = 0; i < shape[axis]; ++i)
    text += (i ? ", " : "") + nest(shape, axis + 1, elements, place);
  return text + "]";
}

std::optional<std::string> spellElements(DenseElementsAttr elements) {
  constexpr int64_t kMostElements = 65536;
  if (elements.getNumElements() > kMostElements)
    return std::nullopt;
  std::vector<std::string> texts;
  for (Attribute element : elements.getValues<Attribute>()) {
    std::optional<std::string> text = spellElement(element);
    if (!text)
      return std::nullopt;
    texts.push_back(*text);
  }
  size_t place = 0;
  return nest(elements.getType().getShape(), 0, texts, place);
}

/// -1 is the batch where a shape is meant.
static std::string spellDims(ArrayRef<int64_t> dims, bool isShape) {
  auto texts = llvm::map_range(dims, [&](int64_t dim) {
    return isShape && dim == -1 ? std::string("batch") : std::to_string(dim);
  });
  return "[" + llvm::join(texts, ", ") + "]";
}

static std::string spellPadding(Attribute value) {
  if (auto word = dyn_cast<StringAttr>(value))
    return word.str();
  ArrayRef<int64_t> numbers = cast<DenseI64ArrayAttr>(value);
  if (numbers.size() == 1)
    return std::to_string(numbers.front());
  std::string text;
  for (size_t i = 0; i + 1 < numbers.size(); i += 2)
    text += (i ? ", " : "") + spellDims(numbers.slice(i, 2), false);
  return "[" + text + "]";
}

/// The word of an enumeration of the dialect.
static std::string keywordOf(Attribute value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return StringRef(text).split('<').second.drop_back().str();
}

/// Steps, or the words of another length.
std::string spellLength(Attribute value) {
  if (auto words = dyn_cast<StringAttr>(value))
    return words.str();
  return std::to_string(cast<IntegerAttr>(value).getInt());
}

static std::string spellLengths(ArrayAttr lengths) {
  return "[" + llvm::join(llvm::map_range(lengths, spellLength), ", ") + "]";
}

static std::optional<std::string> spellFloats(ArrayRef<double> numbers) {
  std::vector<std::string> texts;
  for (double number : numbers) {
    std::optional<std::string> text = spellFloat(number);
    if (!text)
      return std::nullopt;
    texts.push_back(*text);
  }
  return "[" + llvm::join(texts, ", ") + "]";
}

std::optional<std::string> spellAttribute(const AttributeInfo &info,
                                          Attribute value) {
  switch (info.kind) {
  case AttributeKind::Integer:
    return std::to_string(cast<IntegerAttr>(value).getInt());
  case AttributeKind::Float:
    return spellFloat(cast<FloatAttr>(value).getValueAsDouble());
  case AttributeKind::Bool:
    return std::string(cast<BoolAttr>(value).getValue() ? "true" : "false");
  case AttributeKind::String:
    return spellString(cast<StringAttr>(value));
  case AttributeKind::Type:
    return printElementType(cast<TypeAttr>(value).getValue());
  case AttributeKind::Dims: {
    ArrayRef<int64_t> dims = cast<DenseI64ArrayAttr>(value);
    // One number is for all spatial dimensions.
    bool isForAll = llvm::is_contained({"dilation", "stride", "window"},
                                       StringRef(info.name));
    if (isForAll && dims.size() == 1)
      return std::to_string(dims.front());
    return spellDims(dims, info.name == "shape" || info.name == "sizes");
  }
  case AttributeKind::Enum:
    return keywordOf(value);
  case AttributeKind::Padding:
    return spellPadding(value);
  case AttributeKind::Length:
    return spellLength(value);
  case AttributeKind::Lengths:
    return spellLengths(cast<ArrayAttr>(value));
  case AttributeKind::Floats:
    return spellFloats(cast<DenseF64ArrayAttr>(value));
  case AttributeKind::Other:
    break;
  }
  return std::nullopt;
}

std::optional<std::string> spellInitializer(InitializerAttr initializer) {
  DictionaryAttr arguments = initializer.getArguments();
  if (auto literal = arguments.getAs<DenseElementsAttr>("value"))
    return spellElements(literal);
  std::string text;
  for (NamedAttribute argument : arguments) {
    auto number = dyn_cast<FloatAttr>(argument.getValue());
    std::optional<std::string> value =
        number ? spellFloat(number.getValueAsDouble()) : std::nullopt;
    if (!value)
      return std::nullopt;
    text +=
        (text.empty() ? "" : ", ") + argument.getName().str() + " = " + *value;
  }
  std::string name = initializer.getName().str();
  return text.empty() ? name : name + "(" + text + ")";
}

std::optional<std::string> spellCallAttributes(DictionaryAttr call,
                                               StringRef opName) {
  const Signature *signature = lookupSignature(call.getContext(), opName);
  std::string text;
  for (const AttributeInfo &info : signature->attributes) {
    Attribute value = call.get(info.name);
    if (!value)
      continue;
    std::optional<std::string> spelled = spellAttribute(info, value);
    if (!spelled)
      return std::nullopt;
    text += ", " + info.name.str() + " = " + *spelled;
  }
  return text;
}

bool isProgramName(StringRef name) {
  static constexpr llvm::StringLiteral kReserved[] = {
      "and",  "as",   "const", "else",   "false",  "fn",    "for",
      "if",   "in",   "not",   "model",  "or",     "param", "return",
      "true", "with", "loss",  "metric", "output", "batch"};
  if (name.empty() || llvm::isDigit(name.front()) ||
      llvm::is_contained(kReserved, name) ||
      llvm::is_contained(elementTypeNames(), name))
    return false;
  return llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

} // namespace nnc::dsl
