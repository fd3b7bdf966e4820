// Which ops of a body belong to the scopes that the names of parameters, and
// the places of ops, tell of.
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Scopes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

//===-- Paths ------------------------------------------------------------===//

bool isBelow(StringRef path, StringRef scope) {
  return scope.empty() || (path.starts_with(scope) &&
                           path.drop_front(scope.size()).starts_with("."));
}

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
  while (auto argument = dyn_cast_or_null<BlockArgument>(value)) {
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    if (!scan)
      return {};
    auto arguments = scan.getWithArguments();
    auto found = llvm::find(arguments, argument);
    if (found == arguments.end())
      return {};
    value = scan.getWith()[found - arguments.begin()];
  }
  auto read = value ? value.getDefiningOp<ReadOp>() : ReadOp();
  return read ? module.lookupSymbol<ParameterOp>(read.getParameter())
              : ParameterOp();
}

std::optional<std::string> placedPart(Operation *op, StringRef scope,
                                      bool hasPlaces) {
  std::string place = scopeOf(op->getLoc()).str();
  if (hasPlaces && place == scope)
    return "";
  if (place.empty() || !isBelow(place, scope))
    return std::nullopt;
  // As a parameter there would be called.
  return splitPath(place + ".x", scope).part;
}

//===-- Parts ------------------------------------------------------------===//

static bool isStatement(Operation *op) {
  return isa<LossOp, MetricOp, OutputOp>(op);
}

/// The scopes below `scope` whose parameters the op is given.
static SmallVector<std::string>
partsByParameters(Operation *op, StringRef scope, ModuleOp module) {
  SmallVector<std::string> parts;
  for (Value operand : op->getOperands()) {
    ParameterOp parameter = parameterOf(operand, module);
    if (!parameter || !isBelow(parameter.getSymName(), scope))
      continue;
    std::string own = splitPath(parameter.getSymName(), scope).part;
    if (!own.empty() && !llvm::is_contained(parts, own))
      parts.push_back(own);
  }
  return parts;
}

namespace {
/// Says of each item of a body which scope below the body's it belongs to.
class Partition {
public:
  Partition(ModuleOp module, StringRef scope, bool hasPlaces,
            std::vector<Item> &items)
      : module(module), scope(scope), hasPlaces(hasPlaces), items(items) {}

  /// Null, or the op that no scope can be found for.
  Operation *findParts();
  std::vector<SmallVector<size_t>> findRuns();

  std::vector<std::string> parts; // of each item; empty: of none

private:
  bool isCell(const Item &item);
  bool repeats(ArrayRef<size_t> run, size_t period);
  void splitRepeated(ArrayRef<size_t> run,
                     std::vector<SmallVector<size_t>> &runs);
  SmallVector<StringRef> parametersOf(const Item &item);

  ModuleOp module;
  StringRef scope;
  bool hasPlaces;
  std::vector<Item> &items;
  std::vector<bool> isPlaced; // by the place of the op
};
} // namespace

/// The scope that a loop's ops are in, as their places tell.
static std::string cellByPlace(ScanOp scan, StringRef scope) {
  for (Operation &op : scan.getBody().front())
    if (std::optional<std::string> part = placedPart(&op, scope, true);
        part && !part->empty())
      return *part;
  return "";
}

/// Whether the item, a loop, is called in this scope: its cell is then a scope
/// below. Where no place tells, it is if nothing else is of that scope.
bool Partition::isCell(const Item &item) {
  if (std::optional<std::string> placed =
          placedPart(item.core, scope, hasPlaces))
    return placed->empty();
  SmallVector<std::string> own = partsByParameters(item.core, scope, module);
  if (own.size() != 1)
    return true;
  return llvm::all_of(items, [&](const Item &other) {
    bool isOther = llvm::is_contained(
        partsByParameters(other.core, scope, module), own[0]);
    return !isOther || isa<ScanOp>(other.core);
  });
}

