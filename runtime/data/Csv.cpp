#include "runtime/data/Csv.h"

#include "runtime/data/ByteStream.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
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

/// Goes through a text row by row.
class Rows {
public:
  Rows(std::string_view text, char delimiter)
      : text(text), delimiter(delimiter) {}

  /// Splits the next row that is not empty into `fields`. False at the end.
  bool next();
  /// As next(), without going on.
  bool peek();

  /// Number of the row's line, from 1.
  int64_t line() const { return rowLine; }

  std::vector<std::string> fields;

private:
  size_t parseField(size_t at);

  std::string_view text;
  char delimiter;
  size_t position = 0;
  int64_t nextLine = 1;
  int64_t rowLine = 0;
};
} // namespace

// Appends the field that begins at `at`; returns where it ends.
size_t Rows::parseField(size_t at) {
  std::string &field = fields.emplace_back();
  bool isQuoted = at < text.size() && text[at] == '"';
  if (!isQuoted) {
    size_t end = at;
    while (end < text.size() && text[end] != delimiter && text[end] != '\n')
      ++end;
    field = text.substr(at, end - at);
    return end;
  }
  for (++at; at < text.size(); ++at) {
    bool isDoubled = text.substr(at, 2) == "\"\"";
    if (text[at] == '"' && !isDoubled)
      return at + 1;
    at += isDoubled;
    nextLine += text[at] == '\n';
    field += text[at];
  }
  return at;
}

static void trim(std::string &field) {
  constexpr const char *space = " \t\r";
  size_t begin = field.find_first_not_of(space);
  size_t end = field.find_last_not_of(space);
  field =
      begin == std::string::npos ? "" : field.substr(begin, end - begin + 1);
}

bool Rows::next() {
  while (position < text.size()) {
    fields.clear();
    rowLine = nextLine++;
    size_t at = position;
    for (;;) {
      at = parseField(at);
      // What stands between a closing quote and the delimiter is dropped.
      while (at < text.size() && text[at] != delimiter && text[at] != '\n')
        ++at;
      if (at >= text.size() || text[at] == '\n')
        break;
      ++at;
    }
    position = at + 1;
    for (std::string &field : fields)
      trim(field);
    bool isEmpty = fields.size() == 1 && fields[0].empty();
    if (!isEmpty)
      return true;
  }
  return false;
}

bool Rows::peek() {
  size_t before = position;
  int64_t lineBefore = nextLine;
  bool hasRow = next();
  position = before;
  nextLine = lineBefore;
  return hasRow;
}

static bool parseNumber(const std::string &field, double &number) {
  // from_chars takes no plus sign.
  const char *begin = field.c_str() + (field[0] == '+');
  const char *end = field.c_str() + field.size();
  auto [stop, error] = std::from_chars(begin, end, number);
  // from_chars leaves it to its caller what becomes of 1e-400; C makes it 0.
  if (error == std::errc::result_out_of_range)
    number = std::strtod(begin, nullptr);
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
    if (!isTab && delimiter->size() != 1)
      return wrongArgument("delimiter", *delimiter, "one character, or tab");
    layout.delimiter = isTab ? '\t' : (*delimiter)[0];
  }
  return layout;
}

static StatusOr<std::string> readText(const std::string &path) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  constexpr int64_t pieceBytes = 1 << 20;
  std::string text;
  for (;;) {
    size_t before = text.size();
    text.resize(before + pieceBytes);
    StatusOr<int64_t> got = stream->readSome(text.data() + before, pieceBytes);
    if (!got.isOk())
      return got.status();
    text.resize(before + *got);
    if (*got < pieceBytes)
      return text;
  }
}

