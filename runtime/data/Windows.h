// Windows of a long sequence of tokens, which is in memory or in a file.
#ifndef NNC_RUNTIME_DATA_WINDOWS_H
#define NNC_RUNTIME_DATA_WINDOWS_H

#include "runtime/AtomicFile.h"
#include "runtime/data/Reader.h"
#include "runtime/data/TextSettings.h"

namespace nnc::runtime {

/// Any thread may call it at any time.
class TokenSequence {
public:
  virtual ~TokenSequence() = default;
  virtual int64_t size() const = 0;
  /// Reads `count` tokens from `first` on, which are there.
  virtual Status read(int64_t first, int64_t count, int64_t *to) const = 0;
  /// The file, for a message.
  virtual const std::string &path() const = 0;
};

/// Tokens in memory, of two bytes each where `mostIds` allows it.
class TokenMemory : public TokenSequence {
public:
  TokenMemory(std::string path, int64_t mostIds)
      : name(std::move(path)), isNarrow(mostIds <= 1 << 16) {}

  void append(const std::vector<int32_t> &ids);

  int64_t size() const override {
    return int64_t(isNarrow ? narrow.size() : wide.size());
  }
  Status read(int64_t first, int64_t count, int64_t *to) const override;
  const std::string &path() const override { return name; }

private:
  const std::string name;
  const bool isNarrow;
  std::vector<uint16_t> narrow;
  std::vector<int32_t> wide;
};

/// Columns of the windows that `settings` ask for, one an input of `request`.
/// InvalidFile where there are less tokens than one window takes.
StatusOr<std::vector<Column>>
cutWindows(const ReadRequest &request, const TextSettings &settings,
           std::shared_ptr<const TokenSequence> tokens);

/// tokens("FILE.npy", window = 256): the numbers of a text that was tokenized
/// before, in an array of NumPy's of one dimension and type u2, u4, i4 or u1,
/// or with `type` one after the other. They are read when they are needed.
///
/// window     as many as the inputs take
/// stride     from the begin of a window to that of the next; default: window
/// type       "u8", "u16", "u32" or "i32", of a file without a header
/// tokenizer  the file of the one that made them, with its `merges` and
/// `lower`;
///            default: the vocabulary beside the file, where there is one
///
/// The inputs are the tokens and, if there is a second, those that follow each.
StatusOr<std::vector<Column>> readTokens(const ReadRequest &request);

/// "corpus.vocabulary.json" of "corpus.npy".
std::string vocabularyBeside(const std::string &path);

/// Writes a file that readTokens() reads, of any length. It is there when all
/// of it is.
class TokenFileWriter {
public:
  /// numIds  ids are from 0 to below this; up to 2^16, tokens take two bytes.
  static StatusOr<TokenFileWriter> create(const std::string &path,
                                          int64_t numIds);

  Status append(const std::vector<int32_t> &ids);
  Status commit();

  int64_t numTokens() const { return count; }
  const char *typeName() const { return isNarrow ? "u16" : "i32"; }

private:
  TokenFileWriter(AtomicFile file, bool isNarrow)
      : file(std::move(file)), isNarrow(isNarrow) {}
  std::string header() const;

  AtomicFile file;
  bool isNarrow;
  int64_t count = 0;
  std::vector<uint16_t> narrow;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_WINDOWS_H
