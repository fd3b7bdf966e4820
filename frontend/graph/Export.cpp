// From a model as written to a graph. What a graph cannot hold is refused: a
// file that says less than the module would be another program.
#include "frontend/Frontend.h"

#include "frontend/Recipe.h"
#include "frontend/graph/Schema.h"

#include "ir/Ops.h"
#include "ir/Text.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {
namespace graph {
namespace {

template <typename T> using Offset = flatbuffers::Offset<T>;
template <typename T> using Maybe = FailureOr<Offset<T>>;

class Exporter {
public:
  FailureOr<std::vector<uint8_t>> run(ModuleOp module);

private:
  template <typename T> using List = Maybe<flatbuffers::Vector<Offset<T>>>;

  LogicalResult fail(mlir::Location location, const llvm::Twine &message) {
    return mlir::emitError(location) << "a graph cannot hold this: " << message;
  }

  Offset<flatbuffers::String> text(StringRef string) {
    hasStrangeText |=
        findNoText(string) != StringRef::npos || string.contains('\r');
    return buffer.CreateSharedString(string.data(), string.size());
  }
  /// Fills `place` and points `to` at it, or at nothing where `from` is
  /// unknown.
  LogicalResult writeLocation(mlir::Location from, Location &place,
                              const Location *&to);
  Maybe<flatbuffers::Vector<int64_t>> writeShape(ArrayRef<int64_t> shape);

  LogicalResult addValue(mlir::Value value);
  int32_t indexOf(mlir::Value value) { return values.lookup(value); }

  Maybe<Attribute> writeAttribute(mlir::Location location, StringRef name,
                                  mlir::Attribute from);
  using TypedValue = std::pair<AttributeValue, Offset<void>>;
  FailureOr<TypedValue> writeValue(mlir::Location location,
                                   mlir::Attribute from);
  FailureOr<TypedValue> writeTensor(mlir::Location location,
                                    DenseElementsAttr from);
  Maybe<flatbuffers::Vector<uint8_t>> writeData(mlir::Location location,
                                                DenseElementsAttr from);
  List<Attribute> writeAttributes(mlir::Location location,
                                  ArrayRef<NamedAttribute> from);
  Maybe<Argument> writeArgument(mlir::Location location, BlockArgument from,
                                DictionaryAttr attributes);
  SmallVector<NamedAttribute> collectAttributes(Operation *op);
  Maybe<Node> writeNode(Operation &op);
  List<Node> writeNodes(Block &block);
  Maybe<Region> writeRegion(mlir::Region &region, mlir::Location location);

  Maybe<Parameter> writeParameter(ParameterOp from);
  Maybe<Call> writeCall(mlir::Location location, DictionaryAttr from,
                        ArrayRef<StringRef> leaveOut);
  Maybe<DataBinding> writeBinding(ModelOp model, mlir::Attribute from);
  Maybe<Recipe> writeRecipe(ModelOp model);
  Maybe<Model> writeModel(ModelOp from);

