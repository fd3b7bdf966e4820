// See Reader.h: every place that a graph's tables name is checked before it is
// used.
#include "frontend/graph/Reader.h"

#include "frontend/dsl/Diagnostics.h"

#include "ir/Shapes.h"
#include "ir/Text.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc::graph {

Reader::Reader(const Graph &graph, StringRef fileName, size_t sizeBytes,
               MLIRContext *context)
    : graph(graph), fileName(fileName), attributeBuilder(context),
      // Writers share strings and shapes, so that a name may be read often.
      budgetBytes((size_t(64) << 20) + 16 * sizeBytes) {}

//===-- Messages ---------------------------------------------------------===//

Reader::Scope::Scope(Reader &reader, const llvm::Twine &name,
                     const Location *place)
    : reader(reader), outerPlace(reader.place) {
  reader.scopes.push_back(name.str());
  if (place)
    reader.place = place;
}

Reader::Scope::~Scope() {
  reader.scopes.pop_back();
  reader.place = outerPlace;
}

/// A file's name as it stands in messages and in what is generated.
static bool isFileName(StringRef name) {
  constexpr size_t kLongest = 4096;
  return name.size() <= kLongest && findNoText(name) == StringRef::npos &&
         name.find_first_of("\t\n\r") == StringRef::npos;
}

/// Where the part that is being read comes from, if its file is listed.
std::optional<mlir::Location> Reader::findPlace() const {
  size_t count = graph.files() ? graph.files()->size() : 0;
  if (!place || place->file() >= count)
    return std::nullopt;
  StringRef file = graph.files()->Get(place->file())->string_view();
  if (!isFileName(file))
    return std::nullopt;
  return FileLineColLoc::get(attributeBuilder.getContext(), file, place->line(),
                             place->column());
}

LogicalResult Reader::fail(const llvm::Twine &message,
                           std::optional<mlir::Location> at) {
  std::string what = llvm::join(scopes, ", ");
  InFlightDiagnostic diagnostic =
      emitError(FileLineColLoc::get(builder().getContext(), fileName, 0, 0));
  diagnostic << what << (what.empty() ? "" : ": ") << message;
  std::optional<mlir::Location> location = findPlace();
  if (!location && at && (*at)->findInstanceOf<FileLineColLoc>())
    location = at;
  if (location)
    diagnostic.attachNote(*location) << "it is written here";
  return diagnostic;
}

LogicalResult Reader::run(llvm::function_ref<LogicalResult()> action) {
  std::string message;
  std::optional<mlir::Location> location;
  LogicalResult result = failure();
  {
    ScopedDiagnosticHandler capture(
        builder().getContext(), [&](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
              message.empty()) {
            message = diagnostic.str();
            location = diagnostic.getLocation();
          }
          return success();
        });
    result = action();
  }
  return succeeded(result) ? result
                           : fail(dsl::inUsersTerms(message), location);
}

//===-- Text -------------------------------------------------------------===//

LogicalResult Reader::charge(size_t sizeBytes) {
  if (sizeBytes > budgetBytes)
    return fail("the same data are referred to too often: read out, they are "
                "many times the size of the file");
  budgetBytes -= sizeBytes;
  return success();
}

FailureOr<StringRef> Reader::readText(const flatbuffers::String *string,
                                      StringRef what) {
  if (!string)
    return fail(what + " is missing");
  if (failed(charge(string->size())))
    return failure();
  StringRef text(string->data(), string->size());
  if (findNoText(text) != StringRef::npos || text.contains('\r'))
    return fail(what + " is not UTF-8, or has a control character");
  return text;
}

FailureOr<StringRef> Reader::readName(const flatbuffers::String *string,
                                      StringRef what) {
  if (!string)
    return fail(what + " is missing");
  if (failed(charge(string->size())))
    return failure();
  StringRef name(string->data(), string->size());
  if (std::string problem = findNoName(name); !problem.empty())
    return fail(what + " " + problem);
  return name;
}

