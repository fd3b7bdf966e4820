// Merges neighbours by a heap, so that a long piece takes no squared time.
#include "runtime/text/BytePairs.h"

#include "runtime/text/Unicode.h"

#include <algorithm>
#include <queue>

namespace nnc::runtime {

// openai/gpt-2's src/encoder.py: white space is that of Unicode, which \s is
// not quite.
const char *const gpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+)"
    R"(| ?[^\p{L}\p{N}\p{Z}\x{9}-\x{d}\x{85}]+)"
    R"(|[\p{Z}\x{9}-\x{d}\x{85}]+(?=[\p{Z}\x{9}-\x{d}\x{85}]|\z))"
    R"(|[\p{Z}\x{9}-\x{d}\x{85}]+)";

//===----------------------------------------------------------------------===//
// Bytes as characters
//===----------------------------------------------------------------------===//

/// Whether GPT-2 writes a byte as the character of its number.
static bool isOwnCharacter(int32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

/// The others are written as U+0100 and up, in their order.
static std::array<int16_t, 0x144> byteTable() {
  std::array<int16_t, 0x144> table;
  table.fill(-1);
  int32_t next = 0x100;
  for (int32_t byte = 0; byte < 256; ++byte)
    table[size_t(isOwnCharacter(byte) ? byte : next++)] = int16_t(byte);
  return table;
}

std::optional<std::string> bytesOfToken(std::string_view text) {
  static const std::array<int16_t, 0x144> table = byteTable();
  std::string bytes;
  while (!text.empty()) {
    const Character character = firstCharacter(text);
    if (character.bytes == 0 || character.codePoint >= int32_t(table.size()) ||
        table[size_t(character.codePoint)] < 0)
      return std::nullopt;
    bytes += char(table[size_t(character.codePoint)]);
    text.remove_prefix(character.bytes);
  }
  return bytes;
}

SpecialIds
findSpecialIds(const std::unordered_map<std::string, int32_t> &idOf) {
  auto firstOf = [&](std::initializer_list<const char *> names) -> int32_t {
    for (const char *name : names)
      if (auto found = idOf.find(name); found != idOf.end())
        return found->second;
    return -1;
  };
  SpecialIds ids;
  ids.padding = firstOf({"[PAD]", "<pad>", "<|padding|>"});
  ids.unknown = firstOf({"[UNK]", "<unk>"});
  ids.begin =
      firstOf({"<|begin_of_text|>", "[CLS]", "<s>", "<bos>", "<|endoftext|>"});
  ids.end =
      firstOf({"<|end_of_text|>", "[SEP]", "</s>", "<eos>", "<|endoftext|>"});
  return ids;
}

//===----------------------------------------------------------------------===//
// The tokenizer
//===----------------------------------------------------------------------===//

namespace {
struct Merge {
  int32_t rank = 0, id = 0;
};

uint64_t pairOf(int32_t left, int32_t right) {
  return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
}

/// Parts of a piece, as a list.
struct Part {
  int32_t id = 0;
  int32_t previous = -1, next = -1;
};

/// Two neighbours that could become one.
struct Candidate {
  int32_t rank, left, leftId, rightId;
  /// The last in a heap comes first: the lowest rank, then the leftmost.
  bool operator<(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

class BytePairs : public Tokenizer {
public:
  Status build(BytePairsModel from);

  Status encode(std::string_view text,
                std::vector<int32_t> &ids) const override;
  bool appendBytes(int32_t id, bool, std::string &bytes) const override;
  int64_t size() const override { return int64_t(model.tokens.size()); }
  SpecialIds special() const override { return specialIds; }
  std::string save() const override { return model.note; }

private:
  void buildAdded();
  Status buildMerges(const std::unordered_map<std::string, int32_t> &idOf);
  Status encodeText(std::string_view text, std::vector<int32_t> &ids) const;
  void encodePiece(std::string_view piece, std::vector<int32_t> &ids) const;
  void mergeAll(std::vector<Part> &parts) const;

  BytePairsModel model;
  SpecialIds specialIds;
  std::array<int32_t, 256> byteIds;
  std::unordered_map<uint64_t, Merge> merges;
  std::unordered_map<std::string_view, int32_t> idOf;
  /// By id, whether it is one that stands for no text.
  std::vector<bool> isSilent;
  AddedTokens added;
};
} // namespace

Status
BytePairs::buildMerges(const std::unordered_map<std::string, int32_t> &known) {
  int32_t rank = 0;
  for (const auto &[left, right] : model.merges) {
    ++rank;
    auto first = known.find(left), second = known.find(right),
         whole = known.find(left + right);
    if (first == known.end() || second == known.end() || whole == known.end())
      return {Code::InvalidFile,
              concat("merge ", rank, " is of ", quote(left), " and ",
                     quote(right), ", and the vocabulary has no ",
                     quote(first == known.end()    ? left
                           : second == known.end() ? right
                                                   : left + right))};
    merges.emplace(pairOf(first->second, second->second),
                   Merge{rank, whole->second});
  }
  model.merges.clear();
  return {};
}

Status BytePairs::build(BytePairsModel from) {
  model = std::move(from);
  std::unordered_map<std::string, int32_t> known, named;
  for (size_t id = 0; id < model.tokens.size(); ++id)
    if (!model.tokens[id].empty())
      known.emplace(model.tokens[id], int32_t(id));
  for (const AddedToken &token : model.added)
    named.emplace(token.content, token.id);
  for (const auto &[token, id] : known)
    named.emplace(token, id);
  for (int byte = 0; byte < 256; ++byte) {
    auto found = known.find(std::string(1, char(byte)));
    byteIds[size_t(byte)] = found == known.end() ? -1 : found->second;
  }
  if (Status status = buildMerges(known); !status.isOk())
    return status;
  specialIds = findSpecialIds(named);
  buildAdded();
  // Views into the model, which does not change any more.
  for (size_t id = 0; id < model.tokens.size(); ++id)
    if (!model.tokens[id].empty())
      idOf.emplace(model.tokens[id], int32_t(id));
  return {};
}

void BytePairs::buildAdded() {
  for (const AddedToken &token : model.added) {
    const auto id = size_t(token.id);
    if (id >= model.tokens.size())
      model.tokens.resize(id + 1);
    if (id >= isSilent.size())
      isSilent.resize(model.tokens.size());
    isSilent[id] = token.isSpecial;
    if (!token.isSpecial)
      model.tokens[id] = token.content;
  }
  isSilent.resize(model.tokens.size());
  added = AddedTokens(std::move(model.added));
}

/// Merges candidates until there are none.
void BytePairs::mergeAll(std::vector<Part> &parts) const {
  std::priority_queue<Candidate> candidates;
  auto offer = [&](int32_t left) {
    const int32_t right = left < 0 ? -1 : parts[size_t(left)].next;
    if (right < 0)
      return;
    const int32_t leftId = parts[size_t(left)].id;
    const int32_t rightId = parts[size_t(right)].id;
    if (auto found = merges.find(pairOf(leftId, rightId));
        found != merges.end())
      candidates.push({found->second.rank, left, leftId, rightId});
  };
  for (size_t i = 0; i < parts.size(); ++i)
    offer(int32_t(i));
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Part &left = parts[size_t(best.left)];
    // What has been merged since is no longer there.
    if (left.id != best.leftId || left.next < 0 ||
        parts[size_t(left.next)].id != best.rightId)
      continue;
    Part &right = parts[size_t(left.next)];
    left.id = merges.at(pairOf(best.leftId, best.rightId)).id;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0)
      parts[size_t(left.next)].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
}

void BytePairs::encodePiece(std::string_view piece,
                            std::vector<int32_t> &ids) const {
  if (model.ignoresMerges || piece.size() == 1)
    if (auto found = idOf.find(piece); found != idOf.end()) {
      ids.push_back(found->second);
      return;
    }
  std::vector<Part> parts;
  for (unsigned char byte : piece) {
    const int32_t id = byteIds[byte];
    // A byte without an id is unknown, or left out where that is none either.
    if (id < 0 && specialIds.unknown < 0)
      continue;
    const auto place = int32_t(parts.size());
    parts.push_back({id < 0 ? specialIds.unknown : id, place - 1, place + 1});
  }
  if (parts.empty())
    return;
  parts.back().next = -1;
  mergeAll(parts);
  for (int32_t i = 0; i >= 0; i = parts[size_t(i)].next)
    ids.push_back(parts[size_t(i)].id);
}

/// Text between added tokens.
Status BytePairs::encodeText(std::string_view text,
                             std::vector<int32_t> &ids) const {
  std::string changed;
  if (model.isComposed) {
    changed = normalize(text, NormalForm::C);
    text = changed;
  }
  if (model.hasPrefixSpace && !text.empty() && text[0] != ' ') {
    changed = concat(" ", std::string(text));
    text = changed;
  }
  std::vector<std::string_view> pieces = {text};
  for (const SplitStep &step : model.splits) {
    std::vector<std::string_view> finer;
    for (std::string_view piece : pieces)
      if (Status status = step.pattern->split(piece, step.isMatchesOnly, finer);
          !status.isOk())
        return status;
    pieces = std::move(finer);
  }
  for (std::string_view piece : pieces)
    encodePiece(piece, ids);
  return {};
}

Status BytePairs::encode(std::string_view text,
                         std::vector<int32_t> &ids) const {
  if (Status status = checkUtf8(text); !status.isOk())
    return status;
  return added.encode(
      text, ids, [&](std::string_view part) { return encodeText(part, ids); });
}

bool BytePairs::appendBytes(int32_t id, bool, std::string &bytes) const {
  if (id < 0 || id >= size() || isSilent[size_t(id)])
    return false;
  bytes += model.tokens[size_t(id)];
  return true;
}

StatusOr<TokenizerPointer> makeBytePairs(BytePairsModel model) {
  auto tokenizer = std::make_shared<BytePairs>();
  if (Status status = tokenizer->build(std::move(model)); !status.isOk())
    return status;
  return TokenizerPointer(std::move(tokenizer));
}

} // namespace nnc::runtime
