// Finds a member by the directory at the archive's end.
#include "runtime/data/Zip.h"

#include <algorithm>
#include <vector>

namespace nnc::runtime {

// PKWARE APPNOTE.TXT 6.3.10: section 4.3.7 local header, 4.3.12 central
// directory, 4.3.16 its end. Archives beyond 4 GiB (zip64) are refused.
static constexpr int64_t localHeaderBytes = 30;
static constexpr int64_t entryBytes = 46;
static constexpr int64_t endBytes = 22;
static constexpr int64_t longestComment = 65535;

namespace {
struct Member {
  std::string name;
  int method = 0;
  int64_t compressedBytes = 0;
  int64_t headerOffset = 0;
};

struct Archive {
  std::string path;
  OpenFile file;
  int64_t sizeBytes = 0;
};
} // namespace

static uint32_t read16(const unsigned char *at) { return at[0] | at[1] << 8; }
static uint32_t read32(const unsigned char *at) {
  return read16(at) | read16(at + 2) << 16;
}

static Status damaged(const Archive &archive, const char *why) {
  return {Code::InvalidFile, concat(archive.path, ": ", why)};
}

// The end record is last but for a comment of any length: search backwards.
static Status findDirectory(const Archive &archive, int64_t &offset,
                            int64_t &size) {
  int64_t tailBytes = std::min(archive.sizeBytes, endBytes + longestComment);
  std::vector<unsigned char> tail(tailBytes);
  Status status = readAt(archive.file, archive.path, tail.data(), tailBytes,
                         archive.sizeBytes - tailBytes);
  if (!status.isOk())
    return status;
  for (int64_t i = tailBytes - endBytes; i >= 0; --i) {
    if (read32(&tail[i]) != 0x06054b50)
      continue;
    size = read32(&tail[i + 12]);
    offset = read32(&tail[i + 16]);
    if (offset == 0xffffffff || size == 0xffffffff)
      return damaged(archive, "archives beyond 4 GiB are not read");
    if (offset + size > archive.sizeBytes)
      return damaged(archive,
                     "damaged archive: its directory is beyond its end");
    return {};
  }
  return damaged(archive, "not a zip archive: it has no end record");
}

static Status readDirectory(const Archive &archive,
                            std::vector<Member> &members) {
  int64_t offset = 0, size = 0;
  Status status = findDirectory(archive, offset, size);
  if (!status.isOk())
    return status;
  std::vector<unsigned char> directory(size);
  status = readAt(archive.file, archive.path, directory.data(), size, offset);
  if (!status.isOk())
    return status;
  for (int64_t at = 0; at < size;) {
    if (size - at < entryBytes || read32(&directory[at]) != 0x02014b50)
      return damaged(archive, "damaged archive: its directory is cut off");
    const unsigned char *entry = &directory[at];
    int64_t nameBytes = read16(entry + 28);
    int64_t length =
        entryBytes + nameBytes + read16(entry + 30) + read16(entry + 32);
    if (length > size - at)
      return damaged(archive, "damaged archive: its directory is cut off");
    members.push_back(
        {std::string(reinterpret_cast<const char *>(entry) + entryBytes,
                     nameBytes),
         static_cast<int>(read16(entry + 10)), int64_t(read32(entry + 20)),
         int64_t(read32(entry + 42))});
    at += length;
  }
  return {};
}

static StatusOr<ByteStream> openMember(const Archive &archive,
                                       const Member &member) {
  constexpr int stored = 0, deflated = 8;
  if (member.method != stored && member.method != deflated)
    return Status(Code::InvalidFile,
                  concat(archive.path, ": member ", quote(member.name),
                         " is compressed by method ", member.method,
                         ", expected 0 (stored) or 8 (deflate)"));
  unsigned char header[localHeaderBytes];
  if (member.headerOffset > archive.sizeBytes - localHeaderBytes)
    return damaged(archive, "damaged archive: a member is beyond its end");
  Status status = readAt(archive.file, archive.path, header, localHeaderBytes,
                         member.headerOffset);
  if (!status.isOk())
    return status;
  int64_t begin = member.headerOffset + localHeaderBytes + read16(header + 26) +
                  read16(header + 28);
  if (read32(header) != 0x04034b50 || begin > archive.sizeBytes ||
      member.compressedBytes > archive.sizeBytes - begin)
    return damaged(archive, "damaged archive: a member is beyond its end");
  return ByteStream::open(archive.path, begin, member.compressedBytes,
                          member.method == stored
                              ? ByteStream::Coding::Plain
                              : ByteStream::Coding::Deflate);
}

StatusOr<ByteStream> openZipMember(const std::string &path,
                                   const std::string &member,
                                   const std::string &usual) {
  Archive archive;
  archive.path = path;
  StatusOr<OpenFile> file = openToRead(path, archive.sizeBytes);
  if (!file.isOk())
    return file.status();
  archive.file = std::move(*file);
  if (archive.sizeBytes < endBytes)
    return damaged(archive, "not a zip archive: it is too short");
  std::vector<Member> members;
  Status status = readDirectory(archive, members);
  if (!status.isOk())
    return status;
  if (member.empty() && members.size() == 1)
    return openMember(archive, members[0]);
  const std::string &wanted = member.empty() ? usual : member;
  std::string known;
  for (const Member &candidate : members) {
    if (candidate.name == wanted)
      return openMember(archive, candidate);
    known += concat(known.empty() ? "" : ", ", quote(candidate.name));
  }
  return Status(Code::NotFound,
                member.empty()
                    ? concat(path, ": holds several arrays and none is ",
                             quote(usual), ", name one by 'array': ", known)
                    : concat(path, ": has no member ", quote(member),
                             ", it has: ", known));
}

} // namespace nnc::runtime
