// Any bytes as a safetensors file: tensors or a message. What the header claims
// can be read.
#include "runtime/Checkpoint.h"

#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"

using namespace nnc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::MemoryFile memory(data, size);
  auto file = runtime::SafetensorsFile::open(memory.path());
  if (!file.isOk()) {
    fuzz::require(!file.status().message().empty(),
                  "a refused file has a message");
    return 0;
  }
  for (const runtime::SavedTensor &tensor : file->tensors()) {
    fuzz::require(tensor.sizeBytes >= 0 && size_t(tensor.sizeBytes) <= size,
                  "a tensor is inside its file");
    std::vector<char> bytes(size_t(tensor.sizeBytes));
    fuzz::require(file->read(tensor, bytes.data()).isOk(),
                  "what the header claims can be read");
  }
  return 0;
}
