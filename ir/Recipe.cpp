// The table of settings, and their checks.
#include "ir/Recipe.h"

#include "ir/DataSplits.h"
#include "ir/Freezing.h"
#include "ir/Layout.h"
#include "ir/Length.h"
#include "ir/ModelParts.h"
#include "ir/NameTables.h"
#include "ir/Ops.h"
#include "ir/RecipeChecks.h"
#include "ir/RecipeReading.h"
#include "ir/Shapes.h"
#include "ir/Text.h"

#include "runtime/RecipeNumbers.h"
#include "runtime/SampleSteps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {
using namespace recipe;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static StringRef toStringRef(std::string_view text) {
  return {text.data(), text.size()};
}

static std::vector<SettingInfo> makeSettings() {
  constexpr unsigned kWritten = kInLanguage | kOnModel | kOnModule;
  std::vector<SettingInfo> settings = {
      {"optimizer", "optimizer", SettingKind::Optimizer, kWritten | kOnUpdate,
       "an optimizer"},
      {"precision", "precision", SettingKind::Precision, kWritten,
       "f32 or bf16"},
      {"freeze", kFreezeAttr, SettingKind::Patterns, kWritten,
       "a list of strings, at most 256 patterns of parameter names"},
      {"learning_rate", "learning_rate", SettingKind::Rate,
       kOnModel | kOnUpdate | kOnModule, "a number of at least 0"},
      {"updates", "updates", SettingKind::Updates, kOnModel | kOnModule,
       "a list of updates"},
      {"order", "order", SettingKind::Order, kWritten,
       "a list of at most 256 training steps"},
      {"groups", "groups", SettingKind::Groups,
       kOnModel | kOnUpdate | kOnModule, "a list of at most 256 groups"},
      {"average", "average", SettingKind::Average, kWritten,
       "the decay of an exponential mean, or uniform"},
      {"data", "data", SettingKind::Data, kOnModel | kOnModule,
       "a list of data bindings"},
      {"sample_steps", "sample_steps", SettingKind::Steps, kOnModel | kOnModule,
       "a list of at most 256 steps of samples"},
      {"weight_names", "weight_names", SettingKind::Names, kOnModel | kOnModule,
       "a list of at most 16 tables of names"},
      {"layout", kLayoutAttr, SettingKind::Layout, kOnModel | kOnModule,
       "nhwc or nchw"},
      {"stop_metric", "stop_metric", SettingKind::Text, kOnModel | kOnModule,
       "a string"},
      {"stratified_by", "stratified_by", SettingKind::Text,
       kOnModel | kOnModule, "a string"},
      {"model", "model", SettingKind::Text, kOnModule, "a string"},
  };
  for (const runtime::RecipeNumber &number : runtime::recipeNumbers)
    settings.push_back(
        {toStringRef(number.name), toStringRef(number.name),
         number.isInteger ? SettingKind::Integer : SettingKind::Real,
         (number.isOfStatement ? kOnModel | kOnModule : kWritten) |
             (number.isOfUpdate ? unsigned(kOnUpdate) : 0u),
         toStringRef(number.expected)});
  return settings;
}

ArrayRef<SettingInfo> allSettings() {
  static const std::vector<SettingInfo> settings = makeSettings();
  return settings;
}

