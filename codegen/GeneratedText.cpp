// See GeneratedText.h.
#include "codegen/GeneratedText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace nnc;
using llvm::StringRef;

/// What every compiler takes (C11 5.2.4.1: 4095 characters a line, and 63 of a
/// name that are told apart), with room for the text around it.
static constexpr size_t kMaxComment = 256;
static constexpr size_t kMaxIdentifier = 128;

std::string nnc::toComment(StringRef text) {
  // `*/` ends a comment, a backslash continues it on the next line, and `??/`
  // was once a backslash.
  auto isHarmless = [](char c) {
    return llvm::isPrint(c) && c != '*' && c != '\\' && c != '?';
  };
  std::string result;
  for (char c : text.take_front(kMaxComment))
    result += isHarmless(c) ? c : '.';
  return text.size() > kMaxComment ? result + "..." : result;
}

static bool isWordPart(char c) { return llvm::isAlnum(c) || c == '_'; }

std::string nnc::toIdentifier(StringRef text) {
  std::string result;
  for (char c : text.take_front(kMaxIdentifier))
    result += isWordPart(c) ? c : '_';
  return result;
}

bool nnc::isIdentifier(StringRef text) {
  return !text.empty() && !llvm::isDigit(text[0]) &&
         llvm::all_of(text, isWordPart);
}

std::string nnc::toLiteral(StringRef text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += llvm::isPrint(c) ? c : '.';
  }
  return quoted + '"';
}
