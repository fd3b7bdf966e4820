// Reads the header of an .npy file, which is a dictionary of Python's.
#include "runtime/data/Npy.h"

#include "runtime/AtomicFile.h"
#include "runtime/data/Array.h"
#include "runtime/data/StoredArray.h"
#include "runtime/data/Zip.h"

#include <cstring>
#include <limits>

namespace nnc::runtime {

namespace {
struct TypeName {
  const char *name;
  ElementType type;
};

/// The dictionary that a header holds: a literal of Python, of which NumPy
/// writes one form only.
class HeaderParser {
public:
  HeaderParser(std::string_view text, ArrayHeader &header, bool *isU16)
      : text(text), header(header), isU16(isU16) {}

  bool parse();
  const std::string &failure() const { return problem; }

private:
  bool parseEntry();
  bool parseType();
  bool parseOrder();
  bool parseShape();
  bool parseString(std::string &value);
  bool accept(std::string_view token);
  bool fail(const char *expected);
  bool refuse(std::string why);

  std::string_view text;
  size_t position = 0;
  ArrayHeader &header;
  bool *isU16;
  std::string problem;
};
} // namespace

// Without the byte order, which stands before it.
static constexpr TypeName typeNames[] = {
    {"f4", ElementType::F32},  {"f8", ElementType::F64},
    {"f2", ElementType::F16},  {"i4", ElementType::I32},
    {"i8", ElementType::I64},  {"u1", ElementType::U8},
    {"b1", ElementType::Bool}, {"u4", ElementType::U32},
};

namespace {
/// An integer that nnc has no type for, and the one that takes its numbers.
struct IntegerType {
  const char *name;
  int64_t bytes;
  bool isSigned;
  ElementType type;
};
} // namespace

static constexpr IntegerType integerTypes[] = {
    {"i1", 1, true, ElementType::I32},
    {"i2", 2, true, ElementType::I32},
    {"u2", 2, false, ElementType::I32},
    {"u8", 8, false, ElementType::I64},
};

bool HeaderParser::refuse(std::string why) {
  problem = std::move(why);
  return false;
}

bool HeaderParser::fail(const char *expected) {
  return refuse(concat("header, byte ", position, ": expected ", expected));
}

bool HeaderParser::accept(std::string_view token) {
  while (position < text.size() &&
         (text[position] == ' ' || text[position] == '\n'))
    ++position;
  if (text.substr(position, token.size()) != token)
    return false;
  position += token.size();
  return true;
}

bool HeaderParser::parse() {
  if (!accept("{"))
    return fail("'{'");
  for (int i = 0; i < 3; ++i) {
    if (!parseEntry())
      return false;
    if (!accept(",") && i < 2)
      return fail("','");
  }
  return accept("}") || fail("'}'");
}

bool HeaderParser::parseEntry() {
  std::string key;
  if (!parseString(key))
    return false;
  if (!accept(":"))
    return fail("':'");
  if (key == "descr")
    return parseType();
  if (key == "fortran_order")
    return parseOrder();
  if (key == "shape")
    return parseShape();
  return refuse(concat("header: unknown key ", quote(key)));
}

bool HeaderParser::parseString(std::string &value) {
  if (!accept("'"))
    return fail("a string, or for 'descr' a plain element type");
  size_t end = text.find('\'', position);
  if (end == std::string_view::npos)
    return fail("the end of a string");
  value = text.substr(position, end - position);
  position = end + 1;
  return true;
}

bool HeaderParser::parseType() {
  std::string type;
  if (!parseString(type))
    return false;
  bool hasOrder = !type.empty() && std::strchr("<>|=", type[0]);
  header.isBigEndian = hasOrder && type[0] == '>';
  for (const TypeName &candidate : typeNames)
    if (type.substr(hasOrder) == candidate.name) {
      header.elementType = candidate.type;
      return true;
    }
  if (isU16 && type.substr(hasOrder) == "u2")
    return *isU16 = true;
  for (const IntegerType &candidate : integerTypes)
    if (!isU16 && type.substr(hasOrder) == candidate.name) {
      header.elementType = candidate.type;
      header.integerBytes = candidate.bytes;
      header.isSigned = candidate.isSigned;
      return true;
    }
  return refuse(concat("elements are of type ", quote(type),
                       ", which nnc does not have"));
}

bool HeaderParser::parseOrder() {
  if (accept("False"))
    return true;
  if (accept("True"))
    return refuse("the array is in Fortran order; save it after "
                  "numpy.ascontiguousarray");
  return fail("True or False");
}

bool HeaderParser::parseShape() {
  constexpr size_t mostDimensions = 64;
  if (!accept("("))
    return fail("'('");
  header.shape.clear();
  while (!accept(")")) {
    int64_t size = 0;
    size_t first = position;
    for (; position < text.size() && text[position] >= '0' &&
           text[position] <= '9';
         ++position)
      if (__builtin_mul_overflow(size, 10, &size) ||
          __builtin_add_overflow(size, text[position] - '0', &size))
        return fail("a size below 2^63");
    if (position == first)
      return fail("a size");
    header.shape.push_back(size);
    if (header.shape.size() > mostDimensions)
      return fail("at most 64 dimensions");
    if (!accept(",") && text.substr(position, 1) != ")")
      return fail("',' or ')'");
  }
  return true;
}

Status readNpyHeader(ByteStream &stream, ArrayHeader &header, bool *isU16) {
  unsigned char start[8];
  Status status = stream.read(start, sizeof start, "the header");
  if (!status.isOk())
    return status;
  if (std::memcmp(start, "\x93NUMPY", 6) != 0)
    return {Code::InvalidFile, stream.path() +
                                   ": not a .npy file: it does not begin with "
                                   "'\\x93NUMPY'"};
  int version = start[6];
  if (version < 1 || version > 3)
    return {Code::InvalidFile, concat(stream.path(), ": .npy version ", version,
                                      ", expected 1, 2 or 3")};
  unsigned char length[4] = {};
  status = stream.read(length, version == 1 ? 2 : 4, "the header");
  if (!status.isOk())
    return status;
  uint32_t headerBytes =
      length[0] | length[1] << 8 | length[2] << 16 | uint32_t(length[3]) << 24;
  // NumPy itself refuses longer ones.
  constexpr uint32_t longestHeader = 10000;
  if (headerBytes > longestHeader)
    return {Code::InvalidFile,
            concat(stream.path(), ": a header of ", headerBytes,
                   " bytes, expected at most ", longestHeader)};
  std::string text(headerBytes, '\0');
  status = stream.read(text.data(), headerBytes, "the header");
  if (!status.isOk())
    return status;
  HeaderParser parser(text, header, isU16);
  if (parser.parse())
    return {};
  return {Code::InvalidFile, concat(stream.path(), ": ", parser.failure())};
}

static StatusOr<Column> readFrom(ByteStream &stream,
                                 const ReadRequest &request) {
  ArrayHeader header;
  if (Status status = readNpyHeader(stream, header); !status.isOk())
    return status;
  return readArray(stream, header, request);
}

static StatusOr<Column> readFile(const std::string &path,
                                 const ReadRequest &request) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  return readFrom(*stream, request);
}

