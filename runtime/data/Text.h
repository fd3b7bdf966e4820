// Text as numbers: a sample a text, or windows of a long one.
#ifndef NNC_RUNTIME_DATA_TEXT_H
#define NNC_RUNTIME_DATA_TEXT_H

#include "runtime/data/Reader.h"
#include "runtime/text/Tokenizer.h"

#include <functional>

namespace nnc::runtime {

/// text("path", ...): docs/text-data.md has the arguments.
StatusOr<std::vector<Column>> readText(const ReadRequest &request);

/// What becomes of the texts of a binding of reader text, one after the other.
struct TokenizedTexts {
  TokenizerPointer tokenizer;
  int64_t numTexts = 0;
};

/// Opens or teaches the tokenizer of `binding`, and gives `start` it and then
/// `take` the ids of each text, or of each piece of a long one, in order. Texts
/// are read twice where they teach.
StatusOr<TokenizedTexts>
tokenizeTexts(const DataBinding &binding, const std::vector<std::string> &paths,
              const std::function<Status(const Tokenizer &)> &start,
              const std::function<Status(const std::vector<int32_t> &)> &take);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXT_H
