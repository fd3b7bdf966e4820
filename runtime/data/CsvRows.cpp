// Splits a text into rows, and rows into fields, quoted or not.
#include "runtime/data/CsvRows.h"

#include <algorithm>

namespace nnc::runtime {

// What a row may be at most. A few compressed bytes can hold any number of
// commas; a table of numbers has neither such rows nor so many columns.
static constexpr size_t mostRowBytes = 1 << 26;
static constexpr size_t mostFields = 1 << 20;

static constexpr int endOfFile = -1;

CsvRows::CsvRows(ByteStream &stream, const CsvForm &form)
    : stream(&stream), file(stream.path()), delimiter(form.delimiter),
      hasQuotes(form.hasQuotes), comment(form.comment) {}

CsvRows::CsvRows(std::string_view text, const std::string &path,
                 const CsvForm &form, int64_t line, ByteStream *stream)
    : stream(stream), file(path), delimiter(form.delimiter),
      hasQuotes(form.hasQuotes), comment(form.comment), bytes(text.data()),
      filled(text.size()), line(line), isStarted(true) {}

std::string CsvRows::takeRest() {
  std::string rest(bytes + at, filled - at);
  at = filled;
  stream = nullptr;
  return rest;
}

/// False after the first failure, which is kept.
bool CsvRows::fail(std::string message) {
  if (failure.isOk())
    failure = {Code::InvalidFile, std::move(message)};
  at = filled = 0;
  return false;
}

/// Puts the next piece of the file into the buffer; false at the end.
bool CsvRows::fill() {
  if (!stream || !failure.isOk())
    return false;
  at = filled = 0;
  buffer.resize(bufferBytes);
  bytes = buffer.data();
  StatusOr<int64_t> got = stream->readSome(buffer.data(), bufferBytes);
  if (!got.isOk()) {
    failure = got.status();
    return false;
  }
  filled = size_t(*got);
  constexpr std::string_view mark = "\xef\xbb\xbf";
  std::string_view begin(bytes, std::min(filled, mark.size()));
  if (!isStarted && begin == mark)
    at = mark.size();
  if (!isStarted &&
      (begin.substr(0, 2) == "\xff\xfe" || begin.substr(0, 2) == "\xfe\xff"))
    return fail(file + ": is text of UTF-16; save it as UTF-8");
  isStarted = true;
  return at < filled;
}

/// The next byte, which stays the next.
int CsvRows::peek() {
  if (at >= filled && !fill()) {
    hasMetEnd = true;
    return endOfFile;
  }
  return static_cast<unsigned char>(bytes[at]);
}

void CsvRows::append(const char *bytes, size_t count) {
  if (count > mostRowBytes - text.size())
    fail(concat(where(), "the row is longer than ", mostRowBytes, " bytes"));
  else
    text.append(bytes, count);
}

/// Up to the delimiter or the end of the line, which stays.
void CsvRows::readPlain() {
  while (peek() != endOfFile) {
    size_t end = at;
    while (end < filled && bytes[end] != delimiter && bytes[end] != '\n')
      ++end;
    const bool isEnd = end < filled;
    append(bytes + at, end - at);
    if (!failure.isOk())
      return;
    at = end;
    if (isEnd)
      return;
  }
}

/// From the opening quote on to behind the closing one.
void CsvRows::readQuoted() {
  const std::string begin = where(ends.size(), {});
  for (++at; peek() != endOfFile; ++at) {
    const char byte = bytes[at];
    if (byte == '"') {
      ++at;
      // A doubled quote is one of the text.
      if (peek() != '"')
        return;
    }
    line += byte == '\n';
    append(&byte, 1);
  }
  fail(begin + "its quote is never closed");
}

static bool isBlank(int byte) {
  return byte == ' ' || byte == '\t' || byte == '\r';
}

bool CsvRows::readField() {
  while (isBlank(peek()) && peek() != delimiter)
    ++at;
  const bool isQuoted = hasQuotes && peek() == '"';
  if (isQuoted)
    readQuoted();
  const size_t end = text.size();
  readPlain();
  if (isQuoted && text.find_first_not_of(" \t\r", end) != std::string::npos)
    return fail(concat(where(ends.size(), {}),
                       "expected the end of the field after its closing quote, "
                       "found ",
                       quote(std::string_view(text).substr(end))));
  if (ends.size() == mostFields)
    return fail(concat(where(), "has more than ", mostFields, " fields"));
  ends.push_back(text.size());
  return failure.isOk();
}

/// Lines that begin with the sign of a comment.
void CsvRows::skipComments() {
  while (comment && peek() == static_cast<unsigned char>(comment)) {
    while (peek() != endOfFile && peek() != '\n')
      ++at;
    at += peek() == '\n';
    ++line;
  }
}

/// False at the end of the file.
bool CsvRows::readRow() {
  text.clear();
  ends.clear();
  rowBegin = at;
  rowBeginLine = line;
  hasMetEnd = false;
  skipComments();
  rowLine = line;
  if (peek() == endOfFile)
    return false;
  while (readField()) {
    const int end = peek();
    line += end == '\n';
    at += end != endOfFile;
    if (end == endOfFile || end == '\n')
      return failure.isOk();
  }
  return false;
}

StatusOr<bool> CsvRows::next() {
  bool hasRow = true;
  if (!isRepeated)
    do
      hasRow = readRow();
    while (hasRow && size() == 1 && field(0).empty());
  isRepeated = false;
  if (!failure.isOk())
    return failure;
  return std::move(hasRow);
}

std::string_view CsvRows::field(size_t index) const {
  size_t begin = index ? ends[index - 1] : 0, end = ends[index];
  while (begin < end && isBlank(text[begin]))
    ++begin;
  while (begin < end && isBlank(text[end - 1]))
    --end;
  return std::string_view(text).substr(begin, end - begin);
}

std::string CsvRows::where() const { return concat(file, ":", rowLine, ": "); }

std::string CsvRows::where(size_t index,
                           const std::vector<std::string> &names) const {
  return concat(where(), "column ", index,
                index < names.size() ? concat(" (", quote(names[index]), ")")
                                     : std::string(),
                ": ");
}

} // namespace nnc::runtime
