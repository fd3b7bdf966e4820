// Teaches a tokenizer where it must, and pads ids to what an input takes.
#include "runtime/data/TextColumns.h"

#include "runtime/data/TextTokenizer.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

static Status at(const Text &text, const Status &status) {
  return {status.code(), text.where + status.message()};
}

static StatusOr<TokenizerPointer> learn(const ReadRequest &request,
                                        const TextSettings &settings,
                                        const TensorInfo &input,
                                        const ForEachText &texts) {
  if (request.binding.split != "train")
    return Status(Code::InvalidArgument,
                  concat("no vocabulary of input ", quote(input.name),
                         ": it comes with weights that nnc train has saved"));
  Vocabulary vocabulary(settings.tokenizer.learned);
  int64_t numTexts = 0;
  Status status = texts([&](const Text &text) -> StatusOr<bool> {
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

StatusOr<TokenizerPointer> chooseTokenizer(const ReadRequest &request,
                                           const TextSettings &settings,
                                           const TensorInfo &input,
                                           const ForEachText &texts) {
  auto tokenizer = findTokenizer(settings.tokenizer, input.name, *request.facts,
                                 request.directories);
  if (tokenizer.isOk() && !*tokenizer)
    tokenizer = learn(request, settings, input, texts);
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

Status encode(const Tokenizer &tokenizer, const TextSettings &settings,
              const Text &text, std::vector<int32_t> &ids) {
  if (settings.hasBegin && text.isBegin)
    ids.push_back(tokenizer.special().begin);
  if (Status status = tokenizer.encode(text.text, ids); !status.isOk())
    return at(text, status);
  if (settings.hasEnd && text.isEnd)
    ids.push_back(tokenizer.special().end);
  return {};
}

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
  const size_t most = places + shift;
  if (isWhole && ids.size() > most)
    return {Code::InvalidFile,
            concat(text.where, ids.size(), " tokens, the input takes ", most,
                   "; truncate = \"end\" leaves the others out")};
  shorten(most);
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
  if (fitted.isOk())
    fitted->padding = {std::max(tokenizer->special().padding, 0),
                       settings.padsLeft};
  // Once, with the input that it is of.
  if (fitted.isOk() && part == TextPart::Tokens &&
      settings.vocabularyOf.empty())
    fitted->vocabulary = tokenizer->save();
  return fitted;
}

} // namespace nnc::runtime
