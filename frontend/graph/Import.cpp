// From a graph to the nnc dialect: opening it, its parameters, inputs and
// model.
#include "frontend/Frontend.h"

#include "frontend/graph/Importer.h"

#include "ir/Freezing.h"
#include "ir/Initializer.h"
#include "ir/Layout.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {
namespace graph {

//===-- The whole --------------------------------------------------------===//

OwningOpRef<ModuleOp> Importer::run() {
  if (failed(readGraph()) ||
      failed(reader.run([&] { return verify(*module); })))
    return nullptr;
  return std::move(module);
}

LogicalResult Importer::readGraph() {
  FailureOr<mlir::Location> location = reader.readLocation(graph.location());
  if (failed(location))
    return failure();
  module = ModuleOp::create(*location);
  builder.setInsertionPointToEnd(module->getBody());
  if (failed(readValues()))
    return failure();
  llvm::StringSet<> names;
  for (const Parameter *parameter : elements(graph.parameters())) {
    if (failed(readParameter(*parameter)))
      return failure();
    StringRef name = parameter->name()->string_view();
    if (!names.insert(name).second)
      return reader.fail("there are two parameters '" + name + "'");
  }
  StringRef name = graph.model()->name()->string_view();
  if (names.contains(name))
    return reader.fail("the model has the name of the parameter '" + name +
                       "'");
  return readModel(*graph.model());
}

LogicalResult Importer::readValues() {
  for (const Value *value : elements(graph.values())) {
    Reader::Scope scope(reader, "value " + llvm::Twine(slots.size()));
    FailureOr<RankedTensorType> type = reader.readType(
        value->element_type(), value->shape(), /*mayHaveBatch=*/true);
    if (failed(type))
      return failure();
    slots.push_back({*type, {}, false});
  }
  return success();
}

//===-- Parameters -------------------------------------------------------===//

FailureOr<InitializerAttr> Importer::readInitializer(const Parameter &from,
                                                     RankedTensorType type) {
  if (bool(from.initializer()) == bool(from.data()))
    return reader.fail("expected either an initializer or data, found " +
                       llvm::Twine(from.data() ? "both" : "neither"));
  std::string name = "literal";
  Reader::Attributes arguments;
  if (from.data()) {
    FailureOr<DenseElementsAttr> elements =
        reader.readElements(type, from.data());
    if (failed(elements))
      return failure();
    arguments.push_back(builder.getNamedAttr("value", *elements));
  } else {
    Reader::Scope scope(reader, "initializer");
    auto given = reader.readName(from.initializer()->name(), "its name");
    auto read = reader.readAttributes(from.initializer()->arguments());
    if (failed(given) || failed(read))
      return failure();
    name = given->str();
    arguments = *read;
  }
  DictionaryAttr dictionary = builder.getDictionaryAttr(arguments);
  InitializerAttr initializer;
  LogicalResult result = reader.run([&] {
    auto emitError = [&] { return mlir::emitError(builder.getUnknownLoc()); };
    initializer = InitializerAttr::getChecked(
        emitError, context, builder.getStringAttr(name), dictionary);
    return success(initializer != nullptr);
  });
  if (failed(result))
    return failure();
  return initializer;
}

FailureOr<RoleAttr> Importer::readRole(const Parameter &from) {
  if (!from.role())
    return RoleAttr::get(context, Role::parameter);
  FailureOr<StringRef> name = reader.readName(from.role(), "the role");
  if (failed(name))
    return failure();
  std::optional<Role> role = symbolizeRole(*name);
  if (role == Role::parameter || role == Role::buffer)
    return RoleAttr::get(context, *role);
  return reader.fail("the role is '" + *name +
                     "': expected parameter or buffer");
}

LogicalResult Importer::readParameter(const Parameter &from) {
  FailureOr<StringRef> name =
      reader.readName(from.name(), "a parameter's name");
  if (failed(name))
    return failure();
  Reader::Scope scope(reader, "parameter '" + *name + "'", from.location());
  FailureOr<mlir::Location> location = reader.readLocation(from.location());
  FailureOr<RankedTensorType> type = failure();
  if (succeeded(location))
    type = reader.readType(from.element_type(), from.shape(),
                           /*mayHaveBatch=*/false);
  if (failed(type))
    return failure();
  FailureOr<InitializerAttr> initializer = readInitializer(from, *type);
  if (failed(initializer))
    return failure();
  FailureOr<RoleAttr> role = readRole(from);
  if (failed(role))
    return failure();
  auto parameter =
      ParameterOp::create(builder, *location, builder.getStringAttr(*name),
                          TypeAttr::get(*type), *initializer, *role);
  if (from.frozen())
    parameter.setFrozen();
  auto dims = reader.readNumbers(from.pytorch_dims());
  if (failed(dims))
    return failure();
  if (!dims->empty())
    parameter->setAttr(kPytorchDimsAttr, builder.getDenseI64ArrayAttr(*dims));
  return reader.run([&] { return verify(parameter); });
}

//===-- The model --------------------------------------------------------===//

FailureOr<DictionaryAttr> Importer::readInput(const Argument &from) {
  FailureOr<StringRef> name = reader.readName(from.name(), "its name");
  if (failed(name))
    return failure();
  inputNames.push_back(*name);
  FailureOr<Reader::Attributes> attributes =
      reader.readAttributes(from.attributes());
  if (failed(attributes))
    return failure();
  for (NamedAttribute attribute : *attributes) {
    StringRef other = attribute.getName();
    if (!other.contains('.') || other.starts_with("nnc."))
      return reader.fail("attribute '" + other +
                         "': expected a name with a dot, and not one of nnc's");
  }
  attributes->push_back(
      builder.getNamedAttr("nnc.name", builder.getStringAttr(*name)));
  return builder.getDictionaryAttr(*attributes);
}

LogicalResult Importer::readModel(const Model &from) {
  FailureOr<StringRef> name = reader.readName(from.name(), "the model's name");
  if (failed(name))
    return failure();
  FailureOr<mlir::Location> location = reader.readLocation(from.location());
  FailureOr<Reader::Attributes> others =
      reader.readAttributes(from.attributes());
  if (failed(location) || failed(others))
    return failure();

  SmallVector<Type> types;
  SmallVector<mlir::Attribute> attributes;
  Block *body = new Block;
  llvm::scope_exit discard([&] { delete body; });
  for (const Argument *input : elements(from.inputs())) {
    Reader::Scope scope(reader, "input " + llvm::Twine(types.size()),
                        input->location());
    FailureOr<DictionaryAttr> dictionary = readInput(*input);
    if (failed(dictionary) || failed(defineArgument(*input, *body)))
      return failure();
    attributes.push_back(*dictionary);
    types.push_back(body->getArguments().back().getType());
  }
  model = ModelOp::create(builder, *location, builder.getStringAttr(*name),
                          TypeAttr::get(builder.getFunctionType(types, {})),
                          /*sym_visibility=*/StringAttr(),
                          builder.getArrayAttr(attributes),
                          /*res_attrs=*/ArrayAttr());
  model.getBody().push_back(body);
  discard.release();
  for (NamedAttribute attribute : *others) {
    StringRef other = attribute.getName();
    if (!other.contains('.') || (other.starts_with("nnc.") &&
                                 other != kFreezeAttr && other != kLayoutAttr))
      return reader.fail("the model's attribute '" + other +
                         "': expected a name with a dot, and not one of nnc's");
  }
  model->setDiscardableAttrs(builder.getDictionaryAttr(*others));
  builder.setInsertionPointToEnd(body);
  if (failed(readNodes(from.nodes())))
    return failure();
  for (auto [i, slot] : llvm::enumerate(slots))
    if (!slot.value)
      return reader.fail("value " + llvm::Twine(i) + " is never defined");
  if (!from.recipe())
    return success();
  Reader::Scope scope(reader, "recipe");
  return readRecipe(*from.recipe());
}

} // namespace graph

