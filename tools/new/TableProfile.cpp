// Goes through a table once and counts.
#include "tools/new/TableProfile.h"

#include "runtime/TableSteps.h"
#include "runtime/data/CsvRows.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;

static bool parseReal(std::string_view text, double &number) {
  return parseDecimal(text, number) && std::isfinite(number);
}

/// As the steps of tables have it.
static bool isMissing(std::string_view text) {
  double number = 0;
  return isMissingMark(text) ||
         (parseDecimal(text, number) && std::isnan(number));
}

/// Two digits that count something up to `most`, from 1.
static bool isPart(std::string_view text, int most) {
  int number = 0;
  auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() &&
         number >= 1 && number <= most;
}

/// Whether a date begins the text, and ends it but for ISO 8601, which may go
/// on with a time.
static bool isDate(std::string_view text, std::string_view format) {
  const bool isIso = format.empty();
  size_t place = 0;
  for (std::string_view rest = isIso ? "%Y-%m-%d" : format; !rest.empty();) {
    const bool isNumber = rest[0] == '%';
    const size_t size = !isNumber ? 1 : rest[1] == 'Y' ? 4 : 2;
    if (place + size > text.size())
      return false;
    const std::string_view part = text.substr(place, size);
    const int most = !isNumber        ? 0
                     : rest[1] == 'Y' ? 9999
                     : rest[1] == 'm' ? 12
                                      : 31;
    if (isNumber ? !isPart(part, most) : part[0] != rest[0])
      return false;
    place += size;
    rest.remove_prefix(isNumber ? 2 : 1);
  }
  return place == text.size() ||
         (isIso && (text[place] == 'T' || text[place] == ' '));
}

const std::string_view *ColumnProfile::dateFormat() const {
  for (size_t i = 0; i < std::size(kDateFormats); ++i)
    if (numTexts > 0 && numNumbers == 0 && numDates[i] == numTexts)
      return &kDateFormats[i];
  return nullptr;
}

/// `id`, `customer_id`, `Customer ID`, `rowid`, `uuid`, `index`.
static bool isCalledIdentifier(std::string name) {
  for (char &c : name)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  auto endsWith = [&](std::string_view end) {
    return name.size() >= end.size() &&
           name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  for (std::string_view word : {"id", "index", "key", "number", "no", "nr"})
    if (endsWith(word) && (name.size() == word.size() ||
                           !std::isalnum(static_cast<unsigned char>(
                               name[name.size() - word.size() - 1]))))
      return true;
  return endsWith("rowid") || endsWith("uuid") || endsWith("guid");
}

bool ColumnProfile::isIdentifier() const {
  const int64_t numValues = numNumbers + numTexts;
  if (repeats || numValues < 10)
    return false;
  if (numTexts > 0)
    return !dateFormat();
  const bool isCounted =
      most - least + 1 == static_cast<double>(numNumbers) && numNumbers >= 20;
  return isWhole && (isCounted || isCalledIdentifier(name));
}

// Welford's update (Knuth, TAOCP vol. 2, 4.2.2): one read of the column, and no
// cancellation when the mean is large against the deviation.
void ColumnProfile::add(std::string_view field) {
  double number = 0;
  if (isMissing(field)) {
    ++numMissing;
    marks.emplace(field);
    return;
  }
  if (values.size() < mostValues)
    repeats |= !values.emplace(field).second;
  if (!parseReal(field, number)) {
    ++numTexts;
    for (size_t i = 0; i < std::size(kDateFormats); ++i)
      numDates[i] += isDate(field, kDateFormats[i]);
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
