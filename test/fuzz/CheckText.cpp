// UTF-8, and nothing that a terminal obeys.
#include "test/fuzz/CheckText.h"

#include "test/fuzz/Require.h"

#include <cstdint>

namespace nnc::fuzz {

/// The bytes of the character that starts at `text[at]`; 0 if none does.
/// Source: Unicode 15, table 3-7.
static size_t characterBytes(const std::string &text, size_t at) {
  auto byte = [&](size_t i) {
    return at + i < text.size() ? uint8_t(text[at + i]) : 0;
  };
  const uint8_t first = byte(0), second = byte(1);
  auto follow = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i)
      if (byte(i) >> 6 != 2)
        return false;
    return true;
  };
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first < 0xe0)
    return follow(1, 2) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    const uint8_t least = first == 0xe0 ? 0xa0 : 0x80;
    const uint8_t most = first == 0xed ? 0x9f : 0xbf;
    return second >= least && second <= most && follow(2, 3) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    const uint8_t least = first == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most && follow(2, 4) ? 4 : 0;
  }
  return 0;
}

void checkText(const std::string &text, const char *what, bool hasLines) {
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = characterBytes(text, at);
    require(bytes > 0, "text is UTF-8", what);
    const uint8_t first = text[at], second = bytes == 2 ? text[at + 1] : 0xff;
    // C0, DEL and C1.
    bool isControl =
        first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
    require(!isControl || (hasLines && (first == '\n' || first == '\t')),
            "text has no control characters", what);
    at += bytes;
  }
}

} // namespace nnc::fuzz
