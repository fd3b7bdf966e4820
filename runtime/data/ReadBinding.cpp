// The list of formats, and what is the same for all of them.
#include "runtime/data/ReadBinding.h"

#include "runtime/TextList.h"
#include "runtime/data/Cifar.h"
#include "runtime/data/Csv.h"
#include "runtime/data/FindFile.h"
#include "runtime/data/Idx.h"
#include "runtime/data/Images.h"
#include "runtime/data/JsonLines.h"
#include "runtime/data/Npy.h"
#include "runtime/data/TableSamples.h"
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
    {"images", readImages},   {"jsonl", readJsonLines},
    {"npy", readNpy},         {"npz", readNpz},
    {"text", readText},       {"tokens", readTokens},
    {"wav", readWavs},
};

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

/// What the steps of `input` begin with, where they begin with something else
/// than the input's type and shape.
static TensorInfo beginOf(const TensorInfo &input, const ReadContext &context) {
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
static bool hasSteps(const TensorInfo &input, const ReadContext &context) {
  return std::any_of(
      context.recipe.sampleSteps.begin(), context.recipe.sampleSteps.end(),
      [&](const SampleStep &step) { return step.input == input.name; });
}

/// Takes the numbers of an array for those of the names that the program lists.
static Status nameNumbers(Column &column, const TableSteps &steps,
                          const std::string &path) {
  const std::string &input = steps.input().name;
  const bool isListed = steps.kind() == TableSteps::Kind::Classes &&
                        steps.open() == TableSteps::Open::Nothing;
  if (!isListed || !isInteger(column.elementType) || !column.isInMemory())
    return {Code::InvalidFile,
            concat(path, ": has numbers for input ", quote(input),
                   ", whose steps take names: these come from csv and jsonl; `",
                   input, " classes = [..]` lists names of whole numbers")};
  const int64_t bytes = sizeBytes(column.elementType);
  const int64_t count = column.numSamples * *numElements(column.sampleShape);
  AlignedBytes numbers(size_t(count) * sizeof(int32_t));
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *element = column.data.data() + i * bytes;
    const double number = toDouble(column.elementType, element);
    if (number < 0 || number >= double(steps.names().size()))
      return {Code::InvalidFile,
              concat(path, ": sample ",
                     i / std::max<int64_t>(1, count / column.numSamples),
                     " has ", elementText(column.elementType, element),
                     " for input ", quote(input), ", which lists ",
                     steps.names().size(), " classes, from 0 on")};
    const auto place = static_cast<int32_t>(number);
    std::memcpy(numbers.data() + i * sizeof place, &place, sizeof place);
  }
  column.data = std::move(numbers);
  column.elementType = ElementType::I32;
  column.classes = steps.names();
  return {};
}

/// The file, or what names several: samples are numbered through all of them.
static const std::string &nameOf(const ReadRequest &request) {
  return request.paths.size() > 1 ? *request.argument("path") : request.path;
}

/// Puts the steps of a table behind what was read for its input.
static Status prepareTable(Column &column,
                           const std::shared_ptr<TableSteps> &steps,
                           const ReadRequest &request) {
  const std::optional<int64_t> found = numElements(column.sampleShape);
  const TensorInfo &input = steps->input();
  const bool isNamed = !column.classes.empty() || column.numSamples == 0;
  if (column.samples || !found || *found != steps->numFields())
    return {Code::InvalidFile,
            concat(nameOf(request), ": holds ",
                   describe(column.elementType, column.sampleShape),
                   " a sample, the steps of input ", quote(input.name),
                   " take ", steps->numFields(), " numbers")};
  if (steps->takesNames() && !isNamed)
    if (Status status = nameNumbers(column, *steps, nameOf(request));
        !status.isOk())
      return status;
  Column result;
  result.name = input.name;
  result.elementType = input.elementType;
  result.sampleShape = sampleShapeOf(input);
  result.numSamples = column.numSamples;
  result.table =
      std::make_shared<TableSamples>(std::move(column), steps, nameOf(request));
  if (request.binding.split == "train")
    if (Status status = result.table->settleClasses(); !status.isOk())
      return status;
  if (steps->kind() == TableSteps::Kind::Classes)
    result.classes = steps->names();
  result.stored = result.table;
  column = std::move(result);
  return {};
}

