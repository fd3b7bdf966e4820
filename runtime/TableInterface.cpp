// The C interface of tables: rows as text become what the model takes, as in
// training.
#include "runtime/Interface.h"

#include "runtime/TableSteps.h"

#include <cmath>
#include <cstring>
#include <map>

using namespace nnc::runtime;

struct nnc_table_t {
  /// Of the plan's inputs, those that go through steps.
  std::map<std::string, std::shared_ptr<TableSteps>> steps;
  /// The input that each mask is of.
  std::map<std::string, std::string> masks;
  std::map<std::string, TensorInfo> inputs;
};

/// Notes the mask of an input, where it has one.
static Status addMask(nnc_table_t &table, const TableSteps &steps) {
  const std::string &mask = steps.mask();
  auto input = table.inputs.find(mask);
  if (mask.empty() || input == table.inputs.end())
    return {};
  if (!table.masks.emplace(mask, steps.input().name).second)
    return {Code::InvalidArgument,
            concat("input ", quote(mask), " is the mask of two inputs")};
  return steps.checkMask(input->second);
}

static Status openTable(const Plan &plan, const char *weights,
                        nnc_table_t &table) {
  StatusOr<SafetensorsFile> file = SafetensorsFile::open(weights);
  if (!file.isOk())
    return file.status();
  for (const EntryPoint &entry : plan.entryPoints)
    for (const TensorInfo &input : entry.inputs)
      table.inputs.emplace(input.name, input);
  for (const auto &[name, input] : table.inputs) {
    if (!TableSteps::areFor(plan.recipe, name))
      continue;
    auto steps = TableSteps::create(plan.recipe, input, nullptr);
    if (!steps.isOk())
      return steps.status();
    StatusOr<TableFacts> facts =
        TableFacts::restore(file->metadata(), name, weights);
    if (!facts.isOk())
      return facts.status();
    if (Status status = (*steps)->settle(*facts); !status.isOk())
      return status;
    if ((*steps)->open() != TableSteps::Open::Nothing)
      return {Code::InvalidFile,
              concat(weights,
                     ": has nothing of what training measured of "
                     "input ",
                     quote(name))};
    if (Status status = addMask(table, **steps); !status.isOk())
      return status;
    table.steps[name] = std::move(*steps);
  }
  return {};
}

nnc_status_t nnc_table_open(const nnc_plan_t *plan, const char *weights,
                            nnc_table_t **table) {
  return call([&]() -> Status {
    if (!plan)
      return nullArgument("plan");
    if (!weights)
      return nullArgument("weights");
    if (!table)
      return nullArgument("table");
    auto opened = std::make_unique<nnc_table_t>();
    if (Status status = openTable(*plan->plan, weights, *opened);
        !status.isOk())
      return status;
    *table = opened.release();
    return {};
  });
}

void nnc_table_close(nnc_table_t *table) { delete table; }

static const TensorInfo *findInput(const nnc_table_t &table, const char *name) {
  auto found = table.inputs.find(name);
  return found == table.inputs.end() ? nullptr : &found->second;
}

static const TableSteps *stepsOf(const nnc_table_t &table,
                                 const std::string &input) {
  auto found = table.steps.find(input);
  return found == table.steps.end() ? nullptr : found->second.get();
}

static int64_t fieldsOf(const nnc_table_t &table, const TensorInfo &input) {
  if (auto mask = table.masks.find(input.name); mask != table.masks.end())
    return stepsOf(table, mask->second)->numFields();
  const TableSteps *steps = stepsOf(table, input.name);
  return steps ? steps->numFields() : input.numElements(1);
}

int64_t nnc_table_num_fields(const nnc_table_t *table, const char *input) {
  const TensorInfo *info = table && input ? findInput(*table, input) : nullptr;
  return info ? fieldsOf(*table, *info) : 0;
}