/// Of the elements, by a header that may claim anything.
static int64_t sizeOf(const ArrayHeader &header) {
  std::optional<int64_t> elements = numElements(header.shape);
  int64_t bytes = 0;
  return elements &&
                 !__builtin_mul_overflow(*elements, storedBytes(header), &bytes)
             ? bytes
             : std::numeric_limits<int64_t>::max();
}

/// Whether the arrays are more than memory keeps. What a compressed one unpacks
/// to its header says.
static StatusOr<bool> areLarge(const ReadRequest &request) {
  int64_t left = request.mostKeptBytes;
  for (const std::string &path : request.paths) {
    StatusOr<ByteStream> stream = ByteStream::open(path);
    if (!stream.isOk())
      return stream.status();
    ArrayHeader header;
    if (Status status = readNpyHeader(*stream, header); !status.isOk())
      return status;
    const int64_t bytes = sizeOf(header);
    if (bytes > left)
      return true;
    left -= bytes;
  }
  return false;
}

StatusOr<std::vector<Column>> readNpy(const ReadRequest &request) {
  Status status = checkOneInput(request);
  if (status.isOk())
    status = request.checkArguments({"order", "convert"});
  if (!status.isOk())
    return status;
  StatusOr<bool> large = areLarge(request);
  if (!large.isOk())
    return large.status();
  if (*large)
    return readStoredArray(request, [](const std::string &path) {
      return ByteStream::open(path);
    });
  return readEach(request, readFile);
}

StatusOr<std::vector<Column>> readNpz(const ReadRequest &request) {
  Status status = checkOneInput(request);
  if (status.isOk())
    status = request.checkArguments({"array", "order", "convert"});
  if (!status.isOk())
    return status;
  const std::string *array = request.argument("array");
  auto open = [&](const std::string &path) {
    return openZipMember(path, array ? *array + ".npy" : "",
                         request.inputs[0]->name + ".npy");
  };
  StatusOr<ByteStream> stream = open(request.path);
  if (!stream.isOk())
    return stream.status();
  ArrayHeader header;
  status = readNpyHeader(*stream, header);
  if (!status.isOk())
    return status;
  if (sizeOf(header) > request.mostKeptBytes)
    return readStoredArray(request, open);
  StatusOr<Column> column = readArray(*stream, header, request);
  if (!column.isOk())
    return column.status();
  return only(std::move(*column));
}

static const char *typeName(ElementType type) {
  for (const TypeName &candidate : typeNames)
    if (candidate.type == type)
      return candidate.name;
  return nullptr;
}

static std::string npyHeader(const char *type, const Shape &shape) {
  std::string sizes;
  for (int64_t size : shape)
    sizes += concat(size, ", ");
  std::string text =
      concat("{'descr': '", type[1] == '1' ? "|" : "<", type,
             "', 'fortran_order': False, 'shape': (", sizes, "), }");
  // Magic, version and length take ten bytes; the elements start at a multiple
  // of 64, and the header ends with a new line.
  constexpr size_t startBytes = 10, alignment = 64;
  size_t unpadded = startBytes + text.size() + 1;
  text.append((alignment - unpadded % alignment) % alignment, ' ');
  text += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(text.size() & 255);
  start += static_cast<char>(text.size() >> 8);
  return start + text;
}

Status writeNpy(const std::string &path, ElementType elementType,
                const Shape &shape, const void *data) {
  return guardMemory([&]() -> Status {
    const char *type = typeName(elementType);
    if (!type)
      return {Code::InvalidArgument,
              concat(path, ": .npy has no type ", name(elementType))};
    std::string header = npyHeader(type, shape);
    StatusOr<AtomicFile> file = AtomicFile::create(path);
    if (!file.isOk())
      return file.status();
    Status status = file->write(header.data(), header.size());
    if (status.isOk())
      status = file->write(data, *numElements(shape) * sizeBytes(elementType));
    return status.isOk() ? file->commit() : status;
  });
}

} // namespace nnc::runtime
