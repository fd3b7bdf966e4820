// WordPiece as BERT has it: words, and within each the longest tokens from its
// begin on (Devlin, Chang, Lee and Toutanova, "BERT", NAACL 2019;
// google-research/bert's tokenization.py).
#ifndef NNC_RUNTIME_TEXT_WORDPIECE_H
#define NNC_RUNTIME_TEXT_WORDPIECE_H

#include "runtime/text/AddedTokens.h"
#include "runtime/text/Tokenizer.h"

#include <string>
#include <vector>

namespace nnc::runtime {

struct WordPieceModel {
  /// By id.
  std::vector<std::string> tokens;
  /// What a token begins with that does not begin a word.
  std::string prefix = "##";
  std::string unknown = "[UNK]";
  /// A longer word is unknown.
  int64_t mostCharacters = 100;
  /// What a text goes through before it is split.
  bool isLower = true, stripsAccents = true, separatesIdeographs = true,
       isCleaned = true;
  std::vector<AddedToken> added;
  /// What save() gives.
  std::string note;
};

/// InvalidFile, without a path, where the vocabulary has no unknown token.
StatusOr<TokenizerPointer> makeWordPiece(WordPieceModel model);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_WORDPIECE_H
