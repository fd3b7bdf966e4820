// What readers ask of a request, and the checks that all of them share.
#include "runtime/data/Array.h"
#include "runtime/data/FindFile.h"
#include "runtime/data/Reader.h"

#include <algorithm>
#include <sys/stat.h>

namespace nnc::runtime {

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

bool ReadRequest::isLarge() const {
  constexpr int64_t compression = 10;
  int64_t total = 0;
  for (const std::string &file : paths) {
    struct stat status;
    const bool isCompressed =
        file.size() > 3 && file.compare(file.size() - 3, 3, ".gz") == 0;
    if (stat(file.c_str(), &status) == 0)
      total += int64_t(status.st_size) * (isCompressed ? compression : 1);
  }
  return total > mostKeptBytes;
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
  constexpr int64_t mostElements = int64_t(1) << 40;
  // Of no samples, any size could be said.
  const std::optional<int64_t> elements =
      numElements({found.begin() + !found.empty(), found.end()});
  if (!elements || *elements > mostElements)
    return {Code::InvalidFile,
            concat(path, ": holds ", describe(elementType, found),
                   ", whose samples are too large")};
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
  StatusOr<bool> rounds = roundsValues(*this);
  if (!rounds.isOk())
    return rounds.status();
  return convertColumn(std::move(column), input, path, *rounds);
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

} // namespace nnc::runtime
