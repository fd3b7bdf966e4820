// Losses, metrics and outputs, and the steps and groups that they are parts of.
#include "frontend/dsl/ProgramWriter.h"

#include "ir/ModelParts.h"
#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

//===-- Statements -------------------------------------------------------===//

LogicalResult BodyWriter::writeStatement(Operation *op) {
  SmallVector<Operand> operands;
  bool isWaiting =
      !waiting.empty() && waiting.back().value == op->getOperand(0);
  std::string value;
  if (isWaiting) {
    value = takeOne(op->getOperand(0));
  } else {
    flush();
    if (failed(takeOperands(op, op->getOperand(0), operands)))
      return failure();
    value = operands[0].text;
    --usesLeft[op->getOperand(0)];
    if (operands[0].isLiteral)
      return program.refuse(op->getLoc(), "a constant alone");
  }
  if (auto loss = dyn_cast<LossOp>(op)) {
    std::string named = loss.getName() ? loss.getName()->str() + " = " : "";
    line("loss " + named + value);
    return success();
  }
  bool isMetric = isa<MetricOp>(op);
  StringRef name =
      isMetric ? cast<MetricOp>(op).getName() : cast<OutputOp>(op).getName();
  if (!isProgramName(name))
    return program.refuse(op->getLoc(), "the name '" + name + "'");
  // A name or a call is called after itself.
  auto source = op->getOperand(0).getDefiningOp<Described>();
  bool isCall = source && source.getSignature().name == name &&
                StringRef(value).starts_with((name + "(").str());
  bool isNamedSo = value == name || isCall;
  line((isMetric ? "metric " : "output ") +
       (isNamedSo ? value : (name + " = " + value).str()));
  return success();
}

//===-- Parts ------------------------------------------------------------===//

static bool isStatement(const Item &item) {
  return isa<LossOp, MetricOp, OutputOp>(item.core);
}

/// The step or the group that an item is of; empty: none.
static StringRef partOfItem(const Item &item) {
  return isStatement(item) ? nnc::partOf(item.core) : StringRef();
}

namespace {
/// The ops of a step or a group, and of what only they need.
class PartOps {
public:
  explicit PartOps(ArrayRef<Item> items) {
    for (const Item &item : items)
      add(item);
  }
  void add(const Item &item) { inside.insert_range(item.ops); }
  bool contains(Operation *op) const { return inside.contains(op); }

  /// Whether nothing else reads what the item makes.
  bool keeps(const Item &item) const {
    return llvm::all_of(item.ops, [&](Operation *op) {
      return llvm::all_of(op->getUsers(), [&](Operation *user) {
        return contains(user) || llvm::is_contained(item.ops, user);
      });
    });
  }

private:
  llvm::SmallPtrSet<Operation *, 32> inside;
};
} // namespace

/// Before a step: the parameters of this scope that others use, too, or that
/// are declared before some of the step's.
LogicalResult BodyWriter::declareBefore(ArrayRef<Item> items) {
  PartOps part(items);
  SmallVector<ParameterOp> shared, all;
  ParameterOp last;
  for (auto parameter : program.module.getOps<ParameterOp>()) {
    StringRef path = parameter.getSymName();
    if (!isBelow(path, scope) || !splitPath(path, scope).part.empty() ||
        declaredPaths.contains(path))
      continue;
    bool isUsedHere = llvm::any_of(items, [&](const Item &item) {
      return uses(item, parameter, program.module);
    });
    if (isUsedHere)
      last = parameter;
    all.push_back(parameter);
  }
  for (ParameterOp parameter : all) {
    if (!last || last->isBeforeInBlock(parameter))
      break;
    bool isUsedElsewhere = false;
    parameter->getParentOfType<ModuleOp>().walk([&](ReadOp read) {
      if (read.getParameter() == parameter.getSymName())
        for (Operation *user : read->getUsers())
          isUsedElsewhere |= !part.contains(user);
    });
    if (isUsedElsewhere && failed(declare(parameter)))
      return failure();
  }
  return success();
}

LogicalResult BodyWriter::writePart(ArrayRef<Item> items) {
  Operation *first = llvm::find_if(items, isStatement)->core;
  StringRef name = nnc::partOf(first);
  bool isStep = first->hasAttr(kStepAttr);
  if (!isProgramName(name))
    return program.refuse(first->getLoc(), "the name '" + name + "'");
  PartOps part(items);
  for (const Item &item : items) {
    if (isStatement(item) && partOfItem(item) != name)
      return program.refuse(item.core->getLoc(),
                            "a statement among those of '" + name + "'");
    if (!part.keeps(item))
      return program.refuse(item.core->getLoc(),
                            "a value between the statements of '" + name +
                                "' that others read, too,");
  }
  flush();
  if (failed(declareBefore(items)))
    return failure();
  line((isStep ? "step " : "output ") + name + " {");
  isInPart = true;
  for (const Item &item : items)
    if (failed(writeItem(item)))
      return failure();
  flush();
  isInPart = false;
  if (isStep) {
    FailureOr<std::string> updates =
        program.writeUpdates(first->getParentOfType<ModelOp>(), name);
    if (failed(updates))
      return failure();
    text += *updates;
  }
  line("}");
  return success();
}

