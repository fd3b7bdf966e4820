// What is wrong with groups of parameters and with averages of weights.
#include "ir/Length.h"
#include "ir/Ops.h"
#include "ir/RecipeChecks.h"
#include "ir/RecipeReading.h"

#include "runtime/RecipeNumbers.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {
using namespace recipe;

/// The numbers that a group may say, each of at least 0.
static constexpr StringRef kGroupNumbers[] = {"rate", "weight_decay"};

static std::string explainGroupSetting(StringRef name, Attribute value) {
  if (name == "optimizer") {
    std::string problem =
        explainCall(value, Category::Optimizer, "optimizer", {"name"});
    return problem.empty() ? "" : "a group: " + problem;
  }
  if (!llvm::is_contained(kGroupNumbers, name))
    return ("a group has no setting '" + name +
            "': expected one of rate, weight_decay, optimizer")
        .str();
  std::optional<double> number = toNumber(value);
  if (number && *number >= 0 && *number < runtime::noLimit)
    return "";
  return ("'" + name + "' of a group must be a number of at least 0, found ")
             .str() +
         describe(value);
}

/// Empty unless `group` says a weight decay, and the optimizer has none.
static std::string explainDecay(DictionaryAttr group, Attribute optimizer) {
  auto call = dyn_cast_or_null<DictionaryAttr>(
      group.contains("optimizer") ? group.get("optimizer") : optimizer);
  if (!call || !group.contains("weight_decay"))
    return "";
  auto name = call.getAs<StringAttr>("name");
  const Signature *signature =
      findSignature(group.getContext(), name, Category::Optimizer);
  bool hasDecay =
      !signature || llvm::any_of(signature->attributes, [](auto &known) {
        return known.name == "weight_decay";
      });
  return hasDecay ? ""
                  : ("a group has a 'weight_decay', and the optimizer '" +
                     name.getValue() + "' has none")
                        .str();
}

std::string explainGroup(Attribute value, Attribute optimizer) {
  auto group = dyn_cast<DictionaryAttr>(value);
  Attribute patterns = group ? group.get("parameters") : Attribute();
  if (!isListOfStrings(patterns) || group.size() < 2)
    return "a group has 'parameters' (patterns of their names) and a 'rate', a "
           "'weight_decay' or an 'optimizer', found " +
           describe(value);
  auto list = cast<ArrayAttr>(patterns);
  if (list.empty() || list.size() > kMostPatterns)
    return "a group must have 1 to " + std::to_string(kMostPatterns) +
           " patterns" + foundOf(list);
  for (NamedAttribute setting : group) {
    if (setting.getName() == "parameters")
      continue;
    std::string problem =
        explainGroupSetting(setting.getName(), setting.getValue());
    if (!problem.empty())
      return problem;
  }
  return explainDecay(group, optimizer);
}

std::string recipe::explainGroups(const SettingInfo &info, Attribute value) {
  auto groups = dyn_cast<ArrayAttr>(value);
  if (!groups || groups.size() > kMostUpdates)
    return groups ? ("'" + info.name + "' must be " + info.expected).str() +
                        foundOf(groups)
                  : mustBe(info, value);
  for (Attribute group : groups)
    if (std::string problem = explainGroup(group, nullptr); !problem.empty())
      return problem;
  return "";
}

std::string recipe::explainAverage(const SettingInfo &info, Attribute value) {
  auto average = dyn_cast<DictionaryAttr>(value);
  auto name = average ? average.getAs<StringAttr>("name") : StringAttr();
  bool isUniform = name && name.getValue() == "uniform";
  std::optional<double> decay =
      average ? toNumber(average.get("decay")) : std::nullopt;
  bool isExponential = name && name.getValue() == "exponential" && decay &&
                       *decay > 0 && *decay < 1;
  Attribute from = average ? average.get("from") : Attribute();
  std::optional<Length> begin = parseLength(from);
  bool isKnown = isExponential || (isUniform && !average.contains("decay"));
  if (isKnown && (!from || (begin && begin->amount >= 0)) &&
      average.size() == size_t(1 + isExponential + bool(from)))
    return "";
  return ("'" + info.name +
          "' must be {name = \"uniform\"} or {name = "
          "\"exponential\", decay = D} with D above 0 and below 1, and perhaps "
          "'from', a length; found ")
             .str() +
         describe(value);
}

} // namespace nnc