const SettingInfo *lookupSetting(StringRef attribute) {
  for (const SettingInfo &info : allSettings())
    if (info.attribute == attribute)
      return &info;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// A value in a message.
std::string recipe::describe(Attribute value) {
  if (!value)
    return "nothing";
  if (auto number = dyn_cast<FloatAttr>(value))
    return printNumber(number.getValueAsDouble());
  if (auto type = dyn_cast<TypeAttr>(value);
      type && (isa<FloatType, IntegerType>(type.getValue())))
    return printElementType(type.getValue());
  std::string text;
  llvm::raw_string_ostream os(text);
  value.print(os, /*elideType=*/true);
  return text;
}

std::string recipe::mustBe(const SettingInfo &info, Attribute value) {
  return ("'" + info.name + "' must be " + info.expected + ", found ").str() +
         describe(value);
}

static std::string explainNumber(const SettingInfo &info, Attribute value) {
  const runtime::RecipeNumber &range = *runtime::findRecipeNumber(info.name);
  std::optional<double> number = toNumber(value);
  bool isOfKind = number && (!range.isInteger || toInteger(value));
  return isOfKind && range.admits(*number) ? "" : mustBe(info, value);
}

/// f16 is not among them: its gradients would vanish without a scaled loss.
static std::string explainPrecision(const SettingInfo &info, Attribute value) {
  auto type = dyn_cast<TypeAttr>(value);
  bool isKnown = type && (type.getValue().isF32() || type.getValue().isBF16());
  return isKnown ? "" : mustBe(info, value);
}

/// How many there are of what there may not be so many of.
std::string recipe::foundOf(ArrayAttr list) {
  return ", found " + std::to_string(list.size());
}

bool recipe::isListOfStrings(Attribute value) {
  auto list = dyn_cast_or_null<ArrayAttr>(value);
  return list && llvm::all_of(list, llvm::IsaPred<StringAttr>);
}

static std::string explainPatterns(const SettingInfo &info, Attribute value) {
  const std::string expected =
      ("'" + info.name + "' must be " + info.expected).str();
  if (!isListOfStrings(value))
    return expected + ", found " + describe(value);
  auto patterns = cast<ArrayAttr>(value);
  return patterns.size() <= kMostPatterns ? "" : expected + foundOf(patterns);
}

//===-- Ops that a recipe names -------------------------------------------===//

/// Null where no op of `category` is called so. Loads no dialect: a recipe is
/// verified while passes run.
const Signature *recipe::findSignature(MLIRContext *context, StringRef name,
                                       Category category) {
  auto op = RegisteredOperationName::lookup(operationName(name), context);
  if (!op || !op->hasInterface<Described>() ||
      (category == Category::Optimizer && !op->hasInterface<Optimizer>()))
    return nullptr;
  const Signature &signature = op->getInterface<Described>()->getSignature();
  return signature.category == category ? &signature : nullptr;
}

static bool isOfKind(AttributeKind kind, Attribute value) {
  switch (kind) {
  case AttributeKind::Integer:
    return isa<IntegerAttr>(value) && !isa<BoolAttr>(value);
  case AttributeKind::Float:
    return isa<FloatAttr>(value);
  case AttributeKind::Bool:
    return isa<BoolAttr>(value);
  case AttributeKind::String:
    return isa<StringAttr>(value);
  case AttributeKind::Type:
    return isa<TypeAttr>(value);
  case AttributeKind::Length:
    return isLength(value);
  case AttributeKind::Lengths:
    return isListOfLengths(value);
  case AttributeKind::Floats:
    return isa<DenseF64ArrayAttr>(value);
  default:
    return true;
  }
}

static std::string explainAttributes(const Signature &signature,
                                     DictionaryAttr call,
                                     ArrayRef<StringRef> own) {
  const std::string quoted = ("'" + signature.name + "' ").str();
  for (NamedAttribute given : call) {
    StringRef name = given.getName();
    const AttributeInfo *info = llvm::find_if(
        signature.attributes, [&](auto &known) { return known.name == name; });
    if (info == signature.attributes.end()) {
      if (!llvm::is_contained(own, name))
        return (quoted + "has no attribute '" + name + "'").str();
      continue;
    }
    if (!isOfKind(info->kind, given.getValue()))
      return (quoted + name + " is " + describe(given.getValue()) +
              ": expected another kind of attribute")
          .str();
    std::string problem = explainOutside(*info, given.getValue());
    if (!problem.empty())
      return quoted + problem;
  }
  for (const AttributeInfo &info : signature.attributes)
    if (info.isRequired() && !info.hidden && !call.contains(info.name))
      return (quoted + "needs its attribute '" + info.name + "'").str();
  return "";
}

/// What is wrong with a dictionary that names an op of `category`, which is
/// called `what`; `own` are its entries that are no attributes of the op.
std::string recipe::explainCall(Attribute value, Category category,
                                StringRef what, ArrayRef<StringRef> own) {
  auto call = dyn_cast<DictionaryAttr>(value);
  auto name = call ? call.getAs<StringAttr>("name") : StringAttr();
  if (!name)
    return ("the " + what + " must be a dictionary with a 'name', found ")
               .str() +
           describe(value);
  if (const Signature *signature =
          findSignature(value.getContext(), name, category))
    return explainAttributes(*signature, call, own);
  SmallVector<StringRef> names;
  for (const Signature *known : allSignatures(value.getContext()))
    if (known->category == category)
      names.push_back(known->name);
  return ("'" + name.getValue() + "' is no " + what + ": expected one of ")
             .str() +
         llvm::join(names, ", ");
}

static std::string explainRate(Attribute value) {
  auto schedule = dyn_cast<DictionaryAttr>(value);
  Attribute base = schedule ? schedule.get("base") : value;
  std::optional<double> number = toNumber(base);
  if (!number || !(*number >= 0 && *number < runtime::noLimit))
    return (schedule ? "the base of a schedule" : "the learning rate") +
           std::string(" must be a number of at least 0, found ") +
           describe(base);
  return schedule ? explainCall(value, Category::Schedule, "schedule",
                                {"name", "base"})
                  : "";
}

//===-- Data --------------------------------------------------------------===//

ArrayRef<StringRef> readerNames() {
  static constexpr StringRef names[] = {"idx",     "npy",      "npz",    "csv",
                                        "cifar10", "cifar100", "images", "text",
                                        "tokens",  "wav",      "jsonl"};
  return names;
}

static std::string explainName(StringRef name, StringRef what,
                               ArrayRef<StringRef> known) {
  if (llvm::is_contained(known, name))
    return "";
  return ("'" + name + "' is no " + what + ": expected one of ").str() +
         llvm::join(known, ", ");
}

static std::string explainArguments(DictionaryAttr arguments) {
  for (NamedAttribute argument : arguments)
    if (!isa<StringAttr>(argument.getValue()))
      return ("the argument '" + argument.getName().getValue() +
              "' of a reader must be a string, found ")
                 .str() +
             describe(argument.getValue());
  return arguments.contains("path") ? "" : "the argument 'path' is missing";
}

std::string explainBinding(Attribute value, llvm::StringSet<> &bound) {
  auto binding = dyn_cast<DictionaryAttr>(value);
  auto get = [&](StringRef name) {
    return binding ? binding.get(name) : Attribute();
  };
  auto split = dyn_cast_or_null<StringAttr>(get("split"));
  auto inputs = dyn_cast_or_null<ArrayAttr>(get("inputs"));
  auto reader = dyn_cast_or_null<StringAttr>(get("reader"));
  auto arguments = dyn_cast_or_null<DictionaryAttr>(get("arguments"));
  bool hasPlace = isa_and_nonnull<LocationAttr>(get("loc"));
  if (!split || !inputs || !reader || !arguments ||
      binding.size() != (hasPlace ? 5u : 4u) ||
      !llvm::all_of(inputs, llvm::IsaPred<StringAttr>))
    return "a data binding has 'split', 'inputs', 'reader', 'arguments' and "
           "perhaps 'loc', found " +
           describe(value);
  for (std::string problem : {explainName(split, "split", kDataSplits),
                              explainName(reader, "reader", readerNames()),
                              explainArguments(arguments)})
    if (!problem.empty())
      return problem;
  for (StringAttr input : inputs.getAsRange<StringAttr>())
    if (!bound.insert((split.getValue() + "/" + input.getValue()).str()).second)
      return ("input '" + input.getValue() + "' is given twice").str();
  return "";
}

static std::string explainData(const SettingInfo &info, Attribute value) {
  auto bindings = dyn_cast<ArrayAttr>(value);
  if (!bindings)
    return mustBe(info, value);
  llvm::StringSet<> bound;
  for (Attribute binding : bindings)
    if (std::string problem = explainBinding(binding, bound); !problem.empty())
      return problem;
  return "";
}

//===-- Steps of samples --------------------------------------------------===//

SmallVector<StringRef> stepNames() {
  SmallVector<StringRef> names;
  for (const runtime::StepInfo &info : runtime::sampleSteps)
    names.push_back(toStringRef(info.name));
  return names;
}

SmallVector<StringRef> stepParameterNames(StringRef step) {
  SmallVector<StringRef> names;
  for (const runtime::StepParameter &parameter :
       runtime::findSampleStep(step)->parameters)
    if (!parameter.name.empty())
      names.push_back(toStringRef(parameter.name));
  return names;
}

bool isStepSetting(StringRef step) {
  return llvm::is_contained(runtime::stepSettings,
                            std::string_view(step.data(), step.size()));
}

std::string explainStep(Attribute value) {
  auto step = dyn_cast<DictionaryAttr>(value);
  auto get = [&](StringRef name) {
    return step ? step.get(name) : Attribute();
  };
  auto input = dyn_cast_or_null<StringAttr>(get("input"));
  auto name = dyn_cast_or_null<StringAttr>(get("step"));
  auto arguments = dyn_cast_or_null<DictionaryAttr>(get("arguments"));
  bool hasPlace = isa_and_nonnull<LocationAttr>(get("loc"));
  if (!input || !name || !arguments || step.size() != (hasPlace ? 4u : 3u))
    return "a step of samples has 'input', 'step', 'arguments' and perhaps "
           "'loc', found " +
           describe(value);
  runtime::StepArguments texts;
  for (NamedAttribute argument : arguments) {
    auto text = dyn_cast<StringAttr>(argument.getValue());
    if (!text)
      return ("the argument '" + argument.getName().getValue() +
              "' of a step must be a string, found ")
                 .str() +
             describe(argument.getValue());
    texts.emplace_back(argument.getName().str(), text.str());
  }
  return runtime::explainSampleStep(name.getValue(), texts);
}

static std::string explainSteps(const SettingInfo &info, Attribute value) {
  auto steps = dyn_cast<ArrayAttr>(value);
  if (!steps || steps.size() > runtime::mostSampleSteps)
    return steps ? ("'" + info.name + "' must be " + info.expected).str() +
                       foundOf(steps)
                 : mustBe(info, value);
  for (Attribute step : steps)
    if (std::string problem = explainStep(step); !problem.empty())
      return problem;
  return "";
}

//===-- Training steps ----------------------------------------------------===//

static bool isPartName(Attribute value) {
  auto name = dyn_cast_or_null<StringAttr>(value);
  return name && findNoPartName(name).empty();
}

static std::string explainOrder(const SettingInfo &info, Attribute value) {
  auto order = dyn_cast<ArrayAttr>(value);
  if (!order || order.empty())
    return mustBe(info, value);
  if (order.size() > runtime::mostOrderedSteps)
    return ("'" + info.name + "' must be " + info.expected).str() +
           foundOf(order);
  bool isEmpty = true;
  for (Attribute item : order) {
    auto turn = dyn_cast<DictionaryAttr>(item);
    std::optional<int64_t> times = turn ? toInteger(turn.get("times")) : 0;
    if (!turn || turn.size() != 2 || !isPartName(turn.get("step")) || !times)
      return "'order' has a 'step' and its 'times' in each place, found " +
             describe(item);
    if (*times < 0 || *times > runtime::mostTimesInTurn)
      return ("step '" + turn.getAs<StringAttr>("step").getValue() +
              "' must run 0 to " + llvm::Twine(runtime::mostTimesInTurn) +
              " times in its turn, found " + llvm::Twine(*times))
          .str();
    isEmpty &= *times == 0;
  }
  return isEmpty ? "a round of training must run a step of 'order'" : "";
}

//===-- Updates -----------------------------------------------------------===//

/// `names` has those of the updates before.
static std::string explainUpdate(Attribute value, llvm::StringSet<> &names) {
  auto update = dyn_cast<DictionaryAttr>(value);
  auto name = update ? update.getAs<StringAttr>("name") : StringAttr();
  Attribute patterns = update ? update.get("parameters") : Attribute();
  if (!name || !isListOfStrings(patterns) || !update.contains("optimizer"))
    return "an update has a 'name', 'parameters' (patterns of their names) and "
           "an 'optimizer', found " +
           describe(value);
  if (std::string problem = findNoParameterName(name); !problem.empty())
    return "the name of an update " + problem;
  if (!names.insert(name).second)
    return ("there are two updates '" + name.getValue() + "'").str();
  if (Attribute step = update.get("step"); step && !isPartName(step))
    return ("update '" + name.getValue() +
            "': its 'step' must be the name of a training step, found ")
               .str() +
           describe(step);
  if (auto list = cast<ArrayAttr>(patterns); list.size() > kMostPatterns)
    return ("update '" + name.getValue() + "' must have at most " +
            llvm::Twine(kMostPatterns) + " patterns" + foundOf(list))
        .str();
  std::string problem = explainRecipe(settingsOf(update), kOnUpdate);
  return problem.empty()
             ? ""
             : ("update '" + name.getValue() + "': " + problem).str();
}

static std::string explainUpdates(const SettingInfo &info, Attribute value) {
  auto updates = dyn_cast<ArrayAttr>(value);
  if (!updates)
    return mustBe(info, value);
  if (updates.size() > kMostUpdates)
    return "there must be at most " + std::to_string(kMostUpdates) +
           " updates" + foundOf(updates);
  llvm::StringSet<> names;
  for (Attribute update : updates)
    if (std::string problem = explainUpdate(update, names); !problem.empty())
      return problem;
  return "";
}

static std::string explainLayout(const SettingInfo &info, Attribute value) {
  auto layout = dyn_cast<StringAttr>(value);
  bool isKnown = layout && llvm::is_contained(kLayouts, layout.getValue());
  return isKnown ? "" : mustBe(info, value);
}

//===-- All together ------------------------------------------------------===//

std::string explainSetting(const SettingInfo &info, Attribute value) {
  switch (info.kind) {
  case SettingKind::Integer:
  case SettingKind::Real:
    return explainNumber(info, value);
  case SettingKind::Precision:
    return explainPrecision(info, value);
  case SettingKind::Optimizer:
    return explainCall(value, Category::Optimizer, "optimizer", {"name"});
  case SettingKind::Rate:
    return explainRate(value);
  case SettingKind::Patterns:
    return explainPatterns(info, value);
  case SettingKind::Updates:
    return explainUpdates(info, value);
  case SettingKind::Order:
    return explainOrder(info, value);
  case SettingKind::Groups:
    return explainGroups(info, value);
  case SettingKind::Average:
    return explainAverage(info, value);
  case SettingKind::Data:
    return explainData(info, value);
  case SettingKind::Steps:
    return explainSteps(info, value);
  case SettingKind::Names:
    return explainNameTables(value);
  case SettingKind::Layout:
    return explainLayout(info, value);
  case SettingKind::Text:
    return isa<StringAttr>(value) ? "" : mustBe(info, value);
  }
  llvm_unreachable("a setting is of one of these kinds");
}

std::string explainSetting(StringRef attribute, Attribute value,
                           SettingPlace place) {
  const SettingInfo *info = lookupSetting(attribute);
  if (info && info->places & place)
    return explainSetting(*info, value);
  SmallVector<StringRef> names;
  for (const SettingInfo &known : allSettings())
    if (known.places & place)
      names.push_back(known.attribute);
  return ("there is no setting '" + attribute + "' here: expected one of ")
             .str() +
         llvm::join(names, ", ");
}

/// Empty unless there are updates, and no optimizer beside them that what they
/// say for themselves could be meant for.
static std::string explainUnused(DictionaryAttr settings) {
  auto updates = settings.getAs<ArrayAttr>("updates");
  if (!updates || updates.empty() || settings.contains("optimizer"))
    return "";
  // Groups are of the parameters of any update.
  for (NamedAttribute setting : settings)
    if (setting.getName() != "groups" &&
        lookupSetting(setting.getName())->places & kOnUpdate)
      return ("'" + setting.getName().getValue() +
              "' is said of no optimizer: each training step has updates of "
              "its own, and says it for itself")
          .str();
  return "";
}

/// What is wrong with groups beside the optimizer that they are of.
static std::string explainGroupsOf(DictionaryAttr settings) {
  auto groups = settings.getAs<ArrayAttr>("groups");
  if (!groups)
    return "";
  for (Attribute group : groups)
    if (std::string problem = explainGroup(group, settings.get("optimizer"));
        !problem.empty())
      return problem;
  return "";
}

std::string explainRecipe(DictionaryAttr settings, SettingPlace place) {
  for (NamedAttribute setting : settings)
    if (std::string problem =
            explainSetting(setting.getName(), setting.getValue(), place);
        !problem.empty())
      return problem;
  if (settings.contains("optimizer") && !settings.contains("learning_rate"))
    return "the optimizer needs a learning rate, as in adam(learning_rate = "
           "0.001)";
  std::string problem = explainGroupsOf(settings);
  return problem.empty() ? explainUnused(settings) : problem;
}

} // namespace nnc
