// The part that formats of a single array share: from a header to a column.
#ifndef NNC_RUNTIME_DATA_ARRAY_H
#define NNC_RUNTIME_DATA_ARRAY_H

#include "runtime/data/ByteStream.h"
#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// What the header of an array says; the first dimension counts samples.
struct ArrayHeader {
  /// What elements become: where the file's type is none of nnc's, one that
  /// holds all of its numbers, as far as there is one.
  ElementType elementType = ElementType::F32;
  /// Of an integer in the file that nnc has no type for; 0: it is elementType.
  int64_t integerBytes = 0;
  bool isSigned = false;
  Shape shape;
  bool isBigEndian = false;
};

/// Reads the elements that follow the header, as a column for the request's
/// only input, after it has checked that they are of a shape that fits it and
/// can be in the stream. Elements of another type are converted as
/// convertColumn does, unless steps follow.
StatusOr<Column> readArray(ByteStream &stream, const ArrayHeader &header,
                           const ReadRequest &request);

/// InvalidFile if the array is larger than what can follow in the stream.
Status checkLength(const ByteStream &stream, const ArrayHeader &header);

/// Bytes of an element in the file.
int64_t storedBytes(const ArrayHeader &header);

/// `count` elements of a file in this machine's order and in elementType; false
/// where that does not hold one, or a bool is none.
bool decodeElements(const ArrayHeader &header, const uint8_t *from,
                    int64_t count, uint8_t *to);

/// Whether an argument asks for the nearest value where a type does not hold
/// one exactly. InvalidArgument for one that is neither "exact" nor "nearest".
StatusOr<bool> roundsValues(const ReadRequest &request);

/// `element` as the input takes it; false where it does not hold it exactly, or
/// where it is rounded, at all.
bool convertElement(ElementType from, const void *element, bool rounds,
                    ElementType to, void *result);

/// The same numbers in the element type that the input takes. InvalidFile with
/// the first that it does not hold.
StatusOr<Column> convertColumn(Column column, const TensorInfo &input,
                               const std::string &path, bool rounds);

/// InvalidArgument unless the binding has just one input.
Status checkOneInput(const ReadRequest &request);

/// Each file of the request by `read`, one after the other, as one column.
StatusOr<std::vector<Column>>
readEach(const ReadRequest &request,
         StatusOr<Column> (*read)(const std::string &path,
                                  const ReadRequest &request));

/// `column` as the only one.
std::vector<Column> only(Column column);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ARRAY_H
