// Programs for data as people have them: read at a glance, commented, and
// trained at once.
#ifndef NNC_TOOLS_NEW_PROGRAMS_H
#define NNC_TOOLS_NEW_PROGRAMS_H

#include "runtime/Status.h"

#include <string>

namespace nnc::tools {

/// What a program is to be called, and its data.
struct NewProgram {
  std::string name;   ///< Of the model.
  std::string data;   ///< Where the data are, for this program.
  std::string path;   ///< The same as the program will say it.
  std::string target; ///< The column to be told; empty: it is chosen.
  std::string task;   ///< "classes" or "number"; empty: it is chosen.
  /// Tables to validate and to test with, and as the program will say them.
  std::string validation, validationPath, test, testPath;
};

// Each: InvalidFile, or InvalidArgument for a target, where no program would
// do.

/// Of a table: classes or a number from its other columns.
runtime::StatusOr<std::string> programForTable(const NewProgram &wanted);
/// Of a folder with a folder of pictures a class, or with folders `train` and
/// `test` of these.
runtime::StatusOr<std::string> programForImages(const NewProgram &wanted);
/// Of a text: one that goes on with it, character by character.
runtime::StatusOr<std::string> programForText(const NewProgram &wanted);

/// `text` as a string of a program.
std::string asString(const std::string &text);

} // namespace nnc::tools

#endif // NNC_TOOLS_NEW_PROGRAMS_H
