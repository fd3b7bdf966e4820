// From a model as written to a graph: nodes, parameters and the model.
#include "frontend/Frontend.h"

#include "frontend/graph/Exporter.h"

#include "ir/Freezing.h"
#include "ir/Layout.h"
#include "ir/Scopes.h"

using namespace mlir;

namespace nnc {
namespace graph {

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

/// Null where an operand is absent and one after it is not.
static SmallVector<mlir::Value> operandsOf(Operation &op) {
  auto described = dyn_cast<Described>(op);
  return described ? operandsByName(&op, described.getSignature())
                   : SmallVector<mlir::Value>(op.getOperands());
}

Maybe<Node> Exporter::writeNode(Operation &op) {
  mlir::Location location = op.getLoc();
  StringRef name = op.getName().getStringRef();
  if (!isa<Described>(op) && !isStatement(name))
    return fail(location, "the op '" + name + "' does not stand in a model");
  SmallVector<int32_t> operands, results;
  for (mlir::Value operand : operandsOf(op))
    operands.push_back(operand ? indexOf(operand) : kAbsentOperand);
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
  StringRef scope = scopeOf(location);
  Offset<flatbuffers::String> scopeText = scope.empty() ? 0 : text(scope);
  return CreateNode(buffer, text(shortName(name)), operandVector, resultVector,
                    *attributes, regionVector, placeOrNull, scopeText);
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
  for (NamedAttribute attribute : from->getDiscardableAttrs())
    if (attribute.getName() != kFrozenAttr &&
        attribute.getName() != kPytorchDimsAttr)
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
  Offset<flatbuffers::Vector<int64_t>> dims = 0;
  if (auto given = from->getAttrOfType<DenseI64ArrayAttr>(kPytorchDimsAttr))
    dims = buffer.CreateVector(given.asArrayRef().data(), given.size());
  return CreateParameter(buffer, text(from.getSymName()),
                         *fromElementType(type.getElementType()), *shape, call,
                         *data, role, placeOrNull, from.isFrozen(), dims);
}

//===-- The model --------------------------------------------------------===//

/// The attributes of a model that are neither its own nor fields of the recipe.
static SmallVector<NamedAttribute> otherAttributes(ModelOp model) {
  SmallVector<NamedAttribute> others;
  for (NamedAttribute attribute : model->getDiscardableAttrs())
    if (attribute.getName().getValue().contains('.'))
      others.push_back(attribute);
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
