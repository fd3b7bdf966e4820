// Any bytes as the file of a tokenizer, and any text through it: ids and text,
// or a message. The first byte chooses the format, two more say how long the
// file is; the text follows.
#include "runtime/PlanNames.h"
#include "runtime/text/Learned.h"
#include "runtime/text/SentencePiece.h"
#include "runtime/text/TokenizerJson.h"

#include "test/fuzz/Choices.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/TextMutator.h"

#include <algorithm>
#include <cstring>

using namespace nnc;
using namespace nnc::runtime;

static constexpr size_t headerBytes = 3;

static size_t fileBytes(const uint8_t *data, size_t size) {
  return std::min<size_t>(data[1] | data[2] << 8, size - headerBytes);
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  static const fuzz::TextMutator words({"\"type\"",
                                        "\"BPE\"",
                                        "\"WordPiece\"",
                                        "\"Unigram\"",
                                        "\"Metaspace\"",
                                        "\"WhitespaceSplit\"",
                                        "\"Precompiled\"",
                                        "\"Replace\"",
                                        "\"Strip\"",
                                        "\"unk_id\"",
                                        "\"byte_fallback\"",
                                        "\"Split\"",
                                        "\"Sequence\"",
                                        "\"ByteLevel\"",
                                        "\"NFC\"",
                                        "\"vocab\"",
                                        "\"merges\"",
                                        "\"id\"",
                                        "\"content\"",
                                        "\"lstrip\"",
                                        "\"rstrip\"",
                                        "\"special\"",
                                        "true",
                                        "false",
                                        "null",
                                        "-1",
                                        "4194303",
                                        "\"Regex\"",
                                        "\"behavior\"",
                                        "\"invert\"",
                                        "\"Isolated\"",
                                        "\"Removed\"",
                                        "\"added_tokens\"",
                                        "\"tokens\"",
                                        "\"word\"",
                                        "\"character\"",
                                        "\"(a|b)*c\"",
                                        "\"\\\\p{L}+\"",
                                        "\"unk_token\"",
                                        "\"tokenizer\""});
  fuzz::Choices choices(seed);
  if (size <= headerBytes || maxSize < size || choices.oneIn(16))
    return LLVMFuzzerMutate(data, size, maxSize);
  const size_t length = fileBytes(data, size);
  std::string file(reinterpret_cast<char *>(data) + headerBytes, length);
  std::string text(reinterpret_cast<char *>(data) + headerBytes + length,
                   size - headerBytes - length);
  const size_t room = maxSize - headerBytes;
  if (choices.oneIn(3)) {
    text = choices.bytes(text, room - file.size());
  } else {
    file.resize(std::min<size_t>(room - text.size(), 0xffff));
    auto *bytes = reinterpret_cast<uint8_t *>(file.data());
    const bool isJson = data[0] % 4 != 0;
    const size_t before = std::min(length, file.size());
    file.resize(isJson && !choices.oneIn(4)
                    ? words.mutate(bytes, before, file.size(), seed)
                    : LLVMFuzzerMutate(bytes, before, file.size()));
  }
  data[1] = uint8_t(file.size());
  data[2] = uint8_t(file.size() >> 8);
  std::memcpy(data + headerBytes, file.data(), file.size());
  std::memcpy(data + headerBytes + file.size(), text.data(), text.size());
  return headerBytes + file.size() + text.size();
}

static StatusOr<TokenizerPointer> open(unsigned format,
                                       const std::string &file) {
  switch (format % 4) {
  case 0:
    return makeSentencePiece(file, "note");
  case 1:
    return readTokenizerJson({"t.json", file, "note"});
  case 2: {
    // A zero between the vocabulary and its merges.
    const size_t end = std::min(file.find('\0'), file.size());
    return readGpt2(
        {"vocab.json", file.substr(0, end), "note"},
        {"merges.txt", file.substr(std::min(end + 1, file.size())), ""});
  }
  default:
    return restoreTokenizer(file, "note");
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < headerBytes)
    return 0;
  const size_t length = fileBytes(data, size);
  const auto *bytes = reinterpret_cast<const char *>(data) + headerBytes;
  const std::string file(bytes, length);
  const std::string text(bytes + length, size - headerBytes - length);
  auto tokenizer = open(data[0], file);
  if (!tokenizer.isOk()) {
    fuzz::require(!tokenizer.status().message().empty(),
                  "a refused tokenizer has a message");
    return 0;
  }
  std::vector<int32_t> ids;
  Status status = (*tokenizer)->encode(text, ids);
  fuzz::require(status.isOk() || !status.message().empty(),
                "a refused text has a message");
  fuzz::require(isUtf8((*tokenizer)->save()), "a note is UTF-8");
  if (!status.isOk())
    return 0;
  for (int32_t id : ids)
    fuzz::require(id >= 0 && id < (*tokenizer)->size(), "ids are in range");
  const std::string whole = decode(**tokenizer, ids);
  fuzz::require(isUtf8(whole), "text of ids is UTF-8");
  TextStream stream(*tokenizer);
  std::string parts;
  for (int32_t id : ids) {
    const std::string part = stream.next(id);
    fuzz::require(isUtf8(part), "a part of a stream is UTF-8");
    parts += part;
  }
  parts += stream.finish();
  fuzz::require(parts == whole, "a stream is the whole");
  return 0;
}
