// What a recipe says, read with its types: updates, rates, groups, averages, the
// order of steps.
#include "ir/RecipeReading.h"

#include "ir/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

std::optional<int64_t> toInteger(Attribute value) {
  auto integer = dyn_cast_or_null<IntegerAttr>(value);
  if (!integer || integer.getType().isInteger(1) ||
      integer.getValue().getSignificantBits() > 64)
    return std::nullopt;
  return integer.getValue().getSExtValue();
}

std::optional<double> toNumber(Attribute value) {
  if (auto number = dyn_cast_or_null<FloatAttr>(value))
    return number.getValueAsDouble();
  if (std::optional<int64_t> integer = toInteger(value))
    return static_cast<double>(*integer);
  return std::nullopt;
}

DictionaryAttr collectSettings(Operation *op) {
  SmallVector<NamedAttribute> settings;
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (StringRef name = attribute.getName();
        !name.contains('.') || lookupSetting(name))
      settings.push_back(attribute);
  return DictionaryAttr::get(op->getContext(), settings);
}

DictionaryAttr settingsOf(DictionaryAttr update) {
  NamedAttrList settings(update);
  settings.erase("name");
  settings.erase("parameters");
  settings.erase("step");
  return settings.getDictionary(update.getContext());
}

LogicalResult
RecipeAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   DictionaryAttr settings) {
  std::string problem = explainRecipe(settings, kOnModule);
  return problem.empty() ? success() : LogicalResult(emitError() << problem);
}

Attribute RecipeAttr::get(StringRef name) const {
  return getSettings().get(name);
}

std::optional<int64_t> RecipeAttr::getInteger(StringRef name) const {
  return toInteger(get(name));
}

std::optional<double> RecipeAttr::getNumber(StringRef name) const {
  return toNumber(get(name));
}

/// `base` is the recipe's own and no attribute of the op.
static std::optional<NamedCall> toCall(Attribute attr) {
  auto dictionary = dyn_cast_or_null<DictionaryAttr>(attr);
  if (!dictionary)
    return std::nullopt;
  NamedCall call{dictionary.getAs<StringAttr>("name").getValue(), {}};
  for (NamedAttribute argument : dictionary)
    if (argument.getName() != "name" && argument.getName() != "base")
      call.attributes.push_back(argument);
  return call;
}

std::optional<NamedCall> RecipeAttr::getOptimizer() const {
  return toCall(get("optimizer"));
}

std::optional<LearningRate> RecipeAttr::getLearningRate() const {
  Attribute rate = get("learning_rate");
  if (!rate)
    return std::nullopt;
  auto schedule = dyn_cast<DictionaryAttr>(rate);
  return LearningRate{*toNumber(schedule ? schedule.get("base") : rate),
                      toCall(schedule)};
}

/// The groups of the model, then those of `update` itself.
static DictionaryAttr withGroups(DictionaryAttr update, Attribute groups) {
  if (!groups)
    return update;
  SmallVector<Attribute> all(cast<ArrayAttr>(groups).getValue());
  if (auto own = update.getAs<ArrayAttr>("groups"))
    llvm::append_range(all, own);
  NamedAttrList settings(update);
  settings.set("groups", ArrayAttr::get(update.getContext(), all));
  return settings.getDictionary(update.getContext());
}

SmallVector<RecipeUpdate> RecipeAttr::getUpdates() const {
  SmallVector<RecipeUpdate> updates;
  if (get("optimizer")) {
    SmallVector<NamedAttribute> own;
    for (NamedAttribute setting : getSettings())
      if (lookupSetting(setting.getName())->places & kOnUpdate)
        own.push_back(setting);
    updates.push_back({"", {}, DictionaryAttr::get(getContext(), own)});
  }
  if (auto named = cast_or_null<ArrayAttr>(get("updates")))
    for (auto update : named.getAsRange<DictionaryAttr>()) {
      RecipeUpdate &added = updates.emplace_back();
      added.name = update.getAs<StringAttr>("name").getValue();
      for (auto pattern :
           update.getAs<ArrayAttr>("parameters").getAsRange<StringAttr>())
        added.patterns.push_back(pattern.getValue());
      added.settings = withGroups(settingsOf(update), get("groups"));
      if (auto step = update.getAs<StringAttr>("step"))
        added.step = step.getValue();
    }
  return updates;
}

SmallVector<OrderedStep> RecipeAttr::getOrder() const {
  SmallVector<OrderedStep> order;
  if (auto turns = cast_or_null<ArrayAttr>(get("order")))
    for (auto turn : turns.getAsRange<DictionaryAttr>())
      order.push_back({turn.getAs<StringAttr>("step").getValue(),
                       *toInteger(turn.get("times"))});
  return order;
}

SmallVector<RecipeGroup> RecipeAttr::getGroups() const {
  SmallVector<RecipeGroup> groups;
  auto written = cast_or_null<ArrayAttr>(get("groups"));
  if (!written)
    return groups;
  for (auto group : written.getAsRange<DictionaryAttr>()) {
    RecipeGroup &added = groups.emplace_back();
    for (auto pattern :
         group.getAs<ArrayAttr>("parameters").getAsRange<StringAttr>())
      added.patterns.push_back(pattern.getValue());
    added.rate = toNumber(group.get("rate"));
    added.weightDecay = toNumber(group.get("weight_decay"));
    added.optimizer = toCall(group.get("optimizer"));
  }
  return groups;
}

std::optional<RecipeAverage> RecipeAttr::getAverage() const {
  auto average = cast_or_null<DictionaryAttr>(get("average"));
  if (!average)
    return std::nullopt;
  Attribute from = average.get("from");
  return RecipeAverage{toNumber(average.get("decay")),
                       from ? from : makeLength(getContext(), int64_t(0))};
}

bool asksForRun(MLIRContext *context, const NamedCall &schedule) {
  auto op =
      RegisteredOperationName::lookup(operationName(schedule.name), context);
  const Signature &signature = op->getInterface<Described>()->getSignature();
  NamedAttrList attributes(signature.defaults ? signature.defaults(*op)
                                              : DictionaryAttr());
  for (NamedAttribute given : schedule.attributes)
    attributes.set(given.getName(), given.getValue());
  return llvm::any_of(attributes, [](NamedAttribute attribute) {
    auto list = dyn_cast<ArrayAttr>(attribute.getValue());
    return list ? llvm::any_of(list, isOfRun) : isOfRun(attribute.getValue());
  });
}

bool asksForRun(RecipeAttr recipe) {
  MLIRContext *context = recipe.getContext();
  std::optional<RecipeAverage> average = recipe.getAverage();
  if (average && isOfRun(average->from))
    return true;
  return llvm::any_of(recipe.getUpdates(), [&](const RecipeUpdate &update) {
    std::optional<LearningRate> rate =
        RecipeAttr::get(context, update.settings).getLearningRate();
    return rate && rate->schedule && asksForRun(context, *rate->schedule);
  });
}

RecipeAttr getRecipe(ModuleOp module) {
  Attribute recipe = module->getAttr(kRecipeAttr);
  if (auto typed = dyn_cast_or_null<RecipeAttr>(recipe))
    return typed;
  // As a module said it before there was the attribute.
  auto settings = dyn_cast_or_null<DictionaryAttr>(recipe);
  return RecipeAttr::get(module.getContext(),
                         settings ? settings
                                  : DictionaryAttr::get(module.getContext()));
}

} // namespace nnc
