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

/// Puts columns to their places; those that have a file of their own keep to
/// it.
static void place(const EntryPoint &entry,
                  const std::vector<std::string> &paths,
                  std::vector<Column> read, Columns &result) {
  const std::string first = read.front().name;
  for (Column &column : read)
    for (size_t i = 0; i < result.size(); ++i)
      if (entry.inputs[i].name == column.name &&
          (column.name == first || paths[i].empty()))
        result[i] = std::move(column);
}

/// That each input has samples, and as many as the first.
static Status checkAll(const EntryPoint &entry, const Columns &columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const TensorInfo &info = entry.inputs[i];
    if (columns[i].name.empty())
      return {Code::InvalidArgument,
              "input " + info.name + " (" +
                  describe(info.elementType, info.shape) +
                  ") is missing: give --input " + info.name + "=FILE.npy"};
    if (columns[i].numSamples != columns[0].numSamples)
      return {Code::InvalidArgument,
              concat("input ", info.name, " has ", columns[i].numSamples,
                     " samples, ", entry.inputs[0].name, " has ",
                     columns[0].numSamples)};
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
  result.clear();
  result.resize(entry.inputs.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].empty())
      continue;
    auto read = readInputFile({paths[i], i, lists[i]}, entry, learned.recipe,
                              learned.facts, learned.directories);
    if (!read.isOk())
      return read.status();
    place(entry, paths, std::move(*read), result);
  }
  if (Status status = checkAll(entry, result); !status.isOk())
    return status;
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
          "folder of pictures, or text, a line a sample; once an input")
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
