// Which column is told, and what becomes of the others.
#include "tools/new/TablePlan.h"

#include "tools/Text.h"

#include "runtime/data/Suggestion.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

namespace nnc::tools {

using namespace runtime;

/// As many as a program's list is read with ease.
static constexpr size_t kMostClasses = 100;

int64_t TableInput::embeddingWidth() const {
  return std::clamp<int64_t>(std::llround(std::sqrt(double(numNames))), 2, 32);
}

std::string TablePlan::nameOf(int64_t column) const {
  const std::string &name = table.columns[column].name;
  return name.empty() ? "column " + std::to_string(column) : printable(name);
}

int64_t TablePlan::numColumns() const {
  int64_t count = 0;
  for (const TableInput &input : inputs)
    count += static_cast<int64_t>(input.columns.size());
  return count;
}

//===-- The column to be told --------------------------------------------===//

/// One of a usual name, or the last.
static StatusOr<int64_t> chooseTarget(const TableProfile &table,
                                      const std::string &wanted) {
  std::vector<std::string> names;
  for (const ColumnProfile &column : table.columns)
    names.push_back(column.name);
  if (!wanted.empty()) {
    int64_t found = table.find(wanted);
    if (found >= 0)
      return found;
    return Status(Code::InvalidArgument, "--target: there is no column '" +
                                             wanted + "'" +
                                             suggestion(wanted, names));
  }
  for (const char *usual : {"target", "label", "class", "y", "outcome"})
    if (int64_t found = table.find(usual); found >= 0)
      return found;
  return static_cast<int64_t>(table.columns.size()) - 1;
}

/// Whole numbers of few values, one after the other, are classes.
static bool areClasses(const ColumnProfile &told) {
  constexpr size_t mostClasses = 50;
  const double span = told.most - told.least + 1;
  return told.isWhole && told.values.size() >= 2 &&
         told.values.size() <= mostClasses &&
         span <= 2 * static_cast<double>(told.values.size());
}

static Status chooseTask(TablePlan &plan, const NewProgram &wanted) {
  const ColumnProfile &told = plan.told();
  const std::string what = wanted.data + ": '" + plan.nameOf(plan.target) +
                           "', which is to be told, ";
  if (told.values.empty())
    return {Code::InvalidFile, what + "is missing everywhere; --target names "
                                      "another column"};
  if (!told.isNumeric()) {
    if (wanted.task == "number")
      return {Code::InvalidFile, what + "has texts, and is no number"};
    if (told.values.size() < 2 || told.values.size() > kMostClasses)
      return {Code::InvalidFile,
              what + "has texts of " +
                  (told.values.size() < 2 ? std::string("one kind")
                                          : "more than 100 kinds") +
                  ": 2 to 100 are classes; --target names another column"};
    plan.task = Task::Names;
    return {};
  }
  const bool canBeClasses = areClasses(told);
  if (wanted.task == "classes" && !canBeClasses)
    return {Code::InvalidFile,
            what +
                "has no classes: they are names, or at most 50 whole numbers "
                "side by side"};
  if (wanted.task == "number" || !canBeClasses)
    return {};
  plan.firstClass = static_cast<int64_t>(told.least);
  plan.numClasses = static_cast<int64_t>(told.most - told.least + 1);
  plan.task = plan.numClasses == 2 ? Task::TwoClasses : Task::Classes;
  return {};
}

//===-- The other columns ------------------------------------------------===//

/// Why no program learns from the column; empty if one does.
static std::string reasonAgainst(const ColumnProfile &column) {
  const int64_t numValues = column.numNumbers + column.numTexts;
  if (numValues == 0)
    return "of which all are missing";
  if (column.values.size() == 1)
    return "which is always the same";
  if (column.isIdentifier())
    return column.numTexts > 0 ? "which is another text in each row"
                               : "which numbers the rows";
  if (column.numTexts == 0 || column.dateFormat())
    return "";
  constexpr int64_t longest = 40;
  const size_t most = std::max<size_t>(20, static_cast<size_t>(numValues) / 4);
  if (column.values.size() > most ||
      column.values.size() >= ColumnProfile::mostValues ||
      column.numCharacters > longest * column.numTexts)
    return "which has texts of many kinds";
  return "";
}

namespace {
/// Names of inputs, each once.
class InputNames {
public:
  explicit InputNames(const std::string &model) : taken{model} {}
  std::string choose(std::string_view column);

private:
  std::vector<std::string> taken;
};
} // namespace

/// The letters and digits of a column's name, in small letters.
std::string InputNames::choose(std::string_view column) {
  static constexpr std::string_view reserved[] = {
      "and",    "as",    "batch",  "bf16",       "bool",   "const",  "else",
      "f16",    "f32",   "f64",    "false",      "fn",     "folder", "for",
      "i32",    "i64",   "if",     "in",         "loss",   "metric", "model",
      "not",    "or",    "output", "param",      "return", "target", "test",
      "train",  "true",  "u8",     "validation", "with",   "x",      "logit",
      "logits", "guess", "answer"};
  std::string name;
  for (unsigned char c : column) {
    bool isPlain = c < 0x80 && std::isalnum(c);
    if (isPlain)
      name += static_cast<char>(std::tolower(c));
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  while (!name.empty() && name.back() == '_')
    name.pop_back();
  if (name.empty())
    name = "column";
  if (std::isdigit(static_cast<unsigned char>(name[0])) ||
      std::find(std::begin(reserved), std::end(reserved), name) !=
          std::end(reserved))
    name = "column_" + name;
  const std::string stem = name;
  for (int i = 2; std::find(taken.begin(), taken.end(), name) != taken.end();
       ++i)
    name = stem + "_" + std::to_string(i);
  taken.push_back(name);
  return name;
}

/// Adds the column to the input of its kind, or makes one.
static void addTo(std::vector<TableInput> &inputs, TableInput::Kind kind,
                  int64_t column, std::string_view dateFormat) {
  auto found = std::find_if(inputs.begin(), inputs.end(), [&](auto &input) {
    return input.kind == kind && input.dateFormat == dateFormat;
  });
  if (found == inputs.end()) {
    inputs.push_back({});
    found = inputs.end() - 1;
    found->kind = kind;
    found->dateFormat = dateFormat;
  }
  found->columns.push_back(column);
}

static void addColumn(TablePlan &plan, int64_t index) {
  const ColumnProfile &column = plan.table.columns[index];
  if (const std::string_view *format = column.dateFormat()) {
    addTo(plan.inputs, TableInput::Kind::Dates, index, *format);
  } else if (column.numTexts == 0) {
    addTo(plan.inputs,
          column.numMissing > 0 ? TableInput::Kind::Gaps
                                : TableInput::Kind::Numbers,
          index, "");
  } else {
    TableInput input;
    input.kind = TableInput::Kind::Category;
    input.columns = {index};
    input.numNames =
        static_cast<int64_t>(column.values.size() + column.marks.size());
    plan.inputs.push_back(input);
  }
}

static void finishInputs(TablePlan &plan, const std::string &model) {
  // Numbers first, as they are read.
  std::vector<TableInput> sorted;
  for (auto kind : {TableInput::Kind::Numbers, TableInput::Kind::Gaps,
                    TableInput::Kind::Dates, TableInput::Kind::Category})
    std::copy_if(plan.inputs.begin(), plan.inputs.end(),
                 std::back_inserter(sorted),
                 [&](const TableInput &input) { return input.kind == kind; });
  plan.inputs = std::move(sorted);
  InputNames names(model);
  static constexpr const char *kNames[] = {"numbers", "gaps", "dates"};
  for (TableInput &input : plan.inputs) {
    for (int64_t column : input.columns)
      input.hasMissing |= plan.table.columns[column].numMissing > 0;
    input.name = names.choose(input.columns.size() == 1
                                  ? plan.nameOf(input.columns[0])
                                  : kNames[static_cast<int>(input.kind)]);
    if (input.kind == TableInput::Kind::Gaps)
      names.choose(input.name + "_known");
  }
}

StatusOr<TablePlan> planTable(const NewProgram &wanted) {
  auto table = profileTable(wanted.data);
  if (!table.isOk())
    return table.status();
  TablePlan plan;
  plan.table = std::move(*table);
  auto target = chooseTarget(plan.table, wanted.target);
  if (!target.isOk())
    return target.status();
  plan.target = *target;
  if (Status status = chooseTask(plan, wanted); !status.isOk())
    return status;
  const int64_t numColumns = static_cast<int64_t>(plan.table.columns.size());
  for (int64_t i = 0; i < numColumns; ++i) {
    if (i == plan.target)
      continue;
    const std::string reason = reasonAgainst(plan.table.columns[i]);
    if (reason.empty())
      addColumn(plan, i);
    else
      plan.leftOut.push_back(plan.nameOf(i) + ", " + reason);
  }
  if (plan.inputs.empty())
    return Status(Code::InvalidFile,
                  wanted.data +
                      ": there is no column to learn from but the one "
                      "to be told");
  finishInputs(plan, wanted.name);
  return plan;
}

} // namespace nnc::tools
