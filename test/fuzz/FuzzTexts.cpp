// Any bytes as a file of text, of tokens or of sound: samples or a message. The
// first byte chooses the reader, the second and third what the model wants; the
// file follows.
#include "runtime/data/Preparation.h"
#include "runtime/data/Reader.h"
#include "runtime/data/WavFile.h"

#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"

#include <algorithm>
#include <cmath>

using namespace nnc;
using namespace nnc::runtime;

static TensorInfo input(const char *name, ElementType type, Shape shape,
                        int64_t indexLimit) {
  return {name, type, std::move(shape), indexLimit, {}, ""};
}

/// The arguments of text that the bits choose.
static std::vector<std::pair<std::string, std::string>>
textArguments(unsigned choice, unsigned more) {
  static const char *const tokenizers[] = {"byte", "character", "word", "word"};
  std::vector<std::pair<std::string, std::string>> arguments = {
      {"tokenizer", tokenizers[choice % 4]}};
  auto add = [&](bool isGiven, const char *name, const char *value) {
    if (isGiven)
      arguments.emplace_back(name, value);
  };
  const unsigned form = choice / 4 % 4;
  add(form == 1, "delimiter", choice & 16 ? "tab" : ",");
  add(form == 1 && choice & 32, "quotes", "false");
  add(form == 1 && choice & 64, "columns", choice & 128 ? "b,a" : "1,0");
  add(form == 2, "records", "%");
  add(form == 3, "window", "4");
  add(form == 3 && choice & 16, "stride", "1");
  add(more & 1, "begin", "true");
  add(more & 2, "end", "true");
  add(more & 4, "padding", "left");
  add(more & 8, "truncate", "begin");
  add(more & 16, "vocabulary", "5");
  return arguments;
}

static void readAll(const std::vector<Column> &columns) {
  Workspace work;
  for (const Column &column : columns) {
    if (column.isInMemory())
      fuzz::require(column.data.size() >=
                        size_t(column.numSamples * column.sampleBytes()),
                    "a column holds its samples");
    std::vector<uint8_t> sample(size_t(column.sampleBytes()));
    const int64_t count = std::min<int64_t>(column.numSamples, 8);
    for (int64_t i = 0; i < count; ++i)
      if (Status status = writeSample(column, column.numSamples - 1 - i,
                                      nullptr, work, sample.data());
          !status.isOk())
        fuzz::require(!status.message().empty(),
                      "a refused sample has a message");
  }
}

static void readSound(const std::string &path) {
  StatusOr<WavInfo> info = readWavInfo(path);
  if (!info.isOk())
    return;
  const int64_t count = std::min<int64_t>(info->numFrames, 64);
  std::vector<float> samples(size_t(count), 2.0f);
  if (!readWav(path, *info, info->numFrames - count, count, samples.data())
           .isOk())
    return;
  for (float sample : samples)
    fuzz::require(std::isfinite(sample), "a sample is finite");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3)
    return 0;
  const unsigned reader = data[0] % 4, choice = data[1], more = data[2];
  fuzz::MemoryFile memory(data + 3, size - 3);
  if (reader == 3) {
    readSound(memory.path());
    return 0;
  }
  EntryPoint entry;
  const bool isTokens = reader == 2;
  DataBinding binding{"train", {"words"}, isTokens ? "tokens" : "text", {}, ""};
  if (isTokens)
    binding.arguments = {{"window", "4"}};
  else
    binding.arguments = textArguments(choice, more);
  if (isTokens && choice & 1)
    binding.arguments.emplace_back("type", choice & 2 ? "u16" : "i32");
  binding.arguments.emplace_back("path", memory.path());
  entry.inputs = {input("words", more & 32 ? ElementType::I32 : ElementType::U8,
                        {-1, 4}, more & 64 ? 300 : 0)};
  if (more & 128) {
    const bool isWindows = isTokens || choice / 4 % 4 == 3;
    entry.inputs.push_back(isWindows
                               ? input("next", ElementType::I32, {-1, 4}, 300)
                               : input("label", ElementType::F32, {-1}, 0));
    binding.inputs.push_back(entry.inputs.back().name);
  }
  Recipe recipe;
  recipe.data.push_back(binding);
  auto columns = readSplit(recipe, "train", entry, {});
  if (columns.isOk())
    readAll(*columns);
  else
    fuzz::require(!columns.status().message().empty(),
                  "refused data have a message");
  return 0;
}
