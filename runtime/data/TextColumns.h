// Columns of ids that grow by one text after the other, and the tokenizer that
// makes them.
#ifndef NNC_RUNTIME_DATA_TEXTCOLUMNS_H
#define NNC_RUNTIME_DATA_TEXTCOLUMNS_H

#include "runtime/data/Texts.h"

namespace nnc::runtime {

/// Gives each of some texts to `take`, until that wants no more.
using ForEachText = std::function<Status(const TakeText &take)>;

/// The tokenizer of `input`: that of its binding's file, the one that the facts
/// have, or one that `texts` teach, where they are training data.
/// InvalidArgument where there is none, or it does not fit the input.
StatusOr<TokenizerPointer> chooseTokenizer(const ReadRequest &request,
                                           const TextSettings &settings,
                                           const TensorInfo &input,
                                           const ForEachText &texts);

/// Appends the ids of `text`, between those of its begin and its end.
Status encode(const Tokenizer &tokenizer, const TextSettings &settings,
              const Text &text, std::vector<int32_t> &ids);

/// Grows the columns by one text after the other.
class TextColumns {
public:
  TextColumns(const ReadRequest &request, const TextSettings &settings,
              TokenizerPointer tokenizer, int64_t places, bool isWhole = false)
      : request(request), settings(settings), tokenizer(std::move(tokenizer)),
        places(size_t(places)), isWhole(isWhole) {}

  Status add(const Text &text);
  int64_t numTexts() const { return int64_t(lengths.size()); }

  /// Of tokens, targets or lengths, which is input `index`.
  StatusOr<Column> finish(size_t index) const;

private:
  void shorten(size_t most);
  void pad(const int32_t *ids, size_t count, std::vector<int32_t> &to) const;

  const ReadRequest &request;
  const TextSettings &settings;
  const TokenizerPointer tokenizer;
  const size_t places;
  /// Whether a text that is too long is an error.
  const bool isWhole;
  std::vector<int32_t> ids, tokens, targets, lengths;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXTCOLUMNS_H
