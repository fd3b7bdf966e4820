// Splits text into its units, and numbers them.
#include "runtime/text/Learned.h"

#include "runtime/PlanNames.h"
#include "runtime/text/Json.h"
#include "runtime/text/Unicode.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

namespace nnc::runtime {

using nlohmann::json;

// A longer word is no word of any language.
static constexpr size_t mostWordBytes = 1000;
static constexpr size_t mostDifferent = size_t(1) << 24;
static constexpr size_t mostDifferentBytes = size_t(1) << 30;
static constexpr int64_t mostKept = int64_t(1) << 22;
static constexpr int64_t numByteIds = 256;

static constexpr const char *unitNames[] = {"byte", "character", "word"};

const char *nameOf(Unit unit) { return unitNames[int(unit)]; }

const Unit *findUnit(std::string_view name) {
  static constexpr Unit units[] = {Unit::Byte, Unit::Character, Unit::Word};
  for (size_t i = 0; i < std::size(units); ++i)
    if (name == unitNames[i])
      return &units[i];
  return nullptr;
}

namespace {
/// From text to its units, one after the other.
class Splitter {
public:
  using Take = std::function<Status(const std::string &)>;

  explicit Splitter(const LearnedSettings &settings);
  Status split(std::string_view text, const Take &take) const;

private:
  Status splitWords(std::string_view text, const Take &take) const;

  const bool isWords, isLower;
  std::unordered_set<int32_t> filtered;
};

class Learned : public Tokenizer {
public:
  Learned(LearnedSettings settings, std::vector<std::string> tokens);