static Status parseField(const TableSteps &steps, std::string_view field,
                         double &number) {
  if (!steps.takesNames())
    return steps.parse(field, number);
  std::string name;
  if (Status status = steps.parseName(field, name); !status.isOk())
    return status;
  StatusOr<double> known = steps.numberOf(name);
  number = known.isOk() ? *known : 0;
  return known.status();
}

static Status parsePlain(const TensorInfo &input, std::string_view field,
                         uint8_t *to) {
  double number = 0;
  if (!parseDecimal(field, number) || !std::isfinite(number) ||
      !fits(input.elementType, number))
    return {Code::InvalidArgument,
            concat("expected a number of type ", name(input.elementType),
                   ", found ", quote(field))};
  if (input.indexLimit > 0 && !(number >= 0 && number < input.indexLimit))
    return {Code::InvalidArgument,
            concat("expected 0 to ", input.indexLimit - 1, ", found ",
                   quote(field))};
  fromDouble(input.elementType, number, to);
  return {};
}

/// One sample of an input.
static Status prepareRow(const nnc_table_t &table, const TensorInfo &input,
                         const char *const *fields,
                         std::vector<double> &numbers, uint8_t *to) {
  auto mask = table.masks.find(input.name);
  const bool isMask = mask != table.masks.end();
  const TableSteps *steps = stepsOf(table, isMask ? mask->second : input.name);
  const int64_t bytes = sizeBytes(input.elementType);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string_view field = fields[i] ? fields[i] : "";
    const bool isMissing =
        steps && steps->takesNames() ? field.empty() : isMissingMark(field);
    Status status;
    if (isMask)
      fromDouble(input.elementType, !isMissing, to + int64_t(i) * bytes);
    else
      status = steps ? parseField(*steps, field, numbers[i])
                     : parsePlain(input, field, to + int64_t(i) * bytes);
    const bool isLeftOut = steps && !isMask && isMissing &&
                           steps->missing() == TableSteps::Missing::Drop;
    if (isLeftOut)
      status = {Code::InvalidArgument,
                "the value is missing, and training left out such rows"};
    if (!status.isOk())
      return {Code::InvalidArgument,
              concat("field ", i, ": ", status.message())};
  }
  return steps && !isMask ? steps->apply(numbers.data(), to) : Status();
}

nnc_status_t nnc_table_prepare(const nnc_table_t *table, const char *input,
                               const char *const *fields, int64_t count,
                               void *data, size_t size_bytes) {
  return call([&]() -> Status {
    if (!table)
      return nullArgument("table");
    if (!input)
      return nullArgument("input");
    const TensorInfo *info = findInput(*table, input);
    if (!info)
      return {Code::NotFound, concat("the plan has no input ", quote(input))};
    if (count < 0 || (count > 0 && (!fields || !data)))
      return nullArgument(fields ? "data" : "fields");
    const int64_t sampleBytes = info->sizeBytes(1);
    int64_t wanted = 0;
    if (__builtin_mul_overflow(sampleBytes, count, &wanted) ||
        size_t(wanted) != size_bytes)
      return {Code::InvalidArgument,
              concat("'size_bytes' is ", size_bytes, ", ", count,
                     " samples of input ", quote(input), " take ", sampleBytes,
                     " each")};
    std::vector<double> numbers(size_t(fieldsOf(*table, *info)));
    for (int64_t row = 0; row < count; ++row)
      if (Status status = prepareRow(
              *table, *info, fields + row * int64_t(numbers.size()), numbers,
              static_cast<uint8_t *>(data) + row * sampleBytes);
          !status.isOk())
        return {status.code(), concat("input ", quote(input), ", row ", row,
                                      ": ", status.message())};
    return {};
  });
}

const char *nnc_table_name(const nnc_table_t *table, const char *input,
                           int64_t number) {
  const TableSteps *steps = table && input ? stepsOf(*table, input) : nullptr;
  if (!steps)
    return nullptr;
  const int64_t place =
      number - (steps->kind() == TableSteps::Kind::Categories);
  return place >= 0 && place < int64_t(steps->names().size())
             ? steps->names()[size_t(place)].c_str()
             : nullptr;
}
