#include "runtime/Checkpoint.h"

#include "runtime/SafetensorsHeader.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nnc::runtime {

static constexpr int64_t lengthBytes = 8;

// The limit of the stock library.
static constexpr int64_t longestHeaderBytes = 100'000'000;

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool isReservedName(std::string_view name) {
  return startsWith(name, optimizerPrefix) || startsWith(name, scalarPrefix);
}

static Status writeAll(const OpenFile &file, const std::string &path,
                       const void *data, int64_t sizeBytes) {
  auto *cursor = static_cast<const char *>(data);
  while (sizeBytes > 0) {
    ssize_t written = write(file.get(), cursor, sizeBytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return systemError(path, "write", errno);
    cursor += written;
    sizeBytes -= written;
  }
  return {};
}

static std::string encodeLength(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < lengthBytes; ++i)
    bytes += static_cast<char>(length >> 8 * i);
  return bytes;
}

static uint64_t decodeLength(const unsigned char *bytes) {
  uint64_t length = 0;
  for (int i = 0; i < lengthBytes; ++i)
    length |= static_cast<uint64_t>(bytes[i]) << 8 * i;
  return length;
}

// A file system without locks is no reason not to save: there, writers of one
// path must not overlap.
static void waitForLock(const OpenFile &file) {
  while (flock(file.get(), LOCK_EX) != 0 && errno == EINTR)
    ;
}

/// Opens `path` to write and locks it against other writers. What a killed one
/// has left is used again, so that nothing piles up.
static StatusOr<OpenFile> openPartial(const std::string &path) {
  for (;;) {
    // Non-blocking, or opening a pipe would wait for its reader.
    OpenFile file(open(path.c_str(),
                       O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                       0666));
    if (file.get() < 0)
      return systemError(path, "create", errno);
    waitForLock(file);
    struct stat locked, named;
    if (fstat(file.get(), &locked) != 0)
      return systemError(path, "create", errno);
    if (!S_ISREG(locked.st_mode))
      return Status(Code::IoError, path + ": not a regular file");
    // Where they differ, the writer before has renamed the file meanwhile: what
    // is locked now is its result, which is not to be written to.
    if (stat(path.c_str(), &named) == 0 && named.st_ino == locked.st_ino &&
        named.st_dev == locked.st_dev)
      return file;
  }
}

// RFC 3629, section 4.
static bool isUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t at) -> unsigned {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
    };
    unsigned first = byte(i);
    size_t length = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;
    if (length == 0)
      return false;
    for (size_t k = 1; k < length; ++k)
      if (byte(i + k) >> 6 != 2)
        return false;
    // Forms longer than they need be, surrogates, and what is beyond U+10FFFF.
    unsigned second = byte(i + 1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

// Other libraries read the header as JSON, which is UTF-8 and has each key
// once.
static Status checkText(const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata) {
  std::set<std::string_view> names;
  for (const TensorToSave &tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return {Code::InvalidArgument,
              concat("two tensors to save have the name ", quote(tensor.name))};
    if (!isUtf8(tensor.name))
      return {Code::InvalidArgument,
              concat("the tensor name ", quote(tensor.name), " is not UTF-8")};
  }
  for (const auto &[key, value] : metadata)
    if (!isUtf8(key) || !isUtf8(value))
      return {Code::InvalidArgument, concat("the metadata ", quote(key), " = ",
                                            quote(value), " is not UTF-8")};
  return {};
}

static Status writeContents(const OpenFile &file, const std::string &path,
                            const std::vector<const TensorToSave *> &tensors,
                            const Metadata &metadata) {
  if (ftruncate(file.get(), 0) != 0)
    return systemError(path, "write", errno);
  std::string header = printHeader(tensors, metadata);
  // The format allows spaces at the end; the tensors then start aligned.
  constexpr size_t alignment = 64;
  size_t total = lengthBytes + header.size();
  header.append((alignment - total % alignment) % alignment, ' ');
  if (static_cast<int64_t>(header.size()) > longestHeaderBytes)
    return {Code::InvalidArgument,
            concat(path, ": names and metadata take ", header.size(),
                   " bytes, the format allows ", longestHeaderBytes)};
  std::string start = encodeLength(header.size()) + header;
  Status status = writeAll(file, path, start.data(), start.size());
  for (const TensorToSave *tensor : tensors)
    if (status.isOk())
      status = writeAll(file, path, tensor->data,
                        *numElements(tensor->shape) *
                            sizeBytes(tensor->elementType));
  if (status.isOk() && fsync(file.get()) != 0)
    status = systemError(path, "flush", errno);
  return status;
}

// The rename is on disk only when the directory is.
static Status flushDirectory(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "."
                          : slash == 0               ? "/"
                                                     : path.substr(0, slash);
  OpenFile file(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || fsync(file.get()) != 0)
    return systemError(directory, "flush", errno);
  return {};
}

Status writeSafetensors(const std::string &path,
                        const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata) {
  Status status = checkText(tensors, metadata);
  if (!status.isOk())
    return status;
  // Wide elements first, as the stock library does: every tensor is aligned
  // without a gap.
  std::vector<const TensorToSave *> ordered;
  for (int64_t elementBytes : {8, 4, 2, 1})
    for (const TensorToSave &tensor : tensors)
      if (sizeBytes(tensor.elementType) == elementBytes)
        ordered.push_back(&tensor);
  std::string partial = path + ".part";
  // Open, and so locked, until it has its name.
  StatusOr<OpenFile> file = openPartial(partial);
  if (!file.isOk())
    return file.status();
  // No memory is a failure like others: what is partial goes.
  status = guardMemory(
      [&] { return writeContents(*file, partial, ordered, metadata); });
  if (status.isOk() && std::rename(partial.c_str(), path.c_str()) != 0)
    status = systemError(path, "replace", errno);
  if (!status.isOk()) {
    unlink(partial.c_str());
    return status;
  }
  return flushDirectory(path);
}

Status checkReplaceable(const std::string &path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode))
    return {Code::IoError, path + ": not a regular file"};
  std::string partial = path + ".part";
  StatusOr<OpenFile> file = openPartial(partial);
  if (!file.isOk())
    return file.status();
  unlink(partial.c_str());
  return {};
}

