// The bindings of a split, put together to the inputs of an entry point.
#include "runtime/data/Reader.h"

#include "runtime/data/ReadBinding.h"
#include "runtime/data/SharedVocabulary.h"
#include "runtime/data/TableSamples.h"

#include <algorithm>

namespace nnc::runtime {

static int64_t findInput(const EntryPoint &entry, const std::string &name) {
  for (size_t i = 0; i < entry.inputs.size(); ++i)
    if (entry.inputs[i].name == name)
      return i;
  return -1;
}

/// The input of that name, of the entry point or one that it lacks.
static const TensorInfo *lookUp(const EntryPoint &entry,
                                const ReadContext &context,
                                const std::string &name) {
  if (int64_t index = findInput(entry, name); index >= 0)
    return &entry.inputs[size_t(index)];
  for (const TensorInfo &other : context.options.others)
    if (other.name == name)
      return &other;
  return nullptr;
}

// Reads those inputs of a binding that the entry point has into their places.
static Status fillFrom(const DataBinding &binding, const EntryPoint &entry,
                       const ReadContext &context,
                       std::vector<Column> &columns) {
  std::vector<const TensorInfo *> inputs;
  bool isNeeded = false;
  for (const std::string &name : binding.inputs)
    isNeeded |= findInput(entry, name) >= 0;
  if (!isNeeded)
    return {};
  for (const std::string &name : binding.inputs) {
    const TensorInfo *input = lookUp(entry, context, name);
    if (!input)
      return {Code::InvalidArgument, concat("entry point ", quote(entry.name),
                                            " has no input ", quote(name))};
    const int64_t index = findInput(entry, name);
    if (index >= 0 && !columns[size_t(index)].name.empty())
      return {Code::InvalidArgument,
              concat("input ", quote(name), " is bound twice")};
    inputs.push_back(input);
  }
  auto read = readBinding(binding, inputs, context);
  if (!read.isOk())
    return read.status();
  for (Column &column : *read)
    if (int64_t index = findInput(entry, column.name); index >= 0)
      columns[size_t(index)] = std::move(column);
  return {};
}

/// Where `column` has values, as the input that its mask names takes it; an
/// empty one where it has no mask, or `entry` no such input.
static StatusOr<Column> maskOf(const Column &column, const EntryPoint &entry) {
  Column mask;
  if (!column.table || column.table->steps().mask().empty())
    return mask;
  const std::string &name = column.table->steps().mask();
  const int64_t index = findInput(entry, name);
  if (index < 0)
    return mask;
  const TensorInfo &input = entry.inputs[size_t(index)];
  if (Status status = column.table->steps().checkMask(input); !status.isOk())
    return status;
  mask.name = name;
  mask.elementType = input.elementType;
  mask.sampleShape = sampleShapeOf(input);
  mask.numSamples = column.numSamples;
  mask.stored = std::make_shared<MaskSamples>(column.table, input.elementType);
  return mask;
}

/// Fills the inputs that say where others have values.
static Status fillMasks(const EntryPoint &entry, std::vector<Column> &columns) {
  for (const Column &column : columns) {
    StatusOr<Column> mask = maskOf(column, entry);
    if (!mask.isOk())
      return mask.status();
    if (mask->name.empty())
      continue;
    Column &place = columns[size_t(findInput(entry, mask->name))];
    if (!place.name.empty())
      return {Code::InvalidArgument,
              concat("input ", quote(mask->name), " is bound twice")};
    place = std::move(*mask);
  }
  return {};
}

static Status checkComplete(const EntryPoint &entry, std::string_view split,
                            const std::vector<Column> &columns) {
  const bool drops =
      std::any_of(columns.begin(), columns.end(), [](const Column &column) {
        return column.table &&
               column.table->steps().missing() == TableSteps::Missing::Drop;
      });
  const char *hint = drops
                         ? "; `missing = drop` leaves out rows of one reader: "
                           "give all inputs by the same"
                         : "";
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name.empty())
      return {Code::NotFound,
              concat("no ", std::string(split), " data is bound to input ",
                     quote(entry.inputs[i].name))};
    if (columns[i].numSamples != columns[0].numSamples)
      return {Code::InvalidFile, concat("input ", quote(columns[0].name),
                                        " has ", columns[0].numSamples,
                                        " samples, ", quote(columns[i].name),
                                        " has ", columns[i].numSamples, hint)};
  }
  if (!columns.empty() && columns[0].numSamples == 0)
    return {Code::InvalidFile,
            concat("the ", std::string(split), " data has no samples")};
  return {};
}

/// Mixtures are of all inputs of a sample, which must hold fractions.
static Status checkMixtures(const std::vector<Column> &columns,
                            const ReadContext &context) {
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
    const ReadContext context{recipe, options, facts ? *facts : own, source};
    std::vector<Column> columns(entry.inputs.size());
    if (split == "train")
      if (Status status = learnShared(entry, context); !status.isOk())
        return status;
    for (const DataBinding &binding : recipe.data) {
      if (binding.split != split)
        continue;
      if (source)
        *source = binding.source;
      Status status = fillFrom(binding, entry, context, columns);
      if (!status.isOk())
        return status;
    }
    Status status = fillMasks(entry, columns);
    if (status.isOk())
      status = checkComplete(entry, split, columns);
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
          const std::vector<const TensorInfo *> &inputs,
          const EntryPoint &entry, const Recipe &recipe,
          const ReadOptions &options, const DataFacts &known) {
  DataFacts facts = known;
  auto read = readBinding(binding, inputs, {recipe, options, facts, nullptr});
  if (!read.isOk())
    return read;
  for (size_t i = 0, count = read->size(); i < count; ++i) {
    StatusOr<Column> mask = maskOf((*read)[i], entry);
    if (!mask.isOk())
      return mask.status();
    if (!mask->name.empty())
      read->push_back(std::move(*mask));
  }
  if (Status status = settle(*read, facts); !status.isOk())
    return status;
  return read;
}

} // namespace nnc::runtime
