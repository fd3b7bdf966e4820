// The part that formats of a single array share: from a header to a column.
#ifndef NNC_RUNTIME_DATA_ARRAY_H
#define NNC_RUNTIME_DATA_ARRAY_H

#include "runtime/data/ByteStream.h"
#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// What the header of an array says; the first dimension counts samples.
struct ArrayHeader {
  ElementType elementType = ElementType::F32;
  Shape shape;
  bool isBigEndian = false;
};

/// Reads the elements that follow the header, as a column for the request's
/// only input, after it has checked that they are of a shape that fits it and
/// can be in the stream. Elements of another type are converted as
/// convertColumn does, unless steps follow.
StatusOr<Column> readArray(ByteStream &stream, const ArrayHeader &header,
                           const ReadRequest &request);

/// The same numbers in the element type that the input takes. InvalidFile with
/// the first that it does not hold exactly.
StatusOr<Column> convertColumn(Column column, const TensorInfo &input,
                               const std::string &path);

/// InvalidArgument unless the binding has just one input.
Status checkOneInput(const ReadRequest &request);

/// `column` as the only one.
std::vector<Column> only(Column column);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ARRAY_H
