// Any bytes as a file of data: samples or a message. The first byte chooses the
// reader, the second what the model wants; the file follows.
#include "runtime/data/Reader.h"

#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"

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
