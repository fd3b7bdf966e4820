// Parts of a model: training steps, what they update, and groups of outputs.
#include "frontend/dsl/Emitter.h"

#include "ir/Freezing.h"
#include "ir/ModelParts.h"
#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

/// False, after an error, where a part may not stand or be called so.
bool Emitter::checkPart(const Statement &statement, StringRef word,
                        const Identifier &name) {
  if (!checkInModel(statement, word))
    return false;
  if (part) {
    error(statement.loc,
          "'" + word + "' stands in the model, not in '" + part->name.name +
              "'",
          Note{part->name.loc, "'" + part->name.name.str() + "' begins here"});
    return false;
  }
  if (std::string problem = findNoPartName(name.name); !problem.empty()) {
    error(name.loc, "the name '" + name.name + "' " + problem);
    return false;
  }
  auto [first, isNew] = parts.try_emplace(name.name, name.loc);
  if (!isNew)
    error(name.loc, "there is a part '" + name.name + "' of the model already",
          Note{first->second, "the first is here"});
  return isNew;
}

/// Emits the body of a part, outside of which no name that it binds is known.
void Emitter::emitPart(Part &inside, const Block &body) {
  llvm::DenseMap<StringRef, Binding> outside = frame->names;
  part = &inside;
  emitBlock(body);
  part = nullptr;
  frame->names = std::move(outside);
}

void Emitter::mark(Operation *op) {
  if (!part)
    return;
  op->setAttr(part->isStep ? kStepAttr : kGroupAttr,
              builder.getStringAttr(part->name.name));
  part->hasResults |= isa<LossOp, OutputOp>(op);
}

bool Emitter::checkTrained(const Statement &statement, StringRef word) {
  if (!part || part->isStep)
    return true;
  error(statement.loc, "'" + word +
                           "' stands in the model or in a training step; a "
                           "group of outputs trains nothing");
  return false;
}

bool Emitter::checkGiven(const Statement &statement) {
  if (!part || !part->isStep)
    return true;
  error(statement.loc, "'output' stands in the model or in a group of outputs; "
                       "a training step gives losses and metrics");
  return false;
}

void Emitter::emitOutputGroup(const OutputGroupStmt &statement) {
  if (!checkPart(statement, "output", statement.name))
    return;
  Part group{statement.name, /*isStep=*/false};
  emitPart(group, statement.body);
  if (!group.hasResults && !diagnostics.failed())
    error(statement.name.loc, "the group '" + statement.name.name +
                                  "' has no output; write 'output NAME = "
                                  "VALUE' in it");
}

void Emitter::emitStep(const StepStmt &statement) {
  if (!checkPart(statement, "step", statement.name))
    return;
  Part step{statement.name, /*isStep=*/true};
  emitPart(step, statement.body);
  if (!step.hasResults && !diagnostics.failed())
    error(statement.name.loc, "the step '" + statement.name.name +
                                  "' has no loss; write 'loss VALUE' in it");
  steps.push_back(std::move(step));
}

//===-- Updates ----------------------------------------------------------===//

void Emitter::emitUpdate(const UpdateStmt &statement) {
  if (!checkInModel(statement, "update"))
    return;
  if (part && part->isStep)
    part->updates.push_back(&statement);
  else
    error(statement.loc, "'update' stands in a training step; the optimizer of "
                         "a model without steps stands in 'training'");
}

/// The settings that may stand in a step: those of an optimizer.
static std::vector<StringRef> stepSettingNames() {
  std::vector<StringRef> names;
  for (const SettingInfo &info : allSettings())
    if ((info.places & kInLanguage) && (info.places & kOnUpdate) &&
        info.kind != SettingKind::Optimizer)
      names.push_back(info.name);
  return names;
}

void Emitter::emitStepSetting(const SettingStmt &statement) {
  const Identifier &name = statement.setting.name;
  std::vector<StringRef> known = stepSettingNames();
  if (!llvm::is_contained(known, name.name)) {
    const std::string all = llvm::join(known, ", ");
    known.insert(known.end(), {"loss", "metric", "update", "param"});
    std::string hint = suggestion(name.name, known);
    if (hint.empty())
      hint = "; expected one of " + all;
    error(name.loc, "a step has no setting '" + name.name + "'" + hint);
    return;
  }
  for (const Setting *before : part->settings)
    if (before->name.name == name.name) {
      error(name.loc, "'" + name.name + "' is set twice",
            Note{before->name.loc, "first set here"});
      return;
    }
  part->settings.push_back(&statement.setting);
}

/// The first of NAME, NAME_1, NAME_2 that is new.
static std::string chooseName(StringRef step, llvm::StringSet<> &names) {
  std::string name = step.str();
  for (unsigned i = 1; !names.insert(name).second; ++i)
    name = (step + "_" + Twine(i)).str();
  return name;
}

