// Takes a PNG apart into its chunks, changes one, and puts it together again.
// Source: https://www.w3.org/TR/png-3/, section 5
#include "test/fuzz/PngMutator.h"

#include "test/fuzz/Compression.h"

#include <optional>
#include <zlib.h>

namespace nnc::fuzz {

static constexpr size_t signatureBytes = 8, mostContent = 1 << 20;

namespace {
struct Chunk {
  std::string kind, data;
};
} // namespace

static const Bytef *bytesOf(const std::string &text) {
  return reinterpret_cast<const Bytef *>(text.data());
}

static std::string bigEndian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += char(value >> shift);
  return out;
}

static uint32_t readBigEndian(const std::string &from, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i)
    value = value << 8 | uint8_t(from[at + i]);
  return value;
}

static std::vector<Chunk> readChunks(const std::string &file) {
  std::vector<Chunk> chunks;
  for (size_t at = signatureBytes; at + 12 <= file.size();) {
    const size_t size = readBigEndian(file, at);
    if (size > file.size() - at - 12)
      break;
    chunks.push_back({file.substr(at + 4, 4), file.substr(at + 8, size)});
    at += 12 + size;
  }
  return chunks;
}

static std::string writeChunks(const std::string &signature,
                               const std::vector<Chunk> &chunks) {
  std::string out = signature;
  for (const Chunk &chunk : chunks) {
    const std::string body = chunk.kind + chunk.data;
    out += bigEndian(uint32_t(chunk.data.size())) + body;
    out += bigEndian(uint32_t(crc32(0, bytesOf(body), uInt(body.size()))));
  }
  return out;
}

// Width and height, then the depth, the kind of colour, and three methods.
static std::string mutateHeader(std::string data, Choices &choices) {
  static const std::vector<char> depths = {1, 2, 4, 8, 16, 0, 3, 32};
  static const std::vector<char> colours = {0, 2, 3, 4, 6, 1, 7};
  if (data.size() < 13)
    return choices.bytes(data, 64);
  const size_t side = choices.below(2) * 4;
  switch (choices.below(4)) {
  case 0:
    return data.replace(
        side, 4,
        bigEndian(uint32_t(choices.integer(readBigEndian(data, side)))));
  case 1:
    data[8] = choices.of(depths);
    return data;
  case 2:
    data[9] = choices.of(colours);
    return data;
  default:
    data[10 + choices.below(3)] = char(choices.below(4));
    return data;
  }
}

// A zlib stream: two bytes of header, deflate, a checksum.
static std::string mutateCompressed(const std::string &data, Choices &choices) {
  std::optional<std::string> content;
  if (data.size() > 6)
    content = decompress(data.substr(2), /*asGzip=*/false, mostContent);
  if (!content)
    return choices.bytes(data, data.size() + 64);
  const std::string changed = choices.bytes(*content, content->size() + 64);
  return "\x78\x01" + compress(changed, /*asGzip=*/false) +
         bigEndian(
             uint32_t(adler32(1, bytesOf(changed), uInt(changed.size()))));
}

std::string mutatePng(const std::string &file, Choices &choices) {
  static const std::vector<std::string> kinds = {
      "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM",
      "sRGB", "iCCP", "sBIT", "bKGD", "hIST", "pHYs", "tIME",
      "tEXt", "zTXt", "iTXt", "eXIf", "acTL", "zzzz"};
  std::vector<Chunk> chunks = readChunks(file);
  if (chunks.empty())
    return {};
  const size_t at = choices.below(chunks.size());
  Chunk &chunk = chunks[at];
  switch (choices.below(8)) {
  case 0:
    chunk.kind = choices.of(kinds);
    break;
  case 1:
    chunks.insert(chunks.begin() + long(at), choices.count(100), Chunk(chunk));
    break;
  case 2:
    chunks.erase(chunks.begin() + long(at));
    break;
  case 3:
    chunks.insert(chunks.begin() + long(at),
                  {choices.of(kinds), choices.text("", 1000)});
    break;
  default:
    chunk.data = chunk.kind == "IHDR"   ? mutateHeader(chunk.data, choices)
                 : chunk.kind == "IDAT" ? mutateCompressed(chunk.data, choices)
                                        : choices.bytes(chunk.data, 1000);
  }
  return writeChunks(file.substr(0, signatureBytes), chunks);
}

} // namespace nnc::fuzz
