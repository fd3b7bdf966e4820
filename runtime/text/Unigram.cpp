// Writes the pieces and their scores as a .model file, which the library reads.
#include "runtime/text/Unigram.h"

#include "runtime/text/SentencePiece.h"
#include "runtime/text/Unicode.h"

#include <cmath>
#include <cstring>

namespace nnc::runtime {

using nlohmann::json;

static constexpr std::string_view blank = "\xe2\x96\x81"; // U+2581

static Status wrong(const TokenizerSource &source, const std::string &problem) {
  return {Code::InvalidFile, concat(source.path, ": ", problem)};
}

static std::string typeOf(const json &step) {
  const std::string *type = stringOf(step, "type");
  return step.is_null() ? "none" : type ? *type : "unnamed";
}

//===----------------------------------------------------------------------===//
// The steps around the model
//===----------------------------------------------------------------------===//

namespace {
/// Where a blank is put before a part of a text.
enum class Prefix { Always, First, Never };

struct UnigramSteps {
  /// Rules of normalisation, as a .model has them; empty: none.
  std::string rules;
  bool removesLastSpaces = false, joinsBlanks = false;
  /// Whether words are split at any white space.
  bool splitsAtSpaces = false;
  std::optional<Prefix> prefix;
};
} // namespace

/// Of base64 (RFC 4648, section 4). False for what is none.
static bool decodeBase64(std::string_view text, std::string &bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!text.empty() && text.back() == '=')
    text.remove_suffix(1);
  uint32_t bits = 0;
  int numBits = 0;
  for (char c : text) {
    const size_t digit = digits.find(c);
    if (digit == std::string_view::npos)
      return false;
    bits = bits << 6 | uint32_t(digit);
    numBits += 6;
    if (numBits < 8)
      continue;
    numBits -= 8;
    bytes += char(bits >> numBits & 0xff);
  }
  return true;
}

static Status readNormalizer(const TokenizerSource &source, const json &step,
                             UnigramSteps &steps) {
  const std::string type = typeOf(step);
  if (type == "none")
    return {};
  if (type == "Sequence") {
    for (const json &part : memberOf(step, "normalizers"))
      if (Status status = readNormalizer(source, part, steps); !status.isOk())
        return status;
    return {};
  }
  const std::string *rules = stringOf(step, "precompiled_charsmap");
  if (type == "Precompiled" && rules && steps.rules.empty() &&
      !steps.joinsBlanks)
    return decodeBase64(*rules, steps.rules)
               ? Status()
               : wrong(source, "'precompiled_charsmap' is no base64");
  const std::string *pattern = stringOf(memberOf(step, "pattern"), "Regex");
  const std::string *content = stringOf(step, "content");
  if (type == "Replace" && pattern && *pattern == " {2,}" && content &&
      (*content == " " || *content == blank)) {
    steps.joinsBlanks = true;
    return {};
  }
  if (type == "Strip" && !flagOf(step, "strip_left", true) &&
      flagOf(step, "strip_right", true)) {
    steps.removesLastSpaces = true;
    return {};
  }
  return wrong(source,
               concat("a step of 'normalizer' of Unigram is ", quote(type),
                      ", nnc knows Precompiled, and behind it Strip of "
                      "what is right and Replace of \" {2,}\" by a "
                      "blank"));
}

static Status readSplitter(const TokenizerSource &source, const json &step,
                           UnigramSteps &steps) {
  const std::string type = typeOf(step);
  if (type == "Sequence") {
    for (const json &part : memberOf(step, "pretokenizers"))
      if (Status status = readSplitter(source, part, steps); !status.isOk())
        return status;
    return {};
  }
  if (type == "WhitespaceSplit" && !steps.prefix) {
    steps.splitsAtSpaces = true;
    return {};
  }
  const std::string *replacement = stringOf(step, "replacement");
  if (type == "Metaspace" && replacement && *replacement == blank &&
      !steps.prefix) {
    const std::string *scheme = stringOf(step, "prepend_scheme");
    if (!scheme)
      steps.prefix = flagOf(step, "add_prefix_space", true) ? Prefix::Always
                                                            : Prefix::Never;
    else if (*scheme == "always" || *scheme == "first")
      steps.prefix = *scheme == "first" ? Prefix::First : Prefix::Always;
    else if (*scheme == "never")
      steps.prefix = Prefix::Never;
    if (steps.prefix)
      return {};
  }
  return wrong(source,
               concat("a step of 'pre_tokenizer' of Unigram is ", quote(type),
                      ", nnc knows Metaspace, and before it "
                      "WhitespaceSplit"));
}

