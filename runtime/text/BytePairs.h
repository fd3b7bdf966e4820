// Byte pair encoding: pieces of a text whose neighbouring parts are merged, the
// earliest learned first (Sennrich, Haddow and Birch, "Neural Machine
// Translation of Rare Words with Subword Units", ACL 2016), over bytes as GPT-2
// has it.
#ifndef NNC_RUNTIME_TEXT_BYTEPAIRS_H
#define NNC_RUNTIME_TEXT_BYTEPAIRS_H

#include "runtime/text/AddedTokens.h"
#include "runtime/text/Pattern.h"
#include "runtime/text/Tokenizer.h"

#include <array>
#include <optional>
#include <unordered_map>

namespace nnc::runtime {

/// One of the ways in which a text is cut before parts are merged.
struct SplitStep {
  std::shared_ptr<const Pattern> pattern;
  bool isMatchesOnly = false;
};

/// All that a file of byte pairs says.
struct BytePairsModel {
  /// By id; empty where there is none.
  std::vector<std::string> tokens;
  /// The parts of each merge, as in the file.
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added;
  std::vector<SplitStep> splits;
  /// Whether text is brought into Unicode's form C first.
  bool isComposed = false;
  /// Whether a blank is put before text that begins with none.
  bool hasPrefixSpace = false;
  /// Whether a piece that is a token is one, whatever the merges.
  bool ignoresMerges = false;
  /// What save() gives.
  std::string note;
};

/// The pattern that GPT-2 cuts a text by.
extern const char *const gpt2Pattern;

/// The bytes that a token of a file stands for: there, a byte that is no
/// printable character is one beyond U+00FF. Nothing if the text has others.
std::optional<std::string> bytesOfToken(std::string_view text);

/// InvalidFile, without a path, where merges make no tokens or bytes have none.
StatusOr<TokenizerPointer> makeBytePairs(BytePairsModel model);

/// The number of tokens' ids by what they are, for begin, end, padding and the
/// unknown, by the names that they have in models that are in use.
SpecialIds findSpecialIds(const std::unordered_map<std::string, int32_t> &idOf);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_BYTEPAIRS_H
