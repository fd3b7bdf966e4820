#include "tools/Text.h"

#include <cstdio>
#include <iterator>

namespace nnc::tools {

/// The number of bytes of the UTF-8 character at the start of `text`; 0 if
/// there is none (Unicode 15, table 3-7) or a terminal would obey it.
static size_t printableBytes(std::string_view text) {
  auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  auto isNext = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80)
    return first >= 0x20 && first != 0x7f;
  if (first >= 0xc2 && first <= 0xdf)
    // U+0080 to U+009F are control characters.
    return isNext(1) && !(first == 0xc2 && second < 0xa0) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool isOverlong = first == 0xe0 && second < 0xa0;
    const bool isSurrogate = first == 0xed && second >= 0xa0;
    return isNext(1) && isNext(2) && !isOverlong && !isSurrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool isOverlong = first == 0xf0 && second < 0x90;
    const bool isBeyond = first == 0xf4 && second >= 0x90;
    return isNext(1) && isNext(2) && isNext(3) && !isOverlong && !isBeyond ? 4
                                                                           : 0;
  }
  return 0;
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t count = printableBytes(text);
    if (count > 0) {
      result += text.substr(0, count);
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned char>(text[0]));
      result += escaped;
      count = 1;
    }
    text.remove_prefix(count);
  }
  return result;
}

std::string sizeText(int64_t bytes) {
  static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                      "TiB", "PiB", "EiB"};
  double size = double(bytes);
  size_t unit = 0;
  // What would round to 1024.0 is 1.0 of the next.
  for (; size >= 1023.95 && unit + 1 < std::size(units); ++unit)
    size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", size,
                units[unit]);
  return text;
}

bool isFileName(std::string_view name) {
  // Beyond what file systems take (NAME_MAX), with an ending.
  constexpr size_t longest = 240;
  return !name.empty() && name.size() <= longest && name[0] != '.' &&
         name.find('/') == std::string_view::npos && printable(name) == name;
}

} // namespace nnc::tools
