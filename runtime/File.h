// Files that are read, memory for them, and the messages when that fails.
#ifndef NNC_RUNTIME_FILE_H
#define NNC_RUNTIME_FILE_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace nnc::runtime {

/// Memory that starts on a NNC_ALIGNMENT_BYTES boundary.
class AlignedBytes {
public:
  AlignedBytes() = default;
  /// Throws bad_alloc; contents are undefined.
  explicit AlignedBytes(size_t sizeBytes);

  uint8_t *data() { return memory.get(); }
  const uint8_t *data() const { return memory.get(); }
  size_t size() const { return length; }

private:
  struct Free {
    void operator()(uint8_t *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<uint8_t, Free> memory;
  size_t length = 0;
};

/// A file descriptor, closed on every path.
class OpenFile {
public:
  OpenFile() = default;
  explicit OpenFile(int descriptor) : descriptor(descriptor) {}
  OpenFile(OpenFile &&other) noexcept : descriptor(other.descriptor) {
    other.descriptor = -1;
  }
  OpenFile &operator=(OpenFile &&other) noexcept {
    std::swap(descriptor, other.descriptor);
    return *this;
  }
  ~OpenFile();

  int get() const { return descriptor; }

private:
  int descriptor = -1;
};

/// Opens a regular file for reading and gives its size. NotFound if there is
/// none, IoError if the system refuses or it is no regular file.
StatusOr<OpenFile> openToRead(const std::string &path, int64_t &sizeBytes);

/// Reads exactly `sizeBytes` bytes from `offsetBytes` on.
Status readAt(const OpenFile &file, const std::string &path, void *to,
              int64_t sizeBytes, int64_t offsetBytes);

/// "PATH: cannot WHAT: " and the system's reason.
Status systemError(const std::string &path, const char *what, int error);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_FILE_H
