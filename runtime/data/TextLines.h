// A text file line by line, or in pieces of many lines: no more than one of
// them is held in memory, and a line has bounds.
#ifndef NNC_RUNTIME_DATA_TEXTLINES_H
#define NNC_RUNTIME_DATA_TEXTLINES_H

#include "runtime/data/ByteStream.h"

#include <string>
#include <string_view>

namespace nnc::runtime {

class TextLines {
public:
  /// `stream` outlives this. A byte order mark of UTF-8 is passed over.
  ///
  /// isAnyBytes  whether text need be no UTF-8.
  TextLines(ByteStream &stream, bool isAnyBytes)
      : stream(stream), isAnyBytes(isAnyBytes) {}

  /// The next line, without its end. False at the end of the file; InvalidFile
  /// for a line that is no UTF-8 or is longer than 64 MiB, saying where.
  StatusOr<bool> nextLine(std::string &line);

  /// The next piece of about 16 KiB. It ends before the end of a line that
  /// is behind a letter or a digit, where there is one: there, the tokens of
  /// the parts are those of the whole for all tokenizers that are in use.
  StatusOr<bool> nextPiece(std::string &piece);
  /// Whether the last piece was the file's last.
  bool isAtEnd() const { return isEnd && begin == buffer.size(); }

  /// "FILE:LINE: ", of where the last line or piece began, from 1.
  std::string where() const { return where(lineNumber); }

private:
  std::string where(int64_t line) const;
  Status fill(size_t wanted);
  Status check(std::string_view text) const;
  std::string_view rest() const {
    return std::string_view(buffer).substr(begin);
  }

  ByteStream &stream;
  const bool isAnyBytes;
  std::string buffer;
  size_t begin = 0;
  bool isStarted = false, isEnd = false;
  int64_t lineNumber = 0, nextNumber = 1;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXTLINES_H
