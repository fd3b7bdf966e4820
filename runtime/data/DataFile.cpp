// One file for all inputs of an entry point, as the model's own data block
// would read it.
#include "runtime/TextList.h"
#include "runtime/data/Reader.h"

#include <algorithm>

namespace nnc::runtime {

static bool endsWith(std::string_view path, std::string_view ending) {
  return path.size() > ending.size() &&
         path.substr(path.size() - ending.size()) == ending;
}

std::string tableReaderOf(std::string_view path) {
  if (endsWith(path, ".gz"))
    path.remove_suffix(3);
  if (endsWith(path, ".csv") || endsWith(path, ".tsv"))
    return "csv";
  return endsWith(path, ".jsonl") || endsWith(path, ".ndjson") ? "jsonl" : "";
}

bool hasTabs(std::string_view path) {
  return endsWith(path, ".tsv") || endsWith(path, ".tsv.gz");
}

/// By its name; empty for one that is neither a table nor an archive.
static std::string readerOf(std::string_view path) {
  return endsWith(path, ".npz") ? "npz" : tableReaderOf(path);
}

using Arguments = std::vector<std::pair<std::string, std::string>>;

static const std::string *find(const Arguments &arguments,
                               std::string_view name) {
  for (const auto &[key, value] : arguments)
    if (key == name)
      return &value;
  return nullptr;
}

/// Whether a list of columns has names alone.
static bool areNames(const std::string &list) {
  const std::vector<std::string_view> items = splitList(list);
  return std::all_of(items.begin(), items.end(), [](std::string_view item) {
    return isQuoted(item) ||
           (!item.empty() && (item[0] < '0' || item[0] > '9'));
  });
}

/// The same of a table in another format: by the names of its columns.
static Status translate(const DataBinding &from, const std::string &reader,
                        Arguments &arguments) {
  const bool isCsv = from.reader == "csv";
  const std::string *names = find(from.arguments, isCsv ? "columns" : "fields");
  if (!names && isCsv)
    names = find(from.arguments, "column");
  if (names && !areNames(*names))
    return {Code::InvalidArgument,
            concat("the data block chooses columns by their numbers, and a "
                   "file of ",
                   reader, " has names alone")};
  arguments.emplace_back(reader == "csv" ? "columns" : "fields",
                         names ? *names : quotedList(from.inputs));
  return {};
}

/// A binding as `from` is, for the same inputs from the file.
static StatusOr<DataBinding> rebind(const DataBinding &from,
                                    const std::string &reader,
                                    const std::string &path) {
  DataBinding binding{"predict", from.inputs, from.reader, {}, from.source};
  if (from.reader == reader || from.reader == "text") {
    for (const auto &argument : from.arguments)
      if (argument.first != "path" && argument.first != "folder" &&
          argument.first != "array")
        binding.arguments.push_back(argument);
  } else {
    binding.reader = reader;
    if (reader != "npz")
      if (Status status = translate(from, reader, binding.arguments);
          !status.isOk())
        return status;
  }
  if (reader == "csv" && hasTabs(path) && !find(binding.arguments, "delimiter"))
    binding.arguments.emplace_back("delimiter", "tab");
  binding.arguments.emplace_back("path", path);
  return binding;
}

static std::vector<DataBinding> bindingsOf(const Recipe &recipe,
                                           const EntryPoint &entry) {
  for (const char *split : {"train", "test"}) {
    std::vector<DataBinding> bindings;
    for (const DataBinding &binding : recipe.data)
      if (binding.split == split)
        bindings.push_back(binding);
    if (!bindings.empty())
      return bindings;
  }
  DataBinding all{"train", {}, "npy", {}, ""};
  for (const TensorInfo &input : entry.inputs)
    all.inputs.push_back(input.name);
  return {all};
}

StatusOr<std::vector<Column>> readDataFile(const std::string &path,
                                           const EntryPoint &entry,
                                           const Recipe &recipe,
                                           const DataFacts &facts,
                                           const ReadOptions &options) {
  const std::string reader = readerOf(path);
  Recipe own = recipe;
  own.data.clear();
  for (const DataBinding &binding : bindingsOf(recipe, entry)) {
    if (reader.empty() && binding.reader != "text")
      return Status(Code::InvalidArgument,
                    path + ": expected a name that ends in .csv, .tsv, .jsonl, "
                           ".ndjson or .npz, perhaps with .gz behind it");
    // An archive's arrays are of one input each.
    std::vector<DataBinding> parts = {binding};
    if (reader == "npz") {
      parts.clear();
      for (const std::string &input : binding.inputs)
        parts.push_back({binding.split, {input}, binding.reader, {}, ""});
    }
    for (const DataBinding &part : parts) {
      StatusOr<DataBinding> bound = rebind(part, reader, path);
      if (!bound.isOk())
        return bound.status();
      own.data.push_back(std::move(*bound));
    }
  }
  DataFacts known = facts;
  ReadOptions mine = options;
  mine.directories = {""};
  return readSplit(own, "predict", entry, mine, nullptr, &known);
}

} // namespace nnc::runtime
