// The files of Hugging Face's tokenizers, and GPT-2's own.
#ifndef NNC_RUNTIME_TEXT_TOKENIZERJSON_H
#define NNC_RUNTIME_TEXT_TOKENIZERJSON_H

#include "runtime/text/Tokenizer.h"

namespace nnc::runtime {

/// A text is compared with tokens of each length at each of its places.
inline constexpr size_t mostTokenBytes = 1024;

/// What a tokenizer's file is, for messages and for what is kept with weights.
struct TokenizerSource {
  std::string path, contents;
  /// What save() is to give.
  std::string note;
};

/// tokenizer.json: byte pairs over bytes, WordPiece with BERT's steps around it,
/// or Unigram with SentencePiece's. InvalidFile for a file with other steps, naming them: their numbers
/// would be others.
StatusOr<TokenizerPointer> readTokenizerJson(const TokenizerSource &source);

/// vocab.json with the contents of merges.txt beside it.
StatusOr<TokenizerPointer> readGpt2(const TokenizerSource &vocabulary,
                                    const TokenizerSource &merges);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_TOKENIZERJSON_H