/// Puts the steps of `input` behind what was read for it.
static Status prepare(Column &column, const TensorInfo &input,
                      const ReadRequest &request, const ReadContext &context) {
  if (!hasSteps(input, context) && !column.samples)
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
  const bool isArray = !column.samples;
  result.samples = isArray ? samplesOf(std::move(column), request.channelsFirst,
                                       nameOf(request))
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
              concat(isArray ? nameOf(request) : column.samples->nameOf(i),
                     ": ", status.message())};
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

/// The files of one binding: a list, or those that match a pattern, by name.
static StatusOr<std::vector<std::string>>
findPaths(const std::string &reader, const std::string &path,
          const std::vector<std::string> &directories) {
  if (reader == "cifar10" || reader == "cifar100")
    return findFiles(path, directories);
  StatusOr<std::string> file = findFile(path, directories);
  if (file.isOk())
    return std::vector<std::string>{*file};
  static constexpr std::string_view several[] = {"csv", "idx",  "jsonl",
                                                 "npy", "text", "wav"};
  const bool mayBeSeveral = std::find(std::begin(several), std::end(several),
                                      reader) != std::end(several);
  if (mayBeSeveral && splitList(path).size() > 1)
    return findAll(path, directories);
  return mayBeSeveral && path.find_first_of("*?") != std::string::npos
             ? findFiles(path, directories)
             : file.status();
}

Status fillRequest(ReadRequest &request, const ReadContext &context) {
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

/// The steps of a table's input, by what is known; null where it has none.
static StatusOr<std::shared_ptr<TableSteps>>
stepsOf(const TensorInfo &input, const ReadContext &context) {
  if (!TableSteps::areFor(context.recipe, input.name))
    return std::shared_ptr<TableSteps>();
  auto steps = TableSteps::create(context.recipe, input, context.source);
  if (!steps.isOk())
    return steps;
  if (Status status = (*steps)->settle(context.facts.tableFactsOf(input.name));
      !status.isOk())
    return status;
  return steps;
}

static bool isWanted(const ReadContext &context, const std::string &input) {
  return std::none_of(
      context.options.others.begin(), context.options.others.end(),
      [&](const TensorInfo &other) { return other.name == input; });
}

/// What is the same for all readers: values in their range, and steps.
static Status finishColumn(Column &column, size_t index,
                           const TensorInfo &input, const ReadRequest &request,
                           const ReadContext &context) {
  Status status;
  if (request.tables[index])
    status = prepareTable(column, request.tables[index], request);
  else if (column.isInMemory())
    status = checkIndices(column, *request.inputs[index], nameOf(request));
  if (status.isOk() && !request.tables[index])
    status = prepare(column, input, request, context);
  if (!status.isOk())
    return status;
  if (!column.classes.empty())
    context.facts.classes.emplace(column.name, column.classes);
  if (!column.vocabulary.empty())
    context.facts.vocabularies.emplace(column.name, column.vocabulary);
  return {};
}

StatusOr<std::vector<Column>>
readBinding(const DataBinding &binding, std::vector<const TensorInfo *> inputs,
            const ReadContext &context) {
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
                      context.options.mostKeptBytes,
                      context.options.pieceBytes};
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
    request.unneeded.push_back(!isWanted(context, input->name));
    StatusOr<std::shared_ptr<TableSteps>> steps = stepsOf(*input, context);
    if (!steps.isOk())
      return steps.status();
    request.tables.push_back(std::move(*steps));
  }
  request.keepsRows = context.options.keepsRows;
  for (const TensorInfo &begin : begins)
    request.inputs.push_back(&begin);
  request.facts = &context.facts;
  request.recipe = &context.recipe;
  if (Status status = fillRequest(request, context); !status.isOk())
    return status;
  auto columns = format->read(request);
  if (!columns.isOk())
    return columns.status();
  for (size_t i = 0, next = 0; i < inputs.size() && next < columns->size();
       ++i) {
    if ((*columns)[next].name != inputs[i]->name)
      continue;
    Column &column = (*columns)[next++];
    if (Status status = finishColumn(column, i, *inputs[i], request, context);
        !status.isOk())
      return status;
  }
  return columns;
}

} // namespace nnc::runtime
