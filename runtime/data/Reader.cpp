// The list of formats, and what is the same for all of them.
#include "runtime/data/Reader.h"

#include "runtime/data/ByteStream.h"
#include "runtime/data/Csv.h"
#include "runtime/data/Idx.h"
#include "runtime/data/Npy.h"

#include <algorithm>
#include <cstring>
#include <unistd.h>

namespace nnc::runtime {

namespace {
struct Format {
  const char *name;
  StatusOr<std::vector<Column>> (*read)(const ReadRequest &);
};
} // namespace

static constexpr Format formats[] = {
    {"csv", readCsv},
    {"idx", readIdx},
    {"npy", readNpy},
    {"npz", readNpz},
};

const std::string *ReadRequest::argument(std::string_view name) const {
  for (const auto &[key, value] : binding.arguments)
    if (key == name)
      return &value;
  return nullptr;
}

Status ReadRequest::checkArguments(
    std::initializer_list<std::string_view> known) const {
  std::string names = "path";
  for (std::string_view name : known)
    names += concat(", ", std::string(name));
  for (const auto &[key, value] : binding.arguments)
    if (key != "path" &&
        std::find(known.begin(), known.end(), key) == known.end())
      return {Code::InvalidArgument, concat(binding.reader, " has no argument ",
                                            quote(key), ", it has: ", names)};
  return {};
}

Shape sampleShapeOf(const TensorInfo &input) {
  return {input.shape.begin() + !input.shape.empty(), input.shape.end()};
}

Status checkSampleShape(const std::string &path, const TensorInfo &input,
                        ElementType elementType, const Shape &found) {
  Shape expected = input.shape;
  bool isSame =
      found.size() == expected.size() &&
      std::equal(found.begin() + 1, found.end(), expected.begin() + 1);
  if (isSame)
    return {};
  return {Code::InvalidFile,
          concat(path, ": holds ", describe(elementType, found), ", input ",
                 quote(input.name), " is ",
                 describe(input.elementType, expected))};
}

// The name itself, and the other of its compressed and plain forms.
static std::vector<std::string> spellings(const std::string &path) {
  constexpr std::string_view suffix = ".gz";
  bool isCompressed =
      path.size() > suffix.size() &&
      path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
  return {path, isCompressed ? path.substr(0, path.size() - suffix.size())
                             : path + std::string(suffix)};
}

static StatusOr<std::string>
findFile(const std::string &path, const std::vector<std::string> &directories) {
  bool isAbsolute = !path.empty() && path[0] == '/';
  std::string searched;
  for (const std::string &directory :
       isAbsolute ? std::vector<std::string>{""} : directories) {
    std::string prefix = directory.empty() || directory.back() == '/'
                             ? directory
                             : directory + '/';
    for (const std::string &spelling : spellings(path)) {
      std::string candidate = prefix + spelling;
      if (access(candidate.c_str(), F_OK) == 0)
        return candidate;
    }
    searched += concat(searched.empty() ? "" : ", ",
                       directory.empty() ? "." : directory);
  }
  return Status(Code::NotFound,
                isAbsolute ? path + ": no such file"
                           : concat(path, ": no such file in ", searched));
}

template <typename T>
static Status checkValues(const Column &column, const TensorInfo &input,
                          const std::string &path) {
  T value;
  int64_t perSample = *numElements(column.sampleShape);
  for (int64_t i = 0; i < column.numSamples * perSample; ++i) {
    std::memcpy(&value, column.data.data() + i * sizeof value, sizeof value);
    int64_t number = static_cast<int64_t>(value);
    if (number < 0 || number >= input.indexLimit)
      return {Code::InvalidFile,
              concat(path, ": sample ", i / perSample, " has ", number,
                     " for input ", quote(input.name), ", expected 0 to ",
                     input.indexLimit - 1)};
  }
  return {};
}

// Labels and tokens beyond their range, before training begins.
static Status checkIndices(const Column &column, const TensorInfo &input,
                           const std::string &path) {
  if (input.indexLimit == 0)
    return {};
  switch (column.elementType) {
  case ElementType::U8:
    return checkValues<uint8_t>(column, input, path);
  case ElementType::I32:
    return checkValues<int32_t>(column, input, path);
  case ElementType::U32:
    return checkValues<uint32_t>(column, input, path);
  case ElementType::I64:
    return checkValues<int64_t>(column, input, path);
  default:
    return {};
  }
}

static Status noFormat(const std::string &name) {
  std::string known;
  for (const Format &format : formats)
    known += concat(known.empty() ? "" : ", ", format.name);
  return {Code::InvalidArgument, concat("no data reader is called ",
                                        quote(name), ", there are: ", known)};
}

static StatusOr<std::vector<Column>>
readBinding(const DataBinding &binding, std::vector<const TensorInfo *> inputs,
            const ReadOptions &options) {
  const Format *format =
      std::find_if(std::begin(formats), std::end(formats),
                   [&](const Format &f) { return binding.reader == f.name; });
  if (format == std::end(formats))
    return noFormat(binding.reader);
  for (const TensorInfo *input : inputs)
    if (input->shape.empty() || input->shape[0] != -1)
      return Status(Code::InvalidArgument,
                    concat("input ", quote(input->name), " is ",
                           describe(input->elementType, input->shape),
                           ", data is for inputs whose first dimension is the "
                           "batch"));
  ReadRequest request{binding, "", std::move(inputs), options.mostSamples};
  const std::string *path = request.argument("path");
  if (!path)
    return Status(Code::InvalidArgument,
                  concat(binding.reader, " needs the path of a file"));
  StatusOr<std::string> found = findFile(*path, options.directories);
  if (!found.isOk())
    return found.status();
  request.path = *found;
  auto columns = format->read(request);
  if (!columns.isOk())
    return columns.status();
  for (size_t i = 0; i < columns->size(); ++i) {
    Status status =
        checkIndices((*columns)[i], *request.inputs[i], request.path);
    if (!status.isOk())
      return status;
  }
  return columns;
}

static int64_t findInput(const EntryPoint &entry, const std::string &name) {
  for (size_t i = 0; i < entry.inputs.size(); ++i)
    if (entry.inputs[i].name == name)
      return i;
  return -1;
}

// Reads those inputs of a binding that the entry point has into their places.
static Status fillFrom(const DataBinding &binding, const EntryPoint &entry,
                       const ReadOptions &options,
                       std::vector<Column> &columns) {
  std::vector<const TensorInfo *> inputs;
  for (const std::string &name : binding.inputs) {
    int64_t index = findInput(entry, name);
    if (index < 0 && binding.inputs.size() == 1)
      return {};
    if (index < 0)
      return {Code::InvalidArgument, concat("entry point ", quote(entry.name),
                                            " has no input ", quote(name))};
    if (columns[index].data.data())
      return {Code::InvalidArgument,
              concat("input ", quote(name), " is bound twice")};
    inputs.push_back(&entry.inputs[index]);
  }
  auto read = readBinding(binding, inputs, options);
  if (!read.isOk())
    return read.status();
  for (Column &column : *read) {
    int64_t index = findInput(entry, column.name);
    columns[index] = std::move(column);
  }
  return {};
}

static Status checkComplete(const EntryPoint &entry, std::string_view split,
                            const std::vector<Column> &columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].data.data())
      return {Code::NotFound,
              concat("no ", std::string(split), " data is bound to input ",
                     quote(entry.inputs[i].name))};
    if (columns[i].numSamples != columns[0].numSamples)
      return {Code::InvalidFile,
              concat("input ", quote(columns[0].name), " has ",
                     columns[0].numSamples, " samples, ",
                     quote(columns[i].name), " has ", columns[i].numSamples)};
  }
  if (!columns.empty() && columns[0].numSamples == 0)
    return {Code::InvalidFile,
            concat("the ", std::string(split), " data has no samples")};
  return {};
}

