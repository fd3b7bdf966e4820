// Bytes of a file in order, decompressed on the way.
#ifndef NNC_RUNTIME_DATA_BYTESTREAM_H
#define NNC_RUNTIME_DATA_BYTESTREAM_H

#include "runtime/File.h"

#include <memory>
#include <string>

namespace nnc::runtime {

class ByteStream {
public:
  enum class Coding { Plain, Gzip, Deflate };

  /// The whole file; gzip is known by its first two bytes.
  static StatusOr<ByteStream> open(const std::string &path);

  /// `sizeBytes` bytes of the file from `offsetBytes` on.
  static StatusOr<ByteStream> open(const std::string &path, int64_t offsetBytes,
                                   int64_t sizeBytes, Coding coding);

  ByteStream(ByteStream &&) noexcept;
  ~ByteStream();

  /// Reads exactly that many bytes. InvalidFile if the stream ends before or
  /// its compression is damaged; `what` names what was wanted.
  Status read(void *to, int64_t sizeBytes, const char *what);

  /// Reads up to that many bytes; fewer only at the end.
  StatusOr<int64_t> readSome(void *to, int64_t sizeBytes);

  /// No more bytes than this can follow in all; to check a size that a header
  /// claims before memory is taken for it.
  int64_t mostBytes() const { return bound; }

  bool isCompressed() const { return inflater != nullptr; }

  /// Bytes read so far.
  int64_t position() const { return numRead; }

  const std::string &path() const { return name; }

private:
  struct Inflater;

  ByteStream();
  Status fill();
  StatusOr<int64_t> inflateSome(void *to, int64_t sizeBytes);

  std::string name;
  OpenFile file;
  /// The part of the file that is still to be read.
  int64_t offset = 0;
  int64_t remaining = 0;
  int64_t bound = 0;
  int64_t numRead = 0;
  /// Null for plain bytes.
  std::unique_ptr<Inflater> inflater;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_BYTESTREAM_H
