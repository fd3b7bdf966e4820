// Any bytes as a file of pictures: samples or a message. The first byte chooses
// the reader and what the model wants; the file follows.
#include "runtime/data/Preparation.h"
#include "runtime/data/Reader.h"

#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/PngMutator.h"
#include "test/fuzz/Require.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace nnc;
using namespace nnc::runtime;

static const char *const readers[] = {"images", "cifar10", "cifar100",
                                      "images"};

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  fuzz::Choices choices(seed);
  if (size < 2 || maxSize < size || choices.oneIn(4))
    return LLVMFuzzerMutate(data, size, maxSize);
  const std::string file =
      fuzz::mutatePng({reinterpret_cast<char *>(data) + 1, size - 1}, choices);
  if (file.empty() || file.size() > maxSize - 1)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data + 1, file.data(), file.size());
  return 1 + file.size();
}

/// The recipe that a model with such data has.
static Recipe recipeOf(unsigned choice, const std::string &path) {
  Recipe recipe;
  DataBinding binding{
      "train", {"image"}, readers[choice % 4], {{"path", path}}, ""};
  if (binding.reader != "images")
    binding.inputs.push_back("label");
  if (choice & 8)
    binding.arguments.push_back({"order", "chw"});
  recipe.data.push_back(binding);
  recipe.sampleSteps = {
      {"image", "resize", {{"height", "3"}, {"width", "4"}}, ""},
      {"image", "normalize", {{"mean", "1"}, {"deviation", "2"}}, ""}};
  return recipe;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  const unsigned choice = data[0];
  fuzz::MemoryFile memory(data + 1, size - 1);
  const int64_t channels = choice & 4 && choice % 4 % 3 == 0 ? 1 : 3;
  TensorInfo image, label;
  image.name = "image";
  image.elementType = ElementType::F32;
  image.shape =
      choice & 8 ? Shape{-1, channels, 3, 4} : Shape{-1, 3, 4, channels};
  label.name = "label";
  label.elementType = ElementType::U8;
  label.shape = {-1};
  EntryPoint entry;
  entry.inputs = {image};
  if (choice % 4 % 3 != 0)
    entry.inputs.push_back(label);
  auto columns = readSplit(recipeOf(choice, memory.path()), "train", entry, {});
  if (!columns.isOk()) {
    fuzz::require(!columns.status().message().empty(),
                  "refused data have a message");
    return 0;
  }
  Workspace work;
  std::vector<float> sample(size_t(12 * channels));
  Status status = writeSample((*columns)[0], 0, nullptr, work,
                              reinterpret_cast<uint8_t *>(sample.data()));
  fuzz::require(status.isOk(), "a picture that is read once is read again");
  for (float value : sample)
    fuzz::require(value >= -0.51f && value <= 127.01f,
                  "values are those of a picture");
  return 0;
}
