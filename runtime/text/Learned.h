// Tokenizers whose vocabulary the training text teaches: bytes, characters,
// words.
#ifndef NNC_RUNTIME_TEXT_LEARNED_H
#define NNC_RUNTIME_TEXT_LEARNED_H

#include "runtime/text/Tokenizer.h"

#include <unordered_map>

namespace nnc::runtime {

/// What is taken from a text of words before it is split at its blanks, each
/// character for a blank: as Keras's Tokenizer does it.
inline constexpr const char *defaultFilters =
    "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

enum class Unit { Byte, Character, Word };

struct LearnedSettings {
  Unit unit = Unit::Word;
  bool isLower = true;
  std::string filters = defaultFilters;
  /// Whether begin and end have ids.
  bool hasBegin = false, hasEnd = false;

  bool operator==(const LearnedSettings &other) const {
    const bool isSplitAlike = unit != Unit::Word || (isLower == other.isLower &&
                                                     filters == other.filters);
    return unit == other.unit && isSplitAlike && hasBegin == other.hasBegin &&
           hasEnd == other.hasEnd;
  }
};

/// Nothing for a name that is none of "byte", "character" and "word".
const Unit *findUnit(std::string_view name);
const char *nameOf(Unit unit);

/// Counts what a training text is made of.
class Vocabulary {
public:
  explicit Vocabulary(LearnedSettings settings);
  ~Vocabulary();

  /// InvalidFile for what is no UTF-8, and where there are more than 2^24
  /// different words or 2^30 bytes of them.
  Status add(std::string_view text);

  /// The tokenizer of what was added: padding is 0, an unknown one 1, begin and
  /// end follow where there are such, then the most frequent, in the order of
  /// their bytes where these are equal; at most `mostIds` all together, and
  /// 2^22. Of
  /// bytes there are always all, before begin and end.
  TokenizerPointer finish(int64_t mostIds) const;

private:
  LearnedSettings settings;
  std::unordered_map<std::string, int64_t> counts;
  size_t numBytes = 0;
};

/// What Tokenizer::save() gave of a learned tokenizer. InvalidFile, naming
/// `path`, for anything else. `settings` receives how text is split, unless
/// null.
StatusOr<TokenizerPointer>
restoreTokenizer(const std::string &saved, const std::string &path,
                 LearnedSettings *settings = nullptr);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_LEARNED_H
