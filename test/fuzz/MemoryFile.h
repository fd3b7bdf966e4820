// A file without a disk, for readers that take paths.
#ifndef NNC_TEST_FUZZ_MEMORYFILE_H
#define NNC_TEST_FUZZ_MEMORYFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace nnc::fuzz {

class MemoryFile {
public:
  MemoryFile(const uint8_t *data, size_t sizeBytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile &) = delete;

  std::string path() const;

private:
  int descriptor;
};

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_MEMORYFILE_H
