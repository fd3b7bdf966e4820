// Takes a file apart, changes one part, and puts it together again.
#include "test/fuzz/DataMutator.h"

#include "test/fuzz/Compression.h"

#include <algorithm>

namespace nnc::fuzz {

// What is decompressed to be changed, and what a bomb holds at most.
static constexpr size_t mostContent = 1 << 20, mostBomb = 1 << 27;

//===----------------------------------------------------------------------===//
// One format each
//===----------------------------------------------------------------------===//

/// Two zeros, an element type, the number of dimensions, and their sizes.
static std::string mutateIdx(std::string file, Choices &choices) {
  static const std::vector<char> types = {8, 9, 11, 12, 13, 14, 0, 7};
  if (file.size() < 4)
    return {};
  const size_t dimension = 4 + 4 * choices.below(size_t(uint8_t(file[3])) + 1);
  switch (choices.below(4)) {
  case 0:
    file[2] = choices.of(types);
    return file;
  case 1:
    ++file[3];
    file.insert(std::min(dimension, file.size()), std::string("\0\0\0\1", 4));
    return file;
  case 2:
    if (dimension + 4 <= file.size()) {
      uint32_t before = 0;
      for (size_t i = 0; i < 4; ++i)
        before = before << 8 | uint8_t(file[dimension + i]);
      const uint32_t size = uint32_t(choices.integer(before));
      for (size_t i = 0; i < 4; ++i)
        file[dimension + i] = char(size >> (24 - 8 * i));
    }
    return file;
  default:
    file[choices.below(4)] = char(choices.below(256));
    return file;
  }
}

/// The words of a header that mean something, exchanged for others.
static std::string mutateNpyHeader(std::string text, Choices &choices) {
  static const std::vector<std::string> types = {
      "<f4", ">f4", "<f8", ">f8", "<f2",  "<i4", "<i8", "|u1",
      "|b1", "<u4", "<u8", "|i1", "<c8",  "|O8", "<U4", "|V4",
      "=f4", "f4",  "<f9", "<",   "<f4 ", ""};
  auto replace = [&](const char *key, size_t skip, char last,
                     const std::string &by) {
    size_t at = text.find(key);
    size_t end = at == std::string::npos ? at : text.find(last, at + skip);
    if (end != std::string::npos)
      text.replace(at + skip, end - at - skip, by);
  };
  std::string shape;
  switch (choices.below(4)) {
  case 0:
    replace("'descr': '", 10, '\'', choices.of(types));
    return text;
  case 1:
    replace("'fortran_order': ", 17, ',', choices.below(2) ? "True" : "");
    return text;
  case 2:
    for (size_t i = choices.count(100); i > 0; --i)
      shape += std::to_string(choices.integer(2)) + ", ";
    replace("'shape': (", 10, ')', shape);
    return text;
  default:
    return choices.text(text, mostContent);
  }
}

static std::string mutateNpy(std::string file, Choices &choices) {
  constexpr size_t startBytes = 10;
  if (file.size() < startBytes)
    return {};
  const size_t headerBytes = uint8_t(file[8]) | size_t(uint8_t(file[9])) << 8;
  if (choices.oneIn(8) || startBytes + headerBytes > file.size()) {
    file[6 + choices.below(4)] = char(choices.below(256));
    return file;
  }
  std::string header =
      mutateNpyHeader(file.substr(startBytes, headerBytes), choices);
  file.replace(startBytes, headerBytes, header);
  file[8] = char(header.size());
  file[9] = char(header.size() >> 8);
  return file;
}

/// A field, or a byte that has a meaning, in place of another.
static std::string mutateCsv(std::string file, Choices &choices) {
  static const std::vector<std::string> fields = {"0",
                                                  "-1",
                                                  "1",
                                                  "0.5",
                                                  "1e3",
                                                  "1e39",
                                                  "-1e-46",
                                                  "nan",
                                                  "inf",
                                                  "NA",
                                                  "",
                                                  " 1 ",
                                                  "+-1",
                                                  "0x10",
                                                  "1.",
                                                  ".5",
                                                  "\"1\"",
                                                  "1,0",
                                                  "\"1\"9",
                                                  "\"1,0\"",
                                                  "\"",
                                                  "true",
                                                  "a",
                                                  "x",
                                                  "1_0",
                                                  "256",
                                                  "2147483648",
                                                  "9007199254740993",
                                                  "18446744073709551616",
                                                  "\xef\xbb\xbf"
                                                  "1",
                                                  "\r",
                                                  "\n",
                                                  "\r\n",
                                                  ",",
                                                  ",,",
                                                  ";",
                                                  "\t",
                                                  "é",
                                                  "\xff"};
  size_t at = choices.below(file.size() + 1);
  size_t end = std::min(file.find_first_of(",\n\r;", at), file.size());
  switch (choices.below(4)) {
  case 0:
    at = file.find_last_of(",\n\r;", at ? at - 1 : 0) + 1;
    end = std::min(file.find_first_of(",\n\r;", at), file.size());
    return file.replace(at, end - at, choices.of(fields));
  case 1:
    return file.insert(at, choices.of(fields));
  case 2:
    return file.erase(at, end - at);
  default:
    return file.insert(
        at,
        choices.count(mostContent / 8) *
            (choices.oneIn(4) ? size_t(1) << choices.below(4) : 1),
        choices.of(fields).c_str()[0]);
  }
}

//===----------------------------------------------------------------------===//
// What is around it
//===----------------------------------------------------------------------===//

static std::string mutateContent(DataFormat format, const std::string &content,
                                 Choices &choices) {
  if (choices.oneIn(4))
    return choices.bytes(content, content.size() + 64);
  switch (format) {
  case DataFormat::Idx:
    return mutateIdx(content, choices);
  case DataFormat::Csv:
    return mutateCsv(content, choices);
  case DataFormat::Npy:
  case DataFormat::Npz:
    return mutateNpy(content, choices);
  }
  return {};
}

/// A part of `content` so often that it is far larger than what it is
/// compressed to.
static std::string swell(const std::string &content, Choices &choices) {
  if (content.empty())
    return content;
  const size_t at = choices.below(content.size());
  const std::string part = content.substr(
      at, 1 + choices.below(std::min<size_t>(content.size() - at, 16)));
  const size_t most = mostBomb >> choices.below(16);
  std::string many;
  while (many.size() < most)
    many += part;
  return content.substr(0, at) + many + content.substr(at);
}

static std::string mutateArchive(const std::string &file, Choices &choices) {
  std::vector<ZipMember> members = readZip(file, mostContent);
  if (members.empty())
    return {};
  const size_t at = choices.below(members.size());
  switch (choices.below(8)) {
  case 0:
    members[at].name = choices.text(members[at].name, 1000);
    break;
  case 1:
    members[at].isCompressed = !members[at].isCompressed;
    break;
  case 2:
    members.insert(members.begin() + at, choices.count(3000),
                   ZipMember(members[at]));
    break;
  case 3:
    members.erase(members.begin() + at);
    break;
  case 4:
    if (choices.oneIn(4) && members[at].isCompressed) {
      members[at].content = swell(members[at].content, choices);
      break;
    }
    [[fallthrough]];
  default:
    members[at].content =
        mutateContent(DataFormat::Npz, members[at].content, choices);
  }
  return writeZip(members);
}

std::string mutateData(DataFormat format, const std::string &file,
                       size_t maxSize, Choices &choices) {
  if (format == DataFormat::Npz)
    return mutateArchive(file, choices);
  const bool isGzip = file.size() > 2 && file[0] == '\x1f' && file[1] == '\x8b';
  std::string content = file;
  if (isGzip) {
    auto inflated = decompress(file, true, mostContent);
    if (!inflated)
      return {};
    content = *inflated;
  }
  content = mutateContent(format, content, choices);
  if (choices.oneIn(32))
    return compress(swell(content, choices), true);
  return isGzip != choices.oneIn(16) ? compress(content, true) : content;
}

} // namespace nnc::fuzz
