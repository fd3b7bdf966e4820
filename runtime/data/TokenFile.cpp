// Tokens of a file, read where they are needed: a read can fail, where memory
// that is mapped to a file that someone cuts off would end the program.
#include "runtime/data/Npy.h"
#include "runtime/data/TextTokenizer.h"
#include "runtime/data/Windows.h"

#include "runtime/File.h"
#include "runtime/text/TokenizerFile.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

namespace {
enum class TokenType { U8, U16, U32, I32 };

struct TokenTypeInfo {
  const char *name;
  TokenType type;
  int64_t bytes;
};

class TokenFile : public TokenSequence {
public:
  int64_t size() const override { return count; }
  Status read(int64_t first, int64_t count, int64_t *to) const override;
  const std::string &path() const override { return name; }

  std::string name;
  OpenFile file;
  TokenTypeInfo type;
  int64_t offsetBytes = 0, count = 0;
};
} // namespace

static constexpr TokenTypeInfo types[] = {{"u8", TokenType::U8, 1},
                                          {"u16", TokenType::U16, 2},
                                          {"u32", TokenType::U32, 4},
                                          {"i32", TokenType::I32, 4}};

template <typename T>
static void widen(const std::vector<uint8_t> &bytes, int64_t count,
                  int64_t *to) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + size_t(i) * sizeof value, sizeof value);
    to[i] = int64_t(value);
  }
}

Status TokenFile::read(int64_t first, int64_t numTokens, int64_t *to) const {
  std::vector<uint8_t> bytes(size_t(numTokens * type.bytes));
  Status status = readAt(file, name, bytes.data(), int64_t(bytes.size()),
                         offsetBytes + first * type.bytes);
  if (!status.isOk())
    return status;
  switch (type.type) {
  case TokenType::U8:
    widen<uint8_t>(bytes, numTokens, to);
    break;
  case TokenType::U16:
    widen<uint16_t>(bytes, numTokens, to);
    break;
  case TokenType::U32:
    widen<uint32_t>(bytes, numTokens, to);
    break;
  case TokenType::I32:
    widen<int32_t>(bytes, numTokens, to);
    break;
  }
  return {};
}

/// The type that an array of NumPy's has, and where its elements begin.
static Status readNumpy(TokenFile &tokens, int64_t fileBytes) {
  auto stream =
      ByteStream::open(tokens.name, 0, fileBytes, ByteStream::Coding::Plain);
  if (!stream.isOk())
    return stream.status();
  ArrayHeader header;
  bool isU16 = false;
  if (Status status = readNpyHeader(*stream, header, &isU16); !status.isOk())
    return status;
  const char *type = isU16                                    ? "u16"
                     : header.elementType == ElementType::U8  ? "u8"
                     : header.elementType == ElementType::U32 ? "u32"
                     : header.elementType == ElementType::I32 ? "i32"
                                                              : nullptr;
  if (!type || header.shape.size() != 1 || header.isBigEndian)
    return {Code::InvalidFile,
            concat(tokens.name, ": holds ",
                   describe(header.elementType, header.shape),
                   header.isBigEndian ? " in big-endian order" : "",
                   ", tokens are one dimension of u1, u2, u4 or i4")};
  for (const TokenTypeInfo &candidate : types)
    if (std::string_view(candidate.name) == type)
      tokens.type = candidate;
  tokens.offsetBytes = stream->position();
  tokens.count = header.shape[0];
  if (tokens.count <= (fileBytes - tokens.offsetBytes) / tokens.type.bytes)
    return {};
  return {Code::InvalidFile,
          concat(tokens.name, ": too short for ", tokens.count, " tokens")};
}

static Status readRaw(TokenFile &tokens, const std::string &name,
                      int64_t fileBytes) {
  const auto *type = std::find_if(
      std::begin(types), std::end(types),
      [&](const TokenTypeInfo &candidate) { return name == candidate.name; });
  if (type == std::end(types))
    return {Code::InvalidArgument,
            concat("tokens: argument 'type' is ", quote(name),
                   ", expected u8, u16, u32 or i32")};
  tokens.type = *type;
  tokens.count = fileBytes / type->bytes;
  if (fileBytes % type->bytes == 0)
    return {};
  return {Code::InvalidFile,
          concat(tokens.name, ": ", fileBytes,
                 " bytes, expected a multiple of ", type->bytes)};
}

