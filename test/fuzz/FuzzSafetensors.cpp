// Any bytes as a safetensors file: tensors or a message. What the header claims
// can be read, and no byte belongs to two tensors.
#include "runtime/Checkpoint.h"

#include "test/fuzz/CheckInspect.h"
#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/SafetensorsMutator.h"

#include <cstring>
#include <map>
#include <set>

using namespace nnc;

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  fuzz::Choices choices(seed);
  std::string file(reinterpret_cast<char *>(data), size);
  if (!choices.oneIn(8))
    file = fuzz::mutateSafetensors(file, maxSize, choices);
  else
    file.clear();
  if (file.empty())
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, file.data(), file.size());
  return file.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::MemoryFile memory(data, size);
  auto file = runtime::SafetensorsFile::open(memory.path());
  if (!file.isOk()) {
    fuzz::require(!file.status().message().empty(),
                  "a refused file has a message");
    return 0;
  }
  std::map<int64_t, int64_t> ranges;
  std::set<std::string> names;
  for (const runtime::SavedTensor &tensor : file->tensors()) {
    fuzz::require(tensor.offsetBytes >= 0 && tensor.sizeBytes >= 0 &&
                      size_t(tensor.offsetBytes) <= size &&
                      size_t(tensor.sizeBytes) <=
                          size - size_t(tensor.offsetBytes),
                  "a tensor is inside its file");
    fuzz::require(names.insert(tensor.name).second, "names are unique");
    if (tensor.sizeBytes > 0)
      fuzz::require(ranges.emplace(tensor.offsetBytes, tensor.sizeBytes).second,
                    "tensors do not overlap");
    std::vector<char> bytes(size_t(tensor.sizeBytes));
    fuzz::require(file->read(tensor, bytes.data()).isOk(),
                  "what the header claims can be read");
  }
  int64_t end = 0;
  for (const auto &[offset, bytes] : ranges) {
    fuzz::require(offset >= end, "tensors do not overlap");
    end = offset + bytes;
  }
  fuzz::checkInspect(memory.path());
  return 0;
}
