// Reads rows at their places, and writes those that have no file.
#include "runtime/data/RowFile.h"

#include "runtime/data/Samples.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace nnc::runtime {

StatusOr<const uint8_t *> RowFile::row(int64_t index, Workspace &work) const {
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

void RowFile::expect(int64_t first, int64_t count) const {
  // Of no matter where the system does not follow it.
  posix_fadvise(file.get(), offsetBytes + first * rowBytes, count * rowBytes,
                POSIX_FADV_WILLNEED);
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
  return {};
}

std::shared_ptr<const RowFile> RowSpool::finish(std::string path) {
  return std::make_shared<RowFile>(std::move(file), std::move(path), 0,
                                   rowBytes);
}

} // namespace nnc::runtime
