// Which file is for which input.
#include "tools/InputFiles.h"

#include "runtime/data/Reader.h"

#include <CLI/CLI.hpp>

namespace nnc::tools {

using namespace runtime;

/// Splits "NAME=REST"; `input` receives which of the entry point's it names.
static Status parseBinding(const EntryPoint &entry, const char *option,
                           const char *form, const std::string &argument,
                           size_t &input, std::string &rest) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  std::string known;
  for (input = 0; input < entry.inputs.size(); ++input) {
    const TensorInfo &info = entry.inputs[input];
    if (equals != std::string::npos && info.name == name) {
      rest = argument.substr(equals + 1);
      return {};
    }
    known += (known.empty() ? "" : ", ") + info.name;
  }
  return {Code::InvalidArgument,
          concat(option, " ", argument, ": expected NAME=", form,
                 ", NAME one of: ", known)};
}

/// What `arguments` say of each input; empty where they say nothing.
static Status bind(const EntryPoint &entry, const char *option,
                   const char *form, const std::vector<std::string> &arguments,
                   std::vector<std::string> &texts) {
  texts.resize(entry.inputs.size());
  for (const std::string &argument : arguments) {
    size_t input = 0;
    std::string text;
    if (Status status =
            parseBinding(entry, option, form, argument, input, text);
        !status.isOk())
      return status;
    texts[input] = text;
  }
  return {};
}

Status InputFiles::read(const EntryPoint &entry, const Learned &learned,
                        Columns &result) const {
  std::vector<std::string> paths, lists;
  if (Status status = bind(entry, "--input", "FILE", files, paths);
      !status.isOk())
    return status;
  if (Status status = bind(entry, "--columns", "LIST", columns, lists);
      !status.isOk())
    return status;
  result.resize(entry.inputs.size());
  for (size_t i = 0; i < result.size(); ++i) {
    const TensorInfo &info = entry.inputs[i];
    if (paths[i].empty())
      return {Code::InvalidArgument,
              "input " + info.name + " (" +
                  describe(info.elementType, info.shape) +
                  ") is missing: give --input " + info.name + "=FILE.npy"};
    StatusOr<Column> column =
        readInputFile(paths[i], info, lists[i], learned.recipe, learned.facts);
    if (!column.isOk())
      return column.status();
    result[i] = std::move(*column);
    if (result[i].numSamples != result[0].numSamples)
      return {Code::InvalidArgument,
              concat("input ", info.name, " has ", result[i].numSamples,
                     " samples, ", entry.inputs[0].name, " has ",
                     result[0].numSamples)};
  }
  Status status = checkSettled(result, learned.weightsFile);
  return status.isOk() ? bringIntoMemory(result) : status;
}

std::vector<std::string> InputFiles::paths() const {
  std::vector<std::string> result;
  for (const std::string &argument : files)
    result.push_back(argument.substr(argument.find('=') + 1));
  return result;
}

void addInputOptions(CLI::App &command, InputFiles &inputs) {
  command
      .add_option(
          "--input", inputs.files,
          "an input and its .npy, .npz, IDX, PNG, JPEG or .csv file, or a "
          "folder of pictures; once an input")
      ->type_name("NAME=FILE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--columns", inputs.columns,
                  "of a .csv file, the columns that an input takes, such as "
                  "0:20 or names; default: all")
      ->type_name("NAME=LIST")
      ->take_all()
      ->allow_extra_args(false);
}

} // namespace nnc::tools
