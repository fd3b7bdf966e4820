// Looks over a model before the library reads it, and asks the library.
#include "runtime/text/SentencePiece.h"

#include "runtime/text/Unicode.h"

#include <cstring>
#include <exception>
#include <sentencepiece_processor.h>

namespace nnc::runtime {

//===----------------------------------------------------------------------===//
// The model's file
//===----------------------------------------------------------------------===//

namespace {
/// One field of a message of protocol buffers (protobuf.dev, "Encoding").
struct Field {
  uint64_t number = 0;
  /// Of a varint its value; of what has a length its bytes.
  uint64_t value = 0;
  std::string_view bytes;
};

/// Goes through the fields of a message.
class Fields {
public:
  explicit Fields(std::string_view message) : rest(message) {}

  /// False at the end, and for what is no message, which isDamaged() tells.
  bool next(Field &field);
  bool isDamaged() const { return damaged; }

private:
  bool readVarint(uint64_t &value);
  bool take(uint64_t size, std::string_view &bytes);

  std::string_view rest;
  bool damaged = false;
};
} // namespace

bool Fields::readVarint(uint64_t &value) {
  value = 0;
  for (int shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

bool Fields::take(uint64_t size, std::string_view &bytes) {
  if (size > rest.size())
    return false;
  bytes = rest.substr(0, size_t(size));
  rest.remove_prefix(size_t(size));
  return true;
}

bool Fields::next(Field &field) {
  if (rest.empty())
    return false;
  uint64_t tag = 0, size = 0;
  bool isRead = readVarint(tag);
  field = Field{};
  field.number = tag >> 3;
  switch (tag & 7) {
  case 0:
    isRead &= readVarint(field.value);
    break;
  case 1:
    isRead &= take(8, field.bytes);
    break;
  case 2:
    isRead &= readVarint(size) && take(size, field.bytes);
    break;
  case 5:
    isRead &= take(4, field.bytes);
    break;
  default:
    isRead = false;
  }
  damaged = !isRead;
  return isRead;
}

static constexpr size_t mostPieces = size_t(1) << 22;

// Numbers of fields: sentencepiece_model.proto.
static constexpr uint64_t piecesField = 1, normalizerField = 3,
                          denormalizerField = 5;
static constexpr uint64_t pieceField = 1, rulesField = 2, dummyPrefixField = 3,
                          extraBlanksField = 4;

static uint32_t unitAt(std::string_view trie, size_t index) {
  uint32_t unit;
  std::memcpy(&unit, trie.data() + index * sizeof unit, sizeof unit);
  return unit;
}

/// A double array of Darts-clone (its darts.h) may lead nowhere outside of
/// itself, and to texts that end inside of `texts`.
static bool isSoundTrie(std::string_view trie, std::string_view texts) {
  const size_t count = trie.size() / sizeof(uint32_t);
  constexpr uint32_t leafBit = uint32_t(1) << 31, hasLeafBit = 1 << 8,
                     farBit = 1 << 9;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t unit = unitAt(trie, i);
    // A leaf's label is no byte, so that no search goes through it; it begins
    // at the first unit, whatever that is.
    if ((unit & leafBit) && i > 0)
      continue;
    const uint32_t offset = (unit >> 10) << ((unit & farBit) ? 8 : 0);
    const uint64_t base = uint64_t(i) ^ offset;
    if ((base | 0xff) >= count)
      return false;
    const uint32_t value = unitAt(trie, size_t(base)) & ~leafBit;
    if ((unit & hasLeafBit) && value >= texts.size())
      return false;
  }
  return count > 0;
}

/// Rules of normalisation: the size of a trie, the trie, and texts that each
/// end with a zero.
static bool areSoundRules(std::string_view rules) {
  uint32_t trieBytes = 0;
  if (rules.empty())
    return true;
  if (rules.size() <= sizeof trieBytes)
    return false;
  std::memcpy(&trieBytes, rules.data(), sizeof trieBytes);
  rules.remove_prefix(sizeof trieBytes);
  if (trieBytes % sizeof(uint32_t) != 0 || trieBytes >= rules.size() ||
      rules.back() != '\0')
    return false;
  return isSoundTrie(rules.substr(0, trieBytes), rules.substr(trieBytes));
}

static const char *problemOfNormalizer(std::string_view message) {
  Fields fields(message);
  for (Field field; fields.next(field);)
    if (field.number == rulesField && !areSoundRules(field.bytes))
      return "its rules of normalisation are damaged";
  return fields.isDamaged() ? "damaged" : nullptr;
}

static const char *problemOfPiece(std::string_view message) {
  Fields fields(message);
  for (Field field; fields.next(field);)
    if (field.number == pieceField &&
        (field.bytes.empty() ||
         field.bytes.find('\0') != std::string_view::npos ||
         !checkUtf8(field.bytes).isOk()))
      return "a piece is no text";
  return fields.isDamaged() ? "damaged" : nullptr;
}

const char *problemOfModel(std::string_view contents) {
  Fields fields(contents);
  size_t numPieces = 0;
  for (Field field; fields.next(field);) {
    const char *problem = nullptr;
    if (field.number == piecesField)
      problem = problemOfPiece(field.bytes);
    if (field.number == normalizerField || field.number == denormalizerField)
      problem = problemOfNormalizer(field.bytes);
    if (problem)
      return problem;
    numPieces += field.number == piecesField;
    if (numPieces > mostPieces)
      return "more than 2^22 pieces";
  }
  if (fields.isDamaged())
    return "no model of SentencePiece";
  return numPieces == 0 ? "no pieces" : nullptr;
}

namespace {
/// What the model does with the blanks at the begin of a text.
struct FirstBlanks {
  bool isOneAdded = true, areExtraRemoved = true;

  bool isAnyLeftOut() const { return isOneAdded || areExtraRemoved; }
};
} // namespace

static FirstBlanks firstBlanksOf(std::string_view contents) {
  FirstBlanks blanks;
  Fields fields(contents);
  for (Field field; fields.next(field);) {
    if (field.number != normalizerField)
      continue;
    Fields settings(field.bytes);
    for (Field setting; settings.next(setting);) {
      if (setting.number == dummyPrefixField)
        blanks.isOneAdded = setting.value != 0;
      if (setting.number == extraBlanksField)
        blanks.areExtraRemoved = setting.value != 0;
    }
  }
  return blanks;
}

//===----------------------------------------------------------------------===//
// The tokenizer
//===----------------------------------------------------------------------===//

namespace {
class SentencePiece : public Tokenizer {
public:
  SentencePiece(std::string note, FirstBlanks blanks)
      : note(std::move(note)), blanks(blanks) {}

  Status load(const std::string &contents);

  Status encode(std::string_view text,
                std::vector<int32_t> &ids) const override;
  bool appendBytes(int32_t id, bool isFirst, std::string &bytes) const override;
  int64_t size() const override { return processor.GetPieceSize(); }
  SpecialIds special() const override {
    return {processor.pad_id(), processor.unk_id(), processor.bos_id(),
            processor.eos_id()};
  }
  std::string save() const override { return note; }

private:
  sentencepiece::SentencePieceProcessor processor;
  const std::string note;
  const FirstBlanks blanks;
};
} // namespace

static Status toStatus(const sentencepiece::util::Status &status) {
  if (status.ok())
    return {};
  return {Code::InvalidFile, concat("SentencePiece: ", status.message())};
}

Status SentencePiece::load(const std::string &contents) {
  try {
    return toStatus(processor.LoadFromSerializedProto(contents));
  } catch (const std::bad_alloc &) {
    throw;
  } catch (const std::exception &error) {
    return {Code::InvalidFile, concat("SentencePiece: ", error.what())};
  }
}

Status SentencePiece::encode(std::string_view text,
                             std::vector<int32_t> &ids) const {
  if (Status status = checkUtf8(text); !status.isOk())
    return status;
  std::vector<int> found;
  if (Status status = toStatus(processor.Encode(text, &found)); !status.isOk())
    return status;
  ids.insert(ids.end(), found.begin(), found.end());
  return {};
}

bool SentencePiece::appendBytes(int32_t id, bool isFirst,
                                std::string &bytes) const {
  constexpr std::string_view blank = "\xe2\x96\x81"; // U+2581
  if (id < 0 || id >= size() || processor.IsControl(id))
    return false;
  std::string_view piece = processor.IdToPiece(id);
  if (processor.IsUnknown(id)) {
    bytes += " \xe2\x81\x87 "; // As the library has it: U+2047.
    return true;
  }
  if (processor.IsByte(id) && piece.size() == 6) {
    // "<0x41>".
    bytes += char(std::stoi(std::string(piece.substr(3, 2)), nullptr, 16));
    return true;
  }
  if (isFirst && blanks.isAnyLeftOut() &&
      piece.substr(0, blank.size()) == blank)
    piece.remove_prefix(blank.size());
  const bool isText = !piece.empty() || !blanks.areExtraRemoved;
  while (!piece.empty()) {
    const bool isBlank = piece.substr(0, blank.size()) == blank;
    bytes += isBlank ? ' ' : piece[0];
    piece.remove_prefix(isBlank ? blank.size() : 1);
  }
  return isText;
}

StatusOr<TokenizerPointer> makeSentencePiece(const std::string &contents,
                                             std::string note) {
  if (const char *problem = problemOfModel(contents))
    return Status(Code::InvalidFile, problem);
  auto tokenizer =
      std::make_shared<SentencePiece>(std::move(note), firstBlanksOf(contents));
  if (Status status = tokenizer->load(contents); !status.isOk())
    return status;
  return TokenizerPointer(std::move(tokenizer));
}

} // namespace nnc::runtime
