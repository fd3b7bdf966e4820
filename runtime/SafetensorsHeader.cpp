// A parser of the part of JSON that these headers use, with a limit on each of
// its sizes.
#include "runtime/SafetensorsHeader.h"

#include <set>

namespace nnc::runtime {

// Indexed by ElementType; names are the format's.
static constexpr const char *typeNames[numElementTypes] = {
    "F32", "F64", "F16", "BF16", "I32", "I64", "U8", "BOOL", "U32"};

namespace {
struct ForeignType {
  const char *name;
  int64_t sizeBytes;
};
} // namespace

// The rest of the format's types that fill whole bytes: files with them can be
// looked at, and their other tensors read.
static constexpr ForeignType foreignTypes[] = {
    {"I8", 1},      {"I16", 2},     {"U16", 2},     {"U64", 8},
    {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}, {"C64", 8}};

static const ForeignType *findForeignType(std::string_view name) {
  for (const ForeignType &type : foreignTypes)
    if (name == type.name)
      return &type;
  return nullptr;
}

std::string describe(const SavedTensor &tensor) {
  if (!tensor.foreignType)
    return describe(tensor.elementType, tensor.shape);
  std::string described = describe(ElementType::F32, tensor.shape);
  return tensor.foreignType + described.substr(described.find('['));
}

static void printString(std::string &out, std::string_view text) {
  static const char digits[] = "0123456789abcdef";
  out += '"';
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

static void printMetadata(std::string &out, const Metadata &metadata) {
  printString(out, metadataName);
  out += ":{";
  const char *separator = "";
  for (const auto &[key, value] : metadata) {
    out += separator;
    printString(out, key);
    out += ':';
    printString(out, value);
    separator = ",";
  }
  out += '}';
}

static void printTensor(std::string &out, const TensorToSave &tensor,
                        int64_t offsetBytes, int64_t sizeBytes) {
  printString(out, tensor.name);
  out +=
      concat(":{\"dtype\":\"", typeNames[static_cast<int>(tensor.elementType)],
             "\",\"shape\":[");
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    out += concat(i ? "," : "", tensor.shape[i]);
  out += concat("],\"data_offsets\":[", offsetBytes, ",",
                offsetBytes + sizeBytes, "]}");
}

std::string printHeader(const std::vector<const TensorToSave *> &tensors,
                        const Metadata &metadata) {
  std::string out = "{";
  if (!metadata.empty())
    printMetadata(out, metadata);
  int64_t offsetBytes = 0;
  for (const TensorToSave *tensor : tensors) {
    int64_t size = *numElements(tensor->shape) * sizeBytes(tensor->elementType);
    if (out.size() > 1)
      out += ',';
    printTensor(out, *tensor, offsetBytes, size);
    offsetBytes += size;
  }
  return out + '}';
}

namespace {

/// Recursive descent over the one form that a header has. It never recurses on
/// input: the nesting is fixed.
class HeaderParser {
public:
  HeaderParser(std::string_view text, std::vector<SavedTensor> &tensors,
               Metadata &metadata)
      : text(text), tensors(tensors), metadata(metadata) {}

  bool parse();
  Status failure() const {
    return {Code::InvalidFile,
            concat("damaged header, byte ", position, ": ", problem)};
  }

private:
  template <typename... Parts> bool fail(const Parts &...parts) {
    problem = concat(parts...);
    return false;
  }

  bool parseMetadata();
  bool parseTensor(std::string name);
  bool parseField(const std::string &key, SavedTensor &tensor);
  bool parseType(SavedTensor &tensor);
  bool parseOffsets(SavedTensor &tensor);
  bool checkSize(const SavedTensor &tensor);
  bool parseNumbers(std::vector<int64_t> &numbers);
  bool parseNumber(int64_t &number);
  bool parseString(std::string &value);
  bool parseEscape(std::string &value);
  bool parseHex(uint32_t &unit);

  /// Parses `{ "key": ITEM, ... }`; `item` takes the key.
  template <typename Item> bool parseObject(Item item);
  void skipSpace();
  bool accept(char c);
  bool expect(char c);
  std::string found() const;

  std::string_view text;
  size_t position = 0;
  std::string problem;
  std::vector<SavedTensor> &tensors;
  Metadata &metadata;
};

} // namespace

void HeaderParser::skipSpace() {
  while (position < text.size() &&
         std::string_view(" \t\r\n").find(text[position]) !=
             std::string_view::npos)
    ++position;
}

bool HeaderParser::accept(char c) {
  skipSpace();
  if (position >= text.size() || text[position] != c)
    return false;
  ++position;
  return true;
}

std::string HeaderParser::found() const {
  return position < text.size() ? quote(text.substr(position, 1))
                                : "the end of the header";
}

bool HeaderParser::expect(char c) {
  return accept(c) ||
         fail("expected ", quote(std::string_view(&c, 1)), ", found ", found());
}

template <typename Item> bool HeaderParser::parseObject(Item item) {
  if (!expect('{'))
    return false;
  if (accept('}'))
    return true;
  std::set<std::string> keys;
  do {
    std::string key;
    if (!parseString(key))
      return false;
    if (!keys.insert(key).second)
      return fail(quote(key), " stands twice");
    if (!expect(':') || !item(std::move(key)))
      return false;
  } while (accept(','));
  return expect('}');
}

bool HeaderParser::parse() {
  bool isParsed = parseObject([&](std::string key) {
    return key == metadataName ? parseMetadata() : parseTensor(std::move(key));
  });
  if (!isParsed)
    return false;
  skipSpace();
  return position == text.size() ||
         fail("expected the end of the header, found ", found());
}

bool HeaderParser::parseMetadata() {
  return parseObject(
      [&](std::string key) { return parseString(metadata[std::move(key)]); });
}

bool HeaderParser::parseTensor(std::string name) {
  SavedTensor tensor;
  tensor.name = std::move(name);
  int numFields = 0;
  bool isParsed = parseObject([&](std::string key) {
    ++numFields;
    return parseField(key, tensor);
  });
  if (!isParsed)
    return false;
  // Keys differ and each is known, so that three are all three.
  if (numFields != 3)
    return fail("tensor ", quote(tensor.name),
                " needs 'dtype', 'shape' and 'data_offsets'");
  if (!checkSize(tensor))
    return false;
  tensors.push_back(std::move(tensor));
  return true;
}

bool HeaderParser::parseField(const std::string &key, SavedTensor &tensor) {
  if (key == "dtype")
    return parseType(tensor);
  if (key == "shape")
    return parseNumbers(tensor.shape);
  if (key == "data_offsets")
    return parseOffsets(tensor);
  return fail("tensor ", quote(tensor.name), " has an unknown field ",
              quote(key));
}

bool HeaderParser::parseType(SavedTensor &tensor) {
  std::string type;
  if (!parseString(type))
    return false;
  for (int i = 0; i < numElementTypes; ++i)
    if (type == typeNames[i]) {
      tensor.elementType = static_cast<ElementType>(i);
      return true;
    }
  if (const ForeignType *foreign = findForeignType(type)) {
    tensor.foreignType = foreign->name;
    return true;
  }
  return fail("tensor ", quote(tensor.name), " is of type ", quote(type),
              ", which nnc does not know");
}

bool HeaderParser::parseOffsets(SavedTensor &tensor) {
  std::vector<int64_t> offsets;
  if (!parseNumbers(offsets))
    return false;
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    return fail("tensor ", quote(tensor.name),
                " needs a begin and an end in 'data_offsets'");
  tensor.offsetBytes = offsets[0];
  tensor.sizeBytes = offsets[1] - offsets[0];
  return true;
}

bool HeaderParser::checkSize(const SavedTensor &tensor) {
  std::optional<int64_t> elements = numElements(tensor.shape);
  int64_t expected;
  int64_t elementBytes = tensor.foreignType
                             ? findForeignType(tensor.foreignType)->sizeBytes
                             : sizeBytes(tensor.elementType);
  if (!elements || __builtin_mul_overflow(*elements, elementBytes, &expected))
    return fail("tensor ", quote(tensor.name),
                " has more elements than any memory holds");
  return expected == tensor.sizeBytes ||
         fail("tensor ", quote(tensor.name), " is ", describe(tensor),
              ", which needs ", expected, " bytes, and has ", tensor.sizeBytes);
}

bool HeaderParser::parseNumbers(std::vector<int64_t> &numbers) {
  if (!expect('['))
    return false;
  if (accept(']'))
    return true;
  do {
    if (!parseNumber(numbers.emplace_back()))
      return false;
  } while (accept(','));
  return expect(']');
}

bool HeaderParser::parseNumber(int64_t &number) {
  skipSpace();
  size_t first = position;
  number = 0;
  for (; position < text.size(); ++position) {
    int digit = text[position] - '0';
    if (digit < 0 || digit > 9)
      break;
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, digit, &number))
      return fail("the number is beyond 63 bits");
  }
  return position > first ||
         fail("expected a whole number of 0 or more, found ", found());
}

