// Any bytes as a file of data: samples or a message. The first byte chooses the
// reader, the second what the model wants; the file follows.
#include "runtime/data/Reader.h"

#include "test/fuzz/DataMutator.h"
#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"

#include <cstring>

using namespace nnc;
using namespace nnc::runtime;

static const char *const readers[] = {"idx", "npy", "csv", "npz"};

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

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  fuzz::Choices choices(seed);
  if (size < 2 || maxSize < size || choices.oneIn(8))
    return LLVMFuzzerMutate(data, size, maxSize);
  if (choices.oneIn(8))
    data[1] = uint8_t(choices.below(256));
  std::string file(reinterpret_cast<char *>(data) + 2, size - 2);
  file = fuzz::mutateData(fuzz::DataFormat(data[0] % 4), file, maxSize - 2,
                          choices);
  if (file.empty() || file.size() > maxSize - 2)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data + 2, file.data(), file.size());
  return 2 + file.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  const unsigned reader = data[0] % 4, choice = data[1];
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
  auto columns = readSplit(recipe, "train", entry, {});
  if (!columns.isOk()) {
    fuzz::require(!columns.status().message().empty(),
                  "refused data have a message");
    return 0;
  }
  for (const Column &column : *columns)
    fuzz::require(column.data.size() >=
                      size_t(column.numSamples * column.sampleBytes()),
                  "a column holds its samples");
  return 0;
}
