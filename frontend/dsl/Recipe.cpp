// The training and data blocks: attributes of the model, listed in
// docs/architecture.md section 1.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "ir/Expr.h"
#include "ir/Freezing.h"
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
  if (!program.trainings.empty())
    emitTraining(program.trainings.front());
  if (!program.datas.empty())
    emitData(program.datas.front());
}

//===-- Training ---------------------------------------------------------===//

static std::vector<StringRef> settingNames() {
  std::vector<StringRef> names;
  for (const SettingInfo &info : allSettings())
    if (info.places & kInLanguage)
      names.push_back(info.name);
  return names;
}

void Emitter::emitTraining(const TrainingDecl &training) {
  bool hasLoss = !model.getBody().getOps<LossOp>().empty();
  if (!hasLoss && !diagnostics.failed())
    error(training.loc,
          "the model has no loss to train with; write 'loss "
          "VALUE' in it",
          Note{program.models.front().name.loc, "the model is here"});
  llvm::StringMap<SMLoc> seen;
  for (const Setting &setting : training.settings) {
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
  const SettingInfo *info =
      llvm::find_if(allSettings(), [&](const SettingInfo &known) {
        return (known.places & kInLanguage) && known.name == setting.name.name;
      });
  if (info == allSettings().end())
    unknownSetting(setting.name);
  else if (info->kind == SettingKind::Optimizer)
    setRecipe(info->attribute, emitOptimizer(*setting.value));
  else if (info->kind == SettingKind::Patterns)
    setRecipe(info->attribute, emitFreeze(*setting.value));
  else
    emitSimpleSetting(*info, *setting.value);
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

void Emitter::emitSimpleSetting(const SettingInfo &info,
                                const Expression &expression) {
  Datum value = evaluate(expression);
  if (value.isError())
    return;
  Attribute attribute = toSettingAttribute(info.kind, value);
  if (!attribute || !explainSetting(info, attribute).empty()) {
    error(expression.loc,
          "'" + info.name + "' must be " + info.expected + ", found " +
              (value.isElementType() ? printElementType(value.elementType())
                                     : value.describe()));
    return;
  }
  // f32 is what happens without, and leaves no trace.
  bool isDefault =
      info.kind == SettingKind::Precision && value.elementType().isF32();
  if (!isDefault)
    setRecipe(info.attribute, attribute);
}

Attribute Emitter::emitFreeze(const Expression &expression) {
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

//===-- Optimizers and schedules -----------------------------------------===//

namespace {
/// Schedules are named by what they do; their ops say that they decay.
struct ScheduleName {
  StringRef name;
  StringRef op;
};
} // namespace

static constexpr ScheduleName kScheduleNames[] = {
    {"step", "step_decay"},
    {"exponential", "exponential_decay"},
};

static StringRef toOpName(StringRef name, Category category) {
  if (category == Category::Schedule)
    for (const ScheduleName &entry : kScheduleNames)
      if (entry.name == name)
        return entry.op;
  return name;
}

static std::vector<StringRef> recipeNames(MLIRContext *context,
                                          Category category) {
  std::vector<StringRef> names;
  for (const Signature *signature : allSignatures(context)) {
    if (signature->category != category)
      continue;
    StringRef name = signature->name;
    if (category == Category::Schedule)
      for (const ScheduleName &entry : kScheduleNames)
        if (entry.op == name)
          name = entry.name;
    names.push_back(name);
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
    attributes.push_back({builder.getStringAttr(names[i]), value});
  }
  return valid;
}

Attribute Emitter::emitOptimizer(const Expression &expression) {
  const Signature *signature =
      resolveRecipeOp(expression, Category::Optimizer, "optimizer");
  if (!signature)
    return nullptr;
  auto *call = llvm::dyn_cast<CallExpr>(&expression);
  if (!call) {
    error(expression.loc, "missing argument 'learning_rate' of '" +
                              signature->name + "', as in " + signature->name +
                              "(learning_rate = 0.001)");
    return nullptr;
  }
  const Expression *rate = nullptr;
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("name", builder.getStringAttr(signature->name))};
  bool valid =
      fillAttributes(*call, *signature, "learning_rate", rate, attributes);
  if (rate)
    setRecipe("learning_rate", emitLearningRate(*rate));
  return valid ? builder.getDictionaryAttr(attributes) : Attribute();
}

/// Whether a constant rate may be so.
static bool isRate(double rate) {
  return rate >= 0 && std::isfinite(rate);
}

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
  (void)createByName(b, location, name, {base, step}, attributes);
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

//===-- Data -------------------------------------------------------------===//

void Emitter::emitData(const DataDecl &data) {
  SmallVector<Attribute> bindings;
  llvm::StringMap<SMLoc> seen;
  for (const DataSplit &split : data.splits) {
    const Identifier &name = split.name;
    if (!llvm::is_contained(kSplits, name.name)) {
      std::string hint = suggestion(name.name, kSplits);
      if (hint.empty())
        hint = "; expected train or test";
      error(name.loc, "unknown split '" + name.name + "'" + hint);
      continue;
    }
    auto [first, isFirst] = seen.try_emplace(name.name, name.loc);
    if (!isFirst)
      error(name.loc, "the split '" + name.name + "' is given twice",
            Note{first->second, "first given here"});
    else
      emitSplit(split, bindings);
  }
  setRecipe("data", builder.getArrayAttr(bindings));
}

void Emitter::emitSplit(const DataSplit &split,
                        SmallVectorImpl<Attribute> &bindings) {
  const ModelDecl &declaration = program.models.front();
  std::vector<StringRef> names;
  for (const Parameter &input : declaration.inputs)
    names.push_back(input.name.name);
  llvm::StringSet<> known;
  known.insert_range(names);
  llvm::StringMap<SMLoc> bound;
  for (const DataBinding &binding : split.bindings) {
    for (const Identifier &input : binding.inputs) {
      if (!known.contains(input.name))
        error(input.loc,
              "the model has no input '" + input.name + "'" +
                  suggestion(input.name, names),
              Note{declaration.name.loc, "the model is here"});
      auto [first, isFirst] = bound.try_emplace(input.name, input.loc);
      if (!isFirst)
        error(input.loc, "input '" + input.name + "' is given twice",
              Note{first->second, "first given here"});
    }
    bindings.push_back(emitBinding(split, binding));
    if (!bindings.back())
      bindings.pop_back();
  }
  for (const Parameter &input : declaration.inputs)
    if (!bound.contains(input.name.name))
      error(split.name.loc,
            "'" + split.name.name + "' gives no data for input '" +
                input.name.name + "'",
            Note{input.name.loc,
                 "'" + input.name.name.str() + "' is declared here"});
}

/// A string of a list: in quotes where a reader would see several items in it,
/// or a number or range.
static std::string listItem(StringRef text) {
  const bool isPlain = !text.empty() && !llvm::isDigit(text[0]) &&
                       text[0] != '-' && !text.contains(',') &&
                       !text.contains('"') && text.trim() == text;
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? std::string(2, c) : std::string(1, c);
  return isPlain ? text.str() : quoted + "\"";
}

/// The text of a value as its reader sees it. Nothing after an error.
std::optional<std::string> Emitter::readerArgument(const Expression &expression,
                                                   bool isInList) {
  if (auto *range = llvm::dyn_cast<RangeExpr>(&expression)) {
    std::optional<int64_t> lower = expectInteger(*range->lower, "a bound");
    std::optional<int64_t> upper = expectInteger(*range->upper, "a bound");
    if (!lower || !upper)
      return std::nullopt;
    return std::to_string(*lower) + ":" + std::to_string(*upper);
  }
  if (auto *list = llvm::dyn_cast<ListExpr>(&expression)) {
    std::string joined;
    for (const ExpressionPtr &element : list->elements) {
      std::optional<std::string> part = readerArgument(*element, true);
      if (!part)
        return std::nullopt;
      joined += (joined.empty() ? "" : ",") + *part;
      if (joined.size() > kMaxArgumentBytes) {
        error(element->loc, "this list is longer than " +
                                Twine(kMaxArgumentBytes) + " bytes of text");
        return std::nullopt;
      }
    }
    return joined;
  }
  Datum value = evaluate(expression);
  if (value.isString())
    return isInList ? listItem(value.string()) : std::string(value.string());
  if (value.isNumber() || value.isBoolean())
    return value.describe();
  if (!value.isError())
    error(expression.loc, "expected a string, a number or a list of them, "
                          "found " +
                              value.describe());
  return std::nullopt;
}

Attribute Emitter::emitBinding(const DataSplit &split,
                               const DataBinding &binding) {
  auto *call = llvm::dyn_cast<CallExpr>(binding.reader.get());
  if (!call) {
    error(binding.reader->loc,
          "expected a reader of a file, as in idx(\"FILE\")");
    return nullptr;
  }
  if (!llvm::is_contained(kReaders, call->callee)) {
    std::string hint = suggestion(call->callee, kReaders);
    if (hint.empty())
      hint = "; expected one of " + llvm::join(ArrayRef(kReaders), ", ");
    error(call->loc, "unknown reader '" + call->callee + "'" + hint);
    return nullptr;
  }
  SmallVector<NamedAttribute> arguments;
  llvm::StringMap<SMLoc> given;
  for (auto [i, argument] : llvm::enumerate(call->arguments)) {
    StringRef name = argument.name ? argument.name->name : "path";
    if (!argument.name && i > 0) {
      error(argument.loc(), "only the file's name stands without a name; "
                            "write NAME = VALUE");
      return nullptr;
    }
    if (!given.try_emplace(name, argument.loc()).second) {
      error(argument.loc(),
            "argument '" + name + "' of '" + call->callee + "' is given twice");
      return nullptr;
    }
    std::optional<std::string> text = readerArgument(*argument.value);
    if (!text)
      return nullptr;
    arguments.push_back(
        builder.getNamedAttr(name, builder.getStringAttr(*text)));
  }
  if (!given.contains("path")) {
    error(call->loc, "'" + call->callee + "' needs the name of a file, as in " +
                         call->callee + "(\"FILE\")");
    return nullptr;
  }
  SmallVector<Attribute> inputs;
  for (const Identifier &input : binding.inputs)
    inputs.push_back(builder.getStringAttr(input.name));
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("split", builder.getStringAttr(split.name.name)),
       builder.getNamedAttr("inputs", builder.getArrayAttr(inputs)),
       builder.getNamedAttr("reader", builder.getStringAttr(call->callee)),
       builder.getNamedAttr("arguments", builder.getDictionaryAttr(arguments)),
       builder.getNamedAttr("loc",
                            LocationAttr(diagnostics.location(call->loc)))});
}

} // namespace nnc::dsl