void Emitter::addPatterns(const Expression &pattern,
                          SmallVectorImpl<Attribute> &patterns) {
  if (auto *text = llvm::dyn_cast<StringExpr>(&pattern)) {
    SmallVector<ParameterOp> matches;
    std::string problem = matchParameters(module, text->value, matches);
    if (!problem.empty())
      error(pattern.loc, problem);
    patterns.push_back(builder.getStringAttr(text->value));
    return;
  }
  auto *name = llvm::dyn_cast<NameExpr>(&pattern);
  if (!name) {
    error(pattern.loc, "expected the name of a scope, or a pattern of "
                       "parameter names as a string");
    return;
  }
  const size_t before = patterns.size();
  llvm::StringSet<> known;
  for (const auto &entry : parameters) {
    auto [scope, rest] = entry.getKey().split('.');
    known.insert(scope);
    if (scope != name->name)
      continue;
    auto text = builder.getStringAttr(rest.empty() ? scope : scope + ".*");
    if (!llvm::is_contained(ArrayRef(patterns).drop_front(before), text))
      patterns.push_back(text);
  }
  if (patterns.size() > before)
    return;
  std::vector<StringRef> scopes(known.keys().begin(), known.keys().end());
  llvm::sort(scopes);
  std::string hint = suggestion(name->name, scopes);
  if (hint.empty())
    hint = "; there are " + llvm::join(scopes, ", ");
  error(pattern.loc,
        "no parameter is in a scope '" + name->name + "'" + hint);
}

Attribute Emitter::emitPatterns(const UpdateStmt &statement) {
  SmallVector<Attribute> patterns;
  for (const ExpressionPtr &pattern : statement.patterns)
    if (expend(pattern->loc, parameters.size()))
      addPatterns(*pattern, patterns);
  return builder.getArrayAttr(patterns);
}

void Emitter::emitUpdatesOf(const Part &step,
                            SmallVectorImpl<Attribute> &updates,
                            llvm::StringSet<> &names) {
  SmallVector<NamedAttribute> settings;
  for (const Setting *setting : step.settings) {
    const SettingInfo *info = lookupSetting(setting->name.name);
    if (Attribute value = emitSimpleSetting(*info, *setting->value))
      settings.push_back(builder.getNamedAttr(info->attribute, value));
  }
  for (const UpdateStmt *statement : step.updates) {
    OptimizerAttrs attributes = emitOptimizer(*statement->optimizer);
    if (!attributes.optimizer || !attributes.rate)
      continue;
    NamedAttrList update(settings);
    update.set("name",
               builder.getStringAttr(chooseName(step.name.name, names)));
    update.set("step", builder.getStringAttr(step.name.name));
    update.set("parameters", emitPatterns(*statement));
    update.set("optimizer", attributes.optimizer);
    update.set("learning_rate", attributes.rate);
    updates.push_back(update.getDictionary(context));
  }
}

/// Whether a loss or a metric stands in the model, beside its training steps;
/// the dialect refuses it.
static bool hasResultOfNoStep(ModelOp model) {
  return llvm::any_of(model.getBody().front(), [](Operation &op) {
    return isa<LossOp, MetricOp>(op) && partOf(&op).empty();
  });
}

void Emitter::emitUpdates() {
  // After an error, what is missing may be a parameter in error.
  if (steps.empty() || diagnostics.failed() || hasResultOfNoStep(model))
    return;
  SmallVector<Attribute> updates;
  llvm::StringSet<> names;
  const bool hasOptimizer = model->hasAttr("optimizer");
  bool isOptimizerUsed = false;
  for (const Part &step : steps) {
    emitUpdatesOf(step, updates, names);
    isOptimizerUsed |= step.updates.empty();
    if (step.updates.empty() && !hasOptimizer)
      error(step.name.loc, "the step '" + step.name.name +
                               "' updates nothing; write 'update SCOPE with "
                               "adam(0.001)' in it, or an optimizer in "
                               "'training'");
    if (step.updates.empty() && !step.settings.empty())
      error(step.settings.front()->name.loc,
            "'" + step.settings.front()->name.name +
                "' is said of no optimizer: the step has no 'update'");
  }
  if (hasOptimizer && !isOptimizerUsed)
    error(program.trainings.front().loc,
          "the optimizer here updates nothing: every training step has an "
          "'update' of its own");
  if (!updates.empty())
    setRecipe("updates", builder.getArrayAttr(updates));
}

//===-- Order ------------------------------------------------------------===//

std::optional<int64_t> Emitter::emitTurn(const Turn &turn) {
  std::vector<StringRef> names;
  for (const Part &step : steps)
    names.push_back(step.name.name);
  if (!llvm::is_contained(names, turn.step.name)) {
    std::string hint = suggestion(turn.step.name, names);
    if (hint.empty() && !names.empty())
      hint = "; there are " + llvm::join(names, ", ");
    error(turn.step.loc,
          "the model has no training step '" + turn.step.name + "'" + hint);
    return std::nullopt;
  }
  return turn.times ? expectInteger(*turn.times, "how often a step runs")
                    : std::optional<int64_t>(1);
}

Attribute Emitter::emitOrder(const Setting &setting) {
  SmallVector<Attribute> order;
  llvm::StringSet<> ordered;
  for (const Turn &turn : setting.order) {
    std::optional<int64_t> times = emitTurn(turn);
    if (!times)
      return nullptr;
    ordered.insert(turn.step.name);
    order.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("step", builder.getStringAttr(turn.step.name)),
         builder.getNamedAttr("times", builder.getI64IntegerAttr(*times))}));
  }
  for (const Part &step : steps)
    if (!ordered.contains(step.name.name))
      diagnostics.warning(step.name.loc,
                          "the step '" + step.name.name +
                              "' is not in the order of 'training': it is "
                              "compiled, and 'nnc train' does not run it");
  Attribute attribute = builder.getArrayAttr(order);
  std::string problem = explainSetting(*lookupSetting(kOrder), attribute);
  if (problem.empty())
    return attribute;
  error(setting.name.loc, problem);
  return nullptr;
}

} // namespace nnc::dsl
