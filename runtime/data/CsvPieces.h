// The rows of a large table by several threads. Each takes a piece of the text
// as if a row began with it; where one did not, or a row of it is wrong, one
// thread takes it again, so that rows and messages are those of one thread.
#ifndef NNC_RUNTIME_DATA_CSVPIECES_H
#define NNC_RUNTIME_DATA_CSVPIECES_H

#include "runtime/ThreadPool.h"
#include "runtime/data/CsvRows.h"
#include "runtime/data/TableBuilder.h"

#include <functional>

namespace nnc::runtime {

class CsvPieces {
public:
  /// Adds a row to a table, from several threads at once.
  using AddRow = std::function<Status(const CsvRows &rows, TableBuilder &)>;

  /// `request` and `form` outlive this. The delimiter and the sign of comments
  /// are those of `form`.
  CsvPieces(const ReadRequest &request, const CsvForm &form, AddRow addRow)
      : request(request), form(form), addRow(std::move(addRow)) {}

  /// Adds the rows that `rows` has not given yet, which reads `stream`. Two
  /// pieces for each thread are in memory at a time, and what becomes of them.
  Status addRest(CsvRows &rows, ByteStream &stream, TableBuilder &table);

private:
  struct Piece;

  Status readBlock(ByteStream &stream);
  std::vector<size_t> cut() const;
  void takePiece(size_t begin, size_t end, Piece &piece) const;
  StatusOr<bool> takeAgain(size_t end, TableBuilder &table);
  size_t blockBytes() const;
  Status addBlock(TableBuilder &table, ThreadPool &pool);

  const ReadRequest &request;
  const CsvForm &form;
  const AddRow addRow;
  std::string path;
  /// What is in memory, where the first row of it begins that is not in the
  /// table, and the line of that.
  std::string text;
  size_t position = 0;
  int64_t line = 1;
  /// Whether the file ends with it.
  bool isLast = false;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_CSVPIECES_H
