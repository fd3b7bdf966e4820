// Files as they are, and through zlib.
#include "runtime/data/ByteStream.h"

#include <algorithm>
#include <climits>
#include <zlib.h>

namespace nnc::runtime {

static constexpr int64_t bufferBytes = 1 << 16;

// Deflate makes at most 1032 bytes out of one (zlib's technical details).
static constexpr int64_t mostExpansion = 1032;

struct ByteStream::Inflater {
  z_stream state = {};
  bool isGzip = false;
  bool isFinished = false;
  unsigned char buffer[bufferBytes];

  ~Inflater() { inflateEnd(&state); }
};

ByteStream::ByteStream() = default;
ByteStream::ByteStream(ByteStream &&) noexcept = default;
ByteStream::~ByteStream() = default;

StatusOr<ByteStream> ByteStream::open(const std::string &path) {
  int64_t sizeBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, sizeBytes);
  if (!file.isOk())
    return file.status();
  unsigned char magic[2] = {};
  if (sizeBytes >= 2) {
    Status status = readAt(*file, path, magic, 2, 0);
    if (!status.isOk())
      return status;
  }
  bool isGzip = magic[0] == 0x1f && magic[1] == 0x8b;
  return open(path, 0, sizeBytes, isGzip ? Coding::Gzip : Coding::Plain);
}

StatusOr<ByteStream> ByteStream::open(const std::string &path,
                                      int64_t offsetBytes, int64_t sizeBytes,
                                      Coding coding) {
  ByteStream stream;
  int64_t fileBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, fileBytes);
  if (!file.isOk())
    return file.status();
  stream.name = path;
  stream.file = std::move(*file);
  stream.offset = offsetBytes;
  stream.remaining = sizeBytes;
  stream.bound = sizeBytes;
  if (coding == Coding::Plain)
    return stream;

  stream.bound = sizeBytes > INT64_MAX / mostExpansion
                     ? INT64_MAX
                     : sizeBytes * mostExpansion;
  stream.inflater = std::make_unique<Inflater>();
  stream.inflater->isGzip = coding == Coding::Gzip;
  // 15 is the largest window; 16 more asks for gzip, a minus for neither frame.
  if (inflateInit2(&stream.inflater->state,
                   coding == Coding::Gzip ? 15 + 16 : -15) != Z_OK)
    return Status::outOfMemory();
  return stream;
}

// Puts the next piece of the file before the inflater.
Status ByteStream::fill() {
  int64_t size = std::min(bufferBytes, remaining);
  Status status = readAt(file, name, inflater->buffer, size, offset);
  if (!status.isOk())
    return status;
  offset += size;
  remaining -= size;
  inflater->state.next_in = inflater->buffer;
  inflater->state.avail_in = static_cast<unsigned>(size);
  return {};
}

StatusOr<int64_t> ByteStream::inflateSome(void *to, int64_t sizeBytes) {
  z_stream &state = inflater->state;
  int64_t total = 0;
  while (total < sizeBytes) {
    if (state.avail_in == 0 && remaining > 0) {
      Status status = fill();
      if (!status.isOk())
        return status;
    }
    bool hasInput = state.avail_in > 0;
    if (inflater->isFinished) {
      // A gzip file may be several, one after the other.
      if (!inflater->isGzip || !hasInput)
        break;
      inflateReset(&state);
      inflater->isFinished = false;
    }
    unsigned piece = std::min<int64_t>(sizeBytes - total, INT_MAX);
    state.next_out = static_cast<unsigned char *>(to) + total;
    state.avail_out = piece;
    int result = inflate(&state, Z_NO_FLUSH);
    total += piece - state.avail_out;
    if (result == Z_STREAM_END) {
      inflater->isFinished = true;
    } else if (result == Z_BUF_ERROR && !hasInput) {
      return Status(Code::InvalidFile,
                    concat(name, ": the compressed data is cut off after byte ",
                           numRead + total, " of its contents"));
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Status(
          Code::InvalidFile,
          concat(name, ": damaged compression after byte ", numRead + total,
                 " of its contents: ", state.msg ? state.msg : "unknown"));
    }
  }
  return total;
}

StatusOr<int64_t> ByteStream::readSome(void *to, int64_t sizeBytes) {
  int64_t got = std::min(sizeBytes, remaining);
  if (inflater) {
    StatusOr<int64_t> inflated = inflateSome(to, sizeBytes);
    if (!inflated.isOk())
      return inflated;
    got = *inflated;
  } else {
    Status status = readAt(file, name, to, got, offset);
    if (!status.isOk())
      return status;
    offset += got;
    remaining -= got;
  }
  numRead += got;
  return got;
}

Status ByteStream::read(void *to, int64_t sizeBytes, const char *what) {
  int64_t before = numRead;
  StatusOr<int64_t> got = readSome(to, sizeBytes);
  if (!got.isOk())
    return got.status();
  if (*got == sizeBytes)
    return {};
  return {Code::InvalidFile,
          concat(name, ": ends at byte ", before + *got, " in ", what,
                 ", expected ", sizeBytes, " bytes from byte ", before, " on")};
}

} // namespace nnc::runtime
