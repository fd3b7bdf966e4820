// The training block: attributes of the model, listed in docs/architecture.md
// section 1.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/ScheduleNames.h"

#include "ir/Expr.h"
#include "ir/Recipe.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;

namespace nnc::dsl {

void Emitter::setRecipe(StringRef name, Attribute value) {
  if (value)
    model->setAttr(name, value);
}

void Emitter::emitRecipe() {
  if (program.trainings.size() > 1)
    error(program.trainings[1].loc,
          "a file has one block 'training', and this is another",
          Note{program.trainings.front().loc, "the first is here"});
  if (program.datas.size() > 1)
    error(program.datas[1].loc,
          "a file has one block 'data', and this is another",
          Note{program.datas.front().loc, "the first is here"});
  SmallVector<const std::vector<Setting> *> settings;
  if (!program.trainings.empty()) {
    checkTraining(program.trainings.front());
    settings.push_back(&program.trainings.front().settings);
  }
  if (!program.datas.empty())
    settings.push_back(&program.datas.front().settings);
  emitSettings(settings);
  // Last: what a group says is a matter of the optimizer.
  if (!program.trainings.empty()) {
    emitGroups(program.trainings.front());
    emitBuckets(program.trainings.front());
  }
  emitUpdates();
  if (!program.datas.empty())
    emitData(program.datas.front());
  emitNameTables();
}

//===-- Training ---------------------------------------------------------===//

static std::vector<StringRef> settingNames() {
  std::vector<StringRef> names = {"group", kStop, kBuckets};
  for (const SettingInfo &info : allSettings())
    if (info.places & kInLanguage)
      names.push_back(info.name);
  return names;
}

void Emitter::checkTraining(const TrainingDecl &training) {
  bool hasLoss = !model.getBody().getOps<LossOp>().empty();
  if (!hasLoss && !diagnostics.failed())
    error(training.loc,
          "the model has no loss to train with; write 'loss "
          "VALUE' in it",
          Note{program.models.front().name.loc, "the model is here"});
}

void Emitter::emitSettings(ArrayRef<const std::vector<Setting> *> lists) {
  llvm::StringMap<SMLoc> seen;
  for (const std::vector<Setting> *list : lists)
    for (const Setting &setting : *list) {
      auto [first, isFirst] =
          seen.try_emplace(setting.name.name, setting.name.loc);
      if (!isFirst)
        error(setting.name.loc, "'" + setting.name.name + "' is set twice",
              Note{first->second, "first set here"});
      else
        emitSetting(setting);
    }
}

void Emitter::unknownSetting(const Identifier &name) {
  std::vector<StringRef> names = settingNames();
  std::string hint = suggestion(name.name, names);
  if (name.name == "learning_rate")
    hint = "; it is an argument of the optimizer, as in adam(learning_rate "
           "= 0.001)";
  else if (hint.empty())
    hint = "; expected one of " + llvm::join(names, ", ");
  error(name.loc, "unknown setting '" + name.name + "'" + hint);
}

void Emitter::emitSetting(const Setting &setting) {
  if (setting.name.name == kStop)
    return emitStop(setting);
  if (setting.subject)
    emitStratification(*setting.subject);
  const SettingInfo *info =
      llvm::find_if(allSettings(), [&](const SettingInfo &known) {
        return (known.places & kInLanguage) && known.name == setting.name.name;
      });
  if (info == allSettings().end())
    unknownSetting(setting.name);
  else if (info->kind == SettingKind::Optimizer) {
    OptimizerAttrs attributes = emitOptimizer(*setting.value);
    setRecipe("learning_rate", attributes.rate);
    setRecipe(info->attribute, attributes.optimizer);
  } else if (info->kind == SettingKind::Order)
    setRecipe(info->attribute, emitOrder(setting));
  else if (info->kind == SettingKind::Patterns)
    setRecipe(info->attribute, emitPatterns(*setting.value));
  else if (info->kind == SettingKind::Average)
    emitAverage(*info, setting);
  else if (info->name == kMemoryBudget)
    emitMemoryBudget(*info, setting);
  else
    setRecipe(info->attribute, emitSimpleSetting(*info, *setting.value));
}

/// The attribute of a value that is a number or an element type, or null.
Attribute Emitter::toSettingAttribute(SettingKind kind, const Datum &value) {
  if (kind == SettingKind::Precision)
    return value.isElementType() ? TypeAttr::get(value.elementType())
                                 : Attribute();
  if (kind == SettingKind::Integer && value.isInteger())
    return builder.getI64IntegerAttr(value.integer());
  if (kind == SettingKind::Real && value.isNumber())
    return builder.getF64FloatAttr(value.number());
  return nullptr;
}

Attribute Emitter::emitSimpleSetting(const SettingInfo &info,
                                     const Expression &expression) {
  Datum value = evaluate(expression);
  if (value.isError())
    return nullptr;
  Attribute attribute = toSettingAttribute(info.kind, value);
  if (!attribute || !explainSetting(info, attribute).empty()) {
    error(expression.loc,
          "'" + info.name + "' must be " + info.expected + ", found " +
              (value.isElementType() ? printElementType(value.elementType())
                                     : value.describe()));
    return nullptr;
  }
  // f32 is what happens without, and leaves no trace.
  bool isDefault =
      info.kind == SettingKind::Precision && value.elementType().isF32();
  return isDefault ? Attribute() : attribute;
}

/// A number of bytes, or of a larger unit; none where it is no such unit.
static std::optional<int64_t> bytesOf(StringRef unit) {
  static constexpr StringLiteral kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto found = llvm::find(kUnits, unit);
  if (found == std::end(kUnits))
    return std::nullopt;
  return int64_t(1) << (10 * (found - std::begin(kUnits)));
}

void Emitter::emitMemoryBudget(const SettingInfo &info,
                               const Setting &setting) {
  Datum value = evaluate(*setting.value);
  StringRef unit = setting.unit ? setting.unit->name : "B";
  std::optional<int64_t> unitBytes = bytesOf(unit);
  if (!unitBytes) {
    error(setting.unit->loc,
          "unknown unit '" + unit + "'; expected one of B, KiB, MiB, GiB, TiB");
    return;
  }
  if (value.isError())
    return;
  // Doubles hold all whole numbers that the setting admits.
  double bytes =
      value.isNumber() ? std::floor(value.number() * *unitBytes) : -1;
  bool isInRange = bytes >= 1 && bytes < 0x1p53;
  Attribute attribute =
      isInRange ? builder.getI64IntegerAttr(int64_t(bytes)) : Attribute();
  if (!attribute || !explainSetting(info, attribute).empty()) {
    error(setting.value->loc, "'" + info.name + "' must be " + info.expected +
                                  ", found " + value.describe() +
                                  (setting.unit ? " " + unit.str() : ""));
    return;
  }
  setRecipe(info.attribute, attribute);
}

//===-- Optimizers and schedules -----------------------------------------===//

static StringRef toOpName(StringRef name, Category category) {
  return category == Category::Schedule ? toScheduleOp(name) : name;
}

static std::vector<StringRef> recipeNames(MLIRContext *context,
                                          Category category) {
  std::vector<StringRef> names;
  for (const Signature *signature : allSignatures(context)) {
    if (signature->category != category)
      continue;
    names.push_back(category == Category::Schedule
                        ? toScheduleName(signature->name)
                        : signature->name);
  }
  return names;
}

const Signature *Emitter::resolveRecipeOp(const Expression &expression,
                                          Category category, StringRef what) {
  std::vector<StringRef> names = recipeNames(context, category);
  StringRef name;
  if (auto *call = llvm::dyn_cast<CallExpr>(&expression))
    name = call->callee;
  else if (auto *word = llvm::dyn_cast<NameExpr>(&expression))
    name = word->name;
  const Signature *signature =
      name.empty() ? nullptr
                   : lookupSignature(context, toOpName(name, category));
  if (signature && signature->category == category)
    return signature;
  std::string hint = name.empty() ? "" : suggestion(name, names);
  if (hint.empty())
    hint = "; expected one of " + llvm::join(names, ", ");
  error(expression.loc, name.empty() ? "expected " + what.str() + hint
                                     : "unknown " + what.str() + " '" +
                                           name.str() + "'" + hint);
  return nullptr;
}

// Binds `leading`, which is no attribute, and the attributes of an optimizer or
// a schedule, in that order.
bool Emitter::fillAttributes(const CallExpr &call, const Signature &signature,
                             StringRef leading, const Expression *&leadingValue,
                             SmallVectorImpl<NamedAttribute> &attributes) {
  std::vector<StringRef> names = {leading};
  std::vector<const AttributeInfo *> infos = {nullptr};
  for (const AttributeInfo &info : signature.attributes)
    if (!info.hidden) {
      names.push_back(info.name);
      infos.push_back(&info);
    }
  auto matched = matchArguments(call, names);
  if (!matched)
    return false;
  bool valid = true;
  for (auto [i, argument] : llvm::enumerate(*matched)) {
    bool isRequired = i == 0 || infos[i]->isRequired();
    if (!argument && isRequired) {
      missingArgument(call, names[i], names);
      valid = false;
    }
    if (!argument)
      continue;
    if (i == 0) {
      leadingValue = argument->value.get();
      continue;
    }
    Attribute value = toAttribute(*infos[i], call.callee, *argument->value);
    valid &= value != nullptr;
    if (std::string problem = explainOutside(*infos[i], value);
        !problem.empty()) {
      error(argument->value->loc, "'" + call.callee + "' " + problem);
      valid = false;
    }
    if (auto metric = dyn_cast_or_null<StringAttr>(value);
        metric && names[i] == "metric")
      checkWatched(metric.getValue(), argument->value->loc);
    attributes.push_back({builder.getStringAttr(names[i]), value});
  }
  return valid;
}

Attribute Emitter::emitOptimizerCall(const Expression &expression,
                                     const Expression *&rate) {
  const Signature *signature =
      resolveRecipeOp(expression, Category::Optimizer, "optimizer");
  if (!signature)
    return {};
  auto *call = llvm::dyn_cast<CallExpr>(&expression);
  if (!call) {
    error(expression.loc, "missing argument 'learning_rate' of '" +
                              signature->name + "', as in " + signature->name +
                              "(learning_rate = 0.001)");
    return {};
  }
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("name", builder.getStringAttr(signature->name))};
  bool valid =
      fillAttributes(*call, *signature, "learning_rate", rate, attributes);
  return valid ? builder.getDictionaryAttr(attributes) : Attribute();
}

