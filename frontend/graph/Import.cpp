// From a graph to the nnc dialect. The file is read as if an enemy had written
// it: FlatBuffers' verifier first, then every index, type and name; the first
// thing that is wrong is reported, with the node, the operand and the place.
#include "frontend/Frontend.h"

#include "frontend/Recipe.h"
#include "frontend/dsl/Diagnostics.h"
#include "frontend/graph/Reader.h"

#include "ir/Freezing.h"
#include "ir/Initializer.h"
#include "ir/Ops.h"
#include "ir/Shapes.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {
namespace graph {
namespace {

class Importer {
public:
  Importer(const Graph &graph, StringRef fileName, size_t sizeBytes,
           MLIRContext *context)
      : graph(graph), context(context),
        reader(graph, fileName, sizeBytes, context), builder(context) {}

  OwningOpRef<ModuleOp> run();

private:
  /// A value of the file: what it claims to be, and what it has become.
  struct Slot {
    RankedTensorType type;
    mlir::Value value; ///< Null before it is defined.
    bool isVisible = false;
  };

  LogicalResult readGraph();
  LogicalResult readValues();
  LogicalResult readParameter(const Parameter &from);
  FailureOr<InitializerAttr> readInitializer(const Parameter &from,
                                             RankedTensorType type);
  FailureOr<RoleAttr> readRole(const Parameter &from);

  LogicalResult readModel(const Model &from);
  FailureOr<DictionaryAttr> readInput(const Argument &from);
  LogicalResult defineArgument(const Argument &from, Block &block);

  LogicalResult readNodes(const Offsets<Node> *nodes);
  LogicalResult readNode(const Node &node, StringRef name);
  FailureOr<RegisteredOperationName> findOp(StringRef name);
  FailureOr<Operation *> create(const Node &node, RegisteredOperationName op,
                                mlir::Location location);
  FailureOr<Operation *> createAsClaimed(const Node &node,
                                         RegisteredOperationName op,
                                         mlir::Location location,
                                         ValueRange operands);
  FailureOr<Operation *> createComputing(const Node &node,
                                         const Signature &signature,
                                         mlir::Location location,
                                         ValueRange operands);
  LogicalResult readRegion(const Region &from, mlir::Region &to);
  LogicalResult defineResults(const Node &node, Operation *op);

  FailureOr<Slot *> findSlot(int32_t index, const std::string &what);
  FailureOr<Slot *> findUndefined(int32_t index, const std::string &what);
  FailureOr<SmallVector<mlir::Value>> readOperands(const Node &node);
  void define(Slot *slot, mlir::Value value);

  LogicalResult readRecipe(const Recipe &from);
  LogicalResult readNumber(StringRef name, double value, mlir::Attribute to);
  FailureOr<Reader::Attributes> readCall(const Call &from, Category category,
                                         StringRef what);
  LogicalResult readLearningRate(const Recipe &from);
  LogicalResult readData(const Offsets<DataBinding> *from);
  FailureOr<mlir::Attribute> readBinding(const DataBinding &from,
                                         llvm::StringSet<> &bound);
  FailureOr<mlir::Attribute> readBoundInputs(const DataBinding &from,
                                             llvm::StringSet<> &bound);
  FailureOr<mlir::Attribute> readReaderArguments(const DataBinding &from);

  const Graph &graph;
  MLIRContext *context;
  Reader reader;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  ModelOp model;
  /// Of the module, whose parameters are all there before the first node.
  SymbolTableCollection symbols;
  SmallVector<StringRef> inputNames;
  std::vector<Slot> slots;
  /// In the order of their definition, to end their scope with their region.
  SmallVector<Slot *> visible;
  unsigned depth = 0;
};

} // namespace

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
  return reader.run([&] { return verify(parameter); });
}

//===-- Values -----------------------------------------------------------===//

FailureOr<Importer::Slot *> Importer::findSlot(int32_t index,
                                               const std::string &what) {
  if (index < 0 || size_t(index) >= slots.size())
    return reader.fail(what + " is value " + llvm::Twine(index) +
                       ", and the graph has " + llvm::Twine(slots.size()) +
                       " values");
  return &slots[index];
}

