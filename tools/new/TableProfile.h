// What the columns of a table hold, as far as a first program needs to know it.
#ifndef NNC_TOOLS_NEW_TABLEPROFILE_H
#define NNC_TOOLS_NEW_TABLEPROFILE_H

#include "runtime/Status.h"

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::tools {

/// How dates are written; the first is ISO 8601, which needs no format.
inline constexpr std::string_view kDateFormats[] = {"", "%d.%m.%Y", "%d/%m/%Y",
                                                    "%m/%d/%Y", "%Y/%m/%d"};

struct ColumnProfile {
  std::string name; ///< Empty where the table has no header.
  int64_t numNumbers = 0, numTexts = 0, numMissing = 0;
  int64_t numCharacters = 0;                         ///< Of its texts.
  bool isWhole = true;                               ///< All numbers are.
  double least = 0, most = 0, mean = 0, squares = 0; ///< As Welford counts.
  /// Different values, up to `mostValues`, and whether one of them was there
  /// twice before there were so many.
  std::set<std::string> values;
  bool repeats = false;
  std::set<std::string> marks; ///< What stands for a missing value.
  int64_t numDates[std::size(kDateFormats)] = {};

  static constexpr size_t mostValues = 1000;

  bool isNumeric() const { return numNumbers > 0 && numTexts == 0; }
  /// The format of all its texts, or null.
  const std::string_view *dateFormat() const;
  /// Whether it tells rows apart, and nothing else: a number that goes up by 1,
  /// or is called an id, or a name of its own for each row.
  bool isIdentifier() const;
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