static StatusOr<TextSettings> readSettings(const ReadRequest &request) {
  Status status = request.checkArguments(
      {"window", "stride", "type", "gives", "tokenizer", "merges", "lower"});
  if (!status.isOk())
    return status;
  if (!request.argument("window"))
    return Status(Code::InvalidArgument,
                  "tokens: give 'window', the number of tokens that the inputs "
                  "take");
  return readTextSettings(request.binding);
}

std::string vocabularyBeside(const std::string &path) {
  const size_t slash = path.rfind('/'), dot = path.rfind('.');
  const bool hasEnding = dot != std::string::npos &&
                         (slash == std::string::npos || dot > slash + 1);
  return path.substr(0, hasEnding ? dot : path.size()) + ".vocabulary.json";
}

/// The tokenizer that made the tokens; null where nothing says which.
static StatusOr<TokenizerPointer> tokenizerBeside(const ReadRequest &request,
                                                  const TextSettings &settings,
                                                  const std::string &input) {
  if (!settings.tokenizer.file.empty())
    return findTokenizer(settings.tokenizer, input, *request.facts,
                         request.directories);
  auto tokenizer = openTokenizer(vocabularyBeside(request.path), "", true);
  if (tokenizer.status().code() == Code::NotFound)
    return TokenizerPointer();
  auto known = request.facts->vocabularies.find(input);
  if (tokenizer.isOk() && known != request.facts->vocabularies.end() &&
      known->second != (*tokenizer)->save())
    return Status(Code::InvalidArgument,
                  concat(vocabularyBeside(request.path), ": input ",
                         quote(input),
                         ": its vocabulary is not the one that the weights "
                         "were trained with"));
  return tokenizer;
}

StatusOr<std::vector<Column>> readTokens(const ReadRequest &request) {
  StatusOr<TextSettings> settings = readSettings(request);
  if (!settings.isOk())
    return settings.status();
  auto tokens = std::make_shared<TokenFile>();
  tokens->name = request.path;
  int64_t fileBytes = 0;
  StatusOr<OpenFile> file = openToRead(request.path, fileBytes);
  if (!file.isOk())
    return file.status();
  tokens->file = std::move(*file);
  const std::string *type = request.argument("type");
  Status status =
      type ? readRaw(*tokens, *type, fileBytes) : readNumpy(*tokens, fileBytes);
  if (!status.isOk())
    return status;
  const size_t place = size_t(settings->find(TextPart::Tokens));
  const TensorInfo &input = *request.inputs[place];
  auto tokenizer = tokenizerBeside(request, *settings, input.name);
  if (!tokenizer.isOk())
    return tokenizer.status();
  if (*tokenizer)
    status = checkIds(**tokenizer, input);
  if (!status.isOk())
    return status;
  auto columns = cutWindows(request, *settings, std::move(tokens));
  if (columns.isOk() && *tokenizer)
    (*columns)[place].vocabulary = (*tokenizer)->save();
  return columns;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Of one length, whatever the number of tokens is.
std::string TokenFileWriter::header() const {
  constexpr size_t headerBytes = 128, startBytes = 10;
  std::string text =
      concat("{'descr': '", isNarrow ? "<u2" : "<i4",
             "', 'fortran_order': False, 'shape': (", count, ",), }");
  text.resize(headerBytes - startBytes - 1, ' ');
  const char start[] = {
      '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, char(headerBytes - startBytes), 0};
  return std::string(start, sizeof start) + text + '\n';
}

StatusOr<TokenFileWriter> TokenFileWriter::create(const std::string &path,
                                                  int64_t numIds) {
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  TokenFileWriter writer(std::move(*file), numIds <= 1 << 16);
  const std::string header = writer.header();
  Status status = writer.file.write(header.data(), int64_t(header.size()));
  if (!status.isOk())
    return status;
  return writer;
}

Status TokenFileWriter::append(const std::vector<int32_t> &ids) {
  count += int64_t(ids.size());
  if (!isNarrow)
    return file.write(ids.data(), int64_t(ids.size() * sizeof(int32_t)));
  narrow.assign(ids.begin(), ids.end());
  return file.write(narrow.data(), int64_t(narrow.size() * sizeof(uint16_t)));
}

Status TokenFileWriter::commit() {
  const std::string text = header();
  Status status = file.rewriteBegin(text.data(), int64_t(text.size()));
  return status.isOk() ? file.commit() : status;
}

} // namespace nnc::runtime
