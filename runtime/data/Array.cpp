// Reads the elements after a header, in this machine's byte order.
#include "runtime/data/Array.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace nnc::runtime {

static void swapBytes(AlignedBytes &data, int64_t elementBytes) {
  for (size_t i = 0; i + elementBytes <= data.size(); i += elementBytes)
    std::reverse(data.data() + i, data.data() + i + elementBytes);
}

// NumPy writes 0 and 1; anything else would read as neither.
static Status checkBools(const Column &column, const std::string &path) {
  for (size_t i = 0; i < column.data.size(); ++i)
    if (column.data.data()[i] > 1)
      return {Code::InvalidFile,
              concat(path, ": element ", i, " is ", int(column.data.data()[i]),
                     ", expected a bool, 0 or 1")};
  return {};
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
                               const std::string &path) {
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
    if (!convertExactly(from, element, to, result.data.data() + i * toBytes))
      return Status(Code::InvalidFile,
                    concat(path, ": sample ", i / perSample, " has ",
                           elementText(from, element), ", of type ", name(from),
                           ", input ", quote(input.name), " is of type ",
                           name(to), ", which does not hold it exactly"));
  }
  return result;
}

/// Nothing of the array is larger than what can follow in the stream.
static Status checkLength(const ByteStream &stream, const ArrayHeader &header) {
  std::optional<int64_t> elements = numElements(header.shape);
  int64_t total;
  if (elements &&
      !__builtin_mul_overflow(*elements, sizeBytes(header.elementType),
                              &total) &&
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
  column.data = AlignedBytes(column.numSamples * column.sampleBytes());
  status = stream.read(column.data.data(), column.data.size(), "the elements");
  if (status.isOk() && column.numSamples == header.shape[0])
    status = checkEnd(stream);
  if (status.isOk() && column.elementType == ElementType::Bool)
    status = checkBools(column, stream.path());
  if (!status.isOk())
    return status;
  if (header.isBigEndian)
    swapBytes(column.data, sizeBytes(column.elementType));
  return request.fit(0, std::move(column));
}

Status checkOneInput(const ReadRequest &request) {
  if (request.inputs.size() == 1)
    return {};
  return {Code::InvalidArgument,
          concat(request.binding.reader, " fills one input, the binding names ",
                 request.inputs.size())};
}

std::vector<Column> only(Column column) {
  std::vector<Column> columns;
  columns.push_back(std::move(column));
  return columns;
}

} // namespace nnc::runtime
