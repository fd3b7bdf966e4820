// Reads files, or draws samples from the generator.
#include "tools/Data.h"

#include "runtime/Random.h"
#include "tools/Program.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <sstream>

namespace nnc::tools {

using namespace runtime;

int64_t numSamples(const Columns &columns) {
  return columns.empty() ? 0 : columns.front().numSamples;
}

std::vector<const void *> pointersAt(const Columns &columns, int64_t first) {
  std::vector<const void *> pointers;
  for (const Column &column : columns)
    pointers.push_back(column.data.data() + first * column.sampleBytes());
  return pointers;
}

ReadOptions readOptions(const std::string &model, const std::string &folder) {
  ReadOptions options;
  options.directories = {folder};
  options.searchesFolders = folder.empty();
  if (!folder.empty())
    return options;
  options.directories = {folderOf(model), ""};
  const char *named = std::getenv("NNC_DATA");
  std::istringstream list(named ? named : "");
  for (std::string name; std::getline(list, name, ':');)
    if (!name.empty())
      options.directories.push_back(name);
  return options;
}

std::vector<TensorInfo> inputsBeside(const Plan &plan,
                                     const EntryPoint &entry) {
  std::vector<TensorInfo> others;
  auto has = [](const std::vector<TensorInfo> &inputs,
                const std::string &name) {
    return std::any_of(
        inputs.begin(), inputs.end(),
        [&](const TensorInfo &input) { return input.name == name; });
  };
  for (const EntryPoint &other : plan.entryPoints)
    for (const TensorInfo &input : other.inputs)
      if (!has(entry.inputs, input.name) && !has(others, input.name))
        others.push_back(input);
  return others;
}

int loadSplit(const DataRequest &request, const EntryPoint &entry,
              const std::string &split, Columns &columns, DataFacts &facts) {
  std::string source;
  ReadOptions options = readOptions(request.model, request.folder);
  options.mostSamples = request.mostSamples;
  options.numThreads = request.numThreads;
  options.others = inputsBeside(request.plan, entry);
  options.keepsRows = request.keepsRows;
  auto read =
      readSplit(request.plan.recipe, split, entry, options, &source, &facts);
  if (!read.isOk())
    return failAt(source, read.status(), request.model);
  columns = std::move(*read);
  return Done;
}

StatusOr<DataFacts> loadFacts(const std::string &weightsFile) {
  StatusOr<SafetensorsFile> file = SafetensorsFile::open(weightsFile);
  if (!file.isOk())
    return file.status();
  return DataFacts::restore(file->metadata(), weightsFile);
}

/// A value that an input of this kind may take: a valid index, a pixel, a
/// number of the standard normal distribution's spread.
static double inventValue(const TensorInfo &input, uint32_t word) {
  if (input.indexLimit > 0)
    return double(word % uint64_t(input.indexLimit));
  if (input.elementType == ElementType::Bool)
    return word % 2;
  if (isInteger(input.elementType))
    return word % 256;
  // Uniform on (-sqrt 3, sqrt 3): mean 0, variance 1.
  return (word / 4294967296.0 * 2 - 1) * std::sqrt(3.0);
}

Columns inventInputs(const EntryPoint &entry, int64_t count) {
  Columns columns;
  for (const TensorInfo &input : entry.inputs) {
    Column column;
    column.name = input.name;
    column.elementType = input.elementType;
    column.sampleShape = sampleShapeOf(input);
    column.numSamples = count;
    column.data = AlignedBytes(size_t(count * column.sampleBytes()));
    const int64_t size = sizeBytes(input.elementType);
    const int64_t elements = count * column.sampleBytes() / size;
    for (int64_t i = 0; i < elements; ++i)
      fromDouble(input.elementType,
                 inventValue(input, randomWord(1, 0, uint32_t(columns.size()),
                                               uint64_t(i))),
                 column.data.data() + i * size);
    columns.push_back(std::move(column));
  }
  return columns;
}

int loadSplitFor(const DataRequest &request, const EntryPoint &entry,
                 const std::string &split, const std::string &weightsFile,
                 Columns &columns, DataFacts &facts) {
  StatusOr<DataFacts> taught = loadFacts(weightsFile);
  if (!taught.isOk())
    return fail(taught.status());
  facts = std::move(*taught);
  if (int exit = loadSplit(request, entry, split, columns, facts))
    return exit;
  Status status = checkSettled(columns, weightsFile);
  return status.isOk() ? int(Done) : fail(status);
}

Status bringIntoMemory(Columns &columns) {
  return guardMemory([&]() -> Status {
    for (Column &column : columns) {
      StatusOr<Column> prepared = inMemory(std::move(column));
      if (!prepared.isOk())
        return prepared.status();
      column = std::move(*prepared);
    }
    return {};
  });
}

/// The first samples of the training data, prepared and in memory.
static StatusOr<Columns> loadSome(const Plan &plan, const EntryPoint &entry,
                                  const ReadOptions &options) {
  DataFacts facts;
  auto columns =
      readSplit(plan.recipe, "train", entry, options, nullptr, &facts);
  if (!columns.isOk())
    return columns.status();
  std::vector<int64_t> samples(size_t(numSamples(*columns)));
  std::iota(samples.begin(), samples.end(), 0);
  if (Status status = measure(*columns, samples, options.numThreads, facts);
      !status.isOk())
    return status;
  if (Status status = bringIntoMemory(*columns); !status.isOk())
    return status;
  return columns;
}

Columns loadOrInvent(const Plan &plan, const EntryPoint &entry,
                     const std::string &model, const std::string &folder,
                     int64_t count) {
  StatusOr<Columns> read = guardMemory([&] {
    ReadOptions options = readOptions(model, folder);
    options.mostSamples = count;
    return loadSome(plan, entry, options);
  });
  if (read.isOk())
    return std::move(*read);
  // Files that are elsewhere are no matter; those that are wrong may be one.
  if (read.status().code() != Code::NotFound)
    std::cerr << "note: inputs are random: " << read.status().message() << '\n';
  return inventInputs(entry, count);
}

} // namespace nnc::tools
