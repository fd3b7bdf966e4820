// Reads the header of an IDX file.
#include "runtime/data/Idx.h"

#include "runtime/data/Array.h"

namespace nnc::runtime {

static StatusOr<ArrayHeader> readHeader(ByteStream &stream) {
  unsigned char start[4];
  Status status = stream.read(start, sizeof start, "the header");
  if (!status.isOk())
    return status;
  if (start[0] != 0 || start[1] != 0)
    return Status(Code::InvalidFile,
                  stream.path() +
                      ": not an IDX file: its first two bytes are not zero");
  ArrayHeader header;
  header.isBigEndian = true;
  switch (start[2]) {
  case 0x08:
    header.elementType = ElementType::U8;
    break;
  case 0x0c:
    header.elementType = ElementType::I32;
    break;
  case 0x0d:
    header.elementType = ElementType::F32;
    break;
  case 0x0e:
    header.elementType = ElementType::F64;
    break;
  default:
    return Status(Code::InvalidFile,
                  concat(stream.path(), ": byte 2: element type ",
                         int(start[2]),
                         ", expected 8 (u8), 12 (i32), 13 (f32) or 14 (f64)"));
  }
  for (int i = 0; i < start[3]; ++i) {
    unsigned char size[4];
    status = stream.read(size, sizeof size, "the header");
    if (!status.isOk())
      return status;
    header.shape.push_back(int64_t(size[0]) << 24 | size[1] << 16 |
                           size[2] << 8 | size[3]);
  }
  return header;
}

static StatusOr<Column> readFile(const std::string &path,
                                 const ReadRequest &request) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  StatusOr<ArrayHeader> header = readHeader(*stream);
  if (!header.isOk())
    return header.status();
  return readArray(*stream, *header, request);
}

StatusOr<std::vector<Column>> readIdx(const ReadRequest &request) {
  Status status = checkOneInput(request);
  if (status.isOk())
    status = request.checkArguments({"order", "convert"});
  if (!status.isOk())
    return status;
  return readEach(request, readFile);
}

} // namespace nnc::runtime
