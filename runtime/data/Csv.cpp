// Settles which columns are meant, then reads their fields row by row.
#include "runtime/data/Csv.h"

#include "runtime/data/CsvRows.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace nnc::runtime {

namespace {
/// What the arguments say.
struct Layout {
  char delimiter = ',';
  /// Nothing: decide by the first row.
  std::optional<bool> hasHeader;
  /// Empty: all columns.
  std::string columns;
};
} // namespace

/// The whole of `text` as a number. Words such as "nan" are numbers here, of
/// which the caller takes the finite ones.
static bool parseNumber(std::string_view text, double &number) {
  // from_chars takes no plus sign; behind one, no other sign.
  if (text.substr(0, 1) == "+")
    text = text.substr(1, 1) == "-" ? "" : text.substr(1);
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  // from_chars leaves it to its caller what becomes of 1e-400; C makes it 0.
  if (error == std::errc::result_out_of_range)
    number = std::strtod(std::string(text).c_str(), nullptr);
  else if (error != std::errc())
    return false;
  return stop == end;
}

static Status wrongArgument(const char *name, const std::string &value,
                            const char *expected) {
  return {Code::InvalidArgument, concat("csv: argument '", name, "' is ",
                                        quote(value), ", expected ", expected)};
}

static StatusOr<Layout> readLayout(const ReadRequest &request) {
  Status status =
      request.checkArguments({"columns", "column", "header", "delimiter"});
  if (!status.isOk())
    return status;
  Layout layout;
  const std::string *columns = request.argument("columns");
  const std::string *column = request.argument("column");
  if (columns && column)
    return Status(Code::InvalidArgument,
                  "csv: 'column' and 'columns' are given both");
  if (columns || column)
    layout.columns = columns ? *columns : *column;
  if (const std::string *header = request.argument("header")) {
    if (*header != "true" && *header != "false" && *header != "auto")
      return wrongArgument("header", *header, "true, false or auto");
    if (*header != "auto")
      layout.hasHeader = *header == "true";
  }
  if (const std::string *delimiter = request.argument("delimiter")) {
    bool isTab = *delimiter == "tab";
    constexpr std::string_view used = "0123456789+-.eE\"\r\n";
    if (!isTab && (delimiter->size() != 1 ||
                   used.find((*delimiter)[0]) != std::string_view::npos))
      return wrongArgument("delimiter", *delimiter,
                           "one character that no number has, or tab");
    layout.delimiter = isTab ? '\t' : (*delimiter)[0];
  }
  return layout;
}

static int64_t elementsPerSample(const TensorInfo &input) {
  return *numElements(sampleShapeOf(input));
}

static Status checkNumChosen(const ReadRequest &request, int64_t numChosen) {
  int64_t wanted = 0;
  std::string inputs;
  for (const TensorInfo *input : request.inputs) {
    wanted += elementsPerSample(*input);
    inputs += concat(inputs.empty() ? "" : ", ", quote(input->name), " ",
                     describe(input->elementType, input->shape));
  }
  if (wanted == numChosen)
    return {};
  return {Code::InvalidFile,
          concat(request.path, ": ", numChosen, " columns are chosen, ", inputs,
                 " takes ", wanted)};
}

namespace {
/// Grows a column by one row after the other.
struct ColumnBuilder {
  const TensorInfo &input;
  std::vector<uint8_t> bytes;
};
} // namespace

/// Where a message about a field points.
struct TableContext {
  CsvRows &rows;
  const std::vector<std::string> &names;
};

static Status wrongField(const TableContext &table, int64_t field,
                         const std::string &problem) {
  return {Code::InvalidFile, table.rows.where(field, table.names) + problem};
}

/// Stores the number that a text is as an element; false if it does not fit.
/// Whole numbers of 64 bits go past the double, which has 53.
static bool storeNumber(std::string_view text, double number, ElementType type,
                        uint8_t *element) {
  int64_t whole = 0;
  if (type == ElementType::I64 &&
      parseInteger(text.substr(text.substr(0, 1) == "+"), whole)) {
    std::memcpy(element, &whole, sizeof whole);
    return true;
  }
  // Written as 1e3 or 2.0: below 2^53, a double has every whole number.
  constexpr double beyondExact = 0x1p53;
  if (!fits(type, number) ||
      (type == ElementType::I64 && std::abs(number) >= beyondExact))
    return false;
  fromDouble(type, number, element);
  return std::isfinite(toDouble(type, element));
}

static Status appendField(ColumnBuilder &column, const TableContext &table,
                          int64_t field) {
  std::string_view text = table.rows.field(field);
  double number = 0;
  if (!parseNumber(text, number))
    return wrongField(table, field,
                      concat("expected a number, found ", quote(text)));
  const bool isWord = text.find_first_of("0123456789") == text.npos;
  if (isWord)
    return wrongField(table, field,
                      concat("expected a finite number, found ", quote(text)));
  ElementType type = column.input.elementType;
  size_t end = column.bytes.size();
  column.bytes.resize(end + sizeBytes(type));
  if (!storeNumber(text, number, type, &column.bytes[end]))
    return wrongField(table, field,
                      concat(quote(text), " does not fit input ",
                             quote(column.input.name), " of type ",
                             name(type)));
  return {};
}

