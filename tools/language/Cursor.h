// Where in a program its author is about to write: in which block, which call,
// and which argument of it. By tokens alone, since what is being written is no
// program yet.
#ifndef NNC_TOOLS_LANGUAGE_CURSOR_H
#define NNC_TOOLS_LANGUAGE_CURSOR_H

#include "tools/language/Analysis.h"

#include "llvm/ADT/StringSet.h"

namespace nnc::tools {

struct Cursor {
  Cursor(const Analysis &analysis, size_t offset);

  bool isInCall() const { return !callee.empty(); }
  bool isAfter(dsl::TokenKind kind) const { return before == kind; }

  llvm::StringRef block;     ///< "fn", "training"; empty: none is open
  llvm::StringRef firstWord; ///< of the statement; empty where it begins
  dsl::TokenKind before = dsl::TokenKind::EndOfFile; ///< the token before
  llvm::StringRef assigned;     ///< NAME, directly behind `NAME =`
  llvm::StringRef callee;       ///< of the innermost call
  size_t argument = 0;          ///< its number in it
  llvm::StringRef argumentName; ///< if it has one
  llvm::StringSet<> givenNames; ///< of the call's arguments
};

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_CURSOR_H
