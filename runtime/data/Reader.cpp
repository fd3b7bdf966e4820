// The list of formats, and what is the same for all of them.
#include "runtime/data/Reader.h"

#include "runtime/data/Array.h"
#include "runtime/data/Cifar.h"
#include "runtime/data/Csv.h"
#include "runtime/data/FindFile.h"
#include "runtime/data/Idx.h"
#include "runtime/data/Images.h"
#include "runtime/data/Npy.h"
#include "runtime/data/TableColumns.h"
#include "runtime/data/Text.h"
#include "runtime/data/Wav.h"
#include "runtime/data/Windows.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

namespace {
struct Format {
  const char *name;
  StatusOr<std::vector<Column>> (*read)(const ReadRequest &);
};
} // namespace

static constexpr Format formats[] = {
    {"cifar10", readCifar10}, {"cifar100", readCifar100},
    {"csv", readCsv},         {"idx", readIdx},
    {"images", readImages},   {"npy", readNpy},
    {"npz", readNpz},         {"text", readText},
    {"tokens", readTokens},   {"wav", readWavs},
};

static const std::string *findArgument(const DataBinding &binding,
                                       std::string_view name) {
  for (const auto &[key, value] : binding.arguments)
    if (key == name)
      return &value;
  return nullptr;
}

std::vector<std::string> directoriesOf(const DataBinding &binding,
                                       const ReadOptions &options) {
  std::vector<std::string> directories = options.directories;
  const std::string *folder = findArgument(binding, "folder");
  if (!folder || !options.searchesFolders)
    return directories;
  for (const std::string &prefix : searchPrefixes(*folder, options.directories))
    directories.push_back(prefix + *folder);
  return directories;
}

const std::string *ReadRequest::argument(std::string_view name) const {
  return findArgument(binding, name);
}

Status ReadRequest::checkArguments(
    std::initializer_list<std::string_view> known) const {
  std::string names = "path, folder";
  for (std::string_view name : known)
    names += concat(", ", std::string(name));
  for (const auto &[key, value] : binding.arguments)
    if (key != "path" && key != "folder" &&
        std::find(known.begin(), known.end(), key) == known.end())
      return {Code::InvalidArgument, concat(binding.reader, " has no argument ",
                                            quote(key), ", it has: ", names)};
  return {};
}

const std::vector<std::string> *
ReadRequest::classesOf(const std::string &input) const {
  if (!facts)
    return nullptr;
  auto known = facts->classes.find(input);
  return known == facts->classes.end() ? nullptr : &known->second;
}

Status ReadRequest::checkShape(size_t index, ElementType elementType,
                               const Shape &found) const {
  const TensorInfo &input = *inputs[index];
  if (!isOpen[index])
    return checkSampleShape(path, input, elementType, found);
  constexpr size_t mostDimensions = 4;
  if (found.size() <= mostDimensions)
    return {};
  return {Code::InvalidFile,
          concat(path, ": holds ", describe(elementType, found),
                 ", the steps of input ", quote(input.name),
                 " take samples of at most three dimensions")};
}

StatusOr<Column> ReadRequest::fit(size_t index, Column column) const {
  const TensorInfo &input = *inputs[index];
  Shape shape = column.sampleShape;
  shape.insert(shape.begin(), column.numSamples);
  Status status = checkShape(index, column.elementType, shape);
  if (!status.isOk())
    return status;
  if (isOpen[index])
    return column;
  column.sampleShape = sampleShapeOf(input);
  return convertColumn(std::move(column), input, path);
}

Shape sampleShapeOf(const TensorInfo &input) {
  return {input.shape.begin() + !input.shape.empty(), input.shape.end()};
}

