// Folders and files of output, checked before the work begins.
#include "tools/Output.h"

#include "tools/Program.h"

#include <cstdio>
#include <filesystem>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

int finishOutput(int exit) {
  std::cout.flush();
  const bool isFlushed = std::fflush(stdout) == 0;
  if (isFlushed && !std::ferror(stdout) && std::cout.good())
    return exit;
  std::cerr << "error: standard output could not be written\n";
  return exit == Done ? MachineFailed : exit;
}

Status checkNoInput(const std::string &path, const std::string &what,
                    const std::vector<InputFile> &inputs,
                    const std::string &option) {
  std::error_code error;
  for (const InputFile &input : inputs)
    // By what they are, not how they are spelled; false where one is missing.
    if (std::filesystem::equivalent(path, input.path, error))
      return {Code::InvalidArgument,
              concat(what, " would replace ", input.what, ", ", input.path,
                     ": give another name by ", option)};
  return {};
}

Status makeFolder(const std::string &path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error || std::filesystem::is_directory(path))
    return {};
  return {Code::IoError, concat(path, ": cannot be made: ", error.message())};
}

} // namespace nnc::tools