FailureOr<Importer::Slot *> Importer::findUndefined(int32_t index,
                                                    const std::string &what) {
  FailureOr<Slot *> slot = findSlot(index, what);
  if (succeeded(slot) && (*slot)->value)
    return reader.fail(what + " is value " + llvm::Twine(index) +
                       ", which is defined already");
  return slot;
}

void Importer::define(Slot *slot, mlir::Value value) {
  slot->value = value;
  slot->isVisible = true;
  visible.push_back(slot);
}

FailureOr<SmallVector<mlir::Value>> Importer::readOperands(const Node &node) {
  SmallVector<mlir::Value> operands;
  FailureOr<ArrayRef<int32_t>> indices = reader.readNumbers(node.operands());
  if (failed(indices))
    return failure();
  for (int32_t index : *indices) {
    std::string name = "operand " + std::to_string(operands.size());
    FailureOr<Slot *> slot = findSlot(index, name);
    if (failed(slot))
      return failure();
    if (!(*slot)->value)
      return reader.fail(name + " is value " + llvm::Twine(index) +
                         ", which is not defined before this node");
    if (!(*slot)->isVisible)
      return reader.fail(name + " is value " + llvm::Twine(index) +
                         ", which is defined in a region that has ended");
    operands.push_back((*slot)->value);
  }
  return operands;
}

LogicalResult Importer::defineResults(const Node &node, Operation *op) {
  size_t count = node.results() ? node.results()->size() : 0;
  if (count != op->getNumResults())
    return reader.fail("the node has " + llvm::Twine(count) +
                       " results: expected " +
                       llvm::Twine(op->getNumResults()));
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    int32_t index = node.results()->Get(i);
    std::string name = "result " + std::to_string(i);
    FailureOr<Slot *> slot = findUndefined(index, name);
    if (failed(slot))
      return failure();
    if ((*slot)->type != result.getType())
      return reader.fail(name + " is value " + llvm::Twine(index) + ", " +
                         printType((*slot)->type) + ": expected " +
                         printType(result.getType()));
    define(*slot, result);
  }
  return success();
}

//===-- Nodes ------------------------------------------------------------===//

FailureOr<RegisteredOperationName> Importer::findOp(StringRef name) {
  std::string fullName = operationName(name);
  auto op = RegisteredOperationName::lookup(fullName, context);
  if (!op) {
    SmallVector<StringRef> names = llvm::map_to_vector(
        allSignatures(context), [](const Signature *s) { return s->name; });
    return reader.fail("there is no op '" + name + "'" +
                       dsl::suggestion(name, names));
  }
  if (!op->hasInterface<Described>() && !isStatement(fullName))
    return reader.fail("the op '" + name + "' does not stand in a model");
  return *op;
}

// For ops that createByName cannot build: those without a signature, whose
// result types only the file knows, and those with regions. Their verifiers
// follow once the regions are filled.
FailureOr<Operation *> Importer::createAsClaimed(const Node &node,
                                                 RegisteredOperationName op,
                                                 mlir::Location location,
                                                 ValueRange operands) {
  auto *described = op.getInterface<Described>();
  FailureOr<Reader::Attributes> attributes =
      described
          ? reader.readArguments(described->getSignature(), node.attributes())
          : reader.readAttributes(node.attributes());
  if (failed(attributes))
    return failure();
  OperationState state(location, op);
  state.addOperands(operands);
  state.addAttributes(*attributes);
  FailureOr<ArrayRef<int32_t>> results = reader.readNumbers(node.results());
  if (failed(results))
    return failure();
  for (auto [i, index] : llvm::enumerate(*results)) {
    FailureOr<Slot *> slot =
        findUndefined(index, "result " + std::to_string(i));
    if (failed(slot))
      return failure();
    state.addTypes((*slot)->type);
  }
  for (size_t i = 0, e = node.regions() ? node.regions()->size() : 0; i < e;
       ++i)
    state.addRegion();
  auto checkAttributes = [&] {
    NamedAttrList list(*attributes);
    return op.verifyInherentAttrs(list,
                                  [&] { return mlir::emitError(location); });
  };
  if (failed(reader.run(checkAttributes)))
    return failure();
  return builder.insert(Operation::create(state));
}

