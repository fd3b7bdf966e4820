// What names and texts may be, so that a terminal, JSON and a file of tensors
// can hold them. Alone and inline: the compiler asks it too.
#ifndef NNC_RUNTIME_PLANNAMES_H
#define NNC_RUNTIME_PLANNAMES_H

#include <cstddef>
#include <string>
#include <string_view>

namespace nnc::runtime {

/// Names of tensors in a file that begin so are a checkpoint's own: what
/// training needs beside the weights. Whoever reads the weights of a checkpoint
/// passes over them.
inline constexpr std::string_view optimizerPrefix = "nnc.optimizer/";
inline constexpr std::string_view scalarPrefix = "nnc.scalar/";
/// What a run keeps beside its state, such as its best weights.
inline constexpr std::string_view keptPrefix = "nnc.kept/";

/// The key of a safetensors header that is no tensor.
inline constexpr std::string_view metadataName = "__metadata__";

/// Bytes of the character that `text` begins with; 0 if that is not UTF-8 (RFC
/// 3629, section 4).
inline size_t firstCharacterBytes(std::string_view text) {
  auto byte = [&](size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  unsigned first = byte(0), second = byte(1);
  size_t length = text.empty()   ? 0
                  : first < 0x80 ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
  for (size_t i = 1; i < length; ++i)
    if (byte(i) >> 6 != 2)
      return 0;
  // Forms longer than they need be, surrogates, and what is beyond U+10FFFF.
  bool isWrong =
      (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return isWrong ? 0 : length;
}

/// Whether `text` begins with a character that a terminal may obey: U+0000 to
/// U+001F, U+007F to U+009F.
inline bool beginsWithControl(std::string_view text) {
  auto byte = [&](size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  return byte(0) < 0x20 || byte(0) == 0x7f ||
         (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) < 0xa0);
}

inline bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = firstCharacterBytes(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Whether a text of several lines is for printing, or a name's one.
enum class Lines { One, Several };

/// What is wrong with a text, after its name: "is not UTF-8", "has a control
/// character". Null if nothing is. Several lines may have tabs too.
inline const char *problemOfText(std::string_view text,
                                 Lines lines = Lines::One) {
  while (!text.empty()) {
    size_t length = firstCharacterBytes(text);
    if (length == 0)
      return "is not UTF-8";
    bool isLayout =
        lines == Lines::Several && (text[0] == '\n' || text[0] == '\t');
    if (beginsWithControl(text) && !isLayout)
      return "has a control character";
    text.remove_prefix(length);
  }
  return nullptr;
}

/// `text` with a question mark in place of each character that problemOfText
/// objects to: for what is only shown, such as the name of a source file.
inline std::string printable(std::string_view text, Lines lines = Lines::One) {
  std::string result;
  while (!text.empty()) {
    size_t length = firstCharacterBytes(text);
    bool isKept = length && !problemOfText(text.substr(0, length), lines);
    result += isKept ? text.substr(0, length) : "?";
    text.remove_prefix(length ? length : 1);
  }
  return result;
}

/// What is wrong with a name in a plan: of its model, an input, an output or an
/// entry point. Null if nothing is.
inline const char *problemOfName(std::string_view name) {
  return name.empty() ? "is empty" : problemOfText(name);
}

/// What is wrong with the name of a tensor of the state, which becomes one of a
/// file: a parameter's, a buffer's. Null if nothing is.
inline const char *problemOfStateName(std::string_view name) {
  auto beginsWith = [&](std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix;
  };
  if (name == metadataName)
    return "is the key of a safetensors header that is no tensor";
  if (beginsWith(optimizerPrefix) || beginsWith(scalarPrefix) ||
      beginsWith(keptPrefix))
    return "begins as names of a checkpoint's own do";
  return problemOfName(name);
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_PLANNAMES_H
