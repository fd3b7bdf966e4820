// Opens and reads files with POSIX calls; each failure names the file.
#include "runtime/File.h"

#include "runtime/abi.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

namespace nnc::runtime {

AlignedBytes::AlignedBytes(size_t sizeBytes) : length(sizeBytes) {
  constexpr size_t alignment = NNC_ALIGNMENT_BYTES;
  if (sizeBytes > SIZE_MAX - alignment)
    throw std::bad_alloc();
  // aligned_alloc wants a multiple of the alignment, and not zero.
  size_t rounded = (sizeBytes / alignment + 1) * alignment;
  memory.reset(static_cast<uint8_t *>(std::aligned_alloc(alignment, rounded)));
  if (!memory)
    throw std::bad_alloc();
}

OpenFile::~OpenFile() {
  if (descriptor >= 0)
    close(descriptor);
}

Status systemError(const std::string &path, const char *what, int error) {
  Code code = error == ENOENT || error == ENOTDIR ? Code::NotFound
              : error == ENOMEM                   ? Code::OutOfMemory
                                                  : Code::IoError;
  return {code, concat(path, ": cannot ", what, ": ", std::strerror(error))};
}

StatusOr<OpenFile> openToRead(const std::string &path, int64_t &sizeBytes) {
  // Non-blocking, or opening a pipe would wait for its writer.
  OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0)
    return systemError(path, "open", errno);
  struct stat facts;
  if (fstat(file.get(), &facts) != 0)
    return systemError(path, "open", errno);
  if (!S_ISREG(facts.st_mode))
    return Status(Code::IoError, path + ": not a regular file");
  sizeBytes = facts.st_size;
  return file;
}

Status readAt(const OpenFile &file, const std::string &path, void *to,
              int64_t sizeBytes, int64_t offsetBytes) {
  auto *cursor = static_cast<char *>(to);
  while (sizeBytes > 0) {
    ssize_t got = pread(file.get(), cursor, sizeBytes, offsetBytes);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError(path, "read", errno);
    if (got == 0)
      return {Code::IoError, path + ": became shorter while it was read"};
    cursor += got;
    sizeBytes -= got;
    offsetBytes += got;
  }
  return {};
}

} // namespace nnc::runtime
