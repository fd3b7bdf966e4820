#include "runtime/Status.h"

namespace nnc::runtime {

std::string quote(std::string_view text) {
  constexpr size_t longest = 96;
  static const char digits[] = "0123456789abcdef";
  std::string result = "'";
  for (unsigned char c : text.substr(0, longest)) {
    if (c >= 0x20 && c != 0x7f) {
      result += static_cast<char>(c);
      continue;
    }
    result += "\\x";
    result += digits[c >> 4];
    result += digits[c & 15];
  }
  result += text.size() > longest ? "...'" : "'";
  return result;
}

} // namespace nnc::runtime
