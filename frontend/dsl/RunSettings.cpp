// What a training block says of the run: when it stops by itself, and on which
// samples it is judged.
#include "frontend/dsl/Emitter.h"

#include "ir/Recipe.h"
#include "ir/Watching.h"

using namespace mlir;

namespace nnc::dsl {

/// After other errors, what is missing may be a metric in error.
void Emitter::checkWatched(StringRef metric, SMLoc loc) {
  if (diagnostics.failed())
    return;
  if (std::string problem = explainWatched(model, metric); !problem.empty())
    error(loc, problem);
}

void Emitter::emitStop(const Setting &setting) {
  checkWatched(setting.subject->name, setting.subject->loc);
  setRecipe("stop_metric", builder.getStringAttr(setting.subject->name));
  emitStopNumber("stop_epochs", *setting.value);
  if (setting.within)
    emitStopNumber("stop_change", *setting.within);
}

void Emitter::emitStopNumber(StringRef attribute,
                             const Expression &expression) {
  Datum value = evaluate(expression);
  if (value.isError())
    return;
  const SettingInfo &info = *lookupSetting(attribute);
  Attribute number = toSettingAttribute(info.kind, value);
  if (number && explainSetting(info, number).empty())
    return setRecipe(attribute, number);
  error(expression.loc,
        "expected " + info.expected.str() +
            (info.kind == SettingKind::Integer ? " of epochs, found "
                                               : ", found ") +
            value.describe());
}

void Emitter::emitStratification(const Identifier &input) {
  const ModelDecl &declaration = program.models.front();
  std::vector<StringRef> names;
  for (const Parameter &known : declaration.inputs)
    names.push_back(known.name.name);
  if (llvm::is_contained(names, input.name))
    return setRecipe("stratified_by", builder.getStringAttr(input.name));
  error(input.loc,
        "the model has no input '" + input.name + "'" +
            suggestion(input.name, names),
        Note{declaration.name.loc, "the model is here"});
}

} // namespace nnc::dsl