OptimizerAttrs Emitter::emitOptimizer(const Expression &expression) {
  const Expression *rate = nullptr;
  Attribute optimizer = emitOptimizerCall(expression, rate);
  return {optimizer, rate ? emitLearningRate(*rate) : Attribute()};
}

/// Whether a constant rate may be so.
static bool isRate(double rate) { return rate >= 0 && std::isfinite(rate); }

Attribute Emitter::emitLearningRate(const Expression &expression) {
  auto *call = llvm::dyn_cast<CallExpr>(&expression);
  bool isSchedule = call && !functions.contains(call->callee) &&
                    !evaluateFunction(call->callee, Datum(1.0));
  if (isSchedule)
    return emitSchedule(*call);
  Datum value = evaluate(expression);
  if (value.isError())
    return nullptr;
  if (value.isNumber() && isRate(value.number()))
    return builder.getF64FloatAttr(value.number());
  error(expression.loc, "a learning rate must be a number of at least 0 or a "
                        "schedule such as cosine(...), found " +
                            value.describe());
  return nullptr;
}

/// What the verifier of the schedule's op says of its attributes together;
/// empty if nothing is wrong. Said later, it would be of the op's place, which
/// is the loss.
static std::string explainSchedule(Location location, StringRef name,
                                   ArrayRef<NamedAttribute> attributes) {
  std::string message;
  ScopedDiagnosticHandler capture(location.getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    if (message.empty())
                                      message = diagnostic.str();
                                    return success();
                                  });
  OwningOpRef<ModuleOp> scratch = ModuleOp::create(location);
  OpBuilder builder = OpBuilder::atBlockBegin(scratch->getBody());
  ImplicitLocOpBuilder b(location, builder);
  Value base = constant(b, 0.0, b.getF32Type());
  Value step = constant(b, 0.0, b.getI64Type());
  // The steps of an epoch and of the run, which schedules may ask for.
  (void)createByName(b, location, name, {base, step, step, step}, attributes);
  return message;
}

Attribute Emitter::emitSchedule(const CallExpr &call) {
  const Signature *signature =
      resolveRecipeOp(call, Category::Schedule, "schedule");
  if (!signature)
    return nullptr;
  const Expression *base = nullptr;
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("name", builder.getStringAttr(signature->name))};
  if (!fillAttributes(call, *signature, "base", base, attributes))
    return nullptr;
  if (std::string problem =
          explainSchedule(diagnostics.location(call.loc), signature->name,
                          ArrayRef<NamedAttribute>(attributes).drop_front());
      !problem.empty()) {
    error(call.loc, problem);
    return nullptr;
  }
  Datum value = evaluate(*base);
  if (value.isError())
    return nullptr;
  if (!value.isNumber() || !isRate(value.number())) {
    error(base->loc, "the base of a schedule must be a number of at least 0, "
                     "found " +
                         value.describe());
    return nullptr;
  }
  attributes.push_back(
      builder.getNamedAttr("base", builder.getF64FloatAttr(value.number())));
  return builder.getDictionaryAttr(attributes);
}

} // namespace nnc::dsl
