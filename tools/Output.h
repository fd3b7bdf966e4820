// What a command leaves: standard output, and files that replace others.
#ifndef NNC_TOOLS_OUTPUT_H
#define NNC_TOOLS_OUTPUT_H

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// The exit status of a program that would end with `exit`: MachineFailed,
/// after a message, if what it printed could not be written.
int finishOutput(int exit);

/// A file that a command reads, and what it is: "the model".
struct InputFile {
  std::string path, what;
};

/// InvalidArgument if the file `path`, which is to be written, is one of those
/// that are read; `what` it is to be, "the weights", and by which option it has
/// its name.
runtime::Status checkNoInput(const std::string &path, const std::string &what,
                             const std::vector<InputFile> &inputs,
                             const std::string &option = "-o");

/// Makes a folder, with those above it. IoError if that fails.
runtime::Status makeFolder(const std::string &path);

} // namespace nnc::tools

#endif // NNC_TOOLS_OUTPUT_H
