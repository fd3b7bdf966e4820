// Unigram models in files of Hugging Face's tokenizers: SentencePiece's,
// written in another way.
#ifndef NNC_RUNTIME_TEXT_UNIGRAM_H
#define NNC_RUNTIME_TEXT_UNIGRAM_H

#include "runtime/text/AddedTokens.h"
#include "runtime/text/Json.h"
#include "runtime/text/TokenizerJson.h"

namespace nnc::runtime {

/// The tokenizer of a file whose model is Unigram, by SentencePiece's library.
/// InvalidFile for steps around the model that are not what SentencePiece does.
StatusOr<TokenizerPointer> readUnigram(const TokenizerSource &source,
                                       const nlohmann::json &file,
                                       std::vector<AddedToken> added);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_UNIGRAM_H