FailureOr<Operation *> Importer::createComputing(const Node &node,
                                                 const Signature &signature,
                                                 mlir::Location location,
                                                 ValueRange operands) {
  FailureOr<Reader::Attributes> attributes =
      reader.readArguments(signature, node.attributes());
  if (failed(attributes))
    return failure();
  Reader::Attributes own, others;
  for (NamedAttribute attribute : *attributes)
    (attribute.getName().getValue().contains('.') ? others : own)
        .push_back(attribute);
  FailureOr<Operation *> op = failure();
  LogicalResult result = reader.run([&]() -> LogicalResult {
    op = createByName(builder, location, signature.name, operands, own);
    return op;
  });
  if (failed(result))
    return failure();
  // At once: a dictionary with one more attribute is another dictionary.
  if (!others.empty())
    (*op)->setDiscardableAttrs(builder.getDictionaryAttr(others));
  return op;
}

FailureOr<Operation *> Importer::create(const Node &node,
                                        RegisteredOperationName op,
                                        mlir::Location location) {
  FailureOr<SmallVector<mlir::Value>> operands = readOperands(node);
  if (failed(operands))
    return failure();
  auto *described = op.getInterface<Described>();
  bool hasRegions = node.regions() && node.regions()->size() != 0;
  if (!described || hasRegions)
    return createAsClaimed(node, op, location, *operands);
  return createComputing(node, described->getSignature(), location, *operands);
}

// Passes mark ops by attributes of nnc's own, and believe these marks.
static bool hasOwnMark(const Node &node) {
  return llvm::any_of(elements(node.attributes()), [](const Attribute *a) {
    return a->name() && StringRef(a->name()->string_view()).starts_with("nnc.");
  });
}

LogicalResult Importer::readNode(const Node &node, StringRef name) {
  FailureOr<mlir::Location> location = reader.readLocation(node.location());
  if (failed(location))
    return failure();
  FailureOr<RegisteredOperationName> op = findOp(name);
  if (failed(op))
    return failure();
  if (hasOwnMark(node))
    return reader.fail("it has an attribute whose name begins with 'nnc.': "
                       "these are marks of nnc's own");
  FailureOr<Operation *> created = create(node, *op, *location);
  if (failed(created))
    return failure();
  for (auto [i, region] : llvm::enumerate((*created)->getRegions())) {
    Reader::Scope scope(reader, "region " + llvm::Twine(i));
    if (failed(readRegion(*node.regions()->Get(i), region)))
      return failure();
  }
  auto check = [&]() -> LogicalResult {
    if (failed(verify(*created)))
      return failure();
    auto user = dyn_cast<SymbolUserOpInterface>(*created);
    return success(!user || succeeded(user.verifySymbolUses(symbols)));
  };
  if (failed(reader.run(check)))
    return failure();
  return defineResults(node, *created);
}

LogicalResult Importer::readNodes(const Offsets<Node> *nodes) {
  unsigned index = 0;
  for (const Node *node : elements(nodes)) {
    std::string number = "node " + std::to_string(index++);
    FailureOr<StringRef> name = failure();
    {
      Reader::Scope scope(reader, number, node->location());
      name = reader.readName(node->op(), "the op's name");
    }
    if (failed(name))
      return failure();
    Reader::Scope scope(reader, number + " '" + *name + "'", node->location());
    if (failed(readNode(*node, *name)))
      return failure();
  }
  return success();
}

LogicalResult Importer::defineArgument(const Argument &from, Block &block) {
  FailureOr<Slot *> slot = findUndefined(from.value(), "it");
  if (failed(slot))
    return failure();
  FailureOr<mlir::Location> location = reader.readLocation(from.location());
  if (failed(location))
    return failure();
  define(*slot, block.addArgument((*slot)->type, *location));
  return success();
}

