// Goes through the files of a request by their form.
#include "runtime/data/Texts.h"

#include "runtime/PlanNames.h"
#include "runtime/data/CsvRows.h"
#include "runtime/data/FindFile.h"
#include "runtime/data/TableColumns.h"
#include "runtime/data/TextLines.h"
#include "runtime/text/Unicode.h"

#include <filesystem>

namespace nnc::runtime {

namespace fs = std::filesystem;

// A text of one sample: a file, a record.
static constexpr size_t mostTextBytes = 1 << 26;

namespace {
/// What all the forms share.
struct Reading {
  const ReadRequest &request;
  const TextSettings &settings;
  const TakeText &take;
  bool isDone = false;

  bool isAnyBytes() const {
    return settings.tokenizer.file.empty() &&
           settings.tokenizer.learned.unit == Unit::Byte;
  }
  Status give(const Text &text) {
    StatusOr<bool> goesOn = take(text);
    if (!goesOn.isOk())
      return goesOn.status();
    isDone = !*goesOn;
    return {};
  }
};
} // namespace

static bool isFolder(const std::string &path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool areLabelsNames(const ReadRequest &request, const TextSettings &settings) {
  return settings.form != TextForm::Table || isFolder(request.path);
}

/// "pos" of "data/pos.txt".
static std::string className(const std::string &path) {
  return fs::path(path).stem().string();
}

static Status checkClass(const std::string &path, const std::string &name) {
  const char *problem = problemOfName(name);
  if (!problem)
    return {};
  return {Code::InvalidFile,
          concat(path, ": the class's name ", quote(name), " ", problem)};
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// Whether the list of columns has a name in it.
static bool hasName(const std::string &columns) {
  for (std::string_view item : splitList(columns)) {
    const size_t colon = item.find(':');
    int64_t ignored;
    if (!parseInteger(item.substr(0, colon), ignored) ||
        (colon != std::string_view::npos &&
         !parseInteger(item.substr(colon + 1), ignored)))
      return true;
  }
  return false;
}

/// The columns of the text and, perhaps, of the label.
static StatusOr<std::vector<int64_t>>
chooseTextColumns(const Reading &reading, const CsvRows &rows,
                  const std::vector<std::string> &names) {
  const bool hasLabel = reading.settings.has(TextPart::Label);
  const std::string otherwise = hasLabel ? "0,1" : "0";
  const std::string &given = reading.settings.columns;
  auto chosen =
      chooseColumns(reading.request.binding.reader,
                    given.empty() ? otherwise : given, names, rows.size());
  if (!chosen.isOk())
    return Status(chosen.status().code(),
                  concat(rows.path(), ": ", chosen.status().message()));
  const size_t wanted = hasLabel ? 2 : 1;
  if (chosen->size() == wanted)
    return chosen;
  return Status(Code::InvalidArgument,
                concat(reading.request.binding.reader,
                       ": argument 'columns' chooses ", chosen->size(),
                       " columns, expected ",
                       hasLabel ? "that of the text and that of the label"
                                : "that of the text"));
}

static Status giveRow(Reading &reading, const CsvRows &rows,
                      const std::vector<int64_t> &chosen,
                      const std::vector<std::string> &names) {
  Text text;
  text.text = rows.field(chosen[0]);
  if (chosen.size() > 1)
    text.label = rows.field(chosen[1]);
  text.where = rows.where();
  for (int64_t column : chosen)
    if (Status status = checkUtf8(rows.field(column));
        !status.isOk() && (!reading.isAnyBytes() || column != chosen[0]))
      return {Code::InvalidFile, rows.where(column, names) + status.message()};
  return reading.give(text);
}

static Status readTable(Reading &reading, const std::string &path) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  const TextSettings &settings = reading.settings;
  CsvRows rows(*stream, settings.delimiter, settings.hasQuotes);
  StatusOr<bool> hasRow = rows.next();
  if (!hasRow.isOk() || !*hasRow)
    return hasRow.status();
  const size_t numFields = rows.size();
  std::vector<std::string> names;
  if (settings.hasHeader.value_or(hasName(settings.columns)))
    for (size_t i = 0; i < numFields; ++i)
      names.emplace_back(rows.field(i));
  auto chosen = chooseTextColumns(reading, rows, names);
  if (!chosen.isOk())
    return chosen.status();
  if (names.empty())
    rows.repeat();
  while (!reading.isDone) {
    hasRow = rows.next();
    if (!hasRow.isOk() || !*hasRow)
      return hasRow.status();
    if (rows.size() != numFields)
      return {Code::InvalidFile,
              concat(rows.where(), "has ", rows.size(),
                     " fields, the first row has ", numFields)};
    if (Status status = giveRow(reading, rows, *chosen, names); !status.isOk())
      return status;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Lines, records and whole files
//===----------------------------------------------------------------------===//

static bool isBlank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

/// Each line that is not blank, and of those that are predicted from each.
static Status readLines(Reading &reading, const std::string &path,
                        const std::string &label) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TextLines lines(*stream, reading.isAnyBytes());
  std::string line;
  while (!reading.isDone) {
    StatusOr<bool> hasLine = lines.nextLine(line);
    if (!hasLine.isOk() || !*hasLine)
      return hasLine.status();
    if (isBlank(line) && reading.request.binding.split != "predict")
      continue;
    if (Status status = reading.give({line, label, lines.where()});
        !status.isOk())
      return status;
  }
  return {};
}

/// What stands between lines that are the separator.
static Status readRecords(Reading &reading, const std::string &path,
                          const std::string &label) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TextLines lines(*stream, reading.isAnyBytes());
  std::string line, record, where;
  while (!reading.isDone) {
    StatusOr<bool> hasLine = lines.nextLine(line);
    if (!hasLine.isOk())
      return hasLine.status();
    if (*hasLine && line != reading.settings.separator) {
      if (record.empty())
        where = lines.where();
      record += line + "\n";
      if (record.size() > mostTextBytes)
        return {Code::InvalidFile, concat(where, "the record is longer than ",
                                          mostTextBytes, " bytes")};
      continue;
    }
    if (!record.empty())
      if (Status status = reading.give({record, label, where}); !status.isOk())
        return status;
    record.clear();
    if (!*hasLine)
      break;
  }
  return {};
}

/// All of a file, piece by piece.
static Status readPieces(Reading &reading, const std::string &path) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TextLines lines(*stream, reading.isAnyBytes());
  std::string piece;
  bool isBegin = true;
  while (!reading.isDone) {
    StatusOr<bool> hasPiece = lines.nextPiece(piece);
    if (!hasPiece.isOk() || !*hasPiece)
      return hasPiece.status();
    if (Status status =
            reading.give({piece, {}, lines.where(), isBegin, lines.isAtEnd()});
        !status.isOk())
      return status;
    isBegin = false;
  }
  return {};
}

/// A file that is one text.
static Status readWhole(Reading &reading, const std::string &path,
                        const std::string &label) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TextLines lines(*stream, reading.isAnyBytes());
  std::string text, piece;
  while (true) {
    StatusOr<bool> hasPiece = lines.nextPiece(piece);
    if (!hasPiece.isOk())
      return hasPiece.status();
    if (!*hasPiece)
      break;
    text += piece;
    if (text.size() > mostTextBytes)
      return {Code::InvalidFile, concat(path, ": longer than ", mostTextBytes,
                                        " bytes, which is the most that one "
                                        "sample may have")};
  }
  return reading.give({text, label, path + ": "});
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

static Status readFiles(Reading &reading, const std::string &folder,
                        const std::vector<std::string> &names,
                        const std::string &label) {
  if (names.empty())
    return {Code::InvalidFile, concat(folder, ": no files in it")};
  for (const std::string &name : names) {
    const std::string path = concat(folder, "/", name);
    Status status = reading.settings.isWindows()
                        ? readPieces(reading, path)
                        : readWhole(reading, path, label);
    if (!status.isOk() || reading.isDone)
      return status;
  }
  return {};
}

/// A folder with a folder a class, or without labels the files in it.
static Status readFolder(Reading &reading, const std::string &path) {
  StatusOr<FolderListing> listing = listFolder(path);
  if (!listing.isOk())
    return listing.status();
  if (!reading.settings.has(TextPart::Label))
    return readFiles(reading, path, listing->files, "");
  if (listing->folders.empty())
    return {Code::InvalidFile,
            concat(path, ": no folders in it, expected one of each class with "
                         "its texts")};
  for (const std::string &name : listing->folders) {
    const std::string folder = concat(path, "/", name);
    Status status = checkClass(path, name);
    StatusOr<FolderListing> files = listFolder(folder);
    if (status.isOk())
      status = files.status();
    if (status.isOk())
      status = readFiles(reading, folder, files->files, name);
    if (!status.isOk() || reading.isDone)
      return status;
  }
  return {};
}

static Status readPath(Reading &reading, const std::string &path) {
  const TextSettings &settings = reading.settings;
  if (isFolder(path))
    return readFolder(reading, path);
  if (settings.form == TextForm::Table)
    return readTable(reading, path);
  const std::string label =
      settings.has(TextPart::Label) ? className(path) : "";
  if (settings.has(TextPart::Label)) {
    if (Status status = checkClass(path, label); !status.isOk())
      return status;
    if (reading.request.paths.size() < 2)
      return {Code::InvalidArgument,
              concat(path, ": lines have no labels: a table has them, a folder "
                           "with a folder a class, or a list of files, one a "
                           "class")};
  }
  if (settings.form == TextForm::Records)
    return readRecords(reading, path, label);
  return settings.isWindows() ? readPieces(reading, path)
                              : readLines(reading, path, label);
}

Status readTexts(const ReadRequest &request, const TextSettings &settings,
                 const TakeText &take) {
  Reading reading{request, settings, take};
  for (const std::string &path : request.paths)
    if (Status status = readPath(reading, path);
        !status.isOk() || reading.isDone)
      return status;
  return {};
}

} // namespace nnc::runtime
