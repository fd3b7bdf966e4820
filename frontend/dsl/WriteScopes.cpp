// Which ops of a body belong to the scopes that the names of parameters tell
// of.
#include "frontend/dsl/ProgramWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

PathBelow splitPath(StringRef path, StringRef scope) {
  if (!scope.empty())
    path = path.drop_front(scope.size() + 1);
  size_t end = path.find('.');
  if (end == StringRef::npos)
    return {"", path.str()};
  // `block[0]` is block.0: a number goes with the name before it.
  StringRef next = path.drop_front(end + 1).split('.').first;
  bool isNumber = !next.empty() && llvm::all_of(next, llvm::isDigit) &&
                  end + 1 + next.size() < path.size();
  if (isNumber)
    end += 1 + next.size();
  return {path.take_front(end).str(), path.drop_front(end + 1).str()};
}

std::string spellScope(StringRef part) {
  auto [name, number] = part.split('.');
  return number.empty() ? name.str() : (name + "[" + number + "]").str();
}

ParameterOp parameterOf(Value value, ModuleOp module) {
  auto read = value ? value.getDefiningOp<ReadOp>() : ReadOp();
  return read ? module.lookupSymbol<ParameterOp>(read.getParameter())
              : ParameterOp();
}

namespace {
/// Where in a body the ops of a scope stand.
struct Span {
  size_t first, last;
};
} // namespace

static bool isStatement(Operation *op) {
  return isa<LossOp, MetricOp, OutputOp>(op);
}

/// The scope below `scope` that the op belongs to; empty if to none.
static FailureOr<std::string> partOf(Operation *op, StringRef scope,
                                     ModuleOp module) {
  std::string part;
  for (Value operand : op->getOperands()) {
    ParameterOp parameter = parameterOf(operand, module);
    if (!parameter)
      continue;
    std::string own = splitPath(parameter.getSymName(), scope).part;
    if (own.empty())
      continue;
    if (!part.empty() && own != part)
      return failure();
    part = own;
  }
  return part;
}

FailureOr<std::vector<Item>>
ProgramWriter::groupByScope(ArrayRef<Operation *> ops, StringRef scope) {
  llvm::MapVector<StringRef, Span> spans;
  std::vector<std::string> parts;
  std::vector<std::optional<LayerCall>> layers;
  for (Operation *op : ops) {
    if (op->getNumRegions())
      return refuse(op->getLoc(), "'" + op->getName().getStringRef() + "'");
    FailureOr<std::string> part = partOf(op, scope, module);
    if (failed(part))
      return refuse(op->getLoc(), "an op with parameters of several scopes");
    layers.push_back(recognizeLayer(op, scope, module));
    parts.push_back(layers.back() ? "" : *part);
  }
  for (auto [i, part] : llvm::enumerate(parts))
    if (!part.empty())
      spans.insert({part, Span{i, i}}).first->second.last = i;

  std::vector<Item> items;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (parts[i].empty()) {
      items.push_back({{ops[i]}, "", layers[i]});
      continue;
    }
    Span span = spans.lookup(parts[i]);
    Item item{{}, parts[i], std::nullopt};
    SmallVector<Operation *> statements;
    for (size_t j = span.first; j <= span.last; ++j) {
      bool isOther = !parts[j].empty() && parts[j] != parts[i];
      if (isOther || layers[j])
        return refuse(ops[j]->getLoc(),
                      "the parameters of '" + parts[i] + "' and of '" +
                          (layers[j] ? layers[j]->part : parts[j]) +
                          "' used in turns");
      (isStatement(ops[j]) ? statements : item.ops).push_back(ops[j]);
    }
    items.push_back(std::move(item));
    // These stand in the model.
    for (Operation *statement : statements)
      items.push_back({{statement}, "", std::nullopt});
    i = span.last;
  }
  return items;
}

} // namespace nnc::dsl