// Makes offsets those of the file, after it has checked that the tensors fill
// it without gap or overlap.
static Status placeTensors(std::vector<SavedTensor> &tensors, int64_t dataBegin,
                           int64_t fileBytes) {
  std::vector<SavedTensor *> byOffset;
  for (SavedTensor &tensor : tensors)
    byOffset.push_back(&tensor);
  std::sort(byOffset.begin(), byOffset.end(), [](auto *a, auto *b) {
    return std::pair(a->offsetBytes, a->sizeBytes) <
           std::pair(b->offsetBytes, b->sizeBytes);
  });
  int64_t dataBytes = fileBytes - dataBegin;
  int64_t expected = 0;
  for (SavedTensor *tensor : byOffset) {
    if (tensor->offsetBytes != expected)
      return {Code::InvalidFile,
              concat("tensor ", quote(tensor->name), " begins at byte ",
                     tensor->offsetBytes, " of the data, expected ", expected)};
    if (tensor->sizeBytes > dataBytes - expected)
      return {Code::InvalidFile,
              concat("tensor ", quote(tensor->name), " ends at byte ", expected,
                     " + ", tensor->sizeBytes,
                     " of the data, of which there are ", dataBytes)};
    expected += tensor->sizeBytes;
    tensor->offsetBytes += dataBegin;
  }
  if (expected != dataBytes)
    return {Code::InvalidFile,
            concat("the tensors take ", expected,
                   " bytes of the data, of which there are ", dataBytes)};
  return {};
}

static Status readHeader(const OpenFile &file, const std::string &path,
                         int64_t fileBytes, std::string &header) {
  unsigned char length[lengthBytes];
  if (fileBytes < lengthBytes)
    return {Code::InvalidFile,
            concat(path, ": not a safetensors file: ", fileBytes, " bytes")};
  Status status = readAt(file, path, length, lengthBytes, 0);
  if (!status.isOk())
    return status;
  uint64_t headerBytes = decodeLength(length);
  uint64_t limit = std::min(fileBytes - lengthBytes, longestHeaderBytes);
  if (headerBytes > limit)
    return {Code::InvalidFile,
            concat(path, ": not a safetensors file: a header of ", headerBytes,
                   " bytes, expected at most ", limit)};
  header.resize(headerBytes);
  return readAt(file, path, header.data(), headerBytes, lengthBytes);
}

StatusOr<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  return guardMemory([&]() -> StatusOr<SafetensorsFile> {
    int64_t fileBytes = 0;
    StatusOr<OpenFile> file = openToRead(path, fileBytes);
    if (!file.isOk())
      return file.status();
    std::string header;
    Status status = readHeader(*file, path, fileBytes, header);
    if (!status.isOk())
      return status;
    SafetensorsFile result;
    status = parseHeader(header, result.entries, result.facts);
    if (status.isOk())
      status = placeTensors(result.entries,
                            lengthBytes + static_cast<int64_t>(header.size()),
                            fileBytes);
    if (!status.isOk())
      return Status(status.code(), concat(path, ": ", status.message()));
    result.path = path;
    result.file = std::move(*file);
    return result;
  });
}

Status SafetensorsFile::read(const SavedTensor &tensor, void *to) const {
  return readAt(file, path, to, tensor.sizeBytes, tensor.offsetBytes);
}

} // namespace nnc::runtime
