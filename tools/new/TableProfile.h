// What the columns of a table hold, as far as a first program needs to know it.
#ifndef NNC_TOOLS_NEW_TABLEPROFILE_H
#define NNC_TOOLS_NEW_TABLEPROFILE_H

#include "runtime/Status.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::tools {

struct ColumnProfile {
  std::string name; ///< Empty where the table has no header.
  int64_t numNumbers = 0, numTexts = 0, numMissing = 0;
  int64_t numCharacters = 0;                         ///< Of its texts.
  bool isWhole = true;                               ///< All numbers are.
  double least = 0, most = 0, mean = 0, squares = 0; ///< As Welford counts.
  /// Different values, up to `mostValues`.
  std::set<std::string> values;

  static constexpr size_t mostValues = 1000;

  bool isNumeric() const { return numNumbers > 0 && numTexts == 0; }
  double deviation() const;
  void add(std::string_view field);
};

struct TableProfile {
  std::vector<ColumnProfile> columns;
  char delimiter = ',';
  bool hasHeader = false;
  int64_t numRows = 0;
  bool isWhole = true; ///< False where only the first rows were read.

  /// The column of this name or, in digits, place from 0; -1 if there is none.
  int64_t find(const std::string &column) const;
};

/// Reads up to so many rows of the table. InvalidFile for what is no table.
runtime::StatusOr<TableProfile> profileTable(const std::string &path,
                                             int64_t mostRows = 200000);

} // namespace nnc::tools

#endif // NNC_TOOLS_NEW_TABLEPROFILE_H