//===-- Opening ----------------------------------------------------------===//

static bool isSound(ArrayRef<uint8_t> bytes) {
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return false;
  flatbuffers::Verifier::Options options;
  // An attribute in an attribute, and a node in a region, are two tables each.
  options.max_depth = 4 * graph::kMaxDepth + 64;
  // Four times what a model of a million nodes needs.
  options.max_tables = 1u << 22;
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), options);
  return graph::VerifyGraphBuffer(verifier);
}

bool isGraph(ArrayRef<uint8_t> bytes) {
  return bytes.size() >= 8 && graph::GraphBufferHasIdentifier(bytes.data());
}

OwningOpRef<ModuleOp> importGraph(ArrayRef<uint8_t> bytes, StringRef name,
                                  MLIRContext *context) {
  context->loadDialect<NncDialect>();
  auto error = [&] {
    return emitError(FileLineColLoc::get(context, name, 0, 0));
  };
  if (!isGraph(bytes)) {
    error() << "no graph: expected the identifier NNCG at byte 4";
    return nullptr;
  }
  // FlatBuffers reads numbers where they stand, the largest of 8 bytes.
  std::vector<uint64_t> aligned;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(uint64_t) != 0) {
    aligned.resize(llvm::divideCeil(bytes.size(), sizeof(uint64_t)));
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    bytes = {reinterpret_cast<const uint8_t *>(aligned.data()), bytes.size()};
  }
  if (!isSound(bytes)) {
    error() << "damaged graph: its " << bytes.size()
            << " bytes are no well-formed FlatBuffer of graph.fbs";
    return nullptr;
  }
  const graph::Graph &graph = *graph::GetGraph(bytes.data());
  if (graph.version() != graph::kVersion) {
    error() << "graph of version " << graph.version() << ": expected "
            << graph::kVersion;
    return nullptr;
  }
  return graph::Importer(graph, name, bytes.size(), context).run();
}

} // namespace nnc
