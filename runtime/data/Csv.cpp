// Settles which columns are meant, then reads their fields row by row.
#include "runtime/data/Csv.h"

#include "runtime/data/CsvPieces.h"
#include "runtime/data/TableBuilder.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <optional>

namespace nnc::runtime {

namespace {
/// What the arguments say.
struct Layout {
  /// What stands between fields, and what a comment's line begins with.
  CsvForm form;
  /// What stands before the fraction of a number: a point or a comma.
  char decimal = '.';
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

static Status readDelimiter(const ReadRequest &request, Layout &layout) {
  if (const std::string *delimiter = request.argument("delimiter")) {
    bool isTab = *delimiter == "tab";
    constexpr std::string_view used = "0123456789+-.eE\"\r\n";
    if (!isTab && (delimiter->size() != 1 ||
                   used.find((*delimiter)[0]) != std::string_view::npos))
      return wrongArgument("delimiter", *delimiter,
                           "one character that no number has, or tab");
    layout.form.delimiter = isTab ? '\t' : (*delimiter)[0];
  }
  if (const std::string *decimal = request.argument("decimal")) {
    if (*decimal != "." && *decimal != ",")
      return wrongArgument("decimal", *decimal, ". or ,");
    layout.decimal = (*decimal)[0];
    if (layout.decimal == layout.form.delimiter)
      return wrongArgument("decimal", *decimal,
                           "another character than between fields: delimiter "
                           "says which that is");
  }
  return {};
}

static StatusOr<Layout> readLayout(const ReadRequest &request) {
  Status status = request.checkArguments(
      {"columns", "column", "header", "delimiter", "decimal", "comment"});
  Layout layout;
  if (status.isOk())
    status = readDelimiter(request, layout);
  if (!status.isOk())
    return status;
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
  if (const std::string *comment = request.argument("comment")) {
    if (comment->size() != 1 || (*comment)[0] == layout.form.delimiter ||
        std::string_view("0123456789+-.\"\r\n").find((*comment)[0]) !=
            std::string_view::npos)
      return wrongArgument("comment", *comment,
                           "one character that begins no field, as in #");
    layout.form.comment = (*comment)[0];
  }
  return layout;
}

/// A number with a comma before its fraction as one with a point; `text` keeps
/// it. Any other field as it is.
static std::string_view withPoint(std::string_view field, std::string &text) {
  text = field;
  std::replace(text.begin(), text.end(), ',', '.');
  double ignored;
  const bool isNumber = field.find('.') == field.npos &&
                        field.find(',') != field.npos &&
                        parseDecimal(text, ignored);
  return isNumber ? std::string_view(text) : field;
}

static bool isNumber(std::string_view field, const Layout &layout) {
  std::string text;
  double ignored;
  return parseDecimal(layout.decimal == ',' ? withPoint(field, text) : field,
                      ignored);
}

/// Where a row is one field, which of the usual characters between fields is in
/// it, as a hint.
static std::string delimiterHint(size_t numFields, std::string_view field) {
  const size_t found = field.find_first_of(";\t|,");
  if (numFields != 1 || found == field.npos)
    return "";
  return concat("; its fields stand between ",
                field[found] == '\t'
                    ? "tabs: delimiter = \"tab\""
                    : concat(quote(field.substr(found, 1)), ": delimiter = \"",
                             field.substr(found, 1), "\""));
}

/// Whether a field of the first row can only be the name of a column: it begins
/// as a name, and is no mark of a missing number.
static bool isName(std::string_view field) {
  const unsigned char first = field.empty() ? 0 : field[0];
  const bool isLetter =
      (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return (isLetter || first == '_' || first >= 0x80) && !isMissingMark(field);
}

/// Whether the first row is a header: one of names is, one of numbers is not.
/// Any other is refused, so that no row is lost without a word. A header may
/// leave columns without a name.
static StatusOr<bool> isHeader(const CsvRows &rows, const Layout &layout) {
  size_t numbers = 0, names = 0;
  std::optional<size_t> firstOther, firstOdd;
  for (size_t i = rows.size(); i-- > 0;) {
    std::string_view field = rows.field(i);
    if (isNumber(field, layout)) {
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
                       "false if it is data",
                       delimiterHint(rows.size(), rows.field(place))));
}

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
  /// What may be wrong where columns are not found.
  std::string hint;
  std::vector<Chosen> chosen;
};
} // namespace

/// Reads the header, if there is one: the names of the columns. The row behind
/// it, or the first, is the next.
static Status readHeader(CsvRows &rows, const Layout &layout, TableForm &form) {
  StatusOr<bool> hasRow = rows.next();
  if (!hasRow.isOk())
    return hasRow.status();
  if (!*hasRow)
    return {Code::InvalidFile, rows.path() + ": has no rows"};
  form.numFields = rows.size();
  form.hint = delimiterHint(rows.size(), rows.field(0));
  StatusOr<bool> hasHeader = layout.hasHeader
                                 ? StatusOr<bool>(bool(*layout.hasHeader))
                                 : isHeader(rows, layout);
  if (!hasHeader.isOk())
    return hasHeader.status();
  if (!*hasHeader)
    rows.repeat();
  for (size_t i = 0; *hasHeader && i < form.numFields; ++i)
    form.names.emplace_back(rows.field(i));
  return {};
}

//===----------------------------------------------------------------------===//
// Which columns
//===----------------------------------------------------------------------===//

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
                             const TableBuilder &table, int64_t numChosen,
                             const std::string &hint) {
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
                 " takes ", wanted, hint)};
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
            concat(request.path, ": ", columns.status().message(), form.hint)};
  const bool lacksOthers = int64_t(columns->size()) == needed;
  if (!lacksOthers)
    if (Status status =
            checkNumChosen(request, table, int64_t(columns->size()), form.hint);
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

/// Adds a field to its input; in front of what is wrong with it is its place.
static Status addField(const CsvRows &rows, const TableForm &form,
                       const Layout &layout, const Chosen &chosen,
                       TableBuilder &table) {
  const auto index = size_t(chosen.field);
  const std::string_view field = rows.field(index);
  const bool isOfNumbers = table.takesNumbers(chosen.input);
  std::string text;
  if (isOfNumbers && layout.decimal == ',' && field.find('.') != field.npos)
    return {Code::InvalidFile,
            concat(rows.where(index, form.names), "found ", quote(field),
                   ": with decimal = \",\", a number has no point")};
  const bool isWithComma = isOfNumbers && layout.decimal == ',';
  Status status =
      table.add(chosen.input, isWithComma ? withPoint(field, text) : field);
  if (status.isOk())
    return status;
  // Where commas stand between fields, it may as well be one between digits.
  const bool mayBeComma = isOfNumbers && layout.form.delimiter != ',' &&
                          withPoint(field, text) != field;
  return {status.code(),
          concat(rows.where(index, form.names), status.message(),
                 mayBeComma ? "; decimal = \",\" takes a comma for the point"
                            : "")};
}

static Status addRow(const CsvRows &rows, const TableForm &form,
                     const Layout &layout, TableBuilder &table) {
  if (rows.size() != form.numFields)
    return {Code::InvalidFile,
            concat(rows.where(), "has ", rows.size(),
                   " fields, the first row has ", form.numFields)};
  for (const Chosen &chosen : form.chosen)
    if (Status status = addField(rows, form, layout, chosen, table);
        !status.isOk())
      return status;
  return table.endRow();
}

/// Where it is the first file, `form` receives what is in it.
static Status addFile(const ReadRequest &request, const std::string &path,
                      const Layout &layout, TableForm &form,
                      TableBuilder &table) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  CsvRows rows(*stream, layout.form);
  TableForm own;
  Status status = readHeader(rows, layout, own);
  if (!status.isOk())
    return status;
  if (&path == &request.paths.front()) {
    form = std::move(own);
    status = chooseFields(request, layout, table, form);
  } else if (own.names != form.names || own.numFields != form.numFields) {
    status = {Code::InvalidFile,
              concat(path, ": its columns are not those of ", request.path,
                     ": ", own.numFields, " of them, ", listNames(own.names))};
  }
  const bool isForThreads = request.numThreads > 1 &&
                            request.mostSamples == INT64_MAX &&
                            stream->mostBytes() > request.pieceBytes;
  CsvPieces pieces(request, layout.form,
                   [&](const CsvRows &some, TableBuilder &to) {
                     return addRow(some, form, layout, to);
                   });
  while (status.isOk() && table.numSamples() < request.mostSamples) {
    StatusOr<bool> hasRow = rows.next();
    if (!hasRow.isOk() || !*hasRow)
      return hasRow.status();
    status = addRow(rows, form, layout, table);
    if (status.isOk() && isForThreads)
      return pieces.addRest(rows, *stream, table);
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
