// Places in a model's source, "file:line:column", and the lines that they name.
#ifndef NNC_TOOLS_SOURCEPLACE_H
#define NNC_TOOLS_SOURCEPLACE_H

#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

struct SourcePlace {
  std::string file;
  /// Both count from 1.
  long line = 0, column = 0;
};

/// Nothing where `text` is no place.
std::optional<SourcePlace> parsePlace(const std::string &text);

/// The lines of a program as text; none of a file of another kind. A place
/// comes from a file and may name any other, so that only the program that a
/// command was given is read.
std::vector<std::string> readProgram(const std::string &path);

} // namespace nnc::tools

#endif // NNC_TOOLS_SOURCEPLACE_H
