// Reads the elements after a header, in this machine's byte order.
#include "runtime/data/Array.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace nnc::runtime {

int64_t storedBytes(const ArrayHeader &header) {
  return header.integerBytes ? header.integerBytes
                             : sizeBytes(header.elementType);
}

/// An integer of so few bytes that i64 holds it, or of eight.
static bool decodeInteger(const ArrayHeader &header, const uint8_t *from,
                          int64_t &value) {
  uint64_t bits = 0;
  for (int64_t i = 0; i < header.integerBytes; ++i) {
    const int64_t place = header.isBigEndian ? i : header.integerBytes - 1 - i;
    bits = bits << 8 | from[place];
  }
  const int64_t unused = 64 - 8 * header.integerBytes;
  value = header.isSigned ? int64_t(bits << unused) >> unused : int64_t(bits);
  return header.isSigned || value >= 0;
}

bool decodeElements(const ArrayHeader &header, const uint8_t *from,
                    int64_t count, uint8_t *to) {
  const int64_t bytes = sizeBytes(header.elementType);
  for (int64_t i = 0; header.integerBytes && i < count; ++i) {
    int64_t value = 0;
    if (!decodeInteger(header, from + i * header.integerBytes, value))
      return false;
    const auto narrow = static_cast<int32_t>(value);
    std::memcpy(to + i * bytes,
                bytes == sizeof narrow ? static_cast<const void *>(&narrow)
                                       : &value,
                size_t(bytes));
  }
  if (header.integerBytes)
    return true;
  std::memcpy(to, from, size_t(count * bytes));
  for (int64_t i = 0; header.isBigEndian && i < count; ++i)
    std::reverse(to + i * bytes, to + (i + 1) * bytes);
  // NumPy writes 0 and 1; anything else would read as neither.
  return header.elementType != ElementType::Bool ||
         std::all_of(to, to + count, [](uint8_t value) { return value <= 1; });
}

StatusOr<bool> roundsValues(const ReadRequest &request) {
  const std::string *convert = request.argument("convert");
  if (!convert || *convert == "exact" || *convert == "nearest")
    return convert && *convert == "nearest";
  return Status(Code::InvalidArgument,
                concat(request.binding.reader, ": argument 'convert' is ",
                       quote(*convert), ", expected exact or nearest"));
}

bool convertElement(ElementType from, const void *element, bool rounds,
                    ElementType to, void *result) {
  if (convertExactly(from, element, to, result))
    return true;
  const double value = toDouble(from, element);
  const double nearest =
      isInteger(to) || to == ElementType::Bool ? std::nearbyint(value) : value;
  if (!rounds || !std::isfinite(value) || !fits(to, nearest))
    return false;
  fromDouble(to, nearest, result);
  return true;
}

static Status checkEnd(ByteStream &stream) {
  char byte;
  StatusOr<int64_t> more = stream.readSome(&byte, 1);
  if (!more.isOk())
    return more.status();
  if (*more == 0)
    return {};
  return {Code::InvalidFile,
          concat(stream.path(),
                 ": has more bytes than its header says, from "
                 "byte ",
                 stream.position() - 1, " on")};
}

StatusOr<Column> convertColumn(Column column, const TensorInfo &input,
                               const std::string &path, bool rounds) {
  const ElementType from = column.elementType, to = input.elementType;
  if (from == to)
    return column;
  const int64_t perSample = *numElements(column.sampleShape);
  const int64_t fromBytes = sizeBytes(from), toBytes = sizeBytes(to);
  Column result;
  result.name = column.name;
  result.elementType = to;
  result.sampleShape = column.sampleShape;
  result.numSamples = column.numSamples;
  result.classes = column.classes;
  result.data = AlignedBytes(result.numSamples * result.sampleBytes());
  for (int64_t i = 0; i < result.numSamples * perSample; ++i) {
    const uint8_t *element = column.data.data() + i * fromBytes;
    if (!convertElement(from, element, rounds, to,
                        result.data.data() + i * toBytes))
      return Status(Code::InvalidFile,
                    concat(path, ": sample ", i / perSample, " has ",
                           elementText(from, element), ", of type ", name(from),
                           ", input ", quote(input.name), " is of type ",
                           name(to),
                           rounds ? ", which does not hold it"
                                  : ", which does not hold it exactly; convert "
                                    "= \"nearest\" takes the nearest"));
  }
  return result;
}

