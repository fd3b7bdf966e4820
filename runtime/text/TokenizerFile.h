// Tokenizers that others have trained, in files of theirs.
#ifndef NNC_RUNTIME_TEXT_TOKENIZERFILE_H
#define NNC_RUNTIME_TEXT_TOKENIZERFILE_H

#include "runtime/text/Tokenizer.h"

namespace nnc::runtime {

/// Opens the tokenizer of a file, which its name tells:
///
/// *.model            SentencePiece
/// vocab.txt, *.txt   WordPiece as BERT has it, a token a line
/// tokenizer.json     Hugging Face's tokenizers
/// vocab.json         byte pairs as GPT-2 has them; `merges` is their file
/// *.vocabulary.json  one that training text taught, as `nnc tokenize` saves it
///
/// isLower  whether a vocabulary of WordPiece is of lower-case text without
///          accents.
///
/// NotFound or IoError if it cannot be read; InvalidFile, with the file's name
/// and where it is possible the line, for anything that it cannot be.
StatusOr<TokenizerPointer>
openTokenizer(const std::string &path, const std::string &merges, bool isLower);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_TOKENIZERFILE_H
