// What a training block says of some of the parameters, and of all of them over
// time: groups, averages, and lengths of schedules.
#include "frontend/dsl/Emitter.h"

#include "ir/Freezing.h"
#include "ir/Length.h"
#include "ir/Recipe.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace nnc::dsl {

//===-- Lengths ----------------------------------------------------------===//

Attribute Emitter::toLength(const Expression &expression, const Twine &what) {
  auto *length = llvm::dyn_cast<LengthExpr>(&expression);
  Datum amount = evaluate(length ? *length->amount : expression);
  if (amount.isError())
    return nullptr;
  StringRef unit = length ? length->unit.name : "steps";
  bool isInSteps = unit == "steps" || unit == "step";
  Attribute attribute;
  if (isInSteps && amount.isInteger())
    attribute = builder.getI64IntegerAttr(amount.integer());
  else if (!isInSteps && amount.isNumber())
    attribute = builder.getStringAttr(printNumber(amount.number()) + " " +
                                      (unit == "run" ? "run" : "epochs"));
  if (isLength(attribute))
    return attribute;
  error(expression.loc,
        "expected a number of steps, of epochs (2 epochs) or a share of the "
        "run from 0 to 1 (0.1 run) as " +
            what + ", found " + amount.describe() +
            (length ? " " + unit : Twine()));
  return nullptr;
}

Attribute Emitter::toLengths(const Expression &expression, const Twine &what) {
  auto *list = llvm::dyn_cast<ListExpr>(&expression);
  if (!list || list->elements.empty()) {
    error(expression.loc, "expected a list of lengths as " + what +
                              ", as in [30 epochs, "
                              "60 epochs]");
    return nullptr;
  }
  SmallVector<Attribute> lengths;
  for (const ExpressionPtr &element : list->elements) {
    lengths.push_back(toLength(*element, what));
    if (!lengths.back())
      return nullptr;
  }
  return builder.getArrayAttr(lengths);
}

Attribute Emitter::toFloats(const Datum &value) {
  SmallVector<double> numbers;
  if (!value.isList())
    return nullptr;
  for (const Datum &element : value.list()) {
    if (!element.isNumber())
      return nullptr;
    numbers.push_back(element.number());
  }
  return builder.getDenseF64ArrayAttr(numbers);
}

//===-- Patterns of names ------------------------------------------------===//

Attribute Emitter::emitPatterns(const Expression &expression) {
  SmallVector<const Expression *> patterns = {&expression};
  if (auto *list = llvm::dyn_cast<ListExpr>(&expression)) {
    patterns.clear();
    for (const ExpressionPtr &element : list->elements)
      patterns.push_back(element.get());
  }
  // After other errors, what is missing may be a parameter in error.
  const bool isComplete = !diagnostics.failed();
  SmallVector<Attribute> texts;
  SmallVector<ParameterOp> matches;
  for (const Expression *pattern : patterns) {
    if (!expend(pattern->loc, parameters.size()))
      return nullptr;
    Datum value = evaluate(*pattern);
    if (value.isError())
      continue;
    std::string problem =
        !value.isString() ? "expected a pattern of parameter names, as in "
                            "\"encoder.*\", found " +
                                value.describe()
        : isComplete      ? matchParameters(module, value.string(), matches)
                          : "";
    if (!problem.empty())
      error(pattern->loc, problem);
    else
      texts.push_back(builder.getStringAttr(value.string()));
  }
  return builder.getArrayAttr(texts);
}

//===-- Groups -----------------------------------------------------------===//

