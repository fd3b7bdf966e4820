// An entry point's inputs from files that the command line names: --input and
// --columns.
#ifndef NNC_TOOLS_INPUTFILES_H
#define NNC_TOOLS_INPUTFILES_H

#include "tools/Data.h"

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace nnc::tools {

/// What the samples of files go through, and by what the training data of the
/// weights taught.
struct Learned {
  const runtime::Recipe &recipe;
  const runtime::DataFacts &facts;
  const std::string &weightsFile;
  /// Where the files are that the recipe names.
  std::vector<std::string> directories = {};
};

struct InputFiles {
  /// NAME=FILE.
  std::vector<std::string> files;
  /// NAME=LIST, of tables.
  std::vector<std::string> columns;

  /// The columns in the entry point's order, prepared as in evaluation and in
  /// memory, each with as many samples as the first. Every input must be named;
  /// the message says which is not.
  runtime::Status read(const runtime::EntryPoint &entry, const Learned &learned,
                       Columns &result) const;

  /// The paths alone.
  std::vector<std::string> paths() const;
};

/// --input and --columns.
void addInputOptions(CLI::App &command, InputFiles &inputs);

} // namespace nnc::tools

#endif // NNC_TOOLS_INPUTFILES_H