  flatbuffers::FlatBufferBuilder buffer;
  llvm::MapVector<StringRef, uint32_t> files;
  DenseMap<mlir::Value, int32_t> values;
  std::vector<Offset<Value>> valueOffsets;
  unsigned depth = 0;
  size_t dataBytes = 0;
  bool hasStrangeText = false;
};

} // namespace

//===-- Small parts ------------------------------------------------------===//

LogicalResult Exporter::writeLocation(mlir::Location from, Location &place,
                                      const Location *&to) {
  to = nullptr;
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

FailureOr<Exporter::TypedValue> Exporter::writeValue(mlir::Location location,
                                                     mlir::Attribute from) {
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

//===-- Nodes ------------------------------------------------------------===//

/// The attributes of an op that differ from their defaults, enumerations by
/// their keywords.
SmallVector<NamedAttribute> Exporter::collectAttributes(Operation *op) {
  auto described = dyn_cast<Described>(op);
  if (!described)
    return llvm::to_vector(op->getAttrDictionary());
  Builder builder(op->getContext());
  SmallVector<NamedAttribute> attributes;
  const Signature &signature = described.getSignature();
  DictionaryAttr defaults =
      signature.defaults ? signature.defaults(op->getName()) : DictionaryAttr();
  for (const AttributeInfo &info : signature.attributes) {
    mlir::Attribute value =
        op->getInherentAttr(info.name).value_or(mlir::Attribute());
    if (!value || (defaults && defaults.get(info.name) == value))
      continue;
    if (info.kind == AttributeKind::Enum)
      value = builder.getStringAttr(keywordOf(value));
    attributes.push_back(builder.getNamedAttr(info.name, value));
  }
  llvm::append_range(attributes, op->getDiscardableAttrs());
  return attributes;
}

Maybe<Node> Exporter::writeNode(Operation &op) {
  mlir::Location location = op.getLoc();
  StringRef name = op.getName().getStringRef();
  if (!isa<Described>(op) && !isStatement(name))
    return fail(location, "the op '" + name + "' does not stand in a model");
  SmallVector<int32_t> operands, results;
  for (mlir::Value operand : op.getOperands())
    operands.push_back(indexOf(operand));
  std::vector<Offset<Region>> regions;
  for (mlir::Region &region : op.getRegions()) {
    Maybe<Region> written = writeRegion(region, location);
    if (failed(written))
      return failure();
    regions.push_back(*written);
  }
  for (mlir::Value result : op.getResults()) {
    if (failed(addValue(result)))
      return failure();
    results.push_back(indexOf(result));
  }
  List<Attribute> attributes =
      writeAttributes(location, collectAttributes(&op));
  Location place;
  const Location *placeOrNull;
  if (failed(attributes) || failed(writeLocation(location, place, placeOrNull)))
    return failure();
  auto operandVector = buffer.CreateVector(operands.data(), operands.size());
  auto resultVector = buffer.CreateVector(results.data(), results.size());
  Offset<flatbuffers::Vector<Offset<Region>>> regionVector =
      regions.empty() ? 0 : buffer.CreateVector(regions);
  return CreateNode(buffer, text(shortName(name)), operandVector, resultVector,
                    *attributes, regionVector, placeOrNull);
}

Exporter::List<Node> Exporter::writeNodes(Block &block) {
  std::vector<Offset<Node>> nodes;
  for (Operation &op : block) {
    Maybe<Node> node = writeNode(op);
    if (failed(node))
      return failure();
    nodes.push_back(*node);
  }
  return buffer.CreateVector(nodes);
}

Maybe<Argument> Exporter::writeArgument(mlir::Location location,
                                        BlockArgument from,
                                        DictionaryAttr attributes) {
  if (failed(addValue(from)))
    return failure();
  auto name =
      attributes ? attributes.getAs<StringAttr>("nnc.name") : StringAttr();
  SmallVector<NamedAttribute> others;
  if (attributes)
    for (NamedAttribute attribute : attributes)
      if (attribute.getName() != "nnc.name")
        others.push_back(attribute);
  List<Attribute> written = Offset<flatbuffers::Vector<Offset<Attribute>>>(0);
  if (!others.empty())
    written = writeAttributes(location, others);
  Location place;
  const Location *placeOrNull;
  if (failed(written) ||
      failed(writeLocation(from.getLoc(), place, placeOrNull)))
    return failure();
  Offset<flatbuffers::String> nameOffset = name ? text(name) : 0;
  return CreateArgument(buffer, indexOf(from), nameOffset, placeOrNull,
                        *written);
}

Maybe<Region> Exporter::writeRegion(mlir::Region &region,
                                    mlir::Location location) {
  if (!region.hasOneBlock())
    return fail(location, "a region of several blocks");
  std::vector<Offset<Argument>> arguments;
  for (BlockArgument argument : region.getArguments()) {
    Maybe<Argument> written = writeArgument(location, argument, {});
    if (failed(written))
      return failure();
    arguments.push_back(*written);
  }
  List<Node> nodes = writeNodes(region.front());
  if (failed(nodes))
    return failure();
  return CreateRegion(buffer, buffer.CreateVector(arguments), *nodes);
}

//===-- Parameters -------------------------------------------------------===//

Maybe<Parameter> Exporter::writeParameter(ParameterOp from) {
  mlir::Location location = from.getLoc();
  if (!from->getDiscardableAttrs().empty())
    return fail(location, "a parameter with attributes of its own");
  auto type = cast<RankedTensorType>(from.getType());
  InitializerAttr initializer = from.getInitializer();
  Maybe<flatbuffers::Vector<uint8_t>> data =
      Offset<flatbuffers::Vector<uint8_t>>(0);
  Offset<Call> call = 0;
  auto literal = initializer.getArguments().getAs<DenseElementsAttr>("value");
  if (initializer.getName() == "literal" && literal.getType() == type) {
    data = writeData(location, literal);
  } else {
    List<Attribute> arguments =
        writeAttributes(location, initializer.getArguments().getValue());
    if (failed(arguments))
      return failure();
    call = CreateCall(buffer, text(initializer.getName()), *arguments);
  }
  auto shape = writeShape(type.getShape());
  Location place;
  const Location *placeOrNull;
  if (failed(data) || failed(writeLocation(location, place, placeOrNull)))
    return failure();
  Offset<flatbuffers::String> role = 0;
  if (from.getRole() != Role::parameter)
    role = text(stringifyRole(from.getRole()));
  return CreateParameter(buffer, text(from.getSymName()),
                         *fromElementType(type.getElementType()), *shape, call,
                         *data, role, placeOrNull);
}

//===-- The recipe -------------------------------------------------------===//

Maybe<Call> Exporter::writeCall(mlir::Location location, DictionaryAttr from,
                                ArrayRef<StringRef> leaveOut) {
  auto name = from.getAs<StringAttr>("name");
  if (!name)
    return fail(location, "a recipe whose optimizer or schedule has no name");
  const Signature *signature =
      lookupSignature(location.getContext(), name.getValue());
  SmallVector<NamedAttribute> others;
  Builder builder(location.getContext());
  for (NamedAttribute attribute : from) {
    if (attribute.getName() == "name" ||
        llvm::is_contained(leaveOut, attribute.getName().getValue()))
      continue;
    bool isEnum =
        signature && llvm::any_of(signature->attributes, [&](auto &info) {
          return info.name == attribute.getName() &&
                 info.kind == AttributeKind::Enum;
        });
    mlir::Attribute value = attribute.getValue();
    if (isEnum)
      value = builder.getStringAttr(keywordOf(value));
    others.push_back(builder.getNamedAttr(attribute.getName(), value));
  }
  List<Attribute> arguments = writeAttributes(location, others);
  if (failed(arguments))
    return failure();
  return CreateCall(buffer, text(name), *arguments);
}

/// The place of a string in the names of a model's inputs, or -1.
static int32_t findInput(ModelOp model, mlir::Attribute name) {
  for (unsigned i = 0; i < model.getNumArguments(); ++i)
    if (name && model.getArgAttr(i, "nnc.name") == name)
      return int32_t(i);
  return -1;
}

Maybe<DataBinding> Exporter::writeBinding(ModelOp model, mlir::Attribute from) {
  mlir::Location location = model.getLoc();
  auto binding = dyn_cast<DictionaryAttr>(from);
  auto get = [&](StringRef name) {
    return binding ? binding.get(name) : mlir::Attribute();
  };
  auto split = dyn_cast_or_null<StringAttr>(get("split"));
  auto inputs = dyn_cast_or_null<ArrayAttr>(get("inputs"));
  auto kind = dyn_cast_or_null<StringAttr>(get("reader"));
  auto arguments = dyn_cast_or_null<DictionaryAttr>(get("arguments"));
  auto loc = dyn_cast_or_null<LocationAttr>(get("loc"));
  if (!split || !inputs || !kind || !arguments ||
      binding.size() != (loc ? 5u : 4u))
    return fail(location, "a data binding of another form than "
                          "docs/architecture.md states");
  SmallVector<int32_t> indices;
  for (mlir::Attribute name : inputs) {
    indices.push_back(findInput(model, name));
    if (indices.back() < 0)
      return fail(location, "a data binding of what is no input");
  }
  std::vector<Offset<ReaderArgument>> written;
  for (NamedAttribute argument : arguments) {
    auto value = dyn_cast<StringAttr>(argument.getValue());
    if (!value)
      return fail(location, "an argument of a reader that is no text");
    auto name = text(argument.getName());
    written.push_back(CreateReaderArgument(buffer, name, text(value)));
  }
  Location place;
  const Location *placeOrNull = nullptr;
  if (loc && failed(writeLocation(mlir::Location(loc), place, placeOrNull)))
    return failure();
  auto splitText = text(split), kindText = text(kind);
  auto indexVector = buffer.CreateVector(indices.data(), indices.size());
  return CreateDataBinding(buffer, splitText, indexVector, kindText,
                           buffer.CreateVector(written), placeOrNull);
}

namespace {
/// What stands in a recipe's fields; the defaults say that a field is absent.
struct Numbers {
  int64_t batch = -1, epochs = -1, seed = -1;
  double learningRate = -1, validation = -1, clipNorm = -1, clipValue = -1;
};
} // namespace

/// Takes a number of the right kind and size; false if it is another.
static bool takeNumber(NamedAttribute from, const NumberSetting &setting,
                       Numbers &to) {
  auto integer = dyn_cast<IntegerAttr>(from.getValue());
  auto real = dyn_cast<FloatAttr>(from.getValue());
  if (setting.isInteger) {
    if (!integer || !integer.getType().isSignlessInteger(64) ||
        !setting.admits(double(integer.getInt())))
      return false;
    int64_t &field = setting.name == "batch"    ? to.batch
                     : setting.name == "epochs" ? to.epochs
                                                : to.seed;
    field = integer.getInt();
    return true;
  }
  if (!real || !real.getType().isF64() ||
      !setting.admits(real.getValueAsDouble()))
    return false;
  double &field = setting.name == "validation"  ? to.validation
                  : setting.name == "clip_norm" ? to.clipNorm
                                                : to.clipValue;
  field = real.getValueAsDouble();
  return true;
}

static const NumberSetting *findSetting(StringRef name) {
  for (const NumberSetting &setting : kNumberSettings)
    if (setting.name == name)
      return &setting;
  return nullptr;
}

Maybe<Recipe> Exporter::writeRecipe(ModelOp model) {
  mlir::Location location = model.getLoc();
  Numbers numbers;
  for (NamedAttribute attribute : model->getAttrs())
    if (const NumberSetting *setting = findSetting(attribute.getName()))
      if (!takeNumber(attribute, *setting, numbers))
        return fail(location,
                    "'" + setting->name + "' must be " + setting->expected);
  Maybe<Call> optimizer = Offset<Call>(0), schedule = Offset<Call>(0);
  if (mlir::Attribute given = model->getAttr("optimizer")) {
    auto dictionary = dyn_cast<DictionaryAttr>(given);
    if (!dictionary)
      return fail(location, "an optimizer that is no dictionary");
    optimizer = writeCall(location, dictionary, {});
  }
  if (mlir::Attribute rate = model->getAttr("learning_rate")) {
    auto dictionary = dyn_cast<DictionaryAttr>(rate);
    if (dictionary)
      schedule = writeCall(location, dictionary, {"base"});
    auto base =
        dyn_cast_or_null<FloatAttr>(dictionary ? dictionary.get("base") : rate);
    if (!base || !base.getType().isF64() || !(base.getValueAsDouble() >= 0))
      return fail(location, "a learning rate that is no f64 of at least 0");
    numbers.learningRate = base.getValueAsDouble();
  }
  ElementType precision = ElementType::F32;
  if (mlir::Attribute given = model->getAttr("precision")) {
    auto type = dyn_cast<TypeAttr>(given);
    if (!type || !isPrecision(type.getValue()))
      return fail(location, "'precision' must be f32 or bf16");
    precision = *fromElementType(type.getValue());
  }
  std::vector<Offset<DataBinding>> bindings;
  mlir::Attribute data = model->getAttr("data");
  if (data && !isa<ArrayAttr>(data))
    return fail(location, "data bindings that are no array");
  if (data)
    for (mlir::Attribute binding : cast<ArrayAttr>(data)) {
      Maybe<DataBinding> written = writeBinding(model, binding);
      if (failed(written))
        return failure();
      bindings.push_back(*written);
    }
  if (failed(optimizer) || failed(schedule))
    return failure();
  Offset<flatbuffers::Vector<Offset<DataBinding>>> bindingVector =
      data ? buffer.CreateVector(bindings) : 0;
  return CreateRecipe(buffer, *optimizer, numbers.learningRate, *schedule,
                      numbers.batch, numbers.epochs, numbers.seed,
                      numbers.validation, numbers.clipNorm, numbers.clipValue,
                      bindingVector, precision);
}

//===-- The model --------------------------------------------------------===//

/// The attributes of a model that are neither its own nor the recipe's.
static SmallVector<NamedAttribute> otherAttributes(ModelOp model) {
  SmallVector<NamedAttribute> others;
  for (NamedAttribute attribute : model->getDiscardableAttrs()) {
    StringRef name = attribute.getName();
    if (name != "optimizer" && name != "learning_rate" && name != "data" &&
        name != "precision" && !findSetting(name))
      others.push_back(attribute);
  }
  return others;
}

Maybe<Model> Exporter::writeModel(ModelOp from) {
  mlir::Location location = from.getLoc();
  if (from.getSymVisibility() || from.getResAttrsAttr())
    return fail(location, "a model with a visibility or results");
  std::vector<Offset<Argument>> inputs;
  for (BlockArgument argument : from.getBody().getArguments()) {
    DictionaryAttr attributes = from.getArgAttrDict(argument.getArgNumber());
    if (!attributes || !attributes.getAs<StringAttr>("nnc.name"))
      return fail(argument.getLoc(), "an input without a name (nnc.name)");
    Maybe<Argument> written = writeArgument(location, argument, attributes);
    if (failed(written))
      return failure();
    inputs.push_back(*written);
  }
  List<Node> nodes = writeNodes(from.getBody().front());
  if (failed(nodes))
    return failure();
  Maybe<Recipe> recipe = writeRecipe(from);
  if (failed(recipe))
    return failure();
  SmallVector<NamedAttribute> others = otherAttributes(from);
  for (NamedAttribute attribute : others)
    if (!attribute.getName().getValue().contains('.'))
      return fail(location, "the model's attribute '" +
                                attribute.getName().getValue() + "'");
  List<Attribute> attributes =
      Offset<flatbuffers::Vector<Offset<Attribute>>>(0);
  if (!others.empty())
    attributes = writeAttributes(location, others);
  Location place;
  const Location *placeOrNull;
  if (failed(attributes) || failed(writeLocation(location, place, placeOrNull)))
    return failure();
  auto name = text(from.getSymName());
  return CreateModel(buffer, name, buffer.CreateVector(inputs), *nodes, *recipe,
                     *attributes, placeOrNull);
}

FailureOr<std::vector<uint8_t>> Exporter::run(ModuleOp module) {
  if (!module->getAttrs().empty())
    return fail(module.getLoc(), "a module with a name or attributes");
  ModelOp model;
  std::vector<Offset<Parameter>> parameters;
  for (Operation &op : *module.getBody()) {
    if (auto parameter = dyn_cast<ParameterOp>(op)) {
      Maybe<Parameter> written = writeParameter(parameter);
      if (failed(written))
        return failure();
      parameters.push_back(*written);
      continue;
    }
    if (!isa<ModelOp>(op) || model)
      return fail(op.getLoc(),
                  "'" + op.getName().getStringRef() +
                      "' beside the parameters and the one model of a "
                      "program as written");
    model = cast<ModelOp>(op);
  }
  if (!model)
    return fail(module.getLoc(), "a module without an nnc.model");
  Maybe<Model> written = writeModel(model);
  Location place;
  const Location *placeOrNull;
  if (failed(written) ||
      failed(writeLocation(module.getLoc(), place, placeOrNull)))
    return failure();
  std::vector<Offset<flatbuffers::String>> names;
  for (auto &file : files)
    names.push_back(text(file.first));
  auto producer = text("nnc");
  if (hasStrangeText)
    return fail(module.getLoc(),
                "a string that is not UTF-8, or has a control character");
  auto fileVector = buffer.CreateVector(names);
  auto valueVector = buffer.CreateVector(valueOffsets);
  FinishGraphBuffer(buffer,
                    CreateGraph(buffer, kVersion, producer, fileVector,
                                valueVector, buffer.CreateVector(parameters),
                                *written, placeOrNull));
  return std::vector<uint8_t>(buffer.GetBufferPointer(),
                              buffer.GetBufferPointer() + buffer.GetSize());
}

} // namespace graph

FailureOr<std::vector<uint8_t>> exportGraph(ModuleOp module) {
  return graph::Exporter().run(module);
}

} // namespace nnc