static Status appendRow(std::vector<ColumnBuilder> &columns,
                        const TableContext &table,
                        const std::vector<int64_t> &chosen) {
  auto field = chosen.begin();
  for (ColumnBuilder &column : columns)
    for (int64_t i = elementsPerSample(column.input); i > 0; --i) {
      Status status = appendField(column, table, *field++);
      if (!status.isOk())
        return status;
    }
  return {};
}

static std::vector<Column> finish(const std::vector<ColumnBuilder> &builders,
                                  int64_t numSamples) {
  std::vector<Column> columns;
  for (const ColumnBuilder &builder : builders) {
    Column &column = columns.emplace_back();
    column.name = builder.input.name;
    column.elementType = builder.input.elementType;
    column.sampleShape = sampleShapeOf(builder.input);
    column.numSamples = numSamples;
    column.data = AlignedBytes(builder.bytes.size());
    std::copy(builder.bytes.begin(), builder.bytes.end(), column.data.data());
  }
  return columns;
}

/// Whether a field of the first row can only be the name of a column: it begins
/// as a name, and is no mark of a missing number.
static bool isName(std::string_view field) {
  static constexpr std::string_view missing[] = {"NA",   "N/A",  "n/a",  "NULL",
                                                 "null", "None", "none", "NaT"};
  const unsigned char first = field.empty() ? 0 : field[0];
  const bool isLetter =
      (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return (isLetter || first == '_' || first >= 0x80) &&
         std::find(std::begin(missing), std::end(missing), field) ==
             std::end(missing);
}

/// Whether the first row is a header: one of names is, one of numbers is not.
/// Any other is refused, so that no row is lost without a word. A header may
/// leave columns without a name.
static StatusOr<bool> isHeader(const CsvRows &rows) {
  size_t numbers = 0, names = 0;
  std::optional<size_t> firstOther, firstOdd;
  for (size_t i = rows.size(); i-- > 0;) {
    std::string_view field = rows.field(i);
    double ignored;
    if (parseNumber(field, ignored)) {
      ++numbers;
      continue;
    }
    firstOther = i;
    names += isName(field);
    if (!isName(field) && !field.empty())
      firstOdd = i;
  }
  const bool isAllNumbers = numbers == rows.size();
  if (isAllNumbers || (numbers == 0 && names > 0 && !firstOdd))
    return !isAllNumbers;
  const size_t place = numbers > 0 ? *firstOther : firstOdd.value_or(0);
  return Status(Code::InvalidFile,
                concat(rows.where(place, {}), "found ",
                       quote(rows.field(place)), " in the first row, which ",
                       numbers > 0 ? "has numbers" : "may hold names or data",
                       ": write header = true if it is a header, header = "
                       "false if it is data"));
}

static Status readRows(CsvRows &rows, size_t numFields,
                       const TableContext &table,
                       const std::vector<int64_t> &chosen, int64_t mostSamples,
                       std::vector<ColumnBuilder> &columns,
                       int64_t &numSamples) {
  for (numSamples = 0; numSamples < mostSamples; ++numSamples) {
    StatusOr<bool> hasRow = rows.next();
    if (!hasRow.isOk() || !*hasRow)
      return hasRow.status();
    if (rows.size() != numFields)
      return {Code::InvalidFile,
              concat(rows.where(), "has ", rows.size(),
                     " fields, the first row has ", numFields)};
    if (Status status = appendRow(columns, table, chosen); !status.isOk())
      return status;
  }
  return {};
}

/// Reads the header, if there is one: the names of the columns. The row behind
/// it, or the first, is the next.
static Status readHeader(CsvRows &rows, const Layout &layout, size_t &numFields,
                         std::vector<std::string> &names) {
  StatusOr<bool> hasRow = rows.next();
  if (!hasRow.isOk())
    return hasRow.status();
  if (!*hasRow)
    return {Code::InvalidFile, rows.path() + ": has no rows"};
  numFields = rows.size();
  StatusOr<bool> hasHeader = layout.hasHeader
                                 ? StatusOr<bool>(bool(*layout.hasHeader))
                                 : isHeader(rows);
  if (!hasHeader.isOk())
    return hasHeader.status();
  if (!*hasHeader)
    rows.repeat();
  for (size_t i = 0; *hasHeader && i < numFields; ++i)
    names.emplace_back(rows.field(i));
  return {};
}

StatusOr<std::vector<Column>> readCsv(const ReadRequest &request) {
  StatusOr<Layout> layout = readLayout(request);
  if (!layout.isOk())
    return layout.status();
  StatusOr<ByteStream> stream = ByteStream::open(request.path);
  if (!stream.isOk())
    return stream.status();
  CsvRows rows(*stream, layout->delimiter);
  size_t numFields = 0;
  std::vector<std::string> names;
  Status status = readHeader(rows, *layout, numFields, names);
  if (!status.isOk())
    return status;
  auto chosen = chooseColumns("csv", layout->columns, names, numFields);
  if (!chosen.isOk())
    return Status(chosen.status().code(),
                  concat(request.path, ": ", chosen.status().message()));
  status = checkNumChosen(request, chosen->size());
  if (!status.isOk())
    return status;
  std::vector<ColumnBuilder> columns;
  for (const TensorInfo *input : request.inputs)
    columns.push_back({*input, {}});
  int64_t numSamples = 0;
  status = readRows(rows, numFields, {rows, names}, *chosen,
                    request.mostSamples, columns, numSamples);
  if (!status.isOk())
    return status;
  return finish(columns, numSamples);
}

} // namespace nnc::runtime
