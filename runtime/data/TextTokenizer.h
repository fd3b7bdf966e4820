// Which tokenizer an input's text goes through: by what its binding says, and
// by what the weights were trained with.
#ifndef NNC_RUNTIME_DATA_TEXTTOKENIZER_H
#define NNC_RUNTIME_DATA_TEXTTOKENIZER_H

#include "runtime/data/Reader.h"
#include "runtime/data/TextSettings.h"

namespace nnc::runtime {

/// The tokenizer of `choice` for `input`, where it needs no text to be read: of
/// a file, of bytes, or one that `facts` know. Null where text must teach it.
/// InvalidArgument where the facts are of another than `choice`.
StatusOr<TokenizerPointer>
findTokenizer(const TokenizerChoice &choice, const std::string &input,
              const DataFacts &facts,
              const std::vector<std::string> &directories);

/// The tokenizer of an input of a model, for whoever has its weights and a
/// text: `facts` are the weights', `recipe` says where the file of a tokenizer
/// is that others have trained. InvalidArgument if neither knows it.
StatusOr<TokenizerPointer> tokenizerOf(const Recipe &recipe,
                                       const std::string &input,
                                       const DataFacts &facts,
                                       const ReadOptions &options);

/// The binding of `recipe` that gives `input` tokens or what else a text has,
/// that of the training data first. Null if there is none.
const DataBinding *textBindingOf(const Recipe &recipe,
                                 const std::string &input);

/// InvalidArgument if ids of `tokenizer` are beyond those that `input` takes.
Status checkIds(const Tokenizer &tokenizer, const TensorInfo &input);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXTTOKENIZER_H
