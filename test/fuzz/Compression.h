// The compressed forms of files of data, both ways.
#ifndef NNC_TEST_FUZZ_COMPRESSION_H
#define NNC_TEST_FUZZ_COMPRESSION_H

#include <optional>
#include <string>
#include <vector>

namespace nnc::fuzz {

/// As a gzip file, or as the bare deflate stream of a ZIP's member.
std::string compress(const std::string &content, bool asGzip);
/// Nothing if it is damaged or more than `mostBytes` come out.
std::optional<std::string> decompress(const std::string &compressed,
                                      bool asGzip, size_t mostBytes);

struct ZipMember {
  std::string name, content;
  bool isCompressed = true;
};

std::string writeZip(const std::vector<ZipMember> &members);
/// The members whose records are in order; none of a damaged archive.
std::vector<ZipMember> readZip(const std::string &archive, size_t mostBytes);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_COMPRESSION_H
