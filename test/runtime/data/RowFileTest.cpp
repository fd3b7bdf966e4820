// Rows that are read ahead are those of the file, and failures stay where they
// matter.
#include "runtime/data/RowFile.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace nnc::runtime;

namespace {
/// Rows of one i64, its number, behind three bytes of something else.
class NumberedRows {
public:
  explicit NumberedRows(int64_t count) {
    std::ofstream file(path, std::ios::binary);
    file << "abc";
    for (int64_t i = 0; i < count; ++i)
      file.write(reinterpret_cast<const char *>(&i), sizeof i);
  }
  ~NumberedRows() { std::filesystem::remove(path); }

  std::shared_ptr<RowFile> open(int64_t count) const {
    int64_t size = 0;
    auto file = openToRead(path, size);
    EXPECT_TRUE(file.isOk());
    return std::make_shared<RowFile>(std::move(*file), path, 3, 8, count,
                                     cache);
  }

  const std::string path = testing::TempDir() + "numbered.rows";
  const std::shared_ptr<RowCache> cache = std::make_shared<RowCache>();
};
} // namespace

static constexpr int64_t blockRows = (1 << 18) / 8;

static int64_t numberAt(const RowFile &rows, int64_t index, Workspace &work) {
  auto row = rows.row(index, work);
  if (!row.isOk())
    return -1;
  int64_t number = 0;
  std::memcpy(&number, *row, sizeof number);
  return number;
}

TEST(RowFile, RowsReadAheadAreThoseOfTheFile) {
  const int64_t count = 3 * blockRows + 5;
  NumberedRows file(count);
  auto rows = file.open(count);
  Workspace work;
  const int64_t places[] = {0,         1, blockRows - 1, blockRows,
                            count - 1, 7, 3 * blockRows};
  for (int round = 0; round < 4; ++round) {
    for (int64_t place : places)
      EXPECT_EQ(numberAt(*rows, place, work), place);
    // A part of the second block, then beyond the end, then all.
    const int64_t firsts[] = {blockRows + 3, 3 * blockRows, 0};
    const int64_t counts[] = {2, 100 * blockRows, count};
    if (round < 3)
      rows->expect(firsts[round], counts[round], count);
  }
}

TEST(RowFile, KeepsTheLastBlocks) {
  const int64_t count = 8 * blockRows;
  NumberedRows file(count);
  auto rows = file.open(count);
  auto isKept = [&](int64_t block) {
    return file.cache->find({rows.get(), block}) != nullptr;
  };
  // Of one block: with its neighbours, three.
  for (int64_t block = 0; block < 8; ++block)
    rows->expect(block * blockRows, blockRows, blockRows);
  for (int64_t block = 0; block < 8; ++block)
    EXPECT_EQ(isKept(block), block >= 5) << block;
  // More than memory is for.
  rows->expect(0, blockRows, int64_t(1) << 40);
  EXPECT_FALSE(isKept(0));
}

TEST(RowFile, FailuresAreOfTheRowsThatAreNeeded) {
  const int64_t count = 2 * blockRows;
  NumberedRows file(count);
  auto rows = file.open(count);
  std::filesystem::resize_file(file.path, 3 + 8 * (blockRows + 10));
  Workspace work;
  rows->expect(0, count, count);
  EXPECT_EQ(numberAt(*rows, blockRows - 1, work), blockRows - 1);
  EXPECT_EQ(numberAt(*rows, blockRows + 9, work), blockRows + 9);
  auto row = rows->row(blockRows + 10, work);
  ASSERT_FALSE(row.isOk());
  EXPECT_NE(row.status().message().find(file.path), std::string::npos);
}
