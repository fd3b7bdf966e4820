// Takes what is known of a tokenizer's description, and refuses the rest.
#include "runtime/text/TokenizerJson.h"

#include "runtime/text/BytePairs.h"
#include "runtime/text/Json.h"
#include "runtime/text/Unigram.h"
#include "runtime/text/WordPiece.h"

#include <algorithm>

namespace nnc::runtime {

using nlohmann::json;

// Ids make vectors, and the largest vocabularies have a tenth of these.
static constexpr int64_t mostIds = int64_t(1) << 22;
static constexpr size_t mostAdded = 1 << 16;
static constexpr size_t mostSplits = 16;
// A word is cut in squared time.
static constexpr int64_t mostWordCharacters = 1000;

static Status wrong(const TokenizerSource &source, const std::string &problem) {
  return {Code::InvalidFile, concat(source.path, ": ", problem)};
}

static std::string typeOf(const json &step) {
  if (step.is_null())
    return "none";
  const std::string *type = stringOf(step, "type");
  return type ? *type : "unnamed";
}

static Status notKnown(const TokenizerSource &source, const char *what,
                       const json &step, const char *known) {
  return wrong(
      source, concat(what, " is ", quote(typeOf(step)), ", nnc knows ", known));
}

static bool readId(const json &value, int32_t &id) {
  const bool isId = value.is_number_integer() && value.get<int64_t>() >= 0 &&
                    value.get<int64_t>() < mostIds;
  id = isId ? value.get<int32_t>() : 0;
  return isId;
}

/// An object of ids by token, as tokens by id.
static Status readVocabulary(const TokenizerSource &source, const json &vocab,
                             std::vector<std::string> &tokens) {
  if (!vocab.is_object() || vocab.empty())
    return wrong(source, "no vocabulary: an object of ids by token");
  for (const auto &[token, value] : vocab.items()) {
    int32_t id = 0;
    if (!readId(value, id))
      return wrong(source, concat("token ", quote(token),
                                  " has no id from 0 to ", mostIds - 1));
    if (token.empty() || token.size() > mostTokenBytes)
      return wrong(source, concat("the token of id ", id, " has ", token.size(),
                                  " bytes, expected 1 to ", mostTokenBytes));
    if (size_t(id) >= tokens.size())
      tokens.resize(size_t(id) + 1);
    if (!tokens[size_t(id)].empty())
      return wrong(source,
                   concat("id ", id, " is that of ", quote(tokens[size_t(id)]),
                          " and of ", quote(token)));
    tokens[size_t(id)] = token;
  }
  return {};
}

/// Ids that only added tokens have make the vocabulary no longer than needed.
static Status readAdded(const TokenizerSource &source, const json &list,
                        std::vector<AddedToken> &added) {
  if (!list.is_null() && (!list.is_array() || list.size() > mostAdded))
    return wrong(source, "'added_tokens' is no list of at most 65536 tokens");
  for (const json &item : list) {
    AddedToken token;
    const std::string *content = stringOf(item, "content");
    if (!content || content->empty() || content->size() > mostTokenBytes ||
        !readId(memberOf(item, "id"), token.id))
      return wrong(source, "an added token has no 'id' and 'content'");
    if (flagOf(item, "single_word", false))
      return wrong(source, concat("the added token ", quote(*content),
                                  " is for whole words only, which nnc does "
                                  "not know"));
    token.content = *content;
    token.stripsLeft = flagOf(item, "lstrip", false);
    token.stripsRight = flagOf(item, "rstrip", false);
    token.isSpecial = flagOf(item, "special", false);
    added.push_back(std::move(token));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Byte pairs
//===----------------------------------------------------------------------===//

/// From characters that stand for bytes to these; tokens that stand in the text
/// as they are need be none.
static void toBytes(std::string &token) {
  if (std::optional<std::string> bytes = bytesOfToken(token))
    token = std::move(*bytes);
}

/// A merge, "a b" or ["a", "b"].
static bool readMerge(const json &item,
                      std::pair<std::string, std::string> &merge) {
  if (const auto *text = item.get_ptr<const std::string *>()) {
    const size_t space = text->find(' ');
    if (space == std::string::npos)
      return false;
    merge = {text->substr(0, space), text->substr(space + 1)};
  } else if (item.is_array() && item.size() == 2 && item[0].is_string() &&
             item[1].is_string()) {
    merge = {item[0].get<std::string>(), item[1].get<std::string>()};
  } else {
    return false;
  }
  toBytes(merge.first);
  toBytes(merge.second);
  return true;
}

static Status addPattern(const TokenizerSource &source,
                         const std::string &pattern, bool isMatchesOnly,
                         BytePairsModel &model) {
  auto compiled = Pattern::compile(pattern);
  if (!compiled.isOk())
    return wrong(source, compiled.status().message());
  if (model.splits.size() == mostSplits)
    return wrong(source, "more than 16 steps of 'pre_tokenizer'");
  model.splits.push_back({*compiled, isMatchesOnly});
  return {};
}

/// One step of the way from a text to its pieces. `hasBytes` receives whether
/// it turns them into bytes.
static Status readSplit(const TokenizerSource &source, const json &step,
                        BytePairsModel &model, bool &hasBytes) {
  const std::string type = typeOf(step);
  if (type == "Sequence") {
    for (const json &part : memberOf(step, "pretokenizers"))
      if (Status status = readSplit(source, part, model, hasBytes);
          !status.isOk())
        return status;
    return {};
  }
  if (type == "ByteLevel") {
    hasBytes = true;
    model.hasPrefixSpace |= flagOf(step, "add_prefix_space", true);
    return flagOf(step, "use_regex", true)
               ? addPattern(source, gpt2Pattern, false, model)
               : Status();
  }
  const std::string *pattern = stringOf(memberOf(step, "pattern"), "Regex");
  const std::string *behavior = stringOf(step, "behavior");
  const bool isInverse = flagOf(step, "invert", false);
  const bool isIsolated = behavior && *behavior == "Isolated" && !isInverse;
  const bool isKept = behavior && *behavior == "Removed" && isInverse;
  if (type == "Split" && pattern && (isIsolated || isKept))
    return addPattern(source, *pattern, isKept, model);
  return notKnown(source, "a step of 'pre_tokenizer'", step,
                  "ByteLevel, Split by a pattern that isolates its matches, "
                  "and sequences of them");
}

/// Which of the forms of Unicode a text is brought into: C, or none.
static Status readNormalizer(const TokenizerSource &source, const json &step,
                             BytePairsModel &model) {
  const std::string type = typeOf(step);
  if (type == "Sequence") {
    for (const json &part : memberOf(step, "normalizers"))
      if (Status status = readNormalizer(source, part, model); !status.isOk())
        return status;
    return {};
  }
  model.isComposed |= type == "NFC";
  if (type == "NFC" || type == "none")
    return {};
  return notKnown(source, "'normalizer' of byte pairs", step, "NFC");
}

static Status readMerges(const TokenizerSource &source, const json &list,
                         BytePairsModel &model) {
  if (!list.is_array())
    return wrong(source, "no 'merges'");
  if (int64_t(list.size()) > mostIds)
    return wrong(source, concat("more than ", mostIds, " merges"));
  for (const json &item : list)
    if (!readMerge(item, model.merges.emplace_back()))
      return wrong(source,
                   concat("merge ", model.merges.size(), " is no pair"));
  return {};
}

static StatusOr<TokenizerPointer> finish(const TokenizerSource &source,
                                         StatusOr<TokenizerPointer> made) {
  if (made.isOk())
    return made;
  return wrong(source, made.status().message());
}

static StatusOr<TokenizerPointer> readBytePairs(const TokenizerSource &source,
                                                const json &file,
                                                const json &found) {
  BytePairsModel model;
  model.note = source.note;
  bool hasBytes = false;
  Status status = readNormalizer(source, memberOf(file, "normalizer"), model);
  if (status.isOk())
    status =
        readSplit(source, memberOf(file, "pre_tokenizer"), model, hasBytes);
  if (status.isOk() && !hasBytes)
    status = wrong(source, "byte pairs that are not of bytes, but of "
                           "characters; nnc reads those as a .model file of "
                           "SentencePiece");
  const std::string *suffix = stringOf(found, "end_of_word_suffix");
  if (status.isOk() && suffix && !suffix->empty())
    status = wrong(source, "byte pairs with 'end_of_word_suffix', which nnc "
                           "does not know");
  if (status.isOk())
    status = readVocabulary(source, memberOf(found, "vocab"), model.tokens);
  if (status.isOk())
    status = readMerges(source, memberOf(found, "merges"), model);
  if (status.isOk())
    status = readAdded(source, memberOf(file, "added_tokens"), model.added);
  if (!status.isOk())
    return status;
  model.ignoresMerges = flagOf(found, "ignore_merges", false);
  for (std::string &token : model.tokens)
    toBytes(token);
  return finish(source, makeBytePairs(std::move(model)));
}

//===----------------------------------------------------------------------===//
// WordPiece
//===----------------------------------------------------------------------===//

static StatusOr<TokenizerPointer> readWordPiece(const TokenizerSource &source,
                                                const json &file,
                                                const json &found) {
  const json &normalizer = memberOf(file, "normalizer");
  if (typeOf(normalizer) != "BertNormalizer")
    return notKnown(source, "'normalizer' of WordPiece", normalizer,
                    "BertNormalizer");
  const json &splitter = memberOf(file, "pre_tokenizer");
  if (typeOf(splitter) != "BertPreTokenizer")
    return notKnown(source, "'pre_tokenizer' of WordPiece", splitter,
                    "BertPreTokenizer");
  WordPieceModel model;
  model.note = source.note;
  if (Status status =
          readVocabulary(source, memberOf(found, "vocab"), model.tokens);
      !status.isOk())
    return status;
  if (Status status =
          readAdded(source, memberOf(file, "added_tokens"), model.added);
      !status.isOk())
    return status;
  if (const std::string *prefix = stringOf(found, "continuing_subword_prefix"))
    model.prefix = *prefix;
  if (const std::string *unknown = stringOf(found, "unk_token"))
    model.unknown = *unknown;
  const json &most = memberOf(found, "max_input_chars_per_word");
  if (most.is_number_integer())
    model.mostCharacters = most.get<int64_t>();
  if (model.mostCharacters < 0 || model.mostCharacters > mostWordCharacters)
    return wrong(source,
                 concat("'max_input_chars_per_word' is ", model.mostCharacters,
                        ", expected 0 to ", mostWordCharacters));
  model.isLower = flagOf(normalizer, "lowercase", true);
  model.stripsAccents = flagOf(normalizer, "strip_accents", model.isLower);
  model.separatesIdeographs = flagOf(normalizer, "handle_chinese_chars", true);
  model.isCleaned = flagOf(normalizer, "clean_text", true);
  return finish(source, makeWordPiece(std::move(model)));
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

StatusOr<TokenizerPointer> readTokenizerJson(const TokenizerSource &source) {
  StatusOr<json> file = parseJson(source.contents, source.path);
  if (!file.isOk())
    return file.status();
  const json &model = memberOf(*file, "model");
  const std::string *type = stringOf(model, "type");
  // Old files of byte pairs do not say what they are.
  if ((type && *type == "BPE") ||
      (!type && memberOf(model, "merges").is_array()))
    return readBytePairs(source, *file, model);
  if (type && *type == "WordPiece")
    return readWordPiece(source, *file, model);
  if (type && *type == "Unigram") {
    std::vector<AddedToken> added;
    Status status = readAdded(source, memberOf(*file, "added_tokens"), added);
    return status.isOk() ? readUnigram(source, *file, std::move(added))
                         : StatusOr<TokenizerPointer>(status);
  }
  return notKnown(source, "'model'", model, "BPE, WordPiece and Unigram");
}

/// The lines of merges.txt, of which the first may say the version.
static Status readMergeLines(const TokenizerSource &source,
                             BytePairsModel &model) {
  std::string_view rest = source.contents;
  for (int64_t line = 1; !rest.empty(); ++line) {
    std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    if (!text.empty() && text.back() == '\r')
      text.remove_suffix(1);
    if (text.empty() || (line == 1 && text.substr(0, 8) == "#version"))
      continue;
    if (int64_t(model.merges.size()) == mostIds)
      return wrong(source, concat("more than ", mostIds, " merges"));
    auto &merge = model.merges.emplace_back();
    if (!readMerge(std::string(text), merge) || merge.first.empty() ||
        merge.second.empty())
      return {Code::InvalidFile,
              concat(source.path, ":", line, ": found ", quote(text),
                     ", expected two parts with a blank between them")};
  }
  return {};
}

StatusOr<TokenizerPointer> readGpt2(const TokenizerSource &vocabulary,
                                    const TokenizerSource &merges) {
  StatusOr<json> file = parseJson(vocabulary.contents, vocabulary.path);
  if (!file.isOk())
    return file.status();
  BytePairsModel model;
  model.note = vocabulary.note;
  Status status = readVocabulary(vocabulary, *file, model.tokens);
  if (status.isOk())
    status = readMergeLines(merges, model);
  if (status.isOk())
    status = addPattern(vocabulary, gpt2Pattern, false, model);
  if (!status.isOk())
    return status;
  constexpr const char *end = "<|endoftext|>";
  if (auto found = file->find(end); found != file->end())
    model.added.push_back({found->get<int32_t>(), end});
  for (std::string &token : model.tokens)
    toBytes(token);
  return finish(merges, makeBytePairs(std::move(model)));
}

} // namespace nnc::runtime
