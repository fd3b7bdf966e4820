// Finds who shares what, and counts their texts together.
#include "runtime/data/SharedVocabulary.h"

#include "runtime/data/TextTokenizer.h"
#include "runtime/data/Texts.h"

#include <algorithm>

namespace nnc::runtime {

static const std::string *argumentOf(const DataBinding &binding,
                                     std::string_view name) {
  for (const auto &[key, value] : binding.arguments)
    if (key == name)
      return &value;
  return nullptr;
}

/// The input whose vocabulary the texts of a binding have by what it says;
/// empty where it says nothing.
static std::string sharedOf(const DataBinding &binding) {
  const std::string *owner = argumentOf(binding, "vocabulary_of");
  return binding.reader == "text" && owner ? *owner : "";
}

static bool isShared(const Recipe &recipe, const std::string &owner) {
  return std::any_of(
      recipe.data.begin(), recipe.data.end(),
      [&](const DataBinding &binding) { return sharedOf(binding) == owner; });
}

/// Those of `split` whose texts have the vocabulary of `owner`, its own first;
/// of all splits where that is empty.
static std::vector<const DataBinding *> findSharers(const Recipe &recipe,
                                                    const std::string &owner,
                                                    std::string_view split) {
  std::vector<const DataBinding *> sharers;
  for (const DataBinding &binding : recipe.data) {
    if (!split.empty() && binding.split != split)
      continue;
    const bool isOwn = std::find(binding.inputs.begin(), binding.inputs.end(),
                                 owner) != binding.inputs.end();
    if (isOwn && binding.reader == "text")
      sharers.insert(sharers.begin(), &binding);
    else if (sharedOf(binding) == owner)
      sharers.push_back(&binding);
  }
  return sharers;
}

/// What a binding must not say beside vocabulary_of.
static Status checkSharer(const Recipe &recipe, const DataBinding &binding,
                          const TextSettings &settings) {
  const std::string &owner = settings.vocabularyOf;
  for (const char *name :
       {"tokenizer", "merges", "vocabulary", "lower", "filters"})
    if (argumentOf(binding, name))
      return {Code::InvalidArgument,
              concat(binding.reader, ": '", name,
                     "' is said where the tokenizer is that of input ",
                     quote(owner))};
  const DataBinding *own = textBindingOf(recipe, owner);
  if (binding.reader == "text" && own && own->reader == "text" &&
      sharedOf(*own).empty())
    return {};
  return {Code::InvalidArgument,
          concat(binding.reader, ": vocabulary_of = ", quote(owner),
                 ": expected an input that the reader text gives tokens, with "
                 "a vocabulary of its own")};
}

Status shareTokenizer(const Recipe &recipe, const DataBinding &binding,
                      TextSettings &settings) {
  const int64_t tokens = settings.find(TextPart::Tokens);
  if (!settings.vocabularyOf.empty())
    if (Status status = checkSharer(recipe, binding, settings); !status.isOk())
      return status;
  const std::string owner = !settings.vocabularyOf.empty()
                                ? settings.vocabularyOf
                            : tokens >= 0 ? binding.inputs[size_t(tokens)]
                                          : "";
  if (owner.empty() || !isShared(recipe, owner))
    return {};
  const DataBinding *own = textBindingOf(recipe, owner);
  StatusOr<TextSettings> ofOwner = readTextSettings(own ? *own : binding);
  if (!ofOwner.isOk())
    return ofOwner.status();
  settings.tokenizer = ofOwner->tokenizer;
  settings.tokenizer.owner = owner;
  for (const DataBinding *sharer : findSharers(recipe, owner, "")) {
    StatusOr<TextSettings> other = readTextSettings(*sharer);
    if (!other.isOk())
      return other.status();
    settings.tokenizer.learned.hasBegin |= other->hasBegin;
    settings.tokenizer.learned.hasEnd |= other->hasEnd;
  }
  return {};
}

/// The ids that all inputs of tokens take which bindings give.
static int64_t mostIdsOf(const EntryPoint &entry,
                         const std::vector<const DataBinding *> &sharers) {
  int64_t most = INT32_MAX;
  for (const DataBinding *binding : sharers)
    for (const TensorInfo &input : entry.inputs)
      if (std::find(binding->inputs.begin(), binding->inputs.end(),
                    input.name) != binding->inputs.end() &&
          input.shape.size() == 2 && input.indexLimit > 0)
        most = std::min(most, input.indexLimit);
  return most;
}

static Status addTexts(const DataBinding &binding, const ReadContext &context,
                       Vocabulary &vocabulary) {
  StatusOr<TextSettings> settings = readTextSettings(binding);
  if (!settings.isOk())
    return settings.status();
  ReadRequest request{binding, {}, "", {}};
  if (context.source)
    *context.source = binding.source;
  if (Status status = fillRequest(request, context); !status.isOk())
    return status;
  return readTexts(request, *settings, [&](const Text &text) -> StatusOr<bool> {
    Status added = vocabulary.add(text.text);
    if (!added.isOk())
      return Status(added.code(), text.where + added.message());
    return true;
  });
}

Status learnShared(const EntryPoint &entry, const ReadContext &context) {
  for (const DataBinding &binding : context.recipe.data) {
    const std::string owner = sharedOf(binding);
    if (binding.split != "train" || owner.empty() ||
        context.facts.vocabularies.count(owner))
      continue;
    if (context.source)
      *context.source = binding.source;
    StatusOr<TextSettings> settings = readTextSettings(binding);
    if (!settings.isOk())
      return settings.status();
    if (Status status = shareTokenizer(context.recipe, binding, *settings);
        !status.isOk())
      return status;
    const TokenizerChoice &choice = settings->tokenizer;
    if (!choice.file.empty() || choice.learned.unit == Unit::Byte)
      continue;
    const auto sharers = findSharers(context.recipe, owner, "train");
    Vocabulary vocabulary(choice.learned);
    for (const DataBinding *sharer : sharers)
      if (Status status = addTexts(*sharer, context, vocabulary);
          !status.isOk())
        return status;
    const int64_t most =
        choice.mostIds ? choice.mostIds : mostIdsOf(entry, sharers);
    context.facts.vocabularies.emplace(owner, vocabulary.finish(most)->save());
  }
  return {};
}

} // namespace nnc::runtime