LogicalResult BodyWriter::writeItems(ArrayRef<Item> items) {
  llvm::StringMap<std::pair<size_t, size_t>> ranges;
  for (auto [i, item] : llvm::enumerate(items))
    if (StringRef name = partOfItem(item); !name.empty())
      ranges.try_emplace(name, i, i).first->second.second = i;
  // A part begins with what nothing else needs.
  std::map<size_t, size_t> ends;
  for (auto &entry : ranges) {
    auto [first, last] = entry.second;
    PartOps part(items.slice(first, last + 1 - first));
    while (first > 0 && !isStatement(items[first - 1]) &&
           part.keeps(items[first - 1]))
      part.add(items[--first]);
    ends[first] = last + 1;
  }
  for (size_t i = 0; i < items.size();) {
    auto end = ends.find(i);
    size_t next = end == ends.end() ? i + 1 : end->second;
    LogicalResult written = end == ends.end()
                                ? writeItem(items[i])
                                : writePart(items.slice(i, next - i));
    if (failed(written))
      return failure();
    i = next;
  }
  return success();
}

//===-- Updates ----------------------------------------------------------===//

/// `discriminator`, for all in its scope; else the pattern as a string.
static std::string spellPattern(StringRef pattern, ModuleOp module) {
  StringRef name = pattern;
  bool isScope = name.consume_back(".*") && isProgramName(name) &&
                 !module.lookupSymbol<ParameterOp>(name);
  return isScope ? name.str() : spellString(pattern);
}

/// What an update is called where none of its own step is before it.
static std::string chooseUpdateName(StringRef step, llvm::StringSet<> &names) {
  std::string name = step.str();
  for (unsigned i = 1; !names.insert(name).second; ++i)
    name = (step + "_" + Twine(i)).str();
  return name;
}

/// The lines of an update's settings, which its step says of them all.
static std::optional<std::string> spellStepSettings(DictionaryAttr update,
                                                    RecipeAttr recipe) {
  static constexpr StringLiteral kOwn[] = {"name", "step", "parameters",
                                           "optimizer", "learning_rate"};
  std::string text;
  for (NamedAttribute setting : update) {
    StringRef name = setting.getName();
    if (llvm::is_contained(kOwn, name))
      continue;
    const SettingInfo *info = lookupSetting(name);
    std::optional<std::string> value =
        info && (info->places & kInLanguage) && (info->places & kOnUpdate)
            ? spellSetting(*info, setting.getValue(), recipe)
            : std::nullopt;
    if (!value)
      return std::nullopt;
    text += "  " + info->name.str() + " " + *value + "\n";
  }
  return text;
}

FailureOr<std::string> ProgramWriter::writeUpdates(ModelOp model,
                                                   StringRef step) {
  RecipeAttr recipe = model.getRecipe();
  auto updates = cast_or_null<ArrayAttr>(recipe.get("updates"));
  std::optional<std::string> settings;
  std::string text;
  for (; updates && numUpdates < updates.size(); ++numUpdates) {
    auto update = cast<DictionaryAttr>(updates[numUpdates]);
    if (update.getAs<StringAttr>("step").getValue() != step)
      break;
    std::optional<std::string> own = spellStepSettings(update, recipe);
    std::optional<std::string> optimizer = spellOptimizer(
        update.getAs<DictionaryAttr>("optimizer"), update.get("learning_rate"));
    std::string name = chooseUpdateName(step, updateNames);
    if (!own || !optimizer || (settings && *settings != *own) ||
        update.getAs<StringAttr>("name").getValue() != name)
      return refuse(model.getLoc(), "an update of the step '" + step +
                                        "' with a name or settings of its own");
    settings = own;
    auto patterns = llvm::map_range(
        update.getAs<ArrayAttr>("parameters").getAsRange<StringAttr>(),
        [&](StringAttr pattern) { return spellPattern(pattern, module); });
    std::string all = llvm::join(patterns, ", ");
    text += "  update " + all + (all.empty() ? "" : " ") + "with " +
            *optimizer + "\n";
  }
  return settings.value_or("") + text;
}

} // namespace nnc::dsl
