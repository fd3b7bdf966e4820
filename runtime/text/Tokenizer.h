// From text to numbers and back: what readers of data, `nnc predict` and
// `nnc generate` see text through.
#ifndef NNC_RUNTIME_TEXT_TOKENIZER_H
#define NNC_RUNTIME_TEXT_TOKENIZER_H

#include "runtime/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Numbers with a meaning of their own; -1 where a tokenizer has none.
struct SpecialIds {
  int32_t padding = -1;
  int32_t unknown = -1;
  int32_t begin = -1;
  int32_t end = -1;

  bool operator==(const SpecialIds &other) const {
    return padding == other.padding && unknown == other.unknown &&
           begin == other.begin && end == other.end;
  }
};

/// Any thread may call it at any time.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  /// Appends the ids of `text`, without begin and end. InvalidFile for text
  /// that it has no ids for, such as what is no UTF-8: the message begins with
  /// the reason, and names no file.
  virtual Status encode(std::string_view text,
                        std::vector<int32_t> &ids) const = 0;

  /// Appends the bytes that `id` stands for: a part of a character, perhaps.
  /// None for padding, begin and end, and for what is no id.
  ///
  /// isFirst  whether no text comes before: what puts blanks between words puts
  ///          none there.
  ///
  /// Returns whether text comes before what follows it.
  virtual bool appendBytes(int32_t id, bool isFirst,
                           std::string &bytes) const = 0;

  /// Ids are from 0 to below this.
  virtual int64_t size() const = 0;
  virtual SpecialIds special() const = 0;

  /// What belongs with weights that were trained by it, as JSON: equal for
  /// tokenizers that give the same ids. restoreTokenizer() reads it where all
  /// of the vocabulary is in it; of one that was read from a file, it has the
  /// file's name and a number for its contents.
  virtual std::string save() const = 0;
};

using TokenizerPointer = std::shared_ptr<const Tokenizer>;

/// The text of `ids`; what is no UTF-8 in it is U+FFFD, as in a TextStream.
std::string decode(const Tokenizer &tokenizer, const std::vector<int32_t> &ids);

/// The text of ids that come one by one: never a part of a character.
class TextStream {
public:
  explicit TextStream(TokenizerPointer tokenizer)
      : tokenizer(std::move(tokenizer)) {}

  /// The text that stands after `id`; what may be the begin of a character
  /// waits for the next.
  std::string next(int32_t id);
  /// What still waits, as U+FFFD.
  std::string finish();

private:
  TokenizerPointer tokenizer;
  std::string waiting;
  bool isFirst = true;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_TOKENIZER_H
