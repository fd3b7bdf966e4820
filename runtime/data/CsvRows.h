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

class CsvRows {
public:
  /// `stream` outlives this. A byte order mark of UTF-8 is passed over.
  ///
  /// hasQuotes  whether a field may stand in quotes; else they are text.
  /// comment    a row that begins with it is passed over; 0: none.
  CsvRows(ByteStream &stream, char delimiter, bool hasQuotes = true,
          char comment = 0);

  /// Splits the next row that is not empty. False at the end; InvalidFile for
  /// a row that is none or is beyond the bounds, saying where.
  StatusOr<bool> next();
  /// The row that next() gives next is the same again.
  void repeat() { isRepeated = true; }

  const std::string &path() const { return stream.path(); }
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

  ByteStream &stream;
  const char delimiter;
  const bool hasQuotes;
  const char comment;
  std::vector<char> buffer;
  size_t position = 0, filled = 0;
  /// The row's fields one after the other, and where each ends.
  std::string text;
  std::vector<size_t> ends;
  int64_t line = 1, rowLine = 0;
  bool isRepeated = false, isStarted = false;
  /// The first failure; what is read after it is an empty file.
  Status failure;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_CSVROWS_H
