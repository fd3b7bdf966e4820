// A text as rows of fields, read piece by piece: no more than one row is held
// in memory, and a row has bounds.
// Source: RFC 4180.
#ifndef NNC_RUNTIME_DATA_CSVROWS_H
#define NNC_RUNTIME_DATA_CSVROWS_H

#include "runtime/data/ByteStream.h"

#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// How rows are written.
struct CsvForm {
  char delimiter = ',';
  /// Whether a field may stand in quotes; else they are text.
  bool hasQuotes = true;
  /// What a row begins with that is passed over; 0: nothing.
  char comment = 0;
};

class CsvRows {
public:
  /// What is read at once.
  static constexpr size_t bufferBytes = 1 << 16;

  /// `stream` outlives this. A byte order mark of UTF-8 is passed over.
  CsvRows(ByteStream &stream, const CsvForm &form);
  CsvRows(ByteStream &stream, char delimiter, bool hasQuotes = true)
      : CsvRows(stream, CsvForm{delimiter, hasQuotes}) {}

  /// Of a text in memory that begins with a row, on that line of the file
  /// `path`; `stream` has what follows it, where there is more. All outlive
  /// this.
  CsvRows(std::string_view text, const std::string &path, const CsvForm &form,
          int64_t line = 1, ByteStream *stream = nullptr);

  /// Splits the next row that is not empty. False at the end; InvalidFile for
  /// a row that is none or is beyond the bounds, saying where.
  StatusOr<bool> next();
  /// The row that next() gives next is the same again.
  void repeat() { isRepeated = true; }

  /// Whether the last row has met the end of what there is to read: in the
  /// middle of a longer text, it may be cut off.
  bool isCut() const { return hasMetEnd; }
  /// Of a text in memory: where the row behind the last one begins, or the last
  /// one if that is cut, and on which line.
  size_t position() const { return hasMetEnd ? rowBegin : at; }
  int64_t nextLine() const { return hasMetEnd ? rowBeginLine : line; }

  /// What was read of the stream and not given: this is at its end then.
  std::string takeRest();

  const std::string &path() const { return file; }
  size_t size() const { return ends.size(); }
  /// Without quotes, and without blanks around it.
  std::string_view field(size_t index) const;
  /// "FILE:LINE: ", of the row's first line, from 1.
  std::string where() const;
  /// where(), and the field: "FILE:LINE: column 2 ('width'): " with the name
  /// that `names` has for it, if there is one.
  std::string where(size_t index, const std::vector<std::string> &names) const;

private:
  bool fill();
  int peek();
  void append(const char *bytes, size_t count);
  void skipComments();
  void readPlain();
  void readQuoted();
  bool readField();
  bool readRow();
  bool fail(std::string message);

  ByteStream *stream;
  const std::string &file;
  const char delimiter;
  const bool hasQuotes;
  const char comment;
  /// What is read at the moment, in memory or in the buffer.
  const char *bytes = nullptr;
  size_t at = 0, filled = 0;
  std::vector<char> buffer;
  /// The row's fields one after the other, and where each ends.
  std::string text;
  std::vector<size_t> ends;
  int64_t line = 1, rowLine = 0;
  /// Where the row and what is passed over before it begin.
  size_t rowBegin = 0;
  int64_t rowBeginLine = 1;
  bool isRepeated = false, isStarted = false, hasMetEnd = false;
  /// The first failure; what is read after it is an empty file.
  Status failure;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_CSVROWS_H
