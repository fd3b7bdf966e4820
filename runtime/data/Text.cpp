// Turns each text into a sample, or a long one into windows.
#include "runtime/data/Text.h"

#include "runtime/data/Labels.h"
#include "runtime/data/SharedVocabulary.h"
#include "runtime/data/TextColumns.h"
#include "runtime/data/Windows.h"

#include <optional>

namespace nnc::runtime {

// More are for a file of tokens.
static constexpr int64_t mostTokensInMemory = int64_t(1) << 30;

static ForEachText textsOf(const ReadRequest &request,
                           const TextSettings &settings) {
  return
      [&](const TakeText &take) { return readTexts(request, settings, take); };
}

//===----------------------------------------------------------------------===//
// A sample a text
//===----------------------------------------------------------------------===//

static StatusOr<std::vector<Column>> readSamples(const ReadRequest &request,
                                                 const TextSettings &settings,
                                                 TokenizerPointer tokenizer) {
  const TensorInfo &input =
      *request.inputs[size_t(settings.find(TextPart::Tokens))];
  TextColumns texts(request, settings, std::move(tokenizer), input.shape[1]);
  const int64_t labelIndex = settings.find(TextPart::Label);
  const bool areNames = areLabelsNames(request, settings);
  std::optional<Labels> labels;
  if (labelIndex >= 0)
    labels.emplace(request, size_t(labelIndex), areNames);
  Status status =
      readTexts(request, settings, [&](const Text &text) -> StatusOr<bool> {
        Status added = texts.add(text);
        if (added.isOk() && labels)
          added = labels->add(text.label, text.where);
        if (!added.isOk())
          return added;
        return texts.numTexts() < request.mostSamples;
      });
  if (!status.isOk())
    return status;
  std::vector<Column> columns;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    // A list of files names the classes in its order; folders are sorted.
    StatusOr<Column> column =
        int64_t(i) == labelIndex ? labels->finish(!areNames) : texts.finish(i);
    if (!column.isOk())
      return column.status();
    columns.push_back(std::move(*column));
  }
  return columns;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

static StatusOr<std::vector<Column>>
readWindows(const ReadRequest &request, const TextSettings &settings,
            const TokenizerPointer &tokenizer) {
  auto tokens = std::make_shared<TokenMemory>(request.path, tokenizer->size());
  std::vector<int32_t> ids;
  Status status =
      readTexts(request, settings, [&](const Text &text) -> StatusOr<bool> {
        ids.clear();
        Status encoded = encode(*tokenizer, settings, text, ids);
        if (!encoded.isOk())
          return encoded;
        tokens->append(ids);
        if (tokens->size() <= mostTokensInMemory)
          return true;
        return Status(Code::InvalidFile,
                      concat(text.where,
                             "more than 2^30 tokens; nnc tokenize makes a file "
                             "of them, which the reader tokens needs not hold "
                             "in memory"));
      });
  if (!status.isOk())
    return status;
  auto columns = cutWindows(request, settings, std::move(tokens));
  if (columns.isOk() && settings.vocabularyOf.empty())
    (*columns)[size_t(settings.find(TextPart::Tokens))].vocabulary =
        tokenizer->save();
  return columns;
}

/// Whether input `index` has the shape that its part has.
static Status checkInput(const ReadRequest &request,
                         const TextSettings &settings, size_t index) {
  const TensorInfo &input = *request.inputs[index];
  const TextPart part = settings.parts[index];
  const bool isRow = part == TextPart::Tokens || part == TextPart::Targets;
  const bool isFitting =
      isRow ? input.shape.size() == 2 && isInteger(input.elementType)
            : input.shape.size() == 1;
  if (isFitting && !(isRow && request.isOpen[index]))
    return {};
  return {Code::InvalidArgument,
          concat(request.binding.reader, " fills ",
                 isRow ? "tokens such as i32[batch, 100], which have no steps"
                       : "lengths and labels such as i32[batch]",
                 "; input ", quote(input.name), " is ",
                 describe(input.elementType, input.shape))};
}

StatusOr<std::vector<Column>> readText(const ReadRequest &request) {
  StatusOr<TextSettings> settings = readTextSettings(request.binding);
  if (!settings.isOk())
    return settings.status();
  if (request.recipe)
    if (Status status =
            shareTokenizer(*request.recipe, request.binding, *settings);
        !status.isOk())
      return status;
  for (size_t i = 0; i < request.inputs.size(); ++i)
    if (Status status = checkInput(request, *settings, i); !status.isOk())
      return status;
  const TensorInfo &input =
      *request.inputs[size_t(settings->find(TextPart::Tokens))];
  auto tokenizer =
      chooseTokenizer(request, *settings, input, textsOf(request, *settings));
  if (!tokenizer.isOk())
    return tokenizer.status();
  return settings->isWindows() ? readWindows(request, *settings, *tokenizer)
                               : readSamples(request, *settings, *tokenizer);
}

//===----------------------------------------------------------------------===//
// Without a model
//===----------------------------------------------------------------------===//

StatusOr<TokenizedTexts>
tokenizeTexts(const DataBinding &binding, const std::vector<std::string> &paths,
              const std::function<Status(const Tokenizer &)> &start,
              const std::function<Status(const std::vector<int32_t> &)> &take) {
  StatusOr<TextSettings> settings = readTextSettings(binding);
  if (!settings.isOk())
    return settings.status();
  TensorInfo input;
  input.name = binding.inputs.front();
  const DataFacts facts;
  ReadRequest request{binding, paths, paths.front(), {&input}};
  request.isOpen = {false};
  request.facts = &facts;
  request.directories = {""};
  auto tokenizer =
      chooseTokenizer(request, *settings, input, textsOf(request, *settings));
  if (!tokenizer.isOk())
    return tokenizer.status();
  TokenizedTexts result{*tokenizer};
  if (Status status = start(**tokenizer); !status.isOk())
    return status;
  std::vector<int32_t> ids;
  Status status =
      readTexts(request, *settings, [&](const Text &text) -> StatusOr<bool> {
        ids.clear();
        Status encoded = encode(**tokenizer, *settings, text, ids);
        if (encoded.isOk())
          encoded = take(ids);
        result.numTexts += text.isBegin;
        if (!encoded.isOk())
          return encoded;
        return true;
      });
  if (!status.isOk())
    return status;
  return result;
}

} // namespace nnc::runtime
