// Reads the samples of arrays at their places.
#include "runtime/data/StoredArray.h"

#include "runtime/data/Array.h"
#include "runtime/data/Npy.h"
#include "runtime/data/RowFile.h"
#include "runtime/data/Samples.h"

#include <algorithm>

namespace nnc::runtime {

namespace {
/// A file of the array, and its first sample.
struct Part {
  std::shared_ptr<const RowFile> rows;
  int64_t first = 0;
  ArrayHeader header;
};

class StoredArray : public StoredSamples {
public:
  StoredArray(std::vector<Part> parts, TensorInfo to, int64_t elements,
              bool rounds)
      : parts(std::move(parts)), to(std::move(to)), elements(elements),
        rounds(rounds) {}

  Status write(int64_t index, Workspace &work, uint8_t *result) const override;
  void expect(int64_t first, int64_t count, int64_t mostKept) const override;
  std::shared_mutex *kept() const override { return parts[0].rows->kept(); }

private:
  const Part &partOf(int64_t index) const;
  Status convert(const Part &part, int64_t index, const uint8_t *from,
                 uint8_t *result) const;

  const std::vector<Part> parts;
  const TensorInfo to;
  /// Of a sample.
  const int64_t elements;
  const bool rounds;
};
} // namespace

const Part &StoredArray::partOf(int64_t index) const {
  auto behind = std::upper_bound(
      parts.begin(), parts.end(), index,
      [](int64_t wanted, const Part &part) { return wanted < part.first; });
  return *(behind - 1);
}

void StoredArray::expect(int64_t first, int64_t count, int64_t mostKept) const {
  for (const Part *part = &partOf(first);
       part != parts.data() + parts.size() && part->first < first + count;
       ++part) {
    const int64_t begin = std::max<int64_t>(0, first - part->first);
    part->rows->expect(begin, first + count - part->first - begin, mostKept);
  }
}

Status StoredArray::convert(const Part &part, int64_t index,
                            const uint8_t *from, uint8_t *result) const {
  const ElementType type = part.header.elementType;
  const int64_t fromBytes = sizeBytes(type);
  const int64_t toBytes = sizeBytes(to.elementType);
  for (int64_t i = 0; i < elements; ++i, from += fromBytes, result += toBytes) {
    const bool isHeld =
        convertElement(type, from, rounds, to.elementType, result);
    const double number = to.indexLimit ? toDouble(type, from) : 0;
    if (isHeld &&
        (to.indexLimit == 0 || (number >= 0 && number < double(to.indexLimit))))
      continue;
    return {Code::InvalidFile,
            concat(part.rows->path(), ": sample ", index - part.first, " has ",
                   elementText(type, from), ", of type ", name(type),
                   ", input ", quote(to.name), " of type ",
                   name(to.elementType),
                   isHeld ? concat(" takes 0 to ", to.indexLimit - 1)
                          : std::string(" does not hold it exactly"))};
  }
  return {};
}

Status StoredArray::write(int64_t index, Workspace &work,
                          uint8_t *result) const {
  const Part &part = partOf(index);
  StatusOr<const uint8_t *> row = part.rows->row(index - part.first, work);
  if (!row.isOk())
    return row.status();
  const bool isSame =
      part.header.elementType == to.elementType && to.indexLimit == 0;
  if (!isSame)
    work.decoded.resize(size_t(elements * sizeBytes(part.header.elementType)));
  if (!decodeElements(part.header, *row, elements,
                      isSame ? result : work.decoded.data()))
    return {Code::InvalidFile,
            concat(part.rows->path(), ": sample ", index - part.first,
                   " has a value that is none of its type")};
  return isSame ? Status() : convert(part, index, work.decoded.data(), result);
}

/// Unpacks the rows of an array, which the stream stands before.
static StatusOr<std::shared_ptr<const RowFile>>
unpackRows(ByteStream &stream, int64_t rowBytes, int64_t count,
           std::shared_ptr<RowCache> cache) {
  StatusOr<RowSpool> spool = RowSpool::create(rowBytes);
  if (!spool.isOk())
    return spool.status();
  constexpr int64_t pieceBytes = int64_t(1) << 22;
  std::vector<uint8_t> piece;
  for (int64_t left = rowBytes * count; left > 0;
       left -= int64_t(piece.size())) {
    piece.resize(size_t(std::min(left, pieceBytes)));
    Status status =
        stream.read(piece.data(), int64_t(piece.size()), "the elements");
    if (status.isOk())
      status = spool->append(piece);
    if (!status.isOk())
      return status;
  }
  return spool->finish(stream.path(), std::move(cache));
}

/// The rows where they are in their own file, which has nothing behind them.
static StatusOr<std::shared_ptr<const RowFile>>
findRows(const ByteStream &stream, const ArrayHeader &header, int64_t rowBytes,
         std::shared_ptr<RowCache> cache) {
  const int64_t begin = stream.position();
  if (rowBytes * header.shape[0] != stream.mostBytes() - begin)
    return Status(Code::InvalidFile,
                  concat(stream.path(), ": has ", stream.mostBytes() - begin,
                         " bytes behind its header, expected those of ",
                         describe(header.elementType, header.shape)));
  int64_t size = 0;
  StatusOr<OpenFile> file = openToRead(stream.path(), size);
  if (!file.isOk())
    return file.status();
  return std::shared_ptr<const RowFile>(
      std::make_shared<RowFile>(std::move(*file), stream.path(), begin,
                                rowBytes, header.shape[0], std::move(cache)));
}

/// Opens an array; `sampleShape` receives that of a sample.
static Status openPart(ByteStream stream, bool isWholeFile,
                       const ReadRequest &request,
                       const std::shared_ptr<RowCache> &cache, Part &part,
                       int64_t &count, Shape &sampleShape) {
  ArrayHeader &header = part.header;
  Status status = readNpyHeader(stream, header);
  if (status.isOk() && header.shape.empty())
    status = {Code::InvalidFile, stream.path() + ": holds a single number"};
  if (status.isOk())
    status = request.checkShape(0, header.elementType, header.shape);
  if (status.isOk())
    status = checkLength(stream, header);
  if (!status.isOk())
    return status;
  count = header.shape[0];
  sampleShape.assign(header.shape.begin() + 1, header.shape.end());
  const int64_t rowBytes = *numElements(sampleShape) * storedBytes(header);
  auto rows = isWholeFile && !stream.isCompressed()
                  ? findRows(stream, header, rowBytes, cache)
                  : unpackRows(stream, rowBytes,
                               std::min(count, request.mostSamples), cache);
  if (!rows.isOk())
    return rows.status();
  part.rows = std::move(*rows);
  return {};
}

StatusOr<std::vector<Column>> readStoredArray(
    const ReadRequest &request,
    const std::function<StatusOr<ByteStream>(const std::string &)> &open) {
  StatusOr<bool> rounds = roundsValues(request);
  if (!rounds.isOk())
    return rounds.status();
  auto cache = std::make_shared<RowCache>();
  std::vector<Part> parts;
  Column column;
  for (const std::string &path : request.paths) {
    Part part;
    part.first = column.numSamples;
    int64_t count = 0;
    Shape shape;
    ReadRequest own = request;
    own.path = path;
    StatusOr<ByteStream> stream = open(path);
    if (!stream.isOk())
      return stream.status();
    const bool isWholeFile = request.binding.reader == "npy";
    if (Status status = openPart(std::move(*stream), isWholeFile, own, cache,
                                 part, count, shape);
        !status.isOk())
      return status;
    const bool isFirst = parts.empty();
    if (!isFirst && (shape != column.sampleShape ||
                     part.header.elementType != column.elementType))
      return Status(Code::InvalidFile,
                    concat(path, ": its samples are ",
                           describe(part.header.elementType, shape),
                           ", those of the first file ",
                           describe(column.elementType, column.sampleShape)));
    column.sampleShape = std::move(shape);
    column.elementType = part.header.elementType;
    column.numSamples += count;
    if (count > 0 || isFirst)
      parts.push_back(std::move(part));
  }
  TensorInfo to = *request.inputs[0];
  column.name = to.name;
  if (request.isOpen[0]) {
    to.elementType = column.elementType;
    to.indexLimit = 0;
  } else {
    column.elementType = to.elementType;
    column.sampleShape = sampleShapeOf(to);
  }
  const int64_t elements = *numElements(column.sampleShape);
  column.numSamples = std::min(column.numSamples, request.mostSamples);
  column.stored = std::make_shared<StoredArray>(std::move(parts), std::move(to),
                                                elements, *rounds);
  return only(std::move(column));
}

} // namespace nnc::runtime