/// The optimizer of a group; its rate becomes a factor of the model's, so that
/// it follows the schedule of that.
bool Emitter::emitGroupOptimizer(const Expression &expression,
                                 NamedAttrList &group) {
  const Expression *rate = nullptr;
  Attribute optimizer = emitOptimizerCall(expression, rate);
  if (!optimizer || !rate)
    return false;
  group.set("optimizer", optimizer);
  auto *call = llvm::dyn_cast<CallExpr>(rate);
  if (call && !functions.contains(call->callee) &&
      !evaluateFunction(call->callee, Datum(1.0))) {
    error(rate->loc, "a group's optimizer follows the schedule of the model's: "
                     "expected a number, found the call of '" +
                         call->callee + "'");
    return false;
  }
  Datum value = evaluate(*rate);
  if (value.isError())
    return false;
  RecipeAttr recipe = model.getRecipe();
  std::optional<LearningRate> base = recipe.getLearningRate();
  if (!base || base->base == 0 || !value.isNumber() || value.number() < 0) {
    error(rate->loc,
          !value.isNumber() || value.number() < 0
              ? "expected a number of at least 0 as the rate of a group's "
                "optimizer, which follows the schedule of the model's; found " +
                    value.describe()
              : "a group's optimizer follows the rate of the model's, which is "
                "0 or has none");
    return false;
  }
  group.set("rate", builder.getF64FloatAttr(value.number() / base->base));
  return true;
}

bool Emitter::emitGroupSetting(const Setting &setting, NamedAttrList &group) {
  StringRef name = setting.name.name;
  if (group.get(name)) {
    error(setting.name.loc, "'" + name + "' is set twice");
    return false;
  }
  if (name == "optimizer")
    return emitGroupOptimizer(*setting.value, group);
  static constexpr StringRef known[] = {"rate", "weight_decay", "optimizer"};
  if (!llvm::is_contained(known, name)) {
    std::string hint = suggestion(name, known);
    error(setting.name.loc, "unknown setting '" + name + "' of a group" +
                                (hint.empty() ? "; expected rate, weight_decay "
                                                "or optimizer"
                                              : hint));
    return false;
  }
  Datum value = evaluate(*setting.value);
  if (value.isError())
    return false;
  if (!value.isNumber() || !(value.number() >= 0) ||
      !std::isfinite(value.number())) {
    error(setting.value->loc, "'" + name +
                                  "' of a group must be a number of at least "
                                  "0, found " +
                                  value.describe());
    return false;
  }
  group.set(name, builder.getF64FloatAttr(value.number()));
  return true;
}

void Emitter::emitGroups(const TrainingDecl &training) {
  SmallVector<Attribute> groups;
  for (const GroupDecl &declared : training.groups) {
    NamedAttrList group;
    Attribute patterns = emitPatterns(*declared.patterns);
    if (!patterns)
      continue;
    group.set("parameters", patterns);
    bool valid = !cast<ArrayAttr>(patterns).empty() || diagnostics.failed();
    for (const Setting &setting : declared.settings)
      valid &= emitGroupSetting(setting, group);
    if (!valid)
      continue;
    Attribute attribute = group.getDictionary(context);
    std::string problem = explainGroup(attribute, model->getAttr("optimizer"));
    if (!problem.empty() && !diagnostics.failed())
      error(declared.loc, problem);
    groups.push_back(attribute);
  }
  if (!groups.empty())
    setRecipe("groups", builder.getArrayAttr(groups));
}

//===-- Averages ---------------------------------------------------------===//

void Emitter::emitAverage(const SettingInfo &info, const Setting &setting) {
  NamedAttrList average;
  auto *word = llvm::dyn_cast<NameExpr>(setting.value.get());
  if (word && word->name == "uniform") {
    average.set("name", builder.getStringAttr("uniform"));
  } else {
    Datum value = evaluate(*setting.value);
    if (value.isError())
      return;
    if (!value.isNumber() || !(value.number() > 0 && value.number() < 1)) {
      error(setting.value->loc,
            "expected uniform or the decay of an exponential mean, above 0 and "
            "below 1, as in 'average 0.999'; found " +
                value.describe());
      return;
    }
    average.set("name", builder.getStringAttr("exponential"));
    average.set("decay", builder.getF64FloatAttr(value.number()));
  }
  if (setting.from) {
    Attribute from = toLength(*setting.from, "the begin of an average");
    if (!from)
      return;
    average.set("from", from);
  }
  setRecipe(info.attribute, average.getDictionary(context));
}

} // namespace nnc::dsl
