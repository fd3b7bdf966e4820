// gzip and zip, through zlib.
#include "test/fuzz/Compression.h"

#include "test/fuzz/Require.h"

#include <algorithm>
#include <zlib.h>

namespace nnc::fuzz {

// zlib's, for the two containers: with a gzip header, and with none.
static int windowBits(bool asGzip) {
  return asGzip ? MAX_WBITS + 16 : -MAX_WBITS;
}

static Bytef *bytesOf(const std::string &text) {
  return reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
}

std::string compress(const std::string &content, bool asGzip) {
  z_stream stream = {};
  require(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, windowBits(asGzip), 8,
                       Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib compresses");
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = bytesOf(content);
  stream.avail_in = uInt(content.size());
  stream.next_out = bytesOf(out);
  stream.avail_out = uInt(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses all");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::optional<std::string> decompress(const std::string &compressed,
                                      bool asGzip, size_t mostBytes) {
  z_stream stream = {};
  require(inflateInit2(&stream, windowBits(asGzip)) == Z_OK,
          "zlib decompresses");
  std::string out(mostBytes, '\0');
  stream.next_in = bytesOf(compressed);
  stream.avail_in = uInt(compressed.size());
  stream.next_out = bytesOf(out);
  stream.avail_out = uInt(out.size());
  const bool isWhole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (!isWhole)
    return std::nullopt;
  return out;
}

//===----------------------------------------------------------------------===//
// ZIP. Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3
//===----------------------------------------------------------------------===//

static void append(std::string &out, uint64_t value, unsigned bytes) {
  for (; bytes > 0; --bytes, value >>= 8)
    out += char(value);
}

static uint64_t readAt(const std::string &from, size_t at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes && at + i < from.size(); ++i)
    value |= uint64_t(uint8_t(from[at + i])) << 8 * i;
  return value;
}

// Of a record's fixed part.
static constexpr size_t localBytes = 30, centralBytes = 46, endBytes = 22;

/// What the local and the central record have in common: from the version that
/// is needed to the length of what is extra.
static std::string facts(const ZipMember &member, size_t storedBytes) {
  std::string out;
  append(out, 20, 2);
  append(out, 0, 2);
  append(out, member.isCompressed ? 8 : 0, 2);
  append(out, 0x00210000, 4); // 1980-01-01
  append(out, crc32(0, bytesOf(member.content), uInt(member.content.size())),
         4);
  append(out, storedBytes, 4);
  append(out, member.content.size(), 4);
  append(out, member.name.size(), 2);
  append(out, 0, 2);
  return out;
}

std::string writeZip(const std::vector<ZipMember> &members) {
  std::string archive, directory;
  for (const ZipMember &member : members) {
    const std::string stored =
        member.isCompressed ? compress(member.content, false) : member.content;
    const std::string common = facts(member, stored.size());
    append(directory, 0x02014b50, 4);
    append(directory, 20, 2);
    directory += common;
    // A comment's length, a disk and attributes.
    append(directory, 0, 10);
    append(directory, archive.size(), 4);
    directory += member.name;
    append(archive, 0x04034b50, 4);
    archive += common + member.name + stored;
  }
  const size_t start = archive.size();
  archive += directory;
  append(archive, 0x06054b50, 4);
  append(archive, 0, 4);
  append(archive, members.size(), 2);
  append(archive, members.size(), 2);
  append(archive, directory.size(), 4);
  append(archive, start, 4);
  append(archive, 0, 2);
  return archive;
}

std::vector<ZipMember> readZip(const std::string &archive, size_t mostBytes) {
  std::vector<ZipMember> members;
  if (archive.size() < endBytes)
    return members;
  const size_t end = archive.size() - endBytes;
  size_t at = readAt(archive, end + 16, 4);
  for (size_t i = readAt(archive, end + 10, 2); i > 0; --i) {
    if (at + centralBytes > archive.size())
      return {};
    const size_t local = readAt(archive, at + 42, 4);
    const size_t nameBytes = readAt(archive, at + 28, 2);
    const size_t start = local + localBytes + readAt(archive, local + 26, 2) +
                         readAt(archive, local + 28, 2);
    if (start > archive.size() ||
        at + centralBytes + nameBytes > archive.size())
      return {};
    ZipMember member{archive.substr(at + centralBytes, nameBytes),
                     archive.substr(start, readAt(archive, at + 20, 4)),
                     readAt(archive, at + 10, 2) == 8};
    if (member.isCompressed) {
      auto content = decompress(member.content, false, mostBytes);
      if (!content)
        return {};
      member.content = *content;
    }
    members.push_back(member);
    at += centralBytes + nameBytes + readAt(archive, at + 30, 2) +
          readAt(archive, at + 32, 2);
  }
  return members;
}

} // namespace nnc::fuzz
