// Places of a text in an editor's units.
#include "tools/language/Document.h"

#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace nnc::tools {

/// How many units of UTF-16 the character has that begins with `first`: one,
/// two if it has four bytes, and none if it goes on with another.
static size_t unitsOf(char first) {
  auto byte = static_cast<unsigned char>(first);
  if ((byte & 0xC0) == 0x80)
    return 0;
  return byte >= 0xF0 ? 2 : 1;
}

void Document::findLines() {
  lineStarts = {0};
  sourceLineStarts = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    bool isBeforeNewline = i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' || (text[i] == '\r' && !isBeforeNewline))
      lineStarts.push_back(i + 1);
    if (text[i] == '\n')
      sourceLineStarts.push_back(i + 1);
  }
}

size_t Document::offsetOf(Position position) const {
  if (position.line >= lineStarts.size())
    return text.size();
  size_t offset = lineStarts[position.line], units = 0;
  while (offset < text.size() && text[offset] != '\n' && text[offset] != '\r' &&
         units + unitsOf(text[offset]) <= position.character) {
    units += unitsOf(text[offset]);
    ++offset;
  }
  return offset;
}

Position Document::positionOf(size_t offset) const {
  offset = std::min(offset, text.size());
  auto next = llvm::upper_bound(lineStarts, offset);
  Position position;
  position.line = next - lineStarts.begin() - 1;
  for (size_t i = *std::prev(next); i < offset; ++i)
    position.character += unitsOf(text[i]);
  return position;
}

size_t Document::offsetOfColumn(size_t line, size_t column) const {
  if (line == 0 || line > sourceLineStarts.size())
    return line == 0 ? 0 : text.size();
  size_t start = sourceLineStarts[line - 1];
  return std::min(text.size(), start + (column ? column - 1 : 0));
}

void Document::replace(Position begin, Position end, StringRef replacement) {
  size_t from = offsetOf(begin), to = std::max(from, offsetOf(end));
  text.replace(from, to - from, replacement.str());
  findLines();
}

} // namespace nnc::tools
