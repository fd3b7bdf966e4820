// What the program for a table does with each column.
#ifndef NNC_TOOLS_NEW_TABLEPLAN_H
#define NNC_TOOLS_NEW_TABLEPLAN_H

#include "tools/new/Programs.h"
#include "tools/new/TableProfile.h"

#include <vector>

namespace nnc::tools {

/// What the column to be told is: names, or whole numbers of few values, or any
/// number.
enum class Task { Names, TwoClasses, Classes, Number };

/// An input of the model, of columns that are read alike.
struct TableInput {
  enum class Kind { Numbers, Gaps, Dates, Category };

  Kind kind = Kind::Numbers;
  std::string name;
  std::vector<int64_t> columns;
  std::string_view dateFormat; ///< Of dates.
  /// Of a category: how many names are kept, those for a missing value among
  /// them.
  int64_t numNames = 0;
  bool hasMissing = false;

  /// Few names are a 1 among zeros, many a vector that is learned.
  bool isOneHot() const { return numNames <= 10; }
  int64_t embeddingWidth() const;
};

struct TablePlan {
  TableProfile table;
  int64_t target = 0;
  Task task = Task::Number;
  int64_t firstClass = 0, numClasses = 0;
  std::vector<TableInput> inputs;
  std::vector<std::string> leftOut; ///< With the reason.

  const ColumnProfile &told() const { return table.columns[target]; }
  /// As messages and comments call it.
  std::string nameOf(int64_t column) const;
  int64_t numColumns() const; ///< Of all inputs.
};

/// InvalidFile, or InvalidArgument for a target, where no program would do.
runtime::StatusOr<TablePlan> planTable(const NewProgram &wanted);

} // namespace nnc::tools

#endif // NNC_TOOLS_NEW_TABLEPLAN_H
