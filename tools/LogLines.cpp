// See LogLines.h.
#include "tools/LogLines.h"

#include "runtime/data/ByteStream.h"

#include <cstring>
#include <vector>

namespace nnc::tools {

using namespace runtime;

Status
readLogLines(const std::string &path,
             const std::function<bool(const std::string &, int64_t)> &use) {
  constexpr size_t mostLineBytes = size_t(64) << 20;
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  std::vector<char> piece(size_t(1) << 16);
  std::string line;
  int64_t number = 1;
  while (true) {
    StatusOr<int64_t> size = stream->readSome(piece.data(), piece.size());
    if (!size.isOk() || *size == 0)
      return size.isOk() ? Status() : size.status();
    const char *begin = piece.data(), *end = begin + *size;
    while (const void *found = std::memchr(begin, '\n', size_t(end - begin))) {
      const char *lineEnd = static_cast<const char *>(found);
      line.append(begin, lineEnd);
      if (!use(line, number))
        return {};
      line.clear();
      begin = lineEnd + 1;
      ++number;
    }
    line.append(begin, end);
    if (line.size() > mostLineBytes)
      return {Code::InvalidFile,
              concat(path, ": line ", number, " is longer than 64 MiB")};
  }
}

} // namespace nnc::tools
