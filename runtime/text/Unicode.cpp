// Asks utf8proc.
#include "runtime/text/Unicode.h"

#include "runtime/PlanNames.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <utf8proc.h>

namespace nnc::runtime {

Character firstCharacter(std::string_view text) {
  const size_t length = firstCharacterBytes(text);
  if (length <= 1)
    return {length ? text[0] : 0, length};
  // The lengths' marks leave 5, 4 and 3 bits of the first byte.
  int32_t codePoint = static_cast<unsigned char>(text[0]) & (0x7f >> length);
  for (size_t i = 1; i < length; ++i)
    codePoint = codePoint << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  return {codePoint, length};
}

void appendCharacter(int32_t codePoint, std::string &text) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(codePoint, bytes);
  text.append(reinterpret_cast<const char *>(bytes), size_t(length));
}

Status checkUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = firstCharacterBytes(text.substr(at));
    if (length == 0)
      return {Code::InvalidFile, concat("no UTF-8 at byte ", at)};
    at += length;
  }
  return {};
}

bool isSpace(int32_t codePoint) {
  if ((codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85)
    return true;
  const auto category = utf8proc_category(codePoint);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool isPunctuation(int32_t codePoint) {
  const auto category = utf8proc_category(codePoint);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool isOther(int32_t codePoint) {
  const auto category = utf8proc_category(codePoint);
  return category >= UTF8PROC_CATEGORY_CC;
}

bool isNonspacingMark(int32_t codePoint) {
  return utf8proc_category(codePoint) == UTF8PROC_CATEGORY_MN;
}

void appendLower(int32_t codePoint, std::string &text) {
  // The one character whose lower case is several: Unicode's SpecialCasing.txt.
  constexpr int32_t capitalIWithDot = 0x130;
  if (codePoint == capitalIWithDot)
    text += "i\xcc\x87";
  else
    appendCharacter(utf8proc_tolower(codePoint), text);
}

std::string lowerCase(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = firstCharacter(text);
    if (character.bytes == 0)
      break;
    appendLower(character.codePoint, result);
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::string normalize(std::string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE;
  const bool isComposed = form == NormalForm::C || form == NormalForm::KC;
  options |= isComposed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::KC || form == NormalForm::KD)
    options |= UTF8PROC_COMPAT;
  utf8proc_uint8_t *result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
      utf8proc_ssize_t(text.size()), &result, utf8proc_option_t(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(
      result, std::free);
  // Of what is UTF-8, only memory can be the reason.
  if (length < 0)
    throw std::bad_alloc();
  return {reinterpret_cast<const char *>(result), size_t(length)};
}

} // namespace nnc::runtime
