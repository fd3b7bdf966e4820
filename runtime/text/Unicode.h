// Characters of UTF-8 text and what Unicode says of them, by utf8proc.
#ifndef NNC_RUNTIME_TEXT_UNICODE_H
#define NNC_RUNTIME_TEXT_UNICODE_H

#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace nnc::runtime {

struct Character {
  int32_t codePoint = 0;
  /// 0 where the text begins with no character.
  size_t bytes = 0;
};

/// The character that `text` begins with.
Character firstCharacter(std::string_view text);
void appendCharacter(int32_t codePoint, std::string &text);

/// InvalidFile with the place of the first byte that is no UTF-8.
Status checkUtf8(std::string_view text);

/// White_Space of the Unicode character database.
bool isSpace(int32_t codePoint);
/// Of a general category P, the property that regular expressions call \p{P}.
bool isPunctuation(int32_t codePoint);
/// Of the general categories Cc, Cf, Cs and Co: control, format, surrogate,
/// private use.
bool isOther(int32_t codePoint);
/// Of the general category Mn: a mark that takes no room of its own.
bool isNonspacingMark(int32_t codePoint);

/// Appends the character's lower case, of which U+0130 has two.
void appendLower(int32_t codePoint, std::string &text);
std::string lowerCase(std::string_view text);

enum class NormalForm { C, D, KC, KD };
/// `text`, which is UTF-8, in that form of Unicode's annex 15.
std::string normalize(std::string_view text, NormalForm form);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_UNICODE_H
