// Any bytes as a file of data: samples or a message. The first byte chooses the
// reader, the second what the model wants and what its samples go through; the
// file follows.
#include "runtime/data/Preparation.h"
#include "runtime/data/Reader.h"

#include "test/fuzz/DataMutator.h"
#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"

#include <algorithm>
#include <cstring>

using namespace nnc;
using namespace nnc::runtime;

static const char *const readers[] = {"idx",   "npy", "csv",   "npz",
                                      "jsonl", "csv", "jsonl", "npy"};
/// Those from 5 on have steps of tables, and keep nothing in memory.
static constexpr unsigned numReaders = 8, firstWithSteps = 5;

static TensorInfo input(const char *name, unsigned choice) {
  static const ElementType types[] = {ElementType::F32, ElementType::U8,
                                      ElementType::I32, ElementType::F64};
  static const Shape shapes[] = {{-1}, {-1, 2}, {-1, 2, 2}, {-1, 4}};
  TensorInfo info;
  info.name = name;
  info.elementType = types[choice % 4];
  info.shape = shapes[choice / 4 % 4];
  info.indexLimit = choice & 16 ? 3 : 0;
  return info;
}

/// What the fields go through, by three bits.
static std::vector<SampleStep> stepsOf(unsigned choice) {
  auto step =
      [](const char *name,
         std::vector<std::pair<std::string, std::string>> arguments = {}) {
        return SampleStep{"x", name, std::move(arguments), ""};
      };
  switch (choice % 8) {
  case 0:
    return {step("standardize"), step("missing", {{"value", "median"}})};
  case 1:
    return {step("log", {{"offset", "1"}}), step("min_max"),
            step("missing", {{"value", "mean"}})};
  case 2:
    return {step("categories"), step("missing", {{"value", "none"}})};
  case 3:
    return {step("classes"), step("missing", {{"value", "drop"}})};
  case 4:
    return {step("date", {{"part", "seconds"}}), step("standardize")};
  case 5:
    return {step("hashing", {{"buckets", "3"}})};
  case 6:
    return {step("categories", {{"most", "1"}}), step("one_hot")};
  default:
    return {step("clip", {{"least", "-1"}}), step("missing", {{"value", "0"}})};
  }
}

/// What was measured of the columns comes back from its notes, and their
/// samples are samples or have a message.
static void prepareAll(std::vector<Column> &columns) {
  std::vector<int64_t> samples;
  for (int64_t i = 0; i < columns[0].numSamples; i += 2)
    samples.push_back(i);
  DataFacts facts;
  if (!measure(columns, samples, 1, facts).isOk())
    return;
  Metadata notes, again;
  facts.save(notes);
  auto restored = DataFacts::restore(notes, "weights");
  fuzz::require(restored.isOk(), "notes are read again");
  restored->save(again);
  fuzz::require(notes == again, "notes are the same again");
  Workspace work;
  for (const Column &column : columns) {
    std::vector<uint8_t> sample(size_t(column.sampleBytes()));
    for (int64_t i = 0; i < std::min<int64_t>(column.numSamples, 8); ++i)
      if (Status status = writeSample(column, i, nullptr, work, sample.data());
          !status.isOk())
        fuzz::require(!status.message().empty(),
                      "a refused sample has a message");
  }
}

/// A table is the same by several threads, whatever pieces they take.
static void compareThreads(const Recipe &recipe, const EntryPoint &entry,
                           ReadOptions options,
                           const StatusOr<std::vector<Column>> &one) {
  options.numThreads = 2;
  options.pieceBytes = 5;
  auto several = readSplit(recipe, "train", entry, options);
  fuzz::require(one.status().message() == several.status().message(),
                "threads find what one finds");
  for (size_t i = 0; one.isOk() && i < one->size(); ++i) {
    const Column &expected = (*one)[i], &found = (*several)[i];
    fuzz::require(expected.numSamples == found.numSamples &&
                      expected.classes == found.classes &&
                      expected.data.size() == found.data.size() &&
                      std::equal(expected.data.data(),
                                 expected.data.data() + expected.data.size(),
                                 found.data.data()),
                  "threads read what one reads");
  }
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  fuzz::Choices choices(seed);
  const unsigned reader = size ? data[0] % numReaders : 0;
  // What has no structure of bytes is changed anywhere.
  const bool isText = reader >= 4 && reader != 7;
  if (size < 2 || maxSize < size || choices.oneIn(8) || isText)
    return LLVMFuzzerMutate(data, size, maxSize);
  if (choices.oneIn(8))
    data[1] = uint8_t(choices.below(256));
  std::string file(reinterpret_cast<char *>(data) + 2, size - 2);
  file = fuzz::mutateData(fuzz::DataFormat(reader == 7 ? 1 : reader), file,
                          maxSize - 2, choices);
  if (file.empty() || file.size() > maxSize - 2)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data + 2, file.data(), file.size());
  return 2 + file.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  const unsigned reader = data[0] % numReaders, choice = data[1];
  const bool hasSteps = reader >= firstWithSteps;
  fuzz::MemoryFile memory(data + 2, size - 2);
  EntryPoint entry;
  entry.inputs.push_back(input("x", choice));
  DataBinding binding{
      "train", {"x"}, readers[reader], {{"path", memory.path()}}, ""};
  if (reader == 2 && choice & 32) {
    entry.inputs.push_back(input("y", choice >> 3));
    binding.inputs.push_back("y");
  }
  Recipe recipe;
  if (reader == 2 && choice & 64)
    binding.arguments.push_back({"columns", "a,0:2,y"});
  if (reader == 2 && choice & 128)
    binding.arguments.push_back({"header", "true"});
  recipe.data.push_back(binding);
  ReadOptions options;
  if (hasSteps) {
    recipe.sampleSteps = stepsOf(choice >> 5);
    options.mostKeptBytes = 64;
  }
  auto columns = readSplit(recipe, "train", entry, options);
  if (binding.reader == "csv")
    compareThreads(recipe, entry, options, columns);
  if (!columns.isOk()) {
    fuzz::require(!columns.status().message().empty(),
                  "refused data have a message");
    return 0;
  }
  if (hasSteps) {
    prepareAll(*columns);
    return 0;
  }
  for (const Column &column : *columns)
    fuzz::require(column.data.size() >=
                      size_t(column.numSamples * column.sampleBytes()),
                  "a column holds its samples");
  return 0;
}
