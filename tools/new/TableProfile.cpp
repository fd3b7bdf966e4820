// Goes through a table once and counts.
#include "tools/new/TableProfile.h"

#include "runtime/data/CsvRows.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;

static bool parseReal(std::string_view text, double &number) {
  if (text.substr(0, 1) == "+")
    text.remove_prefix(1);
  auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() &&
         std::isfinite(number);
}

static bool isMissing(std::string_view text) {
  static constexpr std::string_view marks[] = {
      "", "?", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "-"};
  return std::find(std::begin(marks), std::end(marks), text) != std::end(marks);
}

// Welford's update (Knuth, TAOCP vol. 2, 4.2.2): one read of the column, and no
// cancellation when the mean is large against the deviation.
void ColumnProfile::add(std::string_view field) {
  double number = 0;
  if (isMissing(field)) {
    ++numMissing;
    return;
  }
  if (values.size() < mostValues)
    values.emplace(field);
  if (!parseReal(field, number)) {
    ++numTexts;
    numCharacters += static_cast<int64_t>(field.size());
    return;
  }
  least = numNumbers ? std::min(least, number) : number;
  most = numNumbers ? std::max(most, number) : number;
  isWhole &= number == std::floor(number) && std::abs(number) < 1e9;
  ++numNumbers;
  const double before = number - mean;
  mean += before / static_cast<double>(numNumbers);
  squares += before * (number - mean);
}

double ColumnProfile::deviation() const {
  return numNumbers > 1 ? std::sqrt(squares / static_cast<double>(numNumbers))
                        : 0;
}

int64_t TableProfile::find(const std::string &column) const {
  for (size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].name.empty() && columns[i].name == column)
      return static_cast<int64_t>(i);
  size_t place = 0;
  auto [end, problem] =
      std::from_chars(column.data(), column.data() + column.size(), place);
  bool isPlace = problem == std::errc() && end == column.data() + column.size();
  return isPlace && place < columns.size() ? static_cast<int64_t>(place) : -1;
}

/// The delimiter by which the first row has the most fields. By another, it may
/// be no row at all.
static StatusOr<char> findDelimiter(const std::string &path) {
  char found = ',';
  size_t most = 0;
  Status first;
  for (char delimiter : {',', ';', '\t'}) {
    auto stream = ByteStream::open(path);
    if (!stream.isOk())
      return stream.status();
    CsvRows rows(*stream, delimiter);
    auto row = rows.next();
    if (!row.isOk() && first.isOk())
      first = row.status();
    if (!row.isOk())
      continue;
    if (!*row)
      return Status(Code::InvalidFile, path + ": this table has no rows");
    if (rows.size() > most) {
      most = rows.size();
      found = delimiter;
    }
  }
  if (most == 0)
    return first;
  return found;
}

static std::vector<std::string> fieldsOf(const CsvRows &rows) {
  std::vector<std::string> fields;
  for (size_t i = 0; i < rows.size(); ++i)
    fields.emplace_back(rows.field(i));
  return fields;
}

/// Whether the first row names the columns: it has no numbers, or a text above
/// numbers.
static bool namesColumns(const std::vector<std::string> &first,
                         const std::vector<ColumnProfile> &columns) {
  double number = 0;
  bool hasNumber = false;
  for (size_t i = 0; i < first.size(); ++i) {
    bool isNumber = parseReal(first[i], number);
    if (!isNumber && !isMissing(first[i]) && columns[i].isNumeric())
      return true;
    hasNumber |= isNumber;
  }
  return !hasNumber;
}

StatusOr<TableProfile> profileTable(const std::string &path, int64_t mostRows) {
  auto delimiter = findDelimiter(path);
  if (!delimiter.isOk())
    return delimiter.status();
  auto stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TableProfile table;
  table.delimiter = *delimiter;
  CsvRows rows(*stream, *delimiter);
  std::vector<std::string> first;
  for (;;) {
    auto row = rows.next();
    if (!row.isOk())
      return row.status();
    if (!*row)
      break;
    if (first.empty()) {
      first = fieldsOf(rows);
      table.columns.resize(first.size());
      continue;
    }
    if (rows.size() != first.size())
      return Status(Code::InvalidFile, rows.where() + "this row has " +
                                           std::to_string(rows.size()) +
                                           " fields, and the first has " +
                                           std::to_string(first.size()));
    if (table.numRows == mostRows) {
      table.isWhole = false;
      break;
    }
    ++table.numRows;
    for (size_t i = 0; i < first.size(); ++i)
      table.columns[i].add(rows.field(i));
  }
  table.hasHeader = namesColumns(first, table.columns);
  for (size_t i = 0; i < first.size(); ++i) {
    if (table.hasHeader)
      table.columns[i].name = first[i];
    else
      table.columns[i].add(first[i]);
  }
  table.numRows += table.hasHeader ? 0 : 1;
  return table;
}

} // namespace nnc::tools