Status checkSampleShape(const std::string &path, const TensorInfo &input,
                        ElementType elementType, const Shape &found) {
  const Shape &expected = input.shape;
  auto isSame = [&](const Shape &shape) {
    return found.size() == shape.size() &&
           std::equal(found.begin() + 1, found.end(), shape.begin() + 1);
  };
  if (isSame(expected))
    return {};
  for (size_t channels : {size_t(1), size_t(3)}) {
    Shape grey = expected;
    if (grey.size() != 4 || grey[channels] != 1)
      continue;
    grey.erase(grey.begin() + int64_t(channels));
    if (isSame(grey))
      return {};
  }
  return {Code::InvalidFile,
          concat(path, ": holds ", describe(elementType, found), ", input ",
                 quote(input.name), " is ",
                 describe(input.elementType, expected))};
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

namespace {
/// What the reading of one split goes by.
struct Context {
  const Recipe &recipe;
  const ReadOptions &options;
  DataFacts &facts;
  /// May be null.
  std::string *source;
};
} // namespace

/// What the steps of `input` begin with, where they begin with something else
/// than the input's type and shape.
static TensorInfo beginOf(const TensorInfo &input, const Context &context) {
  if (!hasStep(context.recipe, input.name, "one_hot") ||
      input.shape.size() != 2)
    return input;
  return {input.name, ElementType::I32, {-1}, input.shape[1], {}, ""};
}

static Status checkOrder(const ReadRequest &request) {
  const std::string *order = request.argument("order");
  if (!order || *order == "hwc" || *order == "chw")
    return {};
  return {Code::InvalidArgument,
          concat(request.binding.reader, ": argument 'order' is ",
                 quote(*order), ", expected hwc or chw")};
}

/// Whether any step of `input` works on the values of files.
static bool hasSteps(const TensorInfo &input, const Context &context) {
  return std::any_of(
      context.recipe.sampleSteps.begin(), context.recipe.sampleSteps.end(),
      [&](const SampleStep &step) { return step.input == input.name; });
}

/// Puts the steps of `input` behind what was read for it.
static Status prepare(Column &column, const TensorInfo &input,
                      const ReadRequest &request, const Context &context) {
  if (column.stored || (column.isInMemory() && !hasSteps(input, context)))
    return {};
  auto preparation =
      Preparation::create(context.recipe, input, request.channelsFirst,
                          column.elementType, context.source);
  if (!preparation.isOk())
    return preparation.status();
  Column result;
  result.name = input.name;
  result.elementType = input.elementType;
  result.sampleShape = sampleShapeOf(input);
  result.numSamples = column.numSamples;
  result.classes = column.classes;
  result.preparation = *preparation;
  const bool isArray = column.isInMemory();
  result.samples = isArray ? samplesOf(std::move(column), request.channelsFirst,
                                       request.path)
                           : column.samples;
  column = std::move(result);
  // Samples of an array are all of one size.
  const int64_t count =
      isArray ? std::min<int64_t>(column.numSamples, 1) : column.numSamples;
  for (int64_t i = 0; i < count; ++i)
    if (Status status = column.preparation->check(column.samples->extent(i),
                                                  context.source);
        !status.isOk())
      return {status.code(),
              concat(isArray ? request.path : column.samples->nameOf(i), ": ",
                     status.message())};
  return {};
}

/// The files of a list.
static StatusOr<std::vector<std::string>>
findAll(const std::string &list, const std::vector<std::string> &directories) {
  std::vector<std::string> paths;
  for (std::string_view item : splitList(list)) {
    StatusOr<std::string> path = findFile(unquoted(item), directories);
    if (!path.isOk())
      return path.status();
    paths.push_back(std::move(*path));
  }
  return paths;
}

/// The files of one binding; those of CIFAR and of text may be several.
static StatusOr<std::vector<std::string>>
findPaths(const std::string &reader, const std::string &path,
          const std::vector<std::string> &directories) {
  if (reader == "cifar10" || reader == "cifar100")
    return findFiles(path, directories);
  StatusOr<std::string> file = findFile(path, directories);
  if (file.isOk())
    return std::vector<std::string>{*file};
  const bool isList = reader == "text" && splitList(path).size() > 1;
  return isList ? findAll(path, directories) : file.status();
}

static Status fillRequest(ReadRequest &request, const Context &context) {
  const std::string *path = request.argument("path");
  if (!path)
    return {Code::InvalidArgument,
            concat(request.binding.reader, " needs the path of a file")};
  request.directories = directoriesOf(request.binding, context.options);
  auto found = findPaths(request.binding.reader, *path, request.directories);
  if (!found.isOk())
    return found.status();
  request.paths = std::move(*found);
  request.path = request.paths.front();
  const std::string *order = request.argument("order");
  request.channelsFirst = order && *order == "chw";
  return checkOrder(request);
}

static StatusOr<std::vector<Column>>
readBinding(const DataBinding &binding, std::vector<const TensorInfo *> inputs,
            const Context &context) {
  const Format *format =
      std::find_if(std::begin(formats), std::end(formats),
                   [&](const Format &f) { return binding.reader == f.name; });
  if (format == std::end(formats))
    return noFormat(binding.reader);
  std::vector<TensorInfo> begins;
  ReadRequest request{binding,
                      {},
                      "",
                      {},
                      context.options.mostSamples,
                      context.options.numThreads,
                      context.options.mostKeptBytes};
  for (const TensorInfo *input : inputs) {
    if (input->shape.empty() || input->shape[0] != -1)
      return Status(Code::InvalidArgument,
                    concat("input ", quote(input->name), " is ",
                           describe(input->elementType, input->shape),
                           ", data is for inputs whose first dimension is the "
                           "batch"));
    begins.push_back(beginOf(*input, context));
    request.isOpen.push_back(hasSteps(*input, context) &&
                             begins.back().shape == input->shape);
  }
  for (const TensorInfo &begin : begins)
    request.inputs.push_back(&begin);
  request.facts = &context.facts;
  if (Status status = fillRequest(request, context); !status.isOk())
    return status;
  auto columns = format->read(request);
  if (!columns.isOk())
    return columns.status();
  for (size_t i = 0; i < columns->size(); ++i) {
    Column &column = (*columns)[i];
    Status status = column.isInMemory()
                        ? checkIndices(column, begins[i], request.path)
                        : Status();
    if (status.isOk())
      status = prepare(column, *inputs[i], request, context);
    if (!status.isOk())
      return status;
    if (!column.classes.empty())
      context.facts.classes.emplace(column.name, column.classes);
    if (!column.vocabulary.empty())
      context.facts.vocabularies.emplace(column.name, column.vocabulary);
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
                       const Context &context, std::vector<Column> &columns) {
  std::vector<const TensorInfo *> inputs;
  for (const std::string &name : binding.inputs) {
    int64_t index = findInput(entry, name);
    if (index < 0 && binding.inputs.size() == 1)
      return {};
    if (index < 0)
      return {Code::InvalidArgument, concat("entry point ", quote(entry.name),
                                            " has no input ", quote(name))};
    if (!columns[index].name.empty())
      return {Code::InvalidArgument,
              concat("input ", quote(name), " is bound twice")};
    inputs.push_back(&entry.inputs[index]);
  }
  auto read = readBinding(binding, inputs, context);
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
    if (columns[i].name.empty())
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

/// Mixtures are of all inputs of a sample, which must hold fractions.
static Status checkMixtures(const std::vector<Column> &columns,
                            const Context &context) {
  const Preparation *mixed = nullptr;
  std::string problem;
  for (const Column &column : columns)
    if (column.preparation && column.preparation->mixupAlpha() > 0) {
      if (mixed)
        problem = "'mixup' mixes all inputs of a sample, and is given twice";
      mixed = column.preparation.get();
    }
  for (const Column &column : columns)
    if (mixed && problem.empty() &&
        (isInteger(column.elementType) ||
         column.elementType == ElementType::Bool))
      problem = concat("'mixup' mixes all inputs of a sample, and input ",
                       quote(column.name), " is ", name(column.elementType),
                       ", which holds no mixture; labels are mixed as "
                       "f32[batch, CLASSES], with the step one_hot");
  if (problem.empty())
    return {};
  if (context.source)
    *context.source = mixed->mixupSource();
  return {Code::InvalidArgument, problem};
}

StatusOr<std::vector<Column>>
readSplit(const Recipe &recipe, std::string_view split, const EntryPoint &entry,
          const ReadOptions &options, std::string *source, DataFacts *facts) {
  return guardMemory([&]() -> StatusOr<std::vector<Column>> {
    DataFacts own;
    const Context context{recipe, options, facts ? *facts : own, source};
    std::vector<Column> columns(entry.inputs.size());
    for (const DataBinding &binding : recipe.data) {
      if (binding.split != split)
        continue;
      if (source)
        *source = binding.source;
      Status status = fillFrom(binding, entry, context, columns);
      if (!status.isOk())
        return status;
    }
    Status status = checkComplete(entry, split, columns);
    if (status.isOk())
      status = checkMixtures(columns, context);
    if (status.isOk())
      status = settle(columns, context.facts);
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

StatusOr<std::vector<Column>>
readBound(const DataBinding &binding,
          const std::vector<const TensorInfo *> &inputs, const Recipe &recipe,
          const ReadOptions &options, const DataFacts &known) {
  DataFacts facts = known;
  auto read = readBinding(binding, inputs, {recipe, options, facts, nullptr});
  if (!read.isOk())
    return read;
  if (Status status = settle(*read, facts); !status.isOk())
    return status;
  return read;
}

} // namespace nnc::runtime