static StatusOr<UnigramSteps> readSteps(const TokenizerSource &source,
                                        const json &file) {
  UnigramSteps steps;
  Status status = readNormalizer(source, memberOf(file, "normalizer"), steps);
  if (status.isOk())
    status = readSplitter(source, memberOf(file, "pre_tokenizer"), steps);
  if (!status.isOk())
    return status;
  if (!steps.prefix)
    return wrong(source, "'pre_tokenizer' of Unigram has no Metaspace");
  // SentencePiece leaves out all blanks that say nothing, or none.
  if (!steps.splitsAtSpaces && !(steps.joinsBlanks && steps.removesLastSpaces))
    return wrong(source,
                 "'normalizer' of Unigram leaves blanks that SentencePiece "
                 "does not: nnc knows Strip of what is right with Replace of "
                 "\" {2,}\", or WhitespaceSplit in 'pre_tokenizer'");
  return steps;
}

//===----------------------------------------------------------------------===//
// The model as SentencePiece has it
//===----------------------------------------------------------------------===//

// Of sentencepiece_model.proto.
namespace proto {
constexpr uint32_t pieces = 1, trainer = 2, normalizer = 3;
constexpr uint32_t pieceText = 1, pieceScore = 2, pieceType = 3;
constexpr uint64_t normal = 1, unknown = 2, control = 3, byte = 6;
constexpr uint32_t modelType = 3, byteFallback = 35;
constexpr uint64_t unigram = 1;
constexpr uint32_t rules = 2, addsPrefix = 3, removesBlanks = 4;
} // namespace proto

/// Appends a number as protocol buffers have it.
static void addVarint(uint64_t value, std::string &to) {
  for (; value > 0x7f; value >>= 7)
    to += char((value & 0x7f) | 0x80);
  to += char(value);
}

static void addNumber(uint32_t field, uint64_t value, std::string &to) {
  addVarint(uint64_t(field) << 3, to);
  addVarint(value, to);
}

static void addBytes(uint32_t field, std::string_view bytes, std::string &to) {
  addVarint(uint64_t(field) << 3 | 2, to);
  addVarint(bytes.size(), to);
  to += bytes;
}

static void addFloat(uint32_t field, float value, std::string &to) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  addVarint(uint64_t(field) << 3 | 5, to);
  to.append(bytes, sizeof bytes);
}

static bool isByte(std::string_view piece) {
  return piece.size() == 6 && piece.substr(0, 3) == "<0x" && piece[5] == '>' &&
         piece.find_first_not_of("0123456789ABCDEF", 3) == 5;
}

/// The pieces of the vocabulary; those of `special` stand for no text.
static Status addPieces(const TokenizerSource &source, const json &model,
                        const std::vector<AddedToken> &added, bool hasBytes,
                        std::string &to) {
  const json &vocab = memberOf(model, "vocab");
  const json &unknown = memberOf(model, "unk_id");
  if (!vocab.is_array() || vocab.empty())
    return wrong(source, "no vocabulary: a list of pieces with their scores");
  if (!unknown.is_number_integer() || unknown.get<int64_t>() < 0 ||
      unknown.get<int64_t>() >= int64_t(vocab.size()))
    return wrong(source, "'unk_id' is the id of no piece");
  std::vector<uint64_t> types(vocab.size(), proto::normal);
  for (const AddedToken &token : added)
    if (token.isSpecial && size_t(token.id) < types.size())
      types[size_t(token.id)] = proto::control;
  types[unknown.get<size_t>()] = proto::unknown;
  for (size_t i = 0; i < vocab.size(); ++i) {
    const json &item = vocab[i];
    const bool isPair = item.is_array() && item.size() == 2 &&
                        item[0].is_string() && item[1].is_number() &&
                        std::isfinite(item[1].get<float>());
    const std::string text = isPair ? item[0].get<std::string>() : "";
    if (text.empty() || text.size() > mostTokenBytes)
      return wrong(source, concat("piece ", i, " is no text of 1 to ",
                                  mostTokenBytes, " bytes with a score"));
    if (hasBytes && isByte(text) && types[i] == proto::normal)
      types[i] = proto::byte;
    std::string piece;
    addBytes(proto::pieceText, text, piece);
    addFloat(proto::pieceScore, item[1].get<float>(), piece);
    addNumber(proto::pieceType, types[i], piece);
    addBytes(proto::pieces, piece, to);
  }
  return {};
}

static std::string modelOf(const std::string &pieces, const UnigramSteps &steps,
                           bool hasBytes, bool hasPrefix) {
  std::string trainer, normalizer, model = pieces;
  addNumber(proto::modelType, proto::unigram, trainer);
  addNumber(proto::byteFallback, hasBytes, trainer);
  addBytes(proto::trainer, trainer, model);
  if (!steps.rules.empty())
    addBytes(proto::rules, steps.rules, normalizer);
  addNumber(proto::addsPrefix, hasPrefix, normalizer);
  addNumber(proto::removesBlanks, true, normalizer);
  addBytes(proto::normalizer, normalizer, model);
  return model;
}

//===----------------------------------------------------------------------===//
// The tokenizer
//===----------------------------------------------------------------------===//

