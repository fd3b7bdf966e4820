// The blocks training, data and weights of what the model's attributes say.
#include "frontend/dsl/ProgramWriter.h"
#include "frontend/dsl/ScheduleNames.h"

#include "ir/Freezing.h"
#include "ir/Layout.h"
#include "ir/Recipe.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

//===-- Training ---------------------------------------------------------===//

static std::optional<std::string> spellRate(Attribute rate) {
  auto schedule = dyn_cast<DictionaryAttr>(rate);
  if (!schedule)
    return spellFloat(cast<FloatAttr>(rate).getValueAsDouble());
  auto name = schedule.getAs<StringAttr>("name");
  auto base = schedule.getAs<FloatAttr>("base");
  std::optional<std::string> others = spellCallAttributes(schedule, name);
  std::optional<std::string> first =
      base ? spellFloat(base.getValueAsDouble()) : std::nullopt;
  if (!others || !first)
    return std::nullopt;
  return toScheduleName(name).str() + "(" + *first + *others + ")";
}

static std::optional<std::string> spellOptimizer(DictionaryAttr optimizer,
                                                 Attribute rate) {
  auto name = optimizer.getAs<StringAttr>("name");
  std::optional<std::string> others = spellCallAttributes(optimizer, name);
  std::optional<std::string> first = rate ? spellRate(rate) : std::nullopt;
  if (!others || !first)
    return std::nullopt;
  return name.str() + "(learning_rate = " + *first + *others + ")";
}

static std::optional<std::string> spellPatterns(ArrayAttr patterns) {
  auto texts =
      llvm::map_range(patterns.getAsRange<StringAttr>(),
                      [](StringAttr pattern) { return spellString(pattern); });
  return "[" + llvm::join(texts, ", ") + "]";
}

/// A setting's value; nothing where the language has no word for it.
static std::optional<std::string>
spellSetting(const SettingInfo &info, Attribute value, RecipeAttr recipe) {
  switch (info.kind) {
  case SettingKind::Integer:
    return std::to_string(cast<IntegerAttr>(value).getInt());
  case SettingKind::Real:
    return spellFloat(cast<FloatAttr>(value).getValueAsDouble());
  case SettingKind::Precision:
    return printElementType(cast<TypeAttr>(value).getValue());
  case SettingKind::Optimizer:
    return spellOptimizer(cast<DictionaryAttr>(value),
                          recipe.get("learning_rate"));
  case SettingKind::Patterns:
    return spellPatterns(cast<ArrayAttr>(value));
  default:
    return std::nullopt;
  }
}

FailureOr<std::string> ProgramWriter::writeTraining(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  std::string text;
  // Each is in a block of its own, or a part of another setting.
  static constexpr StringLiteral kElsewhere[] = {
      "learning_rate", "data", "sample_steps", "weight_names"};
  for (NamedAttribute attribute : recipe.getSettings()) {
    StringRef name = attribute.getName();
    const SettingInfo *info = lookupSetting(name);
    if (llvm::is_contained(kElsewhere, name))
      continue;
    bool isPlain = info && info->kind == SettingKind::Layout &&
                   cast<StringAttr>(attribute.getValue()).getValue() == "nhwc";
    if (isPlain)
      continue;
    std::optional<std::string> value =
        info && (info->places & kInLanguage)
            ? spellSetting(*info, attribute.getValue(), recipe)
            : std::nullopt;
    if (!value)
      return refuse(model.getLoc(), "the setting '" + name + "'");
    text += "  " + info->name.str() + " " + *value + "\n";
  }
  if (recipe.get("learning_rate") && !recipe.get("optimizer"))
    return refuse(model.getLoc(), "a learning rate without an optimizer");
  return text.empty() ? text : "\ntraining {\n" + text + "}\n";
}

//===-- Data -------------------------------------------------------------===//

/// As a reader sees it, its text; a number or a boolean needs no quotes.
static std::string spellText(StringRef text) {
  int64_t whole = 0;
  bool isNumber = !text.getAsInteger(10, whole) && whole >= 0 &&
                  text == std::to_string(whole);
  return isNumber || text == "true" || text == "false" ? text.str()
                                                       : spellString(text);
}

static std::string spellReader(DictionaryAttr binding) {
  auto arguments = binding.getAs<DictionaryAttr>("arguments");
  std::string text = binding.getAs<StringAttr>("reader").str() + "(" +
                     spellString(arguments.getAs<StringAttr>("path"));
  for (NamedAttribute argument : arguments)
    if (argument.getName() != "path")
      text += ", " + argument.getName().str() + " = " +
              spellText(cast<StringAttr>(argument.getValue()));
  return text + ")";
}

static std::string spellStep(DictionaryAttr step) {
  std::vector<std::string> arguments;
  std::string name = step.getAs<StringAttr>("step").str();
  for (NamedAttribute argument : step.getAs<DictionaryAttr>("arguments")) {
    StringRef value = cast<StringAttr>(argument.getValue());
    // A mask is the name of an input.
    arguments.push_back(argument.getName().str() + " = " +
                        (name == "mask" ? value.str() : spellText(value)));
  }
  return arguments.empty() ? name
                           : name + "(" + llvm::join(arguments, ", ") + ")";
}

FailureOr<std::string> ProgramWriter::writeData(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  std::string text, split;
  if (auto data = cast_or_null<ArrayAttr>(recipe.get("data")))
    for (auto binding : data.getAsRange<DictionaryAttr>()) {
      auto inputs = llvm::map_range(
          binding.getAs<ArrayAttr>("inputs").getAsRange<StringAttr>(),
          [](StringAttr name) { return name.getValue(); });
      std::string now = binding.getAs<StringAttr>("split").str();
      text += (now == split    ? std::string(",\n")
               : split.empty() ? "  " + now + " "
                               : "\n  " + now + " ") +
              llvm::join(inputs, ", ") + " = " + spellReader(binding);
      split = now;
    }
  if (!text.empty())
    text += "\n";
  std::string input;
  if (auto steps = cast_or_null<ArrayAttr>(recipe.get("sample_steps")))
    for (auto step : steps.getAsRange<DictionaryAttr>()) {
      std::string now = step.getAs<StringAttr>("input").str();
      text += (now == input    ? std::string(", ")
               : input.empty() ? "  " + now + " "
                               : "\n  " + now + " ") +
              spellStep(step);
      input = now;
    }
  if (!input.empty())
    text += "\n";
  return text.empty() ? text : "\ndata {\n" + text + "}\n";
}

std::string ProgramWriter::writeNameTables(ModelOp model) {
  std::string text;
  if (auto tables =
          cast_or_null<ArrayAttr>(model.getRecipe().get("weight_names")))
    for (auto table : tables.getAsRange<DictionaryAttr>()) {
      text += "\nweights " + table.getAs<StringAttr>("name").str() + " {\n";
      for (auto line : table.getAs<ArrayAttr>("lines").getAsRange<StringAttr>())
        text += "  " + line.str() + "\n";
      text += "}\n";
    }
  return text;
}

FailureOr<std::string> ProgramWriter::writeRecipe(ModelOp model) {
  FailureOr<std::string> training = writeTraining(model);
  FailureOr<std::string> data = writeData(model);
  if (failed(training) || failed(data))
    return failure();
  return writeNameTables(model) + *training + *data;
}

} // namespace nnc::dsl
