// Reads ahead as far as the next line or piece needs.
#include "runtime/data/TextLines.h"

#include "runtime/PlanNames.h"

#include <algorithm>

namespace nnc::runtime {

static constexpr size_t readBytes = 1 << 16;
// Not more: SentencePiece sums up scores in f32, and takes squared time.
static constexpr size_t pieceBytes = 1 << 14;
static constexpr size_t mostLineBytes = 1 << 26;

std::string TextLines::where(int64_t line) const {
  return concat(stream.path(), ":", line, ": ");
}

/// Reads on until `wanted` bytes are there or the file ends.
Status TextLines::fill(size_t wanted) {
  if (begin > 0 && buffer.size() - begin < wanted) {
    buffer.erase(0, begin);
    begin = 0;
  }
  while (!isEnd && buffer.size() - begin < wanted) {
    const size_t before = buffer.size();
    buffer.resize(before + readBytes);
    StatusOr<int64_t> got = stream.readSome(buffer.data() + before, readBytes);
    buffer.resize(before + (got.isOk() ? size_t(*got) : 0));
    if (!got.isOk())
      return got.status();
    isEnd = *got == 0;
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (!isStarted && rest().substr(0, mark.size()) == mark)
      begin += mark.size();
    isStarted = true;
  }
  return {};
}

Status TextLines::check(std::string_view text) const {
  int64_t line = lineNumber;
  size_t lineBegin = 0;
  for (size_t at = 0; !isAnyBytes && at < text.size();) {
    const size_t length = firstCharacterBytes(text.substr(at));
    if (length == 0)
      return {Code::InvalidFile, concat(where(line), "no UTF-8 at byte ",
                                        at - lineBegin, " of the line")};
    at += length;
    if (text[at - 1] == '\n') {
      ++line;
      lineBegin = at;
    }
  }
  return {};
}

StatusOr<bool> TextLines::nextLine(std::string &line) {
  size_t end = std::string_view::npos;
  for (size_t wanted = 1, seen = 0;; wanted = seen + readBytes) {
    if (Status status = fill(wanted); !status.isOk())
      return status;
    end = rest().find('\n', seen);
    if (end != std::string_view::npos || isEnd)
      break;
    seen = rest().size();
    if (seen > mostLineBytes)
      return Status(Code::InvalidFile,
                    concat(where(nextNumber), "the line is longer than ",
                           mostLineBytes, " bytes"));
  }
  if (rest().empty())
    return false;
  lineNumber = nextNumber++;
  const bool hasEnd = end != std::string_view::npos;
  std::string_view text = rest().substr(0, end);
  begin += text.size() + hasEnd;
  if (!text.empty() && text.back() == '\r')
    text.remove_suffix(1);
  line = text;
  if (Status status = check(line); !status.isOk())
    return status;
  return true;
}

static bool isLetterOrDigit(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9');
}

/// Where a piece of `text` ends.
static size_t findEnd(std::string_view text, bool isAnyBytes) {
  size_t otherLine = 0;
  for (size_t i = text.size(); i-- > 1;) {
    if (text[i] != '\n')
      continue;
    const size_t end = i - (text[i - 1] == '\r');
    if (end > 0 && isLetterOrDigit(text[end - 1]))
      return end;
    otherLine = std::max(otherLine, i);
  }
  if (otherLine > 0)
    return otherLine;
  // In the middle of a line, before its last character.
  size_t end = text.size() - 1;
  while (!isAnyBytes && end > text.size() - 4 &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return end;
}

StatusOr<bool> TextLines::nextPiece(std::string &piece) {
  if (Status status = fill(pieceBytes); !status.isOk())
    return status;
  if (rest().empty())
    return false;
  lineNumber = nextNumber;
  piece = rest().substr(0, pieceBytes);
  if (!isEnd || piece.size() < rest().size())
    piece.resize(findEnd(piece, isAnyBytes));
  begin += piece.size();
  nextNumber += std::count(piece.begin(), piece.end(), '\n');
  if (Status status = check(piece); !status.isOk())
    return status;
  return true;
}

} // namespace nnc::runtime
