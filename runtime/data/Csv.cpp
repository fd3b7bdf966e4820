// Settles which columns are meant, then reads their fields row by row.
#include "runtime/data/Csv.h"

#include "runtime/data/CsvRows.h"
#include "runtime/data/TableBuilder.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <optional>

namespace nnc::runtime {

namespace {
/// What the arguments say.
struct Layout {
  char delimiter = ',';
  /// What a comment's line begins with; 0: nothing.
  char comment = 0;
  /// Nothing: decide by the first row.
  std::optional<bool> hasHeader;
  /// Empty: all columns.
  std::string columns;
};
} // namespace

static Status wrongArgument(const char *name, const std::string &value,
                            const char *expected) {
  return {Code::InvalidArgument, concat("csv: argument '", name, "' is ",
                                        quote(value), ", expected ", expected)};
}

static StatusOr<Layout> readLayout(const ReadRequest &request) {
  Status status = request.checkArguments(
      {"columns", "column", "header", "delimiter", "comment"});
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
  if (const std::string *comment = request.argument("comment")) {
    if (comment->size() != 1 || (*comment)[0] == layout.delimiter ||
        std::string_view("0123456789+-.\"\r\n").find((*comment)[0]) !=
            std::string_view::npos)
      return wrongArgument("comment", *comment,
                           "one character that begins no field, as in #");
    layout.comment = (*comment)[0];
  }
  return layout;
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
    if (parseDecimal(field, ignored)) {
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

//===----------------------------------------------------------------------===//
// Which columns
//===----------------------------------------------------------------------===//

namespace {
/// A field of a row, and the input that takes it.
struct Chosen {
  int64_t field = 0;
  size_t input = 0;
};

/// What is the same in all files of a table.
struct TableForm {
  size_t numFields = 0;
  std::vector<std::string> names;
  std::vector<Chosen> chosen;
};
} // namespace

static int64_t numTaken(const ReadRequest &request, const TableBuilder &table) {
  int64_t count = 0;
  for (size_t i = 0; i < request.inputs.size(); ++i)
    count += table.numFields(i);
  return count;
}

static int64_t numNeeded(const ReadRequest &request,
                         const TableBuilder &table) {
  int64_t count = 0;
  for (size_t i = 0; i < request.inputs.size(); ++i)
    count += table.isNeeded(i) ? table.numFields(i) : 0;
  return count;
}

static Status checkNumChosen(const ReadRequest &request,
                             const TableBuilder &table, int64_t numChosen) {
  const int64_t wanted = numTaken(request, table);
  std::string inputs;
  for (const TensorInfo *taken : request.inputs) {
    const TensorInfo &input = *taken;
    inputs += concat(inputs.empty() ? "" : ", ", quote(input.name), " ",
                     describe(input.elementType, input.shape));
  }
  if (wanted == numChosen)
    return {};
  return {Code::InvalidFile,
          concat(request.path, ": ", numChosen, " columns are chosen, ", inputs,
                 " takes ", wanted)};
}

/// Gives each input its columns in order. Those of inputs that are not needed
/// may be missing: by name, or all of them.
static Status chooseFields(const ReadRequest &request, const Layout &layout,
                           const TableBuilder &table, TableForm &form) {
  const auto count = int64_t(form.numFields);
  const int64_t needed = numNeeded(request, table);
  auto columns = chooseColumns("csv", layout.columns, form.names, count,
                               needed < numTaken(request, table));
  if (!columns.isOk())
    return {columns.status().code(),
            concat(request.path, ": ", columns.status().message())};
  const bool lacksOthers = int64_t(columns->size()) == needed;
  if (!lacksOthers)
    if (Status status =
            checkNumChosen(request, table, int64_t(columns->size()));
        !status.isOk())
      return status;
  auto column = columns->begin();
  bool isComplete = true;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const bool isNeeded = table.isNeeded(i);
    for (int64_t k = 0; k < table.numFields(i) && (isNeeded || !lacksOthers);
         ++k, ++column) {
      isComplete &= !isNeeded || *column >= 0;
      if (isNeeded)
        form.chosen.push_back({*column, i});
    }
  }
  if (isComplete)
    return {};
  const Status missing =
      chooseColumns("csv", layout.columns, form.names, count).status();
  return {missing.code(), concat(request.path, ": ", missing.message())};
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static Status addRow(const CsvRows &rows, const TableForm &form,
                     TableBuilder &table) {
  if (rows.size() != form.numFields)
    return {Code::InvalidFile,
            concat(rows.where(), "has ", rows.size(),
                   " fields, the first row has ", form.numFields)};
  for (const Chosen &chosen : form.chosen) {
    const auto field = size_t(chosen.field);
    if (Status status = table.add(chosen.input, rows.field(field));
        !status.isOk())
      return {status.code(), rows.where(field, form.names) + status.message()};
  }
  return table.endRow();
}

/// Where it is the first file, `form` receives what is in it.
static Status addFile(const ReadRequest &request, const std::string &path,
                      const Layout &layout, TableForm &form,
                      TableBuilder &table) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  CsvRows rows(*stream, layout.delimiter, true, layout.comment);
  size_t numFields = 0;
  std::vector<std::string> names;
  Status status = readHeader(rows, layout, numFields, names);
  if (!status.isOk())
    return status;
  if (&path == &request.paths.front()) {
    form.numFields = numFields;
    form.names = names;
    status = chooseFields(request, layout, table, form);
  } else if (names != form.names || numFields != form.numFields) {
    status = {Code::InvalidFile,
              concat(path, ": its columns are not those of ", request.path,
                     ": ", numFields, " of them, ", listNames(names))};
  }
  while (status.isOk() && table.numSamples() < request.mostSamples) {
    StatusOr<bool> hasRow = rows.next();
    if (!hasRow.isOk() || !*hasRow)
      return hasRow.status();
    status = addRow(rows, form, table);
  }
  return status;
}

StatusOr<std::vector<Column>> readCsv(const ReadRequest &request) {
  StatusOr<Layout> layout = readLayout(request);
  if (!layout.isOk())
    return layout.status();
  TableForm form;
  TableBuilder table(request, request.isLarge());
  for (const std::string &path : request.paths)
    if (Status status = addFile(request, path, *layout, form, table);
        !status.isOk())
      return status;
  return table.finish();
}

} // namespace nnc::runtime
