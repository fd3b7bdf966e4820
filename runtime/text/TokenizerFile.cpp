// Chooses a format by the file's name, and reads the file whole.
#include "runtime/text/TokenizerFile.h"

#include "runtime/File.h"
#include "runtime/Fingerprint.h"
#include "runtime/text/Json.h"
#include "runtime/text/Learned.h"
#include "runtime/text/SentencePiece.h"
#include "runtime/text/TokenizerJson.h"
#include "runtime/text/Unicode.h"
#include "runtime/text/WordPiece.h"

#include <algorithm>

namespace nnc::runtime {

// The largest vocabularies that are in use have a tenth of it.
static constexpr int64_t mostFileBytes = int64_t(1) << 28;

static constexpr size_t mostTokens = size_t(1) << 22;

static bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() &&
         text.substr(text.size() - ending.size()) == ending;
}

static StatusOr<std::string> readFile(const std::string &path) {
  int64_t sizeBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, sizeBytes);
  if (!file.isOk())
    return file.status();
  if (sizeBytes > mostFileBytes)
    return Status(Code::InvalidFile, concat(path, ": ", sizeBytes,
                                            " bytes, a tokenizer has at "
                                            "most ",
                                            mostFileBytes));
  std::string contents(size_t(sizeBytes), '\0');
  Status status = readAt(*file, path, contents.data(), sizeBytes, 0);
  if (!status.isOk())
    return status;
  return contents;
}

/// What is kept with weights of a tokenizer that is in files.
static std::string noteOf(const char *kind, const std::string &path,
                          std::string_view contents) {
  const size_t slash = path.rfind('/');
  return toText(nlohmann::json{
      {"tokenizer", kind},
      {"file", slash == std::string::npos ? path : path.substr(slash + 1)},
      {"fingerprint", fingerprint(contents)}});
}

/// vocab.json with its merges, which are beside it where they are not named.
static StatusOr<TokenizerPointer> openGpt2(const std::string &path,
                                           const std::string &contents,
                                           const std::string &merges) {
  TokenizerSource second;
  const size_t slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "" : path.substr(0, slash + 1);
  second.path = merges.empty() ? folder + "merges.txt" : merges;
  StatusOr<std::string> lines = readFile(second.path);
  if (!lines.isOk())
    return lines.status();
  second.contents = std::move(*lines);
  return readGpt2(
      {path, contents, noteOf("gpt2", path, contents + second.contents)},
      second);
}

/// A token a line, as BERT has them.
static StatusOr<TokenizerPointer> openWordPiece(const std::string &path,
                                                const std::string &contents,
                                                bool isLower) {
  if (Status status = checkUtf8(contents); !status.isOk())
    return Status(Code::InvalidFile, concat(path, ": ", status.message()));
  WordPieceModel model;
  model.isLower = model.stripsAccents = isLower;
  model.note =
      noteOf(isLower ? "wordpiece" : "wordpiece, cased", path, contents);
  std::string_view rest = contents;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    const bool isSpecial = line == "[PAD]" || line == "[UNK]" ||
                           line == "[CLS]" || line == "[SEP]" ||
                           line == "[MASK]";
    if (isSpecial)
      model.added.push_back({int32_t(model.tokens.size()), std::string(line)});
    model.tokens.emplace_back(line);
    if (line.size() > mostTokenBytes)
      return Status(Code::InvalidFile,
                    concat(path, ":", model.tokens.size(), ": ", line.size(),
                           " bytes, a token has at most ", mostTokenBytes));
    if (model.tokens.size() > mostTokens)
      return Status(Code::InvalidFile, path + ": more than 2^22 lines");
  }
  auto tokenizer = makeWordPiece(std::move(model));
  if (tokenizer.isOk())
    return tokenizer;
  return Status(Code::InvalidFile,
                concat(path, ": ", tokenizer.status().message()));
}

static StatusOr<TokenizerPointer>
openAny(const std::string &path, const std::string &merges, bool isLower) {
  StatusOr<std::string> contents = readFile(path);
  if (!contents.isOk())
    return contents.status();
  if (endsWith(path, ".vocabulary.json"))
    return restoreTokenizer(*contents, path);
  if (!merges.empty() || endsWith(path, "vocab.json"))
    return openGpt2(path, *contents, merges);
  if (endsWith(path, ".json"))
    return readTokenizerJson(
        {path, *contents, noteOf("tokenizer.json", path, *contents)});
  if (endsWith(path, ".txt"))
    return openWordPiece(path, *contents, isLower);
  if (!endsWith(path, ".model"))
    return Status(Code::InvalidFile,
                  path + ": no tokenizer by its name: expected vocab.json "
                         "beside merges.txt, tokenizer.json, vocab.txt, or a "
                         "name that ends in .model or .vocabulary.json");
  auto tokenizer =
      makeSentencePiece(*contents, noteOf("sentencepiece", path, *contents));
  if (tokenizer.isOk())
    return tokenizer;
  return Status(Code::InvalidFile,
                concat(path, ": ", tokenizer.status().message()));
}

StatusOr<TokenizerPointer> openTokenizer(const std::string &path,
                                         const std::string &merges,
                                         bool isLower) {
  return guardMemory([&] { return openAny(path, merges, isLower); });
}

} // namespace nnc::runtime
