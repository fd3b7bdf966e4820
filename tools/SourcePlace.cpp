// Places are split from their end: a file's name may have colons.
#include "tools/SourcePlace.h"

#include <cstdlib>
#include <fstream>
#include <string_view>

#include <sys/stat.h>

namespace nnc::tools {

std::optional<SourcePlace> parsePlace(const std::string &text) {
  size_t last = text.rfind(':');
  size_t first = last == std::string::npos ? last : text.rfind(':', last - 1);
  if (first == std::string::npos || last == first + 1)
    return std::nullopt;
  SourcePlace place{text.substr(0, first), std::atol(text.c_str() + first + 1),
                    std::atol(text.c_str() + last + 1)};
  if (place.line <= 0 || place.column <= 0)
    return std::nullopt;
  return place;
}

/// Whether `path` is a program as text, which is short and can be read twice.
static bool isProgramText(const std::string &path) {
  constexpr off_t mostBytes = 4 << 20; // the language's limit
  constexpr std::string_view ending = ".nn";
  struct stat info;
  return path.size() > ending.size() &&
         path.compare(path.size() - ending.size(), ending.size(), ending) ==
             0 &&
         stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         info.st_size <= mostBytes;
}

std::vector<std::string> readProgram(const std::string &path) {
  std::vector<std::string> lines;
  if (!isProgramText(path))
    return lines;
  std::ifstream source(path);
  for (std::string line; std::getline(source, line);)
    lines.push_back(line);
  return lines;
}

} // namespace nnc::tools
