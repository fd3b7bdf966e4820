// Splits a text into rows, and rows into fields, quoted or not.
#include "runtime/data/CsvRows.h"

#include <algorithm>

namespace nnc::runtime {

static constexpr size_t bufferBytes = 1 << 16;

// What a row may be at most. A few compressed bytes can hold any number of
// commas; a table of numbers has neither such rows nor so many columns.
static constexpr size_t mostRowBytes = 1 << 26;
static constexpr size_t mostFields = 1 << 20;

static constexpr int endOfFile = -1;

CsvRows::CsvRows(ByteStream &stream, char delimiter, bool hasQuotes,
                 char comment)
    : stream(stream), delimiter(delimiter), hasQuotes(hasQuotes),
      comment(comment), buffer(bufferBytes) {}

/// False after the first failure, which is kept.
bool CsvRows::fail(std::string message) {
  if (failure.isOk())
    failure = {Code::InvalidFile, std::move(message)};
  position = filled = 0;
  return false;
}

/// Puts the next piece of the file into the buffer; false at the end.
bool CsvRows::fill() {
  position = filled = 0;
  if (!failure.isOk())
    return false;
  StatusOr<int64_t> got = stream.readSome(buffer.data(), bufferBytes);
  if (!got.isOk()) {
    failure = got.status();
    return false;
  }
  filled = size_t(*got);
  constexpr std::string_view mark = "\xef\xbb\xbf";
  std::string_view begin(buffer.data(), std::min(filled, mark.size()));
  if (!isStarted && begin == mark)
    position = mark.size();
  if (!isStarted &&
      (begin.substr(0, 2) == "\xff\xfe" || begin.substr(0, 2) == "\xfe\xff"))
    return fail(stream.path() + ": is text of UTF-16; save it as UTF-8");
  isStarted = true;
  return position < filled;
}

/// The next byte, which stays the next.
int CsvRows::peek() {
  if (position >= filled && !fill())
    return endOfFile;
  return static_cast<unsigned char>(buffer[position]);
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
    size_t end = position;
    while (end < filled && buffer[end] != delimiter && buffer[end] != '\n')
      ++end;
    const bool isEnd = end < filled;
    append(buffer.data() + position, end - position);
    if (!failure.isOk())
      return;
    position = end;
    if (isEnd)
      return;
  }
}

/// From the opening quote on to behind the closing one.
void CsvRows::readQuoted() {
  const std::string begin = where(ends.size(), {});
  for (++position; peek() != endOfFile; ++position) {
    const char byte = buffer[position];
    if (byte == '"') {
      ++position;
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
    ++position;
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
      ++position;
    position += peek() == '\n';
    ++line;
  }
}

/// False at the end of the file.
bool CsvRows::readRow() {
  text.clear();
  ends.clear();
  skipComments();
  rowLine = line;
  if (peek() == endOfFile)
    return false;
  while (readField()) {
    const int end = peek();
    line += end == '\n';
    position += end != endOfFile;
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

std::string CsvRows::where() const {
  return concat(stream.path(), ":", rowLine, ": ");
}

std::string CsvRows::where(size_t index,
                           const std::vector<std::string> &names) const {
  return concat(where(), "column ", index,
                index < names.size() ? concat(" (", quote(names[index]), ")")
                                     : std::string(),
                ": ");
}

} // namespace nnc::runtime
