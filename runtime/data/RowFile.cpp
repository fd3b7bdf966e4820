// Reads rows at their places, and writes those that have no file.
#include "runtime/data/RowFile.h"

#include "runtime/data/Samples.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace nnc::runtime {

// What is read at once: so much that a call of the system costs little beside.
static constexpr int64_t blockBytes = int64_t(1) << 18;
// What the blocks of an array have at most.
static constexpr int64_t mostKeptBytes = int64_t(1) << 27;

RowFile::RowFile(OpenFile file, std::string path, int64_t offsetBytes,
                 int64_t rowBytes, int64_t numRows,
                 std::shared_ptr<RowCache> cache)
    : file(std::move(file)), name(std::move(path)), offsetBytes(offsetBytes),
      rowBytes(rowBytes), numRows(numRows),
      blockRows(blockBytes / std::max<int64_t>(rowBytes, 1)),
      cache(std::move(cache)) {}

StatusOr<const uint8_t *> RowFile::row(int64_t index, Workspace &work) const {
  if (const uint8_t *block =
          blockRows > 0 ? cache->find({this, index / blockRows}) : nullptr)
    return block + index % blockRows * rowBytes;
  if (work.rowFile == this && work.rowIndex == index)
    return static_cast<const uint8_t *>(work.row.data());
  work.rowFile = nullptr;
  work.row.resize(size_t(rowBytes));
  if (Status status = readAt(file, name, work.row.data(), rowBytes,
                             offsetBytes + index * rowBytes);
      !status.isOk())
    return status;
  work.rowFile = this;
  work.rowIndex = index;
  return static_cast<const uint8_t *>(work.row.data());
}

void RowFile::expect(int64_t first, int64_t count, int64_t mostKept) const {
  const int64_t end = std::min(first + count, numRows);
  if (first >= end || rowBytes == 0)
    return;
  if (blockRows == 0 || mostKept > mostKeptBytes / rowBytes) {
    // Of no matter where the system does not follow it.
    posix_fadvise(file.get(), offsetBytes + first * rowBytes,
                  (end - first) * rowBytes, POSIX_FADV_WILLNEED);
    return;
  }
  // The first and the last block have other rows too.
  const int64_t mostBytes = (mostKept + 2 * blockRows) * rowBytes;
  for (int64_t block = first / blockRows; block * blockRows < end; ++block) {
    const int64_t begin = block * blockRows;
    const int64_t bytes = std::min(blockRows, numRows - begin) * rowBytes;
    cache->add({this, block}, bytes, mostBytes, [&](uint8_t *to) {
      return readAt(file, name, to, bytes, offsetBytes + begin * rowBytes);
    });
  }
}

Status RowParts::write(int64_t index, Workspace &work, uint8_t *to) const {
  StatusOr<const uint8_t *> row = rows->row(index, work);
  if (!row.isOk())
    return row.status();
  std::memcpy(to, *row + offsetBytes, size_t(sizeBytes));
  return {};
}

StatusOr<RowSpool> RowSpool::create(int64_t rowBytes) {
  const char *named = std::getenv("TMPDIR");
  const std::string folder = named && *named ? named : "/var/tmp";
  std::string path = folder + "/nnc-rows-XXXXXX";
  OpenFile file(mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0)
    return Status(Code::IoError,
                  systemError(folder,
                              "make a file for data that memory does not keep",
                              errno)
                          .message() +
                      "; TMPDIR names another folder");
  unlink(path.c_str());
  return RowSpool(std::move(file), folder, rowBytes);
}

Status RowSpool::append(const std::vector<uint8_t> &rows) {
  for (size_t done = 0; done < rows.size();) {
    const ssize_t written =
        ::write(file.get(), rows.data() + done, rows.size() - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return {Code::IoError,
              systemError(folder, "write the data that memory does not keep",
                          written < 0 ? errno : ENOSPC)
                      .message() +
                  "; TMPDIR names another folder"};
    done += size_t(written);
  }
  writtenBytes += int64_t(rows.size());
  return {};
}

std::shared_ptr<const RowFile>
RowSpool::finish(std::string path, std::shared_ptr<RowCache> cache) {
  return std::make_shared<RowFile>(
      std::move(file), std::move(path), 0, rowBytes,
      rowBytes > 0 ? writtenBytes / rowBytes : 0, std::move(cache));
}

} // namespace nnc::runtime