Operation *Partition::findParts() {
  for (Item &item : items) {
    parts.emplace_back();
    isPlaced.push_back(false);
    if (isStatement(item.core))
      continue;
    item.layer = recognizeLayer(item.core, scope, module);
    if (item.layer)
      continue;
    SmallVector<std::string> own = partsByParameters(item.core, scope, module);
    auto scan = dyn_cast<ScanOp>(item.core);
    std::optional<std::string> placed = placedPart(item.core, scope, hasPlaces);
    bool isDirect = scan && isCell(item);
    if (placed && !placed->empty() && !isDirect) {
      parts.back() = *placed;
      isPlaced.back() = true;
      continue;
    }
    if (own.size() > 1)
      return item.core;
    std::string part = own.empty() ? "" : own[0];
    if (isDirect)
      item.cell = own.empty() ? cellByPlace(scan, scope) : part;
    else
      parts.back() = part;
  }
  return nullptr;
}

SmallVector<StringRef> Partition::parametersOf(const Item &item) {
  SmallVector<StringRef> names;
  for (Value operand : item.core->getOperands())
    if (ParameterOp parameter = parameterOf(operand, module))
      names.push_back(parameter.getSymName());
  return names;
}

/// Whether each `period` items of the run are ops of the same kinds, with the
/// same parameters, as the first ones.
bool Partition::repeats(ArrayRef<size_t> run, size_t period) {
  for (size_t i = period; i < run.size(); ++i) {
    const Item &one = items[run[i]], &first = items[run[i % period]];
    if (one.core->getName() != first.core->getName() ||
        parametersOf(one) != parametersOf(first))
      return false;
  }
  return true;
}

/// Several calls side by side that share their parameters are told apart.
void Partition::splitRepeated(ArrayRef<size_t> run,
                              std::vector<SmallVector<size_t>> &runs) {
  StringRef first;
  size_t times = 0;
  for (size_t index : run) {
    SmallVector<StringRef> names = parametersOf(items[index]);
    if (first.empty() && !names.empty())
      first = names.front();
    times += !first.empty() && llvm::is_contained(names, first);
  }
  bool isRepeated =
      times > 1 && run.size() % times == 0 && repeats(run, run.size() / times);
  size_t period = isRepeated ? run.size() / times : run.size();
  for (size_t begin = 0; begin < run.size(); begin += period)
    runs.emplace_back(run.slice(begin, period));
}

/// What stands together: an item of no scope, a call that the places tell of,
/// or all from the first to the last item of a scope that only parameters tell
/// of.
std::vector<SmallVector<size_t>> Partition::findRuns() {
  auto isFree = [&](size_t i) {
    return parts[i].empty() && !items[i].layer && items[i].cell.empty() &&
           !isStatement(items[i].core);
  };
  std::vector<SmallVector<size_t>> runs;
  for (size_t i = 0; i < items.size();) {
    SmallVector<size_t> run = {i};
    size_t next = i + 1;
    bool isOfScope = !parts[i].empty(), allPlaced = isPlaced[i];
    for (; isOfScope && next < items.size() && parts[next] == parts[i];
         ++next) {
      run.push_back(next);
      allPlaced &= isPlaced[next];
    }
    // Between them there may be what is of no scope, and nothing else.
    for (size_t j = next; isOfScope && !allPlaced && j < items.size(); ++j) {
      if (parts[j] == parts[i]) {
        for (; next <= j; ++next)
          run.push_back(next);
      } else if (!isFree(j)) {
        break;
      }
    }
    if (isOfScope && allPlaced)
      splitRepeated(run, runs);
    else
      runs.push_back(run);
    i = next;
  }
  return runs;
}

FailureOr<std::vector<Item>>
ProgramWriter::groupByScope(ArrayRef<Operation *> ops, StringRef scope) {
  FailureOr<std::vector<Item>> units = foldUnits(ops, hasChannelsFirst);
  if (failed(units))
    return failure();
  Partition partition(module, scope, hasPlaces, *units);
  if (Operation *op = partition.findParts())
    return refuse(op->getLoc(), "an op with parameters of several scopes");
  std::vector<Item> items;
  for (ArrayRef<size_t> run : partition.findRuns()) {
    const std::string &part = partition.parts[run.front()];
    if (part.empty()) {
      items.push_back(std::move((*units)[run.front()]));
      continue;
    }
    Item item((*units)[run.front()].core);
    item.part = part;
    item.ops.clear();
    for (size_t index : run)
      llvm::append_range(item.ops, (*units)[index].ops);
    llvm::sort(item.ops, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    items.push_back(std::move(item));
  }
  return items;
}

} // namespace nnc::dsl