StatusOr<std::vector<Column>>
readSplit(const Recipe &recipe, std::string_view split, const EntryPoint &entry,
          const ReadOptions &options, std::string *source) {
  return guardMemory([&]() -> StatusOr<std::vector<Column>> {
    std::vector<Column> columns(entry.inputs.size());
    for (const DataBinding &binding : recipe.data) {
      if (binding.split != split)
        continue;
      if (source)
        *source = binding.source;
      Status status = fillFrom(binding, entry, options, columns);
      if (!status.isOk())
        return status;
    }
    Status status = checkComplete(entry, split, columns);
    if (!status.isOk())
      return status;
    return columns;
  });
}

bool hasSplit(const Recipe &recipe, std::string_view split) {
  return std::any_of(
      recipe.data.begin(), recipe.data.end(),
      [&](const DataBinding &binding) { return binding.split == split; });
}

static bool endsWith(std::string_view path, std::string_view ending) {
  return path.size() > ending.size() &&
         path.substr(path.size() - ending.size()) == ending;
}

/// The reader of a file by how it begins; text, which has no sign, by its name.
static StatusOr<std::string> readerOf(const std::string &path) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  char start[6] = {};
  StatusOr<int64_t> got = stream->readSome(start, sizeof start);
  if (!got.isOk())
    return got.status();
  const std::string_view begin(start, size_t(*got));
  if (begin == "\x93NUMPY")
    return std::string("npy");
  if (begin.substr(0, 2) == "PK")
    return std::string("npz");
  if (endsWith(path, ".csv") || endsWith(path, ".csv.gz"))
    return std::string("csv");
  if (begin.size() > 4 && start[0] == 0 && start[1] == 0)
    return std::string("idx");
  return Status(Code::InvalidFile,
                path + ": expected a .npy, .npz or IDX file, or a name that "
                       "ends in .csv");
}

StatusOr<Column> readInputFile(const std::string &path, const TensorInfo &input,
                               const std::string &columns) {
  return guardMemory([&]() -> StatusOr<Column> {
    StatusOr<std::string> reader = readerOf(path);
    if (!reader.isOk())
      return reader.status();
    DataBinding binding;
    binding.inputs = {input.name};
    binding.reader = *reader;
    binding.arguments = {{"path", path}};
    if (!columns.empty())
      binding.arguments.emplace_back("columns", columns);
    auto read = readBinding(binding, {&input}, ReadOptions());
    if (!read.isOk())
      return read.status();
    return std::move((*read)[0]);
  });
}

} // namespace nnc::runtime
