// Cleans a text, cuts it into words, and words into tokens.
#include "runtime/text/WordPiece.h"

#include "runtime/text/BytePairs.h"
#include "runtime/text/Unicode.h"

#include <algorithm>
#include <unordered_map>

namespace nnc::runtime {

namespace {
class WordPiece : public Tokenizer {
public:
  explicit WordPiece(WordPieceModel from);

  Status encode(std::string_view text,
                std::vector<int32_t> &ids) const override;
  bool appendBytes(int32_t id, bool isFirst, std::string &bytes) const override;
  int64_t size() const override { return int64_t(model.tokens.size()); }
  SpecialIds special() const override { return specialIds; }
  std::string save() const override { return model.note; }

  bool hasUnknown() const { return unknownId >= 0; }

private:
  std::string clean(std::string_view text) const;
  void encodeText(std::string_view text, std::vector<int32_t> &ids) const;
  void encodeWord(std::string_view word, std::vector<int32_t> &ids) const;

  WordPieceModel model;
  AddedTokens added;
  SpecialIds specialIds;
  int32_t unknownId = -1;
  size_t longestToken = 0;
  std::unordered_map<std::string_view, int32_t> idOf;
  /// By id, whether it is one that stands for no text.
  std::vector<bool> isSilent;
};
} // namespace

WordPiece::WordPiece(WordPieceModel from) : model(std::move(from)) {
  for (const AddedToken &token : model.added) {
    if (size_t(token.id) >= model.tokens.size())
      model.tokens.resize(size_t(token.id) + 1);
    model.tokens[size_t(token.id)] = token.content;
  }
  std::unordered_map<std::string, int32_t> named;
  for (size_t id = 0; id < model.tokens.size(); ++id) {
    const std::string &token = model.tokens[id];
    // The last of several lines counts, as in BERT's own reader.
    idOf[token] = int32_t(id);
    named[token] = int32_t(id);
    longestToken = std::max(longestToken, token.size());
  }
  specialIds = findSpecialIds(named);
  if (auto found = idOf.find(model.unknown); found != idOf.end())
    unknownId = specialIds.unknown = found->second;
  isSilent.resize(model.tokens.size());
  for (const AddedToken &token : model.added)
    if (token.id != unknownId)
      isSilent[size_t(token.id)] = token.isSpecial;
  added = AddedTokens(std::move(model.added));
}

/// The blocks of CJK ideographs, which stand without blanks between them.
static bool isIdeograph(int32_t codePoint) {
  static constexpr std::pair<int32_t, int32_t> blocks[] = {
      {0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
      {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
      {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
  return std::any_of(
      std::begin(blocks), std::end(blocks), [&](const auto &block) {
        return codePoint >= block.first && codePoint <= block.second;
      });
}

static bool isRemoved(int32_t codePoint) {
  const bool isLayout =
      codePoint == '\t' || codePoint == '\n' || codePoint == '\r';
  return codePoint == 0 || codePoint == 0xfffd ||
         (!isLayout && isOther(codePoint));
}

/// Calls `work` with each character of a text that is UTF-8.
template <typename Work> static void forEach(std::string_view text, Work work) {
  while (!text.empty()) {
    const Character character = firstCharacter(text);
    work(character.codePoint);
    text.remove_prefix(std::max<size_t>(character.bytes, 1));
  }
}

std::string WordPiece::clean(std::string_view text) const {
  std::string result;
  forEach(text, [&](int32_t codePoint) {
    if (model.isCleaned && isRemoved(codePoint))
      return;
    const bool isApart = model.separatesIdeographs && isIdeograph(codePoint);
    result += isApart ? " " : "";
    if (model.isCleaned && isSpace(codePoint))
      result += ' ';
    else
      appendCharacter(codePoint, result);
    result += isApart ? " " : "";
  });
  if (model.stripsAccents) {
    const std::string decomposed = normalize(result, NormalForm::D);
    result.clear();
    forEach(decomposed, [&](int32_t codePoint) {
      if (!isNonspacingMark(codePoint))
        appendCharacter(codePoint, result);
    });
  }
  return model.isLower ? lowerCase(result) : result;
}

void WordPiece::encodeWord(std::string_view word,
                           std::vector<int32_t> &ids) const {
  int64_t characters = 0;
  forEach(word, [&](int32_t) { ++characters; });
  if (characters > model.mostCharacters) {
    ids.push_back(unknownId);
    return;
  }
  const size_t before = ids.size();
  std::string candidate;
  for (size_t begin = 0; begin < word.size();) {
    size_t length = std::min(word.size() - begin, longestToken);
    int32_t id = -1;
    for (; length > 0 && id < 0; --length) {
      candidate = begin > 0 ? model.prefix : "";
      candidate += word.substr(begin, length);
      if (auto found = idOf.find(candidate); found != idOf.end()) {
        id = found->second;
        break;
      }
    }
    if (id < 0) {
      ids.resize(before);
      ids.push_back(unknownId);
      return;
    }
    ids.push_back(id);
    begin += length;
  }
}

static bool isMark(int32_t codePoint) {
  const bool isAscii = codePoint > ' ' && codePoint < 0x7f;
  const bool isLetterOrDigit = (codePoint >= '0' && codePoint <= '9') ||
                               (codePoint >= 'A' && codePoint <= 'Z') ||
                               (codePoint >= 'a' && codePoint <= 'z');
  return isAscii ? !isLetterOrDigit : isPunctuation(codePoint);
}

/// Text between added tokens.
void WordPiece::encodeText(std::string_view text,
                           std::vector<int32_t> &ids) const {
  std::string word;
  auto end = [&] {
    if (!word.empty())
      encodeWord(word, ids);
    word.clear();
  };
  forEach(clean(text), [&](int32_t codePoint) {
    const bool isAlone = isMark(codePoint);
    if (isAlone || isSpace(codePoint))
      end();
    if (!isSpace(codePoint))
      appendCharacter(codePoint, word);
    if (isAlone)
      end();
  });
  end();
}

Status WordPiece::encode(std::string_view text,
                         std::vector<int32_t> &ids) const {
  if (Status status = checkUtf8(text); !status.isOk())
    return status;
  return added.encode(text, ids, [&](std::string_view part) -> Status {
    encodeText(part, ids);
    return {};
  });
}

bool WordPiece::appendBytes(int32_t id, bool isFirst,
                            std::string &bytes) const {
  if (id < 0 || id >= size() || isSilent[size_t(id)])
    return false;
  std::string_view token = model.tokens[size_t(id)];
  const bool goesOn = !model.prefix.empty() &&
                      token.substr(0, model.prefix.size()) == model.prefix;
  if (goesOn)
    token.remove_prefix(model.prefix.size());
  else if (!isFirst)
    bytes += ' ';
  bytes += token;
  return true;
}

StatusOr<TokenizerPointer> makeWordPiece(WordPieceModel model) {
  const std::string unknown = model.unknown;
  auto tokenizer = std::make_shared<WordPiece>(std::move(model));
  if (!tokenizer->hasUnknown())
    return Status(Code::InvalidFile,
                  concat("the vocabulary has no token ", quote(unknown),
                         ", which stands for an unknown word"));
  return TokenizerPointer(std::move(tokenizer));
}

} // namespace nnc::runtime
