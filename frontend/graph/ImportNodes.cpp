// Values, nodes and regions of a graph.
#include "frontend/graph/Importer.h"

#include "frontend/dsl/Diagnostics.h"

#include "ir/ModelParts.h"
#include "ir/Scopes.h"
#include "ir/Shapes.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace nnc::graph {

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
    if (index == kAbsentOperand) {
      operands.push_back({});
      continue;
    }
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
  if (llvm::is_contained(operands, mlir::Value()))
    return reader.fail("an operand is left out, and one after it is given");
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

// Passes mark ops by attributes of nnc's own, and believe these marks. A
// program says which part of the model something is of, which the dialect
// verifies.
static bool hasOwnMark(const Node &node) {
  return llvm::any_of(elements(node.attributes()), [](const Attribute *a) {
    StringRef name =
        a->name() ? StringRef(a->name()->string_view()) : StringRef();
    return name.starts_with("nnc.") && name != kStepAttr && name != kGroupAttr;
  });
}

FailureOr<mlir::Location> Importer::readLocation(const Node &node) {
  FailureOr<mlir::Location> location = reader.readLocation(node.location());
  if (failed(location) || !node.scope())
    return location;
  FailureOr<StringRef> scope = reader.readName(node.scope(), "its scope");
  if (failed(scope))
    return failure();
  return withScope(*location, *scope);
}

LogicalResult Importer::readNode(const Node &node, StringRef name) {
  FailureOr<mlir::Location> location = readLocation(node);
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
  // What an op hands to its region is in the op's scope.
  Operation *parent = block.getParentOp();
  StringRef scope = parent ? scopeOf(parent->getLoc()) : "";
  define(*slot, block.addArgument((*slot)->type, withScope(*location, scope)));
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

} // namespace nnc::graph