  Status encode(std::string_view text,
                std::vector<int32_t> &ids) const override;
  bool appendBytes(int32_t id, bool isFirst, std::string &bytes) const override;
  int64_t size() const override;
  SpecialIds special() const override { return specialIds; }
  std::string save() const override;

private:
  const LearnedSettings settings;
  const Splitter splitter;
  SpecialIds specialIds;
  /// Of characters and words, behind the special ids.
  std::vector<std::string> tokens;
  int32_t firstToken = 0;
  std::unordered_map<std::string_view, int32_t> idOf;
};
} // namespace

Splitter::Splitter(const LearnedSettings &settings)
    : isWords(settings.unit == Unit::Word), isLower(settings.isLower) {
  std::string_view filters = settings.filters;
  while (!filters.empty()) {
    const Character character = firstCharacter(filters);
    if (character.bytes == 0)
      break;
    filtered.insert(character.codePoint);
    filters.remove_prefix(character.bytes);
  }
}

Status Splitter::splitWords(std::string_view text, const Take &take) const {
  std::string word;
  auto end = [&]() -> Status {
    Status status = word.empty() ? Status() : take(word);
    word.clear();
    return status;
  };
  while (!text.empty()) {
    const Character character = firstCharacter(text);
    text.remove_prefix(character.bytes);
    std::string lower;
    if (isLower)
      appendLower(character.codePoint, lower);
    else
      appendCharacter(character.codePoint, lower);
    if (!isSpace(character.codePoint) && !filtered.count(character.codePoint))
      word += lower;
    else if (Status status = end(); !status.isOk())
      return status;
  }
  return end();
}

Status Splitter::split(std::string_view text, const Take &take) const {
  if (Status status = checkUtf8(text); !status.isOk())
    return status;
  if (isWords)
    return splitWords(text, take);
  while (!text.empty()) {
    const size_t length = firstCharacterBytes(text);
    if (Status status = take(std::string(text.substr(0, length)));
        !status.isOk())
      return status;
    text.remove_prefix(length);
  }
  return {};
}

Learned::Learned(LearnedSettings settings, std::vector<std::string> tokens)
    : settings(std::move(settings)), splitter(this->settings),
      tokens(std::move(tokens)) {
  const bool isBytes = this->settings.unit == Unit::Byte;
  specialIds.padding = 0;
  int32_t next = isBytes ? numByteIds : 1;
  if (!isBytes)
    specialIds.unknown = next++;
  if (this->settings.hasBegin)
    specialIds.begin = next++;
  if (this->settings.hasEnd)
    specialIds.end = next++;
  firstToken = next;
  for (const std::string &token : this->tokens)
    idOf.emplace(token, next++);
}

int64_t Learned::size() const { return firstToken + int64_t(tokens.size()); }

Status Learned::encode(std::string_view text, std::vector<int32_t> &ids) const {
  if (settings.unit == Unit::Byte) {
    for (unsigned char byte : text)
      ids.push_back(byte);
    return {};
  }
  return splitter.split(text, [&](const std::string &token) -> Status {
    auto found = idOf.find(token);
    ids.push_back(found == idOf.end() ? specialIds.unknown : found->second);
    return {};
  });
}

bool Learned::appendBytes(int32_t id, bool isFirst, std::string &bytes) const {
  if (settings.unit == Unit::Byte) {
    const bool isByte = id > 0 && id < numByteIds;
    if (isByte)
      bytes += char(id);
    return isByte;
  }
  const bool isUnknown = id == specialIds.unknown;
  if (!isUnknown && (id < firstToken || id >= size()))
    return false;
  if (settings.unit == Unit::Word && !isFirst)
    bytes += ' ';
  // U+FFFD stands for what is not known.
  bytes += isUnknown ? "\xef\xbf\xbd" : tokens[size_t(id - firstToken)];
  return true;
}

std::string Learned::save() const {
  json saved = {{"tokenizer", nameOf(settings.unit)}};
  if (settings.hasBegin)
    saved["begin"] = true;
  if (settings.hasEnd)
    saved["end"] = true;
  if (settings.unit == Unit::Word) {
    saved["lower"] = settings.isLower;
    saved["filters"] = settings.filters;
  }
  if (settings.unit != Unit::Byte)
    saved["tokens"] = tokens;
  return toText(saved);
}

//===----------------------------------------------------------------------===//
// Learning
//===----------------------------------------------------------------------===//

Vocabulary::Vocabulary(LearnedSettings settings)
    : settings(std::move(settings)) {}

Vocabulary::~Vocabulary() = default;

Status Vocabulary::add(std::string_view text) {
  if (settings.unit == Unit::Byte)
    return {};
  return Splitter(settings).split(text, [&](const std::string &token) {
    if (token.size() > mostWordBytes)
      return Status();
    if (++counts[token] == 1)
      numBytes += token.size();
    return counts.size() <= mostDifferent && numBytes <= mostDifferentBytes
               ? Status()
               : Status(Code::InvalidFile,
                        "more than 2^24 different words, or 2^30 bytes of "
                        "them");
  });
}

TokenizerPointer Vocabulary::finish(int64_t mostIds) const {
  std::vector<std::pair<int64_t, std::string>> found;
  for (const auto &[token, count] : counts)
    found.emplace_back(-count, token);
  std::sort(found.begin(), found.end());
  const int64_t most = std::max<int64_t>(
      std::min(mostIds, mostKept) - Learned(settings, {}).size(), 0);
  if (int64_t(found.size()) > most)
    found.resize(size_t(most));
  std::vector<std::string> tokens;
  for (auto &[count, token] : found)
    tokens.push_back(std::move(token));
  return std::make_shared<Learned>(settings, std::move(tokens));
}

//===----------------------------------------------------------------------===//
// Restoring
//===----------------------------------------------------------------------===//

static Status readTokens(const json &saved, Unit unit, const std::string &path,
                         std::vector<std::string> &tokens) {
  const json &list = memberOf(saved, "tokens");
  const Status wrong(Code::InvalidFile,
                     path + ": 'tokens' is no list of different texts");
  if (unit == Unit::Byte)
    return list.is_null() ? Status() : wrong;
  if (!list.is_array() || int64_t(list.size()) > mostKept)
    return wrong;
  std::unordered_set<std::string_view> seen;
  for (const json &token : list) {
    const auto *text = token.get_ptr<const std::string *>();
    if (!text || text->empty() || !seen.insert(*text).second)
      return wrong;
    tokens.push_back(*text);
  }
  return {};
}

StatusOr<TokenizerPointer> restoreTokenizer(const std::string &saved,
                                            const std::string &path,
                                            LearnedSettings *found) {
  StatusOr<json> parsed = parseJson(saved, path);
  if (!parsed.isOk())
    return parsed.status();
  const std::string *name = stringOf(*parsed, "tokenizer");
  const Unit *unit = name ? findUnit(*name) : nullptr;
  if (!unit)
    return Status(Code::InvalidFile,
                  path + ": no vocabulary: 'tokenizer' is none of byte, "
                         "character and word");
  LearnedSettings settings;
  settings.unit = *unit;
  settings.isLower = flagOf(*parsed, "lower", true);
  settings.hasBegin = flagOf(*parsed, "begin", false);
  settings.hasEnd = flagOf(*parsed, "end", false);
  if (const std::string *filters = stringOf(*parsed, "filters"))
    settings.filters = *filters;
  std::vector<std::string> tokens;
  if (Status status = readTokens(*parsed, *unit, path, tokens); !status.isOk())
    return status;
  if (found)
    *found = settings;
  return TokenizerPointer(
      std::make_shared<Learned>(std::move(settings), std::move(tokens)));
}

} // namespace nnc::runtime
