// Cuts blocks of text at the ends of lines outside of quotes, as far as these
// can be told by counting, and looks at each cut when the piece before is done.
#include "runtime/data/CsvPieces.h"

#include "runtime/data/ForAll.h"

#include <algorithm>
#include <optional>

namespace nnc::runtime {

/// What a thread makes of a piece.
struct CsvPieces::Piece {
  std::optional<TableBuilder> rows;
  /// Whether all of its rows are right, as far as it can tell.
  bool isSound = false;
  /// Behind its last whole row, and how many lines are before that.
  size_t end = 0;
  int64_t lines = 0;
};

/// Two pieces a thread: none waits long for one that other work holds up.
size_t CsvPieces::blockBytes() const {
  constexpr size_t piecesPerThread = 2;
  return std::max(piecesPerThread * size_t(request.pieceBytes) *
                      size_t(request.numThreads),
                  CsvRows::bufferBytes);
}

/// Reads a block, or what is left of the file. What was read before a failure
/// stays.
Status CsvPieces::readBlock(ByteStream &stream) {
  text.erase(0, position);
  position = 0;
  const size_t wanted = text.size() + blockBytes();
  while (!isLast && text.size() < wanted) {
    const size_t before = text.size();
    text.resize(before + CsvRows::bufferBytes);
    StatusOr<int64_t> got =
        stream.readSome(text.data() + before, CsvRows::bufferBytes);
    text.resize(before + (got.isOk() ? size_t(*got) : 0));
    if (!got.isOk())
      return got.status();
    isLast = *got == 0;
  }
  return {};
}

/// Where pieces end: behind the end of a line with an even number of quotes
/// before it. In a text whose quotes all stand around fields, that is the end
/// of a row.
std::vector<size_t> CsvPieces::cut() const {
  std::vector<size_t> ends;
  bool isQuoted = false;
  for (size_t begin = 0; begin < text.size(); begin = ends.back()) {
    const size_t most =
        std::min(begin + size_t(request.pieceBytes), text.size());
    isQuoted ^= std::count(text.begin() + begin, text.begin() + most, '"') & 1;
    size_t end = most;
    while (end < text.size() && (isQuoted || text[end - 1] != '\n'))
      isQuoted ^= text[end++] == '"';
    ends.push_back(end);
  }
  return ends;
}

/// The rows from `begin` on that end before `end`.
void CsvPieces::takePiece(size_t begin, size_t end, Piece &piece) const {
  piece.rows.emplace(TableBuilder::ofPiece(request));
  const bool isEnd = isLast && end == text.size();
  CsvRows rows(std::string_view(text).substr(begin, end - begin), path, form);
  while (true) {
    StatusOr<bool> hasRow = rows.next();
    if (rows.isCut() && !isEnd)
      break;
    if (!hasRow.isOk())
      return;
    if (!*hasRow)
      break;
    if (!addRow(rows, *piece.rows).isOk())
      return;
  }
  piece.end = begin + rows.position();
  piece.lines = rows.nextLine() - 1;
  piece.isSound = true;
}

/// Adds the rows from `position` on that begin before `end`, one by one. False
/// where one does not end with what is in memory.
StatusOr<bool> CsvPieces::takeAgain(size_t end, TableBuilder &table) {
  CsvRows rows(std::string_view(text).substr(position), path, form, line);
  const size_t begin = position;
  while (position < end) {
    StatusOr<bool> hasRow = rows.next();
    if (rows.isCut() && !isLast) {
      position = begin + rows.position();
      line = rows.nextLine();
      return false;
    }
    if (!hasRow.isOk())
      return hasRow.status();
    if (*hasRow)
      if (Status status = addRow(rows, table); !status.isOk())
        return status;
    position = begin + rows.position();
    line = rows.nextLine();
  }
  return true;
}

Status CsvPieces::addBlock(TableBuilder &table, ThreadPool &pool) {
  const std::vector<size_t> ends = cut();
  std::vector<Piece> pieces(ends.size());
  auto take = [&](int64_t i, int) {
    takePiece(i ? ends[i - 1] : 0, ends[i], pieces[i]);
    return Status();
  };
  // A piece for which memory was lacking is not sound.
  if (Status status = forAll(pool, int64_t(pieces.size()), 1, take);
      !status.isOk() && status.code() != Code::OutOfMemory)
    return status;
  for (size_t i = 0; i < pieces.size(); ++i) {
    Piece &piece = pieces[i];
    const bool isOfRows = position == (i ? ends[i - 1] : 0) && piece.isSound &&
                          table.canTake(*piece.rows);
    if (!isOfRows) {
      StatusOr<bool> goesOn = takeAgain(ends[i], table);
      if (!goesOn.isOk() || !*goesOn)
        return goesOn.status();
      continue;
    }
    position = piece.end;
    line += piece.lines;
    if (Status status = table.take(*piece.rows); !status.isOk())
      return status;
    piece.rows.reset();
  }
  return {};
}

Status CsvPieces::addRest(CsvRows &rows, ByteStream &stream,
                          TableBuilder &table) {
  path = stream.path();
  text = rows.takeRest();
  line = rows.nextLine();
  ThreadPool pool(request.numThreads);
  // A row that does not end within a block is read as it comes.
  while (!isLast && text.size() - position <= blockBytes()) {
    const Status read = readBlock(stream);
    if (Status status = addBlock(table, pool); !status.isOk())
      return status;
    if (!read.isOk())
      return read;
  }
  if (isLast)
    return {};
  CsvRows others(std::string_view(text).substr(position), path, form, line,
                 &stream);
  while (true) {
    StatusOr<bool> hasRow = others.next();
    if (!hasRow.isOk() || !*hasRow)
      return hasRow.status();
    if (Status status = addRow(others, table); !status.isOk())
      return status;
  }
}

} // namespace nnc::runtime
