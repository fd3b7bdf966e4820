// What a training block says of the run: when it stops by itself, on which
// samples it is judged, and which sizes short batches have.
#include "frontend/Frontend.h"
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

//===-- Buckets ----------------------------------------------------------===//

/// Reads sizes that ascend, `expected` of them unless that is 0.
bool Emitter::readBucketSizes(const BucketDecl &bucket, size_t expected,
                              SmallVectorImpl<int64_t> &sizes) {
  constexpr size_t kMostBuckets = 16;
  Datum value = evaluate(*bucket.sizes);
  if (value.isError())
    return false;
  auto wrong = [&](const Twine &message) {
    error(bucket.sizes->loc, message);
    return false;
  };
  const std::string form =
      "buckets are a list of whole numbers that ascend, as in "
      "[25, 50], found ";
  if (!value.isList())
    return wrong(form + value.describe());
  for (const Datum &size : value.list()) {
    if (!size.isInteger() || size.integer() < 1 ||
        (!sizes.empty() && size.integer() < sizes.back()))
      return wrong(form + size.describe() +
                   (sizes.empty() ? "" : " behind " + Twine(sizes.back())));
    sizes.push_back(size.integer());
  }
  if (sizes.empty() || sizes.size() > kMostBuckets)
    return wrong("there may be 1 to " + Twine(kMostBuckets) +
                 " buckets, found " + Twine(sizes.size()));
  return !expected || sizes.size() == expected ||
         wrong("the first constant has " + Twine(expected) +
               " buckets, and this one " + Twine(sizes.size()));
}

/// The overrides of each bucket that is shorter than the program.
void Emitter::emitBuckets(const TrainingDecl &training) {
  std::vector<std::vector<std::string>> overrides;
  std::vector<bool> isShorter, isLonger;
  for (const BucketDecl &bucket : training.buckets) {
    const auto *constant = constants.find(bucket.constant->name);
    if (constant == constants.end() || !constant->second.value.isInteger()) {
      error(bucket.constant->loc,
            "'" + bucket.constant->name +
                "' is no constant of the program that is a whole number");
      return;
    }
    SmallVector<int64_t> sizes;
    if (!readBucketSizes(bucket, overrides.size(), sizes))
      return;
    overrides.resize(sizes.size());
    isShorter.resize(sizes.size());
    isLonger.resize(sizes.size());
    const int64_t whole = constant->second.value.integer();
    for (auto [i, size] : llvm::enumerate(sizes)) {
      overrides[i].push_back((bucket.constant->name + "=" + Twine(size)).str());
      isShorter[i] = isShorter[i] || size < whole;
      isLonger[i] = isLonger[i] || size > whole;
    }
  }
  SmallVector<Attribute> buckets;
  for (size_t i = 0; i < overrides.size(); ++i)
    if (isShorter[i] && !isLonger[i])
      buckets.push_back(builder.getStrArrayAttr(
          SmallVector<StringRef>(overrides[i].begin(), overrides[i].end())));
  if (!buckets.empty())
    module->setAttr(kBucketsAttr, builder.getArrayAttr(buckets));
}

} // namespace nnc::dsl
