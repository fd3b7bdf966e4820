// Places, values and attributes of a graph.
#include "frontend/graph/Exporter.h"

#include "ir/Scopes.h"

using namespace mlir;

namespace nnc::graph {

//===-- Small parts ------------------------------------------------------===//

LogicalResult Exporter::writeLocation(mlir::Location from, Location &place,
                                      const Location *&to) {
  to = nullptr;
  from = withoutScope(from);
  if (isa<UnknownLoc>(from))
    return success();
  auto file = dyn_cast<FileLineColLoc>(from);
  if (!file)
    return fail(from, "its location is no FILE:LINE:COLUMN");
  auto [entry, isNew] =
      files.insert({file.getFilename().getValue(), uint32_t(files.size())});
  place = Location(entry->second, file.getLine(), file.getColumn());
  to = &place;
  return success();
}

Maybe<flatbuffers::Vector<int64_t>>
Exporter::writeShape(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> dimensions;
  for (int64_t dimension : shape)
    dimensions.push_back(ShapedType::isDynamic(dimension) ? kBatch : dimension);
  return buffer.CreateVector(dimensions.data(), dimensions.size());
}

LogicalResult Exporter::addValue(mlir::Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto elementType = type ? fromElementType(type.getElementType())
                          : std::optional<ElementType>();
  if (!elementType || type.getEncoding())
    return fail(value.getLoc(), "a value of another type than nnc's tensors");
  auto shape = writeShape(type.getShape());
  values[value] = int32_t(valueOffsets.size());
  valueOffsets.push_back(CreateValue(buffer, 0, *elementType, *shape));
  return success();
}

//===-- Attributes -------------------------------------------------------===//

// A FlatBuffer's offsets are of 31 bits, and the rest of a program is small
// beside its data.
static constexpr size_t kMaxDataBytes = size_t(1) << 30;

Maybe<flatbuffers::Vector<uint8_t>>
Exporter::writeData(mlir::Location location, DenseElementsAttr from) {
  if (from.getElementType().isInteger(1)) {
    SmallVector<uint8_t> bytes;
    if (from.isSplat())
      bytes.push_back(from.getSplatValue<bool>());
    else
      llvm::append_range(bytes, from.getValues<bool>());
    return buffer.CreateVector(bytes.data(), bytes.size());
  }
  ArrayRef<char> bytes = from.getRawData();
  dataBytes += bytes.size();
  if (dataBytes > kMaxDataBytes)
    return fail(location, "more than 1 GiB of data");
  return buffer.CreateVector(reinterpret_cast<const uint8_t *>(bytes.data()),
                             bytes.size());
}

FailureOr<Exporter::TypedValue> Exporter::writeTensor(mlir::Location location,
                                                      DenseElementsAttr from) {
  auto elementType = fromElementType(from.getElementType());
  if (!elementType || !isa<RankedTensorType>(from.getType()))
    return fail(location, "elements of another type than nnc's");
  auto data = writeData(location, from);
  if (failed(data))
    return failure();
  auto shape = writeShape(from.getType().getShape());
  return TypedValue(
      AttributeValue::TensorValue,
      CreateTensorValue(buffer, *elementType, *shape, *data).Union());
}

std::optional<Exporter::TypedValue>
Exporter::writeScalar(mlir::Attribute from) {
  if (auto boolean = dyn_cast<BoolAttr>(from))
    return TypedValue(AttributeValue::BoolValue,
                      CreateBoolValue(buffer, boolean.getValue()).Union());
  if (auto integer = dyn_cast<IntegerAttr>(from))
    if (integer.getType().isSignlessInteger(64))
      return TypedValue(AttributeValue::IntValue,
                        CreateIntValue(buffer, integer.getInt()).Union());
  if (auto number = dyn_cast<FloatAttr>(from))
    if (number.getType().isF64())
      return TypedValue(
          AttributeValue::FloatValue,
          CreateFloatValue(buffer, number.getValueAsDouble()).Union());
  if (auto string = dyn_cast<StringAttr>(from))
    if (isa<NoneType>(string.getType()))
      return TypedValue(AttributeValue::StringValue,
                        CreateStringValue(buffer, text(string)).Union());
  if (auto symbol = dyn_cast<FlatSymbolRefAttr>(from))
    return TypedValue(
        AttributeValue::SymbolValue,
        CreateSymbolValue(buffer, text(symbol.getValue())).Union());
  if (auto type = dyn_cast<TypeAttr>(from))
    if (auto elementType = fromElementType(type.getValue()))
      return TypedValue(AttributeValue::TypeValue,
                        CreateTypeValue(buffer, *elementType).Union());
  if (isa<UnitAttr>(from))
    return TypedValue(AttributeValue::UnitValue,
                      CreateUnitValue(buffer).Union());
  return std::nullopt;
}

FailureOr<Exporter::TypedValue> Exporter::writeValue(mlir::Location location,
                                                     mlir::Attribute from) {
  if (std::optional<TypedValue> scalar = writeScalar(from))
    return *scalar;
  if (auto integers = dyn_cast<DenseI64ArrayAttr>(from))
    return TypedValue(AttributeValue::IntsValue,
                      CreateIntsValue(buffer, buffer.CreateVector(
                                                  integers.asArrayRef().data(),
                                                  integers.size()))
                          .Union());
  if (auto numbers = dyn_cast<DenseF64ArrayAttr>(from))
    return TypedValue(AttributeValue::FloatsValue,
                      CreateFloatsValue(buffer, buffer.CreateVector(
                                                    numbers.asArrayRef().data(),
                                                    numbers.size()))
                          .Union());
  if (auto tensor = dyn_cast<DenseElementsAttr>(from))
    return writeTensor(location, tensor);
  if (auto array = dyn_cast<ArrayAttr>(from)) {
    std::vector<Offset<Attribute>> entries;
    for (mlir::Attribute element : array) {
      Maybe<Attribute> entry = writeAttribute(location, {}, element);
      if (failed(entry))
        return failure();
      entries.push_back(*entry);
    }
    return TypedValue(
        AttributeValue::ArrayValue,
        CreateArrayValue(buffer, buffer.CreateVector(entries)).Union());
  }
  if (auto dictionary = dyn_cast<DictionaryAttr>(from)) {
    List<Attribute> entries = writeAttributes(location, dictionary.getValue());
    if (failed(entries))
      return failure();
    return TypedValue(AttributeValue::DictionaryValue,
                      CreateDictionaryValue(buffer, *entries).Union());
  }
  std::string spelled;
  llvm::raw_string_ostream(spelled) << from;
  return fail(location, "the attribute " + spelled);
}

Maybe<Attribute> Exporter::writeAttribute(mlir::Location location,
                                          StringRef name,
                                          mlir::Attribute from) {
  if (depth == kMaxDepth)
    return fail(location, "attributes nested more than " +
                              llvm::Twine(kMaxDepth) + " deep");
  ++depth;
  FailureOr<TypedValue> value = writeValue(location, from);
  --depth;
  if (failed(value))
    return failure();
  Offset<flatbuffers::String> nameOffset = name.empty() ? 0 : text(name);
  return CreateAttribute(buffer, nameOffset, value->first, value->second);
}

Exporter::List<Attribute>
Exporter::writeAttributes(mlir::Location location,
                          ArrayRef<NamedAttribute> from) {
  std::vector<Offset<Attribute>> entries;
  for (NamedAttribute attribute : from) {
    Maybe<Attribute> entry =
        writeAttribute(location, attribute.getName(), attribute.getValue());
    if (failed(entry))
      return failure();
    entries.push_back(*entry);
  }
  return buffer.CreateVector(entries);
}

} // namespace nnc::graph
