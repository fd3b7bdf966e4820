// Teaches a tokenizer where it must, then turns each text into ids, padded to
// what the input takes.
#include "runtime/data/Text.h"

#include "runtime/data/Labels.h"
#include "runtime/data/TextTokenizer.h"
#include "runtime/data/Texts.h"
#include "runtime/data/Windows.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

// More are for a file of tokens.
static constexpr int64_t mostTokensInMemory = int64_t(1) << 30;

//===----------------------------------------------------------------------===//
// The tokenizer
//===----------------------------------------------------------------------===//

static Status at(const Text &text, const Status &status) {
  return {status.code(), text.where + status.message()};
}

static StatusOr<TokenizerPointer> learn(const ReadRequest &request,
                                        const TextSettings &settings,
                                        const TensorInfo &input) {
  if (request.binding.split != "train")
    return Status(Code::InvalidArgument,
                  concat("no vocabulary of input ", quote(input.name),
                         ": it comes with weights that nnc train has saved"));
  Vocabulary vocabulary(settings.tokenizer.learned);
  int64_t numTexts = 0;
  Status status =
      readTexts(request, settings, [&](const Text &text) -> StatusOr<bool> {
        Status added = vocabulary.add(text.text);
        if (!added.isOk())
          return at(text, added);
        return ++numTexts < request.mostSamples || settings.isWindows();
      });
  if (!status.isOk())
    return status;
  int64_t mostIds = settings.tokenizer.mostIds;
  if (mostIds == 0)
    mostIds = input.indexLimit > 0 ? input.indexLimit : INT32_MAX;
  return vocabulary.finish(mostIds);
}

static StatusOr<TokenizerPointer> chooseTokenizer(const ReadRequest &request,
                                                  const TextSettings &settings,
                                                  const TensorInfo &input) {
  auto tokenizer = findTokenizer(settings.tokenizer, input.name, *request.facts,
                                 *request.directories);
  if (tokenizer.isOk() && !*tokenizer)
    tokenizer = learn(request, settings, input);
  if (!tokenizer.isOk())
    return tokenizer;
  if (Status status = checkIds(**tokenizer, input); !status.isOk())
    return status;
  const SpecialIds special = (*tokenizer)->special();
  if ((settings.hasBegin && special.begin < 0) ||
      (settings.hasEnd && special.end < 0))
    return Status(Code::InvalidArgument,
                  concat(settings.tokenizer.file, ": the tokenizer has no ",
                         special.begin < 0 ? "begin" : "end", " of a text"));
  return tokenizer;
}

/// Appends the ids of `text`, between those of its begin and its end.
static Status encode(const Tokenizer &tokenizer, const TextSettings &settings,
                     const Text &text, std::vector<int32_t> &ids) {
  if (settings.hasBegin && text.isBegin)
    ids.push_back(tokenizer.special().begin);
  if (Status status = tokenizer.encode(text.text, ids); !status.isOk())
    return at(text, status);
  if (settings.hasEnd && text.isEnd)
    ids.push_back(tokenizer.special().end);
  return {};
}

//===----------------------------------------------------------------------===//
// A sample a text
//===----------------------------------------------------------------------===//

namespace {
/// Grows the columns by one text after the other.
class TextColumns {
public:
  TextColumns(const ReadRequest &request, const TextSettings &settings,
              TokenizerPointer tokenizer, int64_t places)
      : request(request), settings(settings), tokenizer(std::move(tokenizer)),
        places(size_t(places)) {}

  Status add(const Text &text);
  int64_t numTexts() const { return int64_t(lengths.size()); }

  /// Of tokens, targets or lengths, which is input `index`.
  StatusOr<Column> finish(size_t index) const;

private:
  void shorten(size_t most);
  void pad(const int32_t *ids, size_t count, std::vector<int32_t> &to) const;

  const ReadRequest &request;
  const TextSettings &settings;
  const TokenizerPointer tokenizer;
  const size_t places;
  std::vector<int32_t> ids, tokens, targets, lengths;
};
} // namespace

void TextColumns::pad(const int32_t *ids, size_t count,
                      std::vector<int32_t> &to) const {
  const int32_t padding = std::max(tokenizer->special().padding, 0);
  if (settings.padsLeft)
    to.insert(to.end(), places - count, padding);
  to.insert(to.end(), ids, ids + count);
  if (!settings.padsLeft)
    to.insert(to.end(), places - count, padding);
}

/// Leaves out tokens between begin and end until there are no more than `most`.
void TextColumns::shorten(size_t most) {
  if (ids.size() <= most)
    return;
  const size_t excess = std::min(
      ids.size() - most, ids.size() - settings.hasBegin - settings.hasEnd);
  const auto from = settings.cutsBegin
                        ? ids.begin() + settings.hasBegin
                        : ids.end() - settings.hasEnd - std::ptrdiff_t(excess);
  ids.erase(from, from + std::ptrdiff_t(excess));
  ids.resize(std::min(ids.size(), most));
}

Status TextColumns::add(const Text &text) {
  const size_t shift = settings.has(TextPart::Targets);
  ids.clear();
  if (Status status = encode(*tokenizer, settings, text, ids); !status.isOk())
    return status;
  shorten(places + shift);
  const size_t count = ids.size() - std::min(ids.size(), shift);
  pad(ids.data(), count, tokens);
  if (shift)
    pad(ids.data() + !ids.empty(), count, targets);
  lengths.push_back(int32_t(count));
  return {};
}

StatusOr<Column> TextColumns::finish(size_t index) const {
  const TextPart part = settings.parts[index];
  const std::vector<int32_t> &values = part == TextPart::Tokens    ? tokens
                                       : part == TextPart::Targets ? targets
                                                                   : lengths;
  Column column;
  column.name = request.inputs[index]->name;
  column.elementType = ElementType::I32;
  if (part != TextPart::Lengths)
    column.sampleShape = {int64_t(places)};
  column.numSamples = numTexts();
  column.data = AlignedBytes(values.size() * sizeof(int32_t));
  if (!values.empty())
    std::memcpy(column.data.data(), values.data(), column.data.size());
  StatusOr<Column> fitted = request.fit(index, std::move(column));
  if (fitted.isOk() && part == TextPart::Tokens)
    fitted->vocabulary = tokenizer->save();
  return fitted;
}

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
  if (columns.isOk())
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
  for (size_t i = 0; i < request.inputs.size(); ++i)
    if (Status status = checkInput(request, *settings, i); !status.isOk())
      return status;
  const TensorInfo &input =
      *request.inputs[size_t(settings->find(TextPart::Tokens))];
  auto tokenizer = chooseTokenizer(request, *settings, input);
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
  const std::vector<std::string> directories = {""};
  ReadRequest request{binding, paths, paths.front(), {&input}};
  request.isOpen = {false};
  request.facts = &facts;
  request.directories = &directories;
  auto tokenizer = chooseTokenizer(request, *settings, input);
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