Status checkLength(const ByteStream &stream, const ArrayHeader &header) {
  std::optional<int64_t> elements = numElements(header.shape);
  int64_t total;
  if (elements &&
      !__builtin_mul_overflow(*elements, storedBytes(header), &total) &&
      total <= stream.mostBytes() - stream.position())
    return {};
  return {Code::InvalidFile,
          concat(stream.path(), ": too short for ",
                 describe(header.elementType, header.shape))};
}

StatusOr<Column> readArray(ByteStream &stream, const ArrayHeader &header,
                           const ReadRequest &request) {
  const TensorInfo &input = *request.inputs[0];
  if (header.shape.empty())
    return Status(Code::InvalidFile,
                  concat(stream.path(), ": holds a single number, input ",
                         quote(input.name), " is ",
                         describe(input.elementType, input.shape)));
  Status status = request.checkShape(0, header.elementType, header.shape);
  if (status.isOk())
    status = checkLength(stream, header);
  if (!status.isOk())
    return status;
  Column column;
  column.name = input.name;
  column.elementType = header.elementType;
  column.sampleShape.assign(header.shape.begin() + 1, header.shape.end());
  column.numSamples = std::min(header.shape[0], request.mostSamples);
  const int64_t elements =
      column.numSamples * column.sampleBytes() / sizeBytes(header.elementType);
  AlignedBytes stored(size_t(elements * storedBytes(header)));
  status = stream.read(stored.data(), int64_t(stored.size()), "the elements");
  if (status.isOk() && column.numSamples == header.shape[0])
    status = checkEnd(stream);
  if (!status.isOk())
    return status;
  const bool isAsStored = header.integerBytes == 0 && !header.isBigEndian &&
                          header.elementType != ElementType::Bool;
  column.data =
      isAsStored
          ? std::move(stored)
          : AlignedBytes(size_t(column.numSamples * column.sampleBytes()));
  if (!isAsStored &&
      !decodeElements(header, stored.data(), elements, column.data.data()))
    return Status(Code::InvalidFile,
                  concat(stream.path(), ": an element is ",
                         header.integerBytes ? "2^63 or more"
                                             : "neither 0 nor 1, as a bool"));
  return request.fit(0, std::move(column));
}

Status checkOneInput(const ReadRequest &request) {
  if (request.inputs.size() == 1)
    return {};
  return {Code::InvalidArgument,
          concat(request.binding.reader, " fills one input, the binding names ",
                 request.inputs.size())};
}

/// The columns one behind the other.
static Column join(std::vector<Column> parts) {
  size_t bytes = 0;
  for (const Column &part : parts)
    bytes += part.data.size();
  Column all = std::move(parts.front());
  AlignedBytes joined(bytes);
  uint8_t *to = std::copy_n(all.data.data(), all.data.size(), joined.data());
  for (size_t i = 1; i < parts.size(); ++i) {
    to = std::copy_n(parts[i].data.data(), parts[i].data.size(), to);
    all.numSamples += parts[i].numSamples;
    parts[i].data = AlignedBytes();
  }
  all.data = std::move(joined);
  return all;
}

StatusOr<std::vector<Column>>
readEach(const ReadRequest &request,
         StatusOr<Column> (*read)(const std::string &path,
                                  const ReadRequest &request)) {
  std::vector<Column> parts;
  int64_t left = request.mostSamples;
  for (const std::string &path : request.paths) {
    if (!parts.empty() && left <= 0)
      break;
    ReadRequest own = request;
    own.path = path;
    own.mostSamples = left;
    StatusOr<Column> column = read(path, own);
    if (!column.isOk())
      return column.status();
    const bool isFirst = parts.empty();
    if (!isFirst && (column->elementType != parts[0].elementType ||
                     column->sampleShape != parts[0].sampleShape))
      return Status(
          Code::InvalidFile,
          concat(path, ": its samples are ",
                 describe(column->elementType, column->sampleShape),
                 ", those of the first file ",
                 describe(parts[0].elementType, parts[0].sampleShape)));
    left -= column->numSamples;
    parts.push_back(std::move(*column));
  }
  return only(parts.size() == 1 ? std::move(parts.front())
                                : join(std::move(parts)));
}

std::vector<Column> only(Column column) {
  std::vector<Column> columns;
  columns.push_back(std::move(column));
  return columns;
}

} // namespace nnc::runtime
