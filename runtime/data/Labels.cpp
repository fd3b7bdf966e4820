// Numbers names, or reads numbers.
#include "runtime/data/Labels.h"

#include "runtime/data/Array.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace nnc::runtime {

// More are numbers of something else than classes.
static constexpr size_t mostNames = size_t(1) << 20;
static constexpr size_t mostNameBytes = 1000;

Labels::Labels(const ReadRequest &request, size_t index, bool areNames)
    : request(request), index(index), areNames(areNames),
      known(request.classesOf(request.inputs[index]->name)) {}

Status Labels::add(std::string_view label, const std::string &where) {
  const std::string name(label);
  auto [found, isNew] = numberOf.emplace(name, int32_t(names.size()));
  labels.push_back(found->second);
  if (!isNew)
    return {};
  names.push_back(name);
  places.push_back(where);
  if (label.empty())
    return {Code::InvalidFile, where + "the label is empty"};
  if (const char *problem = problemOfText(label))
    return {Code::InvalidFile,
            concat(where, "the label ", quote(label), " ", problem)};
  if (label.size() > mostNameBytes)
    return {Code::InvalidFile, concat(where, "the label is longer than ",
                                      mostNameBytes, " bytes")};
  if (names.size() > mostNames)
    return {Code::InvalidFile, where + "more than 2^20 different labels"};
  if (known && std::find(known->begin(), known->end(), name) == known->end())
    return {Code::InvalidFile,
            concat(where, "the training data has no class ", quote(label),
                   ", it has ", listNames(*known))};
  return {};
}

static bool parseFinite(const std::string &text, double &number) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && std::isfinite(number);
}

StatusOr<Column> Labels::finishNumbers() {
  const TensorInfo &input = *request.inputs[index];
  const int64_t bytes = sizeBytes(input.elementType);
  std::vector<uint8_t> values(names.size() * size_t(bytes));
  for (size_t i = 0; i < names.size(); ++i) {
    double number = 0;
    parseFinite(names[i], number);
    uint8_t *value = values.data() + i * size_t(bytes);
    if (fits(input.elementType, number)) {
      fromDouble(input.elementType, number, value);
      continue;
    }
    return Status(Code::InvalidFile,
                  concat(places[i], "the label ", names[i],
                         " does not fit input ", quote(input.name), " of type ",
                         name(input.elementType)));
  }
  Column column;
  column.name = input.name;
  column.elementType = input.elementType;
  column.numSamples = int64_t(labels.size());
  column.data = AlignedBytes(labels.size() * size_t(bytes));
  for (size_t i = 0; i < labels.size(); ++i)
    std::memcpy(column.data.data() + i * size_t(bytes),
                values.data() + size_t(labels[i]) * size_t(bytes),
                size_t(bytes));
  return request.fit(index, std::move(column));
}

StatusOr<Column> Labels::finishNames(bool isSorted) {
  std::vector<std::string> classes = known ? *known : names;
  if (isSorted && !known)
    std::sort(classes.begin(), classes.end());
  const TensorInfo &input = *request.inputs[index];
  if (input.indexLimit > 0 && int64_t(classes.size()) > input.indexLimit)
    return Status(Code::InvalidFile,
                  concat(request.path, ": ", classes.size(), " classes, ",
                         listNames(classes), "; input ", quote(input.name),
                         " takes at most ", input.indexLimit));
  std::unordered_map<std::string_view, int32_t> classOf;
  for (const std::string &name : classes)
    classOf.emplace(name, int32_t(classOf.size()));
  Column column;
  column.name = input.name;
  column.elementType = ElementType::I32;
  column.numSamples = int64_t(labels.size());
  column.data = AlignedBytes(labels.size() * sizeof(int32_t));
  for (size_t i = 0; i < labels.size(); ++i)
    std::memcpy(column.data.data() + i * sizeof(int32_t),
                &classOf[names[size_t(labels[i])]], sizeof(int32_t));
  StatusOr<Column> fitted = request.fit(index, std::move(column));
  if (fitted.isOk())
    fitted->classes = std::move(classes);
  return fitted;
}

StatusOr<Column> Labels::finish(bool isSorted) {
  double ignored;
  const bool areNumbers =
      !areNames && !known &&
      std::all_of(names.begin(), names.end(), [&](const std::string &name) {
        return parseFinite(name, ignored);
      });
  return areNumbers ? finishNumbers() : finishNames(isSorted);
}

} // namespace nnc::runtime
