// Chooses a format by the file's name, and reads the file whole.
#include "runtime/text/TokenizerFile.h"

#include "runtime/File.h"
#include "runtime/text/Learned.h"

namespace nnc::runtime {

// The largest vocabularies that are in use have a tenth of it.
static constexpr int64_t mostFileBytes = int64_t(1) << 28;

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

StatusOr<TokenizerPointer> openTokenizer(const std::string &path,
                                         const std::string &merges,
                                         bool isLower) {
  StatusOr<std::string> contents = readFile(path);
  if (!contents.isOk())
    return contents.status();
  if (endsWith(path, ".vocabulary.json"))
    return restoreTokenizer(*contents, path);
  return Status(Code::InvalidFile, path + ": no tokenizer by its name");
}

} // namespace nnc::runtime
