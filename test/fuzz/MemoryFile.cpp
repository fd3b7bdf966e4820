// A file of memfd_create, by its path in /proc.
#include "test/fuzz/MemoryFile.h"

#include "test/fuzz/Require.h"

#include <sys/mman.h>
#include <unistd.h>

namespace nnc::fuzz {

MemoryFile::MemoryFile(const uint8_t *data, size_t sizeBytes)
    : descriptor(memfd_create("fuzz", MFD_CLOEXEC)) {
  require(descriptor >= 0, "a file in memory can be made");
  size_t written = 0;
  while (written < sizeBytes) {
    ssize_t count = write(descriptor, data + written, sizeBytes - written);
    require(count > 0, "a file in memory can be written");
    written += size_t(count);
  }
}

MemoryFile::~MemoryFile() { close(descriptor); }

std::string MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

} // namespace nnc::fuzz