// One item of `columns`: a number, a range, or a name of the header.
static Status chooseColumns(const std::string &item,
                            const std::vector<std::string> &names,
                            int64_t numColumns, std::vector<int64_t> &chosen) {
  auto named = std::find(names.begin(), names.end(), item);
  if (named != names.end()) {
    chosen.push_back(named - names.begin());
    return {};
  }
  auto parse = [](std::string_view digits, int64_t &number) {
    auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && stop == digits.data() + digits.size();
  };
  size_t colon = item.find(':');
  int64_t begin = 0, end = 0;
  bool isParsed =
      colon == std::string::npos
          ? parse(item, begin)
          : parse(std::string_view(item).substr(0, colon), begin) &&
                parse(std::string_view(item).substr(colon + 1), end);
  if (!isParsed)
    return wrongArgument("columns", item,
                         "a number, a range such as 0:20, or a name of the "
                         "header");
  if (colon == std::string::npos)
    end = begin + (begin < numColumns);
  if (begin < 0 || begin >= end || end > numColumns)
    return {Code::InvalidArgument,
            concat("csv: argument 'columns' has ", quote(item),
                   ", the file has columns 0 to ", numColumns - 1)};
  for (int64_t i = begin; i < end; ++i)
    chosen.push_back(i);
  return {};
}

static StatusOr<std::vector<int64_t>>
chooseColumns(const std::string &list, const std::vector<std::string> &names,
              int64_t numColumns) {
  std::vector<int64_t> chosen;
  std::string all = concat("0:", numColumns);
  std::string_view rest = list.empty() ? all : list;
  while (!rest.empty()) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string item(rest.substr(0, comma));
    trim(item);
    Status status = chooseColumns(item, names, numColumns, chosen);
    if (!status.isOk())
      return status;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return chosen;
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

static Status appendField(ColumnBuilder &column, const std::string &path,
                          const Rows &rows, int64_t field) {
  const std::string &text = rows.fields[field];
  ElementType type = column.input.elementType;
  double number = 0;
  auto where = [&] {
    return concat(path, ":", rows.line(), ": column ", field, ": ");
  };
  if (!parseNumber(text, number))
    return {Code::InvalidFile,
            concat(where(), "expected a number, found ", quote(text))};
  if (!fits(type, number))
    return {Code::InvalidFile,
            concat(where(), text, " does not fit input ",
                   quote(column.input.name), " of type ", name(type))};
  size_t end = column.bytes.size();
  column.bytes.resize(end + sizeBytes(type));
  fromDouble(type, number, &column.bytes[end]);
  return {};
}

static Status appendRow(std::vector<ColumnBuilder> &columns,
                        const std::string &path, const Rows &rows,
                        const std::vector<int64_t> &chosen) {
  auto field = chosen.begin();
  for (ColumnBuilder &column : columns)
    for (int64_t i = elementsPerSample(column.input); i > 0; --i) {
      Status status = appendField(column, path, rows, *field++);
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

static bool looksLikeHeader(const std::vector<std::string> &fields) {
  double ignored;
  return std::any_of(
      fields.begin(), fields.end(),
      [&](const std::string &field) { return !parseNumber(field, ignored); });
}

StatusOr<std::vector<Column>> readCsv(const ReadRequest &request) {
  StatusOr<Layout> layout = readLayout(request);
  if (!layout.isOk())
    return layout.status();
  StatusOr<std::string> text = readText(request.path);
  if (!text.isOk())
    return text.status();

  Rows rows(*text, layout->delimiter);
  if (!rows.peek())
    return Status(Code::InvalidFile, request.path + ": has no rows");
  size_t numFields = rows.fields.size();
  std::vector<std::string> names;
  if (layout->hasHeader.value_or(looksLikeHeader(rows.fields))) {
    rows.next();
    names = rows.fields;
  }
  auto chosen = chooseColumns(layout->columns, names, numFields);
  if (!chosen.isOk())
    return Status(chosen.status().code(),
                  concat(request.path, ": ", chosen.status().message()));
  Status status = checkNumChosen(request, chosen->size());
  if (!status.isOk())
    return status;

  std::vector<ColumnBuilder> columns;
  for (const TensorInfo *input : request.inputs)
    columns.push_back({*input, {}});
  int64_t numSamples = 0;
  for (; numSamples < request.mostSamples && rows.next(); ++numSamples) {
    if (rows.fields.size() != numFields)
      return Status(Code::InvalidFile,
                    concat(request.path, ":", rows.line(), ": has ",
                           rows.fields.size(), " fields, the first row has ",
                           numFields));
    status = appendRow(columns, request.path, rows, *chosen);
    if (!status.isOk())
      return status;
  }
  return finish(columns, numSamples);
}

} // namespace nnc::runtime
