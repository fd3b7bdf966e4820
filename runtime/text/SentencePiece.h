// Tokenizers that SentencePiece has trained (Kudo and Richardson,
// "SentencePiece", EMNLP 2018), by its library.
#ifndef NNC_RUNTIME_TEXT_SENTENCEPIECE_H
#define NNC_RUNTIME_TEXT_SENTENCEPIECE_H

#include "runtime/text/Tokenizer.h"

namespace nnc::runtime {

/// The contents of a .model file. InvalidFile, without a path, for what is
/// none. `note` is what save() gives.
StatusOr<TokenizerPointer> makeSentencePiece(const std::string &contents,
                                             std::string note);

/// What is wrong with a .model file that the library would not find, and go
/// wrong by; null if nothing is. It trusts the trie of its rules of
/// normalisation, and ends the program at some of what is not as it wrote it.
const char *problemOfModel(std::string_view contents);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_SENTENCEPIECE_H