LogicalResult Importer::readRegion(const Region &from, mlir::Region &to) {
  if (depth == kMaxDepth)
    return reader.fail("regions are nested more than " +
                       llvm::Twine(kMaxDepth) + " deep");
  ++depth;
  size_t visibleBefore = visible.size();
  llvm::scope_exit leave([&] {
    --depth;
    for (Slot *slot : ArrayRef(visible).drop_front(visibleBefore))
      slot->isVisible = false;
    visible.truncate(visibleBefore);
  });
  Block &block = to.emplaceBlock();
  for (const Argument *argument : elements(from.arguments())) {
    Reader::Scope scope(reader,
                        "argument " + llvm::Twine(block.getNumArguments()),
                        argument->location());
    if (argument->name() || argument->attributes())
      return reader.fail("a region's argument has neither name nor attributes");
    if (failed(defineArgument(*argument, block)))
      return failure();
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&block);
  return readNodes(from.nodes());
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
    if (!other.contains('.') ||
        (other.starts_with("nnc.") && other != kFreezeAttr))
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

//===-- The recipe -------------------------------------------------------===//

FailureOr<Reader::Attributes>
Importer::readCall(const Call &from, Category category, StringRef what) {
  Reader::Scope scope(reader, what);
  FailureOr<StringRef> name = reader.readName(from.name(), "its name");
  if (failed(name))
    return failure();
  const Signature *signature = lookupSignature(context, *name);
  if (!signature || signature->category != category) {
    SmallVector<StringRef> names;
    for (const Signature *known : allSignatures(context))
      if (known->category == category)
        names.push_back(known->name);
    return reader.fail("'" + *name + "' is no " + what + ": expected one of " +
                       llvm::join(names, ", "));
  }
  FailureOr<Reader::Attributes> attributes =
      reader.readArguments(*signature, from.arguments());
  if (failed(attributes))
    return failure();
  for (const AttributeInfo &info : signature->attributes) {
    auto *given = llvm::find_if(*attributes, [&](NamedAttribute attribute) {
      return attribute.getName() == info.name;
    });
    bool isGiven = given != attributes->end();
    if (info.isRequired() && !info.hidden && !isGiven)
      return reader.fail("'" + *name + "' needs its attribute '" + info.name +
                         "'");
    std::string problem =
        isGiven ? explainOutside(info, given->getValue()) : std::string();
    if (!problem.empty())
      return reader.fail("'" + *name + "' " + problem);
  }
  attributes->push_back(
      builder.getNamedAttr("name", builder.getStringAttr(signature->name)));
  return attributes;
}

LogicalResult Importer::readLearningRate(const Recipe &from) {
  double rate = from.learning_rate();
  bool isGiven = rate != -1;
  if (isGiven && !(rate >= 0 && rate < kNoLimit))
    return reader.fail("the learning rate must be a number of at least 0, "
                       "found " +
                       std::to_string(rate));
  if (!isGiven && (from.optimizer() || from.schedule()))
    return reader.fail("the learning rate is missing");
  if (from.schedule()) {
    FailureOr<Reader::Attributes> schedule =
        readCall(*from.schedule(), Category::Schedule, "schedule");
    if (failed(schedule))
      return failure();
    schedule->push_back(
        builder.getNamedAttr("base", builder.getF64FloatAttr(rate)));
    model->setAttr("learning_rate", builder.getDictionaryAttr(*schedule));
  } else if (isGiven) {
    model->setAttr("learning_rate", builder.getF64FloatAttr(rate));
  }
  return success();
}

LogicalResult Importer::readNumber(StringRef name, double value,
                                   mlir::Attribute to) {
  if (value == -1)
    return success();
  const NumberSetting *setting = llvm::find_if(
      kNumberSettings, [&](auto &known) { return known.name == name; });
  if (!setting->admits(value))
    return reader.fail("'" + name + "' must be " + setting->expected +
                       ", found " +
                       (setting->isInteger ? std::to_string(int64_t(value))
                                           : std::to_string(value)));
  model->setAttr(name, to);
  return success();
}

LogicalResult Importer::readRecipe(const Recipe &from) {
  if (from.optimizer()) {
    FailureOr<Reader::Attributes> optimizer =
        readCall(*from.optimizer(), Category::Optimizer, "optimizer");
    if (failed(optimizer))
      return failure();
    model->setAttr("optimizer", builder.getDictionaryAttr(*optimizer));
  }
  auto integer = [&](StringRef name, int64_t value) {
    return readNumber(name, double(value), builder.getI64IntegerAttr(value));
  };
  auto real = [&](StringRef name, double value) {
    return readNumber(name, value, builder.getF64FloatAttr(value));
  };
  if (failed(readLearningRate(from)) ||
      failed(integer("batch", from.batch())) ||
      failed(integer("epochs", from.epochs())) ||
      failed(integer("seed", from.seed())) ||
      failed(real("validation", from.validation())) ||
      failed(real("clip_norm", from.clip_norm())) ||
      failed(real("clip_value", from.clip_value())))
    return failure();
  if (from.precision() != ElementType::F32) {
    Type precision = toElementType(from.precision(), context);
    if (!precision || !isPrecision(precision))
      return reader.fail("'precision' must be f32 or bf16, found " +
                         (precision ? printElementType(precision)
                                    : "an unknown element type"));
    model->setAttr("precision", TypeAttr::get(precision));
  }
  return readData(from.data());
}

//===-- Data -------------------------------------------------------------===//

FailureOr<mlir::Attribute> Importer::readBoundInputs(const DataBinding &from,
                                                     llvm::StringSet<> &bound) {
  SmallVector<mlir::Attribute> inputs;
  FailureOr<ArrayRef<int32_t>> indices = reader.readNumbers(from.inputs());
  if (failed(indices))
    return failure();
  for (int32_t index : *indices) {
    if (index < 0 || size_t(index) >= inputNames.size())
      return reader.fail("there is no input " + llvm::Twine(index) +
                         ": the model has " + llvm::Twine(inputNames.size()));
    StringRef name = inputNames[index];
    StringRef split = from.split()->string_view();
    if (!bound.insert((split + "/" + name).str()).second)
      return reader.fail("input '" + name + "' is given twice");
    inputs.push_back(builder.getStringAttr(name));
  }
  return mlir::Attribute(builder.getArrayAttr(inputs));
}

FailureOr<mlir::Attribute>
Importer::readReaderArguments(const DataBinding &from) {
  Reader::Attributes arguments;
  llvm::StringSet<> names;
  for (const ReaderArgument *argument : elements(from.arguments())) {
    auto name = reader.readName(argument->name(), "an argument's name");
    auto text = reader.readText(argument->text(), "an argument's text");
    if (failed(name) || failed(text))
      return failure();
    if (!names.insert(*name).second)
      return reader.fail("argument '" + *name + "' is given twice");
    arguments.push_back(
        builder.getNamedAttr(*name, builder.getStringAttr(*text)));
  }
  if (!names.contains("path"))
    return reader.fail("the argument 'path' is missing");
  return mlir::Attribute(builder.getDictionaryAttr(arguments));
}

FailureOr<mlir::Attribute> Importer::readBinding(const DataBinding &from,
                                                 llvm::StringSet<> &bound) {
  auto check = [&](StringRef name, StringRef what, ArrayRef<StringRef> known) {
    if (llvm::is_contained(known, name))
      return success();
    return reader.fail("'" + name + "' is no " + what + ": expected one of " +
                       llvm::join(known, ", "));
  };
  auto split = reader.readName(from.split(), "its split");
  auto kind = reader.readName(from.reader(), "its reader");
  if (failed(split) || failed(kind) ||
      failed(check(*split, "split", kSplits)) ||
      failed(check(*kind, "reader", kReaders)))
    return failure();
  FailureOr<mlir::Attribute> inputs = readBoundInputs(from, bound);
  FailureOr<mlir::Attribute> arguments = failure();
  if (succeeded(inputs))
    arguments = readReaderArguments(from);
  if (failed(arguments))
    return failure();
  NamedAttrList binding;
  binding.set("split", builder.getStringAttr(*split));
  binding.set("inputs", *inputs);
  binding.set("reader", builder.getStringAttr(*kind));
  binding.set("arguments", *arguments);
  if (from.location()) {
    FailureOr<mlir::Location> location = reader.readLocation(from.location());
    if (failed(location))
      return failure();
    binding.set("loc", LocationAttr(*location));
  }
  return mlir::Attribute(binding.getDictionary(context));
}

LogicalResult Importer::readData(const Offsets<DataBinding> *from) {
  if (!from)
    return success();
  SmallVector<mlir::Attribute> bindings;
  llvm::StringSet<> bound;
  for (const DataBinding *binding : *from) {
    Reader::Scope scope(reader, "data binding " + llvm::Twine(bindings.size()),
                        binding->location());
    FailureOr<mlir::Attribute> attribute = readBinding(*binding, bound);
    if (failed(attribute))
      return failure();
    bindings.push_back(*attribute);
  }
  model->setAttr("data", builder.getArrayAttr(bindings));
  return success();
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
