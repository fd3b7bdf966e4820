// The blocks training, data and weights of what the model's attributes say.
#include "frontend/dsl/ProgramWriter.h"
#include "frontend/dsl/ScheduleNames.h"

#include "ir/Freezing.h"
#include "ir/Layout.h"
#include "ir/Recipe.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

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

std::optional<std::string> spellOptimizer(DictionaryAttr optimizer,
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

/// The mean of weights, and from when on.
static std::optional<std::string> spellAverage(DictionaryAttr average) {
  auto decay = average.getAs<FloatAttr>("decay");
  std::optional<std::string> text =
      decay ? spellFloat(decay.getValueAsDouble())
            : average.getAs<StringAttr>("name").str();
  if (text && average.contains("from"))
    *text += " from " + spellLength(average.get("from"));
  return text;
}

/// `discriminate 5, generate`.
static std::string spellOrder(ArrayAttr order) {
  std::vector<std::string> turns;
  for (auto turn : order.getAsRange<DictionaryAttr>()) {
    int64_t times = turn.getAs<IntegerAttr>("times").getInt();
    turns.push_back(turn.getAs<StringAttr>("step").str() +
                    (times == 1 ? "" : " " + std::to_string(times)));
  }
  return llvm::join(turns, ", ");
}

std::optional<std::string> spellSetting(const SettingInfo &info,
                                        Attribute value, RecipeAttr recipe) {
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
  case SettingKind::Average:
    return spellAverage(cast<DictionaryAttr>(value));
  case SettingKind::Order:
    return spellOrder(cast<ArrayAttr>(value));
  default:
    return std::nullopt;
  }
}

//===-- Groups -----------------------------------------------------------===//

/// A rate that is `factor` times `base` to the last bit: a group's optimizer is
/// written with a rate, and kept with a factor. Nothing where there is none.
static std::optional<double> findRate(double factor, double base) {
  double rate = factor * base;
  for (double near :
       {rate, std::nextafter(rate, 0.0), std::nextafter(rate, HUGE_VAL)})
    if (near / base == factor)
      return near;
  return std::nullopt;
}

/// One line of a group a setting; nothing where one has no spelling.
static std::optional<std::string> spellGroup(DictionaryAttr group,
                                             RecipeAttr recipe) {
  std::optional<LearningRate> base = recipe.getLearningRate();
  auto optimizer = group.getAs<DictionaryAttr>("optimizer");
  auto rate = group.getAs<FloatAttr>("rate");
  SmallVector<std::optional<std::string>> lines;
  if (optimizer) {
    std::optional<double> own =
        rate && base ? findRate(rate.getValueAsDouble(), base->base)
                     : std::nullopt;
    lines.push_back(
        own ? spellOptimizer(optimizer, FloatAttr::get(rate.getType(), *own))
            : std::nullopt);
    if (lines.back())
      lines.back() = "optimizer " + *lines.back();
  }
  auto add = [&](StringRef name, FloatAttr number) {
    lines.push_back(spellFloat(number.getValueAsDouble()));
    if (lines.back())
      lines.back() = name.str() + " " + *lines.back();
  };
  if (rate && !optimizer)
    add("rate", rate);
  if (auto decay = group.getAs<FloatAttr>("weight_decay"))
    add("weight_decay", decay);
  std::string text = "  group " +
                     *spellPatterns(group.getAs<ArrayAttr>("parameters")) +
                     " {\n";
  for (const std::optional<std::string> &line : lines) {
    if (!line)
      return std::nullopt;
    text += "    " + *line + "\n";
  }
  return text + "  }\n";
}

FailureOr<std::string> ProgramWriter::writeGroups(ModelOp model) {
  std::string text;
  RecipeAttr recipe = model.getRecipe();
  if (auto groups = cast_or_null<ArrayAttr>(recipe.get("groups")))
    for (auto group : groups.getAsRange<DictionaryAttr>()) {
      std::optional<std::string> one = spellGroup(group, recipe);
      if (!one)
        return refuse(model.getLoc(), "a group of parameters whose rate is no "
                                      "number times that of the model");
      text += *one;
    }
  return text;
}

//===-- The run ----------------------------------------------------------===//

/// `stop when validation_loss rests 5 epochs within 0.01`, or nothing said.
FailureOr<std::string> ProgramWriter::writeStop(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  auto metric = cast_or_null<StringAttr>(recipe.get("stop_metric"));
  auto epochs = cast_or_null<IntegerAttr>(recipe.get("stop_epochs"));
  auto change = cast_or_null<FloatAttr>(recipe.get("stop_change"));
  if (!metric && !epochs && !change)
    return std::string();
  if (!metric || !epochs || !isProgramName(metric))
    return refuse(model.getLoc(),
                  "a stop without a metric and epochs, or whose "
                  "metric is no name,");
  std::string text = "  stop when " + metric.str() + " rests " +
                     std::to_string(epochs.getInt()) + " epochs";
  if (change)
    text += " within " + *spellFloat(change.getValueAsDouble());
  return text + "\n";
}

/// ` stratified by label`, or nothing said.
FailureOr<std::string> ProgramWriter::spellStratified(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  auto input = cast_or_null<StringAttr>(recipe.get("stratified_by"));
  if (!input)
    return std::string();
  if (!recipe.get("validation") || !isProgramName(input))
    return refuse(model.getLoc(), "'stratified_by' without 'validation', or "
                                  "with what is no name,");
  return " stratified by " + input.str();
}

FailureOr<std::string> ProgramWriter::writeTraining(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  std::string text;
  // Each is in a block or line of its own, or a part of another setting.
  static constexpr StringLiteral kElsewhere[] = {
      "learning_rate", "data",        "sample_steps", "weight_names",
      "groups",        "stop_metric", "stop_epochs",  "stop_change",
      "stratified_by", "updates",     kLayoutAttr};
  FailureOr<std::string> groups = writeGroups(model), stop = writeStop(model),
                         stratified = spellStratified(model);
  if (failed(groups) || failed(stop) || failed(stratified))
    return failure();
  for (NamedAttribute attribute : recipe.getSettings()) {
    StringRef name = attribute.getName();
    const SettingInfo *info = lookupSetting(name);
    if (llvm::is_contained(kElsewhere, name))
      continue;
    std::optional<std::string> value =
        info && (info->places & kInLanguage)
            ? spellSetting(*info, attribute.getValue(), recipe)
            : std::nullopt;
    if (!value)
      return refuse(model.getLoc(), "the setting '" + name + "'");
    if (name == "validation")
      *value += *stratified;
    text += "  " + info->name.str() + " " + *value + "\n";
  }
  text += *stop + *groups;
  auto updates = cast_or_null<ArrayAttr>(recipe.get("updates"));
  if (updates && updates.size() != numUpdates)
    return refuse(model.getLoc(), "updates in another order than their steps");
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