FailureOr<mlir::Location> Reader::readLocation(const Location *location) {
  if (!location)
    return mlir::Location(builder().getUnknownLoc());
  size_t count = graph.files() ? graph.files()->size() : 0;
  if (location->file() >= count)
    return fail("its location is in file " + llvm::Twine(location->file()) +
                ", and the graph lists " + llvm::Twine(count));
  StringRef file = graph.files()->Get(location->file())->string_view();
  if (failed(charge(file.size())))
    return failure();
  if (!isFileName(file))
    return fail("the name of its file is not UTF-8, has a control character or "
                "more than 4096 bytes");
  return mlir::Location(FileLineColLoc::get(
      builder().getContext(), file, location->line(), location->column()));
}

//===-- Types ------------------------------------------------------------===//

LogicalResult Reader::readDimensions(const flatbuffers::Vector<int64_t> *from,
                                     bool mayHaveBatch,
                                     SmallVectorImpl<int64_t> &to) {
  size_t rank = from ? from->size() : 0;
  if (rank > kMaxRank)
    return fail("the shape has " + llvm::Twine(rank) + " dimensions: at most " +
                llvm::Twine(kMaxRank) + " are supported");
  FailureOr<ArrayRef<int64_t>> shape = readNumbers(from);
  if (failed(shape))
    return failure();
  for (int64_t dimension : *shape) {
    bool isBatch = dimension == kBatch;
    if (!isBatch && dimension < 1)
      return fail("the shape has the dimension " + llvm::Twine(dimension) +
                  ": expected a size above 0, or -1 for the batch");
    if (isBatch && !mayHaveBatch)
      return fail("the shape depends on the batch: expected a known size");
    to.push_back(isBatch ? ShapedType::kDynamic : dimension);
  }
  return success();
}

FailureOr<RankedTensorType>
Reader::readType(ElementType elementType,
                 const flatbuffers::Vector<int64_t> *shape, bool mayHaveBatch) {
  Type element = toElementType(elementType, builder().getContext());
  if (!element)
    return fail("the element type is number " + llvm::Twine(int(elementType)) +
                ", which is not known");
  SmallVector<int64_t> dimensions;
  if (failed(readDimensions(shape, mayHaveBatch, dimensions)))
    return failure();
  auto type = RankedTensorType::get(dimensions, element);
  if (llvm::count(dimensions, ShapedType::kDynamic) > 1)
    return fail(printType(type) + " has the batch in more than one place");
  if (!hasSupportedSize(type))
    return fail(printType(type) +
                " is too large: at most 2^40 elements are supported");
  return type;
}

//===-- Tensors ----------------------------------------------------------===//

