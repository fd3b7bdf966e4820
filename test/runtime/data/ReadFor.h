// What the tests of data files share: files, inputs, and reads of one for the
// other.
#ifndef NNC_TEST_RUNTIME_DATA_READFOR_H
#define NNC_TEST_RUNTIME_DATA_READFOR_H

#include "test/runtime/TestPlan.h"

#include "runtime/data/Preparation.h"
#include "runtime/data/Reader.h"

#include <cstring>
#include <zlib.h>

namespace nnc::runtime::test {

using Arguments = std::vector<std::pair<std::string, std::string>>;

inline TensorInfo input(const char *name, ElementType type, Shape shape,
                        int64_t indexLimit = 0) {
  return {name, type, std::move(shape), indexLimit, {}, ""};
}

// Reads one file for the inputs, as a data block with one binding would.
inline StatusOr<std::vector<Column>>
readFor(const std::vector<TensorInfo> &inputs, const char *reader,
        Arguments arguments, int64_t mostSamples = INT64_MAX) {
  EntryPoint entry;
  entry.name = "train_step";
  entry.inputs = inputs;
  DataBinding binding;
  binding.split = "train";
  for (const TensorInfo &tensor : inputs)
    binding.inputs.push_back(tensor.name);
  binding.reader = reader;
  binding.arguments = std::move(arguments);
  Recipe recipe;
  recipe.data = {binding};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.mostSamples = mostSamples;
  return readSplit(recipe, "train", entry, options);
}

// Reads a file as `nnc predict` does.
inline StatusOr<Column> readGiven(const char *name, const TensorInfo &tensor,
                                  const char *columns = "") {
  EntryPoint entry;
  entry.inputs = {tensor};
  auto read = readInputFile({temporaryPath(name), 0, columns}, entry);
  if (!read.isOk())
    return read.status();
  return std::move(read->front());
}

inline std::vector<float> floats(const Column &column) {
  std::vector<float> values(column.data.size() / sizeof(float));
  std::memcpy(values.data(), column.data.data(), column.data.size());
  return values;
}

/// All elements of a column, wherever it is.
inline std::vector<double> numbersOf(const Column &column) {
  std::vector<double> numbers;
  Workspace work;
  std::vector<uint8_t> sample(size_t(column.sampleBytes()));
  const int64_t bytes = sizeBytes(column.elementType);
  for (int64_t i = 0; i < column.numSamples; ++i) {
    EXPECT_TRUE(writeSample(column, i, nullptr, work, sample.data()).isOk());
    for (size_t at = 0; at < sample.size(); at += size_t(bytes))
      numbers.push_back(toDouble(column.elementType, &sample[at]));
  }
  return numbers;
}

inline void expectFailure(const StatusOr<std::vector<Column>> &read, Code code,
                          const std::string &message) {
  ASSERT_FALSE(read.isOk());
  EXPECT_EQ(read.status().code(), code);
  EXPECT_NE(read.status().message().find(message), std::string::npos)
      << read.status().message();
}

inline void writeGzip(const std::string &path, const std::string &content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), content.size());
  gzclose(file);
}

inline const TensorInfo label = input("label", ElementType::U8, {-1}, 10);
inline const TensorInfo numbers = input("x", ElementType::F32, {-1, 2});

} // namespace nnc::runtime::test

#endif // NNC_TEST_RUNTIME_DATA_READFOR_H
