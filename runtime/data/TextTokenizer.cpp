// Compares what is asked for with what is known.
#include "runtime/data/TextTokenizer.h"

#include "runtime/data/FindFile.h"
#include "runtime/data/SharedVocabulary.h"
#include "runtime/text/TokenizerFile.h"

#include <algorithm>

namespace nnc::runtime {

static Status otherTokenizer(const std::string &input) {
  return {Code::InvalidArgument,
          concat("input ", quote(input),
                 ": its tokenizer is not the one that the weights were trained "
                 "with")};
}

static StatusOr<TokenizerPointer>
openFile(const TokenizerChoice &choice, const std::string &input,
         const std::string *known,
         const std::vector<std::string> &directories) {
  StatusOr<std::string> path = findFile(choice.file, directories);
  if (!path.isOk())
    return path.status();
  std::string merges;
  if (!choice.merges.empty()) {
    StatusOr<std::string> found = findFile(choice.merges, directories);
    if (!found.isOk())
      return found.status();
    merges = *found;
  }
  auto tokenizer = openTokenizer(*path, merges, choice.learned.isLower);
  if (tokenizer.isOk() && known && (*tokenizer)->save() != *known)
    return Status(Code::InvalidArgument,
                  concat(*path, ": ", otherTokenizer(input).message()));
  return tokenizer;
}

/// Of a text's own, what is known of it.
static StatusOr<TokenizerPointer> restore(const TokenizerChoice &choice,
                                          const std::string &input,
                                          const std::string &known) {
  LearnedSettings settings;
  auto tokenizer = restoreTokenizer(
      known, concat("the vocabulary of input ", quote(input)), &settings);
  if (tokenizer.isOk() && !(settings == choice.learned))
    return otherTokenizer(input);
  return tokenizer;
}

StatusOr<TokenizerPointer>
findTokenizer(const TokenizerChoice &choice, const std::string &input,
              const DataFacts &facts,
              const std::vector<std::string> &directories) {
  auto found =
      facts.vocabularies.find(choice.owner.empty() ? input : choice.owner);
  const std::string *known =
      found == facts.vocabularies.end() ? nullptr : &found->second;
  if (!choice.file.empty())
    return openFile(choice, input, known, directories);
  if (known)
    return restore(choice, input, *known);
  if (choice.learned.unit == Unit::Byte)
    return Vocabulary(choice.learned).finish(0);
  return TokenizerPointer();
}

const DataBinding *textBindingOf(const Recipe &recipe,
                                 const std::string &input) {
  const DataBinding *found = nullptr;
  for (const DataBinding &binding : recipe.data) {
    const bool isText = binding.reader == "text" ||
                        binding.reader == "tokens" || binding.reader == "wav";
    const bool isBound = std::find(binding.inputs.begin(), binding.inputs.end(),
                                   input) != binding.inputs.end();
    if (isText && isBound && (!found || binding.split == "train"))
      found = &binding;
  }
  return found;
}

StatusOr<TokenizerPointer> tokenizerOf(const Recipe &recipe,
                                       const std::string &input,
                                       const DataFacts &facts,
                                       const ReadOptions &options) {
  const DataBinding *binding = textBindingOf(recipe, input);
  auto known = facts.vocabularies.find(input);
  TextSettings settings;
  if (binding) {
    StatusOr<TextSettings> read = readTextSettings(*binding);
    if (!read.isOk())
      return read.status();
    settings = std::move(*read);
    if (Status status = shareTokenizer(recipe, *binding, settings);
        !status.isOk())
      return status;
  }
  const bool isByBinding = binding && (binding->reader != "tokens" ||
                                       !settings.tokenizer.file.empty());
  if (isByBinding) {
    auto found = findTokenizer(settings.tokenizer, input, facts,
                               directoriesOf(*binding, options));
    if (!found.isOk() || *found)
      return found;
  } else if (known != facts.vocabularies.end()) {
    return restoreTokenizer(known->second,
                            concat("the vocabulary of input ", quote(input)));
  }
  return Status(Code::InvalidArgument,
                concat("no vocabulary of input ", quote(input),
                       ": it comes with weights that nnc train has saved"));
}

Status checkIds(const Tokenizer &tokenizer, const TensorInfo &input) {
  if (input.indexLimit == 0 || tokenizer.size() <= input.indexLimit)
    return {};
  return {Code::InvalidArgument,
          concat("the tokenizer has ", tokenizer.size(), " ids, input ",
                 quote(input.name), " takes 0 to ", input.indexLimit - 1)};
}

} // namespace nnc::runtime
