// A text that an editor has open: what an edit makes of it, and its places as
// the editor counts them, in lines and in units of UTF-16.
#ifndef NNC_TOOLS_LANGUAGE_DOCUMENT_H
#define NNC_TOOLS_LANGUAGE_DOCUMENT_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// Both count from zero.
struct Position {
  size_t line = 0, character = 0;
};

class Document {
public:
  explicit Document(std::string text) : text(std::move(text)) { findLines(); }

  llvm::StringRef getText() const { return text; }
  /// The byte at a place; of one outside of the text, the nearest inside.
  size_t offsetOf(Position position) const;
  Position positionOf(size_t offset) const;
  /// The byte at a line and a column of bytes, which both count from one, as
  /// the compiler has them: a carriage return alone ends no line of its.
  size_t offsetOfColumn(size_t line, size_t column) const;
  /// Puts `replacement` in the place of what is from `begin` to `end`.
  void replace(Position begin, Position end, llvm::StringRef replacement);

private:
  void findLines();

  std::string text;
  std::vector<size_t> lineStarts;       // as the protocol has them
  std::vector<size_t> sourceLineStarts; // as the compiler does
};

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_DOCUMENT_H
