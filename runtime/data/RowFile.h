// Rows of equal size in a file, read when they are needed: data that are larger
// than what is kept in memory.
#ifndef NNC_RUNTIME_DATA_ROWFILE_H
#define NNC_RUNTIME_DATA_ROWFILE_H

#include "runtime/data/Column.h"
#include "runtime/data/RowCache.h"

#include <memory>
#include <string>

namespace nnc::runtime {

/// Any thread may read it at any time.
class RowFile {
public:
  /// `numRows` rows of `rowBytes` bytes from `offsetBytes` of the file on.
  /// `cache` may be that of files that are read together.
  RowFile(OpenFile file, std::string path, int64_t offsetBytes,
          int64_t rowBytes, int64_t numRows, std::shared_ptr<RowCache> cache);

  /// The bytes of a row, which stand until another is read into `work` or
  /// kept() is let go.
  StatusOr<const uint8_t *> row(int64_t index, Workspace &work) const;
  std::shared_mutex *kept() const { return &cache->inUse; }
  /// As StoredSamples::expect(): reads the rows and keeps them where memory is
  /// enough for `mostKept`, else the system may fetch them.
  void expect(int64_t first, int64_t count, int64_t mostKept) const;

  const std::string &path() const { return name; }

private:
  const OpenFile file;
  const std::string name;
  const int64_t offsetBytes, rowBytes, numRows;
  /// Of what is read at once.
  const int64_t blockRows;
  const std::shared_ptr<RowCache> cache;
};

/// A part of each row: the elements of one input, as the file has them.
class RowParts : public StoredSamples {
public:
  RowParts(std::shared_ptr<const RowFile> rows, int64_t offsetBytes,
           int64_t sizeBytes)
      : rows(std::move(rows)), offsetBytes(offsetBytes), sizeBytes(sizeBytes) {}

  Status write(int64_t index, Workspace &work, uint8_t *to) const override;
  void expect(int64_t first, int64_t count, int64_t mostKept) const override {
    rows->expect(first, count, mostKept);
  }
  std::shared_mutex *kept() const override { return rows->kept(); }

private:
  const std::shared_ptr<const RowFile> rows;
  const int64_t offsetBytes, sizeBytes;
};

/// Rows that are written and then read, in a file without a name that ends with
/// them.
class RowSpool {
public:
  /// In the folder that TMPDIR names, else in /var/tmp.
  static StatusOr<RowSpool> create(int64_t rowBytes);

  Status append(const std::vector<uint8_t> &rows);
  /// `path` names the rows where they cannot be read.
  std::shared_ptr<const RowFile>
  finish(std::string path,
         std::shared_ptr<RowCache> cache = std::make_shared<RowCache>());

private:
  RowSpool(OpenFile file, std::string folder, int64_t rowBytes)
      : file(std::move(file)), folder(std::move(folder)), rowBytes(rowBytes) {}

  OpenFile file;
  std::string folder;
  int64_t rowBytes;
  int64_t writtenBytes = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ROWFILE_H