FailureOr<DenseElementsAttr>
Reader::readElements(RankedTensorType type,
                     const flatbuffers::Vector<uint8_t> *data) {
  FailureOr<ArrayRef<uint8_t>> given = readNumbers(data);
  if (failed(given))
    return failure();
  size_t size = given->size();
  // At most 2^40 elements, of 8 bytes: no overflow.
  Type elementType = type.getElementType();
  size_t elementBytes =
      llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
  size_t expected = size_t(type.getNumElements()) * elementBytes;
  if (size != expected && size != elementBytes)
    return fail("there are " + llvm::Twine(size) + " bytes of data for " +
                printType(type) + ": expected " + llvm::Twine(expected) +
                ", or " + llvm::Twine(elementBytes) +
                " for all elements alike");
  auto *bytes = reinterpret_cast<const char *>(given->data());
  if (!elementType.isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(type, {bytes, size});
  SmallVector<bool> values;
  for (char byte : ArrayRef(bytes, size)) {
    if (byte != 0 && byte != 1)
      return fail("a bool is " + llvm::Twine(int(uint8_t(byte))) +
                  ": expected 0 or 1");
    values.push_back(byte);
  }
  return DenseElementsAttr::get(type, ArrayRef<bool>(values));
}

FailureOr<mlir::Attribute> Reader::readTensor(const TensorValue &from) {
  FailureOr<RankedTensorType> type =
      readType(from.element_type(), from.shape(), /*mayHaveBatch=*/false);
  if (failed(type))
    return failure();
  FailureOr<DenseElementsAttr> elements = readElements(*type, from.data());
  if (failed(elements))
    return failure();
  return mlir::Attribute(*elements);
}

//===-- Attributes -------------------------------------------------------===//

FailureOr<mlir::Attribute> Reader::readArray(const ArrayValue &from) {
  SmallVector<mlir::Attribute> values;
  unsigned index = 0;
  for (const Attribute *element : elements(from.values())) {
    Scope scope(*this, "element " + llvm::Twine(index++));
    if (element->name())
      return fail("it has a name: the elements of an array have none");
    FailureOr<mlir::Attribute> value = readNested(*element);
    if (failed(value))
      return failure();
    values.push_back(*value);
  }
  return mlir::Attribute(builder().getArrayAttr(values));
}

FailureOr<mlir::Attribute> Reader::readNested(const Attribute &from) {
  if (depth == kMaxDepth)
    return fail("attributes are nested more than " + llvm::Twine(kMaxDepth) +
                " deep");
  ++depth;
  FailureOr<mlir::Attribute> value = readValue(from);
  --depth;
  return value;
}

static FailureOr<mlir::Attribute> some(mlir::Attribute attribute) {
  return attribute;
}

FailureOr<mlir::Attribute> Reader::readValue(const Attribute &from) {
  Builder &b = builder();
  switch (from.value_type()) {
  case AttributeValue::IntValue:
    return some(b.getI64IntegerAttr(from.value_as_IntValue()->value()));
  case AttributeValue::FloatValue:
    return some(b.getF64FloatAttr(from.value_as_FloatValue()->value()));
  case AttributeValue::BoolValue:
    return some(b.getBoolAttr(from.value_as_BoolValue()->value()));
  case AttributeValue::UnitValue:
    return some(b.getUnitAttr());
  case AttributeValue::StringValue: {
    auto text = readText(from.value_as_StringValue()->value(), "the string");
    if (failed(text))
      return failure();
    return some(b.getStringAttr(*text));
  }
  case AttributeValue::SymbolValue: {
    auto name = readName(from.value_as_SymbolValue()->value(), "the symbol");
    if (failed(name))
      return failure();
    return some(FlatSymbolRefAttr::get(b.getContext(), *name));
  }
  case AttributeValue::TypeValue: {
    auto type = readType(from.value_as_TypeValue()->value(), nullptr, false);
    if (failed(type))
      return failure();
    return some(TypeAttr::get(type->getElementType()));
  }
  case AttributeValue::IntsValue: {
    auto values = readNumbers(from.value_as_IntsValue()->values());
    if (failed(values))
      return failure();
    return some(b.getDenseI64ArrayAttr(*values));
  }
  case AttributeValue::FloatsValue: {
    auto values = readNumbers(from.value_as_FloatsValue()->values());
    if (failed(values))
      return failure();
    return some(b.getDenseF64ArrayAttr(*values));
  }
  case AttributeValue::TensorValue:
    return readTensor(*from.value_as_TensorValue());
  case AttributeValue::ArrayValue:
    return readArray(*from.value_as_ArrayValue());
  case AttributeValue::DictionaryValue: {
    auto entries = readAttributes(from.value_as_DictionaryValue()->entries());
    if (failed(entries))
      return failure();
    return some(b.getDictionaryAttr(*entries));
  }
  case AttributeValue::NONE:
    break;
  }
  return fail("its value is of kind " + llvm::Twine(int(from.value_type())) +
              ", which is not known");
}

FailureOr<NamedAttribute> Reader::readAttribute(const Attribute &from) {
  FailureOr<StringRef> name = readName(from.name(), "an attribute's name");
  if (failed(name))
    return failure();
  Scope scope(*this, "attribute '" + *name + "'");
  FailureOr<mlir::Attribute> value = readNested(from);
  if (failed(value))
    return failure();
  return builder().getNamedAttr(*name, *value);
}

FailureOr<Reader::Attributes>
Reader::readAttributes(const Offsets<Attribute> *from) {
  Attributes attributes;
  llvm::StringSet<> names;
  for (const Attribute *attribute : elements(from)) {
    FailureOr<NamedAttribute> value = readAttribute(*attribute);
    if (failed(value))
      return failure();
    if (!names.insert(value->getName()).second)
      return fail("attribute '" + value->getName().getValue() +
                  "' is given twice");
    attributes.push_back(*value);
  }
  return attributes;
}

/// What an op takes, and what a file gives, in words.
static StringRef describe(AttributeKind kind) {
  static const char *const words[] = {"an integer",
                                      "a float",
                                      "a bool",
                                      "integers",
                                      "a string",
                                      "an element type",
                                      "a keyword (a string)",
                                      "a keyword (a string) or integers",
                                      "an integer or a length (a string)",
                                      "an array of lengths",
                                      "floats",
                                      "another kind of attribute"};
  return words[size_t(kind)];
}

static StringRef describe(AttributeValue kind) {
  static const char *const words[] = {
      "nothing",  "an integer",      "a float",     "a bool",   "a string",
      "a symbol", "an element type", "a unit",      "integers", "floats",
      "a tensor", "an array",        "a dictionary"};
  return words[size_t(kind)];
}

static std::optional<AttributeValue> expectedValue(AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Integer:
    return AttributeValue::IntValue;
  case AttributeKind::Float:
    return AttributeValue::FloatValue;
  case AttributeKind::Bool:
    return AttributeValue::BoolValue;
  case AttributeKind::Dims:
    return AttributeValue::IntsValue;
  case AttributeKind::String:
  case AttributeKind::Enum:
    return AttributeValue::StringValue;
  case AttributeKind::Type:
    return AttributeValue::TypeValue;
  case AttributeKind::Lengths:
    return AttributeValue::ArrayValue;
  case AttributeKind::Floats:
    return AttributeValue::FloatsValue;
  case AttributeKind::Padding: // the op's own constraint says which
  case AttributeKind::Length:
  case AttributeKind::Other:
    break;
  }
  return std::nullopt;
}

