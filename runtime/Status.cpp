// Text from files and arguments, quoted for messages.
#include "runtime/Status.h"

#include "runtime/PlanNames.h"

#include <algorithm>

namespace nnc::runtime {

std::string quote(std::string_view text) {
  constexpr size_t longest = 96;
  static const char digits[] = "0123456789abcdef";
  std::string result = "'";
  size_t used = 0;
  while (used < std::min(text.size(), longest)) {
    std::string_view rest = text.substr(used);
    size_t length = firstCharacterBytes(rest);
    if (length && !beginsWithControl(rest)) {
      result += rest.substr(0, length);
      used += length;
      continue;
    }
    unsigned char byte = text[used++];
    result += "\\x";
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  result += text.size() > used ? "...'" : "'";
  return result;
}

} // namespace nnc::runtime