namespace {
class UnigramTokenizer : public Tokenizer {
public:
  UnigramTokenizer(std::string note, std::vector<AddedToken> tokens,
                   const UnigramSteps &steps)
      : note(std::move(note)), added(std::move(tokens)),
        splitsAtSpaces(steps.splitsAtSpaces),
        removesLastSpaces(steps.removesLastSpaces), prefix(*steps.prefix) {}

  Status encode(std::string_view text,
                std::vector<int32_t> &ids) const override;
  bool appendBytes(int32_t id, bool isFirst, std::string &bytes) const override;
  int64_t size() const override;
  SpecialIds special() const override;
  std::string save() const override { return note; }

  /// One that puts a blank before a text, and one that does not.
  TokenizerPointer prefixed, plain;

private:
  Status encodePart(std::string_view part, bool isFirst,
                    std::vector<int32_t> &ids) const;
  int32_t idOf(std::initializer_list<std::string_view> names) const;

  const std::string note;
  const AddedTokens added;
  const bool splitsAtSpaces, removesLastSpaces;
  const Prefix prefix;
};
} // namespace

/// `text` without the white space at its end.
static std::string_view withoutLastSpaces(std::string_view text) {
  size_t end = 0;
  for (size_t place = 0; place < text.size();) {
    const Character character = firstCharacter(text.substr(place));
    place += character.bytes;
    if (!isSpace(character.codePoint))
      end = place;
  }
  return text.substr(0, end);
}

/// All white space is what splits words.
static std::string withBlanks(std::string_view text) {
  std::string result;
  for (size_t place = 0; place < text.size();) {
    const Character character = firstCharacter(text.substr(place));
    result += isSpace(character.codePoint)
                  ? " "
                  : text.substr(place, character.bytes);
    place += character.bytes;
  }
  return result;
}

Status UnigramTokenizer::encodePart(std::string_view part, bool isFirst,
                                    std::vector<int32_t> &ids) const {
  if (removesLastSpaces)
    part = withoutLastSpaces(part);
  if (part.empty())
    return {};
  // A blank that is there stays where none is put.
  const bool hasBlank = prefix == Prefix::Always ||
                        (prefix == Prefix::First && isFirst) ||
                        part.front() == ' ';
  const Tokenizer &model = hasBlank ? *prefixed : *plain;
  return splitsAtSpaces ? model.encode(withBlanks(part), ids)
                        : model.encode(part, ids);
}

Status UnigramTokenizer::encode(std::string_view text,
                                std::vector<int32_t> &ids) const {
  if (Status status = checkUtf8(text); !status.isOk())
    return status;
  return added.encode(text, ids, [&](std::string_view part) {
    return encodePart(part, part.data() == text.data(), ids);
  });
}

bool UnigramTokenizer::appendBytes(int32_t id, bool isFirst,
                                   std::string &bytes) const {
  const SpecialIds model = prefixed->special();
  for (const AddedToken &token : added.list()) {
    if (token.id != id)
      continue;
    if (token.isSpecial && id != model.unknown)
      return false;
    bytes += token.content;
    return true;
  }
  return prefixed->appendBytes(id, isFirst, bytes);
}

int64_t UnigramTokenizer::size() const {
  int64_t size = prefixed->size();
  for (const AddedToken &token : added.list())
    size = std::max<int64_t>(size, token.id + 1);
  return size;
}

int32_t
UnigramTokenizer::idOf(std::initializer_list<std::string_view> names) const {
  for (std::string_view name : names)
    for (const AddedToken &token : added.list())
      if (token.content == name)
        return token.id;
  return -1;
}

SpecialIds UnigramTokenizer::special() const {
  return {idOf({"<pad>", "[PAD]"}), prefixed->special().unknown,
          idOf({"<s>", "[CLS]"}), idOf({"</s>", "[SEP]"})};
}

StatusOr<TokenizerPointer> readUnigram(const TokenizerSource &source,
                                       const json &file,
                                       std::vector<AddedToken> added) {
  StatusOr<UnigramSteps> steps = readSteps(source, file);
  if (!steps.isOk())
    return steps.status();
  const json &model = memberOf(file, "model");
  const bool hasBytes = flagOf(model, "byte_fallback", false);
  std::string pieces;
  if (Status status = addPieces(source, model, added, hasBytes, pieces);
      !status.isOk())
    return status;
  auto tokenizer =
      std::make_shared<UnigramTokenizer>(source.note, std::move(added), *steps);
  const auto make = [&](bool hasPrefix) {
    return makeSentencePiece(modelOf(pieces, *steps, hasBytes, hasPrefix), "");
  };
  StatusOr<TokenizerPointer> made = make(/*hasPrefix=*/true);
  if (!made.isOk())
    return wrong(source, made.status().message());
  tokenizer->prefixed = tokenizer->plain = *made;
  if (steps->prefix != Prefix::Always) {
    made = make(/*hasPrefix=*/false);
    if (!made.isOk())
      return wrong(source, made.status().message());
    tokenizer->plain = *made;
  }
  return TokenizerPointer(std::move(tokenizer));
}

} // namespace nnc::runtime
