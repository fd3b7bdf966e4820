#include "frontend/Text.h"

#include "llvm/Support/ConvertUTF.h"

using llvm::StringRef;

namespace nnc {

/// U+0000 to U+001F but for tab and line's ends, U+007F, U+0080 to U+009F.
static bool beginsControl(StringRef text) {
  unsigned char first = text.front();
  if (first == 0xC2)
    return text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return (first < 0x20 && first != '\t' && first != '\n' && first != '\r') ||
         first == 0x7F;
}

size_t findNoText(StringRef text) {
  const llvm::UTF8 *place = text.bytes_begin();
  size_t valid = text.size();
  if (!llvm::isLegalUTF8String(&place, text.bytes_end()))
    valid = place - text.bytes_begin();
  for (size_t i = 0; i < valid; ++i)
    if (beginsControl(text.drop_front(i)))
      return i;
  return valid == text.size() ? StringRef::npos : valid;
}

} // namespace nnc