FailureOr<mlir::Attribute> Reader::readArgument(const Signature &signature,
                                                const AttributeInfo &info,
                                                const Attribute &from) {
  Scope scope(*this, "attribute '" + info.name + "'");
  std::optional<AttributeValue> expected = expectedValue(info.kind);
  bool isKnown = from.value_type() <= AttributeValue::MAX;
  if (expected && isKnown && from.value_type() != *expected)
    return fail("expected " + describe(info.kind) + ", found " +
                describe(from.value_type()));
  FailureOr<mlir::Attribute> value = readNested(from);
  if (failed(value) || info.kind != AttributeKind::Enum)
    return value;
  StringRef keyword = cast<StringAttr>(*value).getValue();
  if (mlir::Attribute attribute = parseEnumKeyword(
          builder().getContext(), signature.name, info.name, keyword))
    return attribute;
  return fail("'" + keyword + "' is no " + info.name);
}

FailureOr<Reader::Attributes>
Reader::readArguments(const Signature &signature,
                      const Offsets<Attribute> *from) {
  Attributes attributes;
  llvm::StringSet<> names;
  for (const Attribute *attribute : elements(from)) {
    FailureOr<StringRef> name =
        readName(attribute->name(), "an attribute's name");
    if (failed(name))
      return failure();
    if (!names.insert(*name).second)
      return fail("attribute '" + *name + "' is given twice");
    auto *info = llvm::find_if(signature.attributes, [&](const auto &known) {
      return known.name == *name;
    });
    if (info == signature.attributes.end() && !name->contains('.'))
      return fail("'" + signature.name + "' has no attribute '" + *name + "'" +
                  explainMissing(builder().getContext(), signature, *name));
    FailureOr<mlir::Attribute> value = failure();
    if (info != signature.attributes.end()) {
      value = readArgument(signature, *info, *attribute);
    } else {
      Scope scope(*this, "attribute '" + *name + "'");
      value = readNested(*attribute);
    }
    if (failed(value))
      return failure();
    attributes.push_back(builder().getNamedAttr(*name, *value));
  }
  return attributes;
}

} // namespace nnc::graph