bool HeaderParser::parseString(std::string &value) {
  if (!expect('"'))
    return false;
  for (; position < text.size(); ++position) {
    unsigned char c = text[position];
    if (c == '"') {
      ++position;
      return true;
    }
    if (c < 0x20)
      return fail("a control character in a string");
    if (c == '\\') {
      if (!parseEscape(value))
        return false;
    } else {
      value += static_cast<char>(c);
    }
  }
  return fail("a string does not end");
}

// Leaves `position` on the last character of the escape.
bool HeaderParser::parseEscape(std::string &value) {
  static constexpr std::string_view names = "\"\\/bfnrt";
  static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  ++position;
  if (position >= text.size())
    return fail("a string does not end");
  if (text[position] != 'u') {
    size_t which = names.find(text[position]);
    if (which == std::string_view::npos)
      return fail("unknown escape ", found());
    value += meanings[which];
    return true;
  }
  uint32_t point;
  if (!parseHex(point))
    return false;
  bool isHighSurrogate = point >= 0xd800 && point < 0xdc00;
  if (isHighSurrogate) {
    uint32_t low;
    if (text.substr(position + 1, 2) != "\\u")
      return fail("half of a surrogate pair");
    position += 2;
    if (!parseHex(low))
      return false;
    if (low < 0xdc00 || low > 0xdfff)
      return fail("half of a surrogate pair");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  } else if (point >= 0xdc00 && point <= 0xdfff) {
    return fail("half of a surrogate pair");
  }
  // UTF-8, RFC 3629 section 3.
  auto tail = [&](int shift) {
    value += static_cast<char>(0x80 | (point >> shift & 0x3f));
  };
  if (point < 0x80) {
    value += static_cast<char>(point);
  } else if (point < 0x800) {
    value += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    value += static_cast<char>(0xe0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    value += static_cast<char>(0xf0 | point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

bool HeaderParser::parseHex(uint32_t &unit) {
  static constexpr std::string_view digits = "0123456789abcdef";
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    ++position;
    // Folding the case maps no other character onto a digit or a to f.
    char c = position < text.size() ? text[position] : '\0';
    size_t digit = digits.find(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    if (digit == std::string_view::npos)
      return fail("expected four hexadecimal digits");
    unit = unit << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

Status parseHeader(std::string_view header, std::vector<SavedTensor> &tensors,
                   Metadata &metadata) {
  HeaderParser parser(header, tensors, metadata);
  if (!parser.parse())
    return parser.failure();
  return {};
}

} // namespace nnc::runtime
