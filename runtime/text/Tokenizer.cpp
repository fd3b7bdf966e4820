// What all tokenizers share: whole characters out of bytes.
#include "runtime/text/Tokenizer.h"

#include "runtime/PlanNames.h"

#include <algorithm>

namespace nnc::runtime {

static constexpr std::string_view replacement = "\xef\xbf\xbd";
static constexpr size_t mostCharacterBytes = 4;

/// Whether `bytes`, which begin with no character, may do so when more come.
static bool mayBecomeCharacter(std::string_view bytes) {
  // The shortest and the longest continuation tell: those between have the same
  // lengths.
  for (std::string_view rest : {"\x80\x80\x80", "\xbf\xbf\xbf"})
    for (size_t more = 1; bytes.size() + more <= mostCharacterBytes; ++more) {
      const std::string whole =
          std::string(bytes) + std::string(rest.substr(0, more));
      if (firstCharacterBytes(whole) == whole.size())
        return true;
    }
  return false;
}

/// Moves the whole characters from the front of `bytes` to `text`. What can be
/// none becomes U+FFFD, a byte each; what may become one stays unless `isEnd`.
static void takeCharacters(std::string &bytes, bool isEnd, std::string &text) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const size_t length = firstCharacterBytes(rest);
    if (length == 0 && !isEnd && rest.size() < mostCharacterBytes &&
        mayBecomeCharacter(rest))
      break;
    text += length ? rest.substr(0, length) : replacement;
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  bytes.erase(0, bytes.size() - rest.size());
}

std::string TextStream::next(int32_t id) {
  std::string text;
  isFirst &= !tokenizer->appendBytes(id, isFirst, waiting);
  takeCharacters(waiting, false, text);
  return text;
}

std::string TextStream::finish() {
  std::string text;
  takeCharacters(waiting, true, text);
  isFirst = true;
  return text;
}

std::string decode(const Tokenizer &tokenizer,
                   const std::vector<int32_t> &ids) {
  std::string bytes, text;
  bool isFirst = true;
  for (int32_t id : ids)
    isFirst &= !tokenizer.appendBytes(id, isFirst, bytes);
  takeCharacters(bytes, true, text);
  return text;
}

} // namespace nnc::runtime
