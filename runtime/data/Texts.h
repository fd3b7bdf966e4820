// From files to texts: rows of a table, lines, records, the files of a folder.
#ifndef NNC_RUNTIME_DATA_TEXTS_H
#define NNC_RUNTIME_DATA_TEXTS_H

#include "runtime/data/TextSettings.h"

#include <functional>

namespace nnc::runtime {

/// One text, or where windows are cut a piece of one.
struct Text {
  std::string_view text;
  /// The name of its class, or what a table has there; empty without a label.
  std::string_view label;
  /// "FILE:LINE: " or "FILE: ".
  std::string where;
  /// Whether a text begins and ends here.
  bool isBegin = true, isEnd = true;
};

/// What is done with each text; false to read no more.
using TakeText = std::function<StatusOr<bool>(const Text &)>;

/// Reads the texts of a request in their order. They are UTF-8, unless the
/// tokenizer is one of bytes. InvalidFile for a damaged file.
Status readTexts(const ReadRequest &request, const TextSettings &settings,
                 const TakeText &take);

/// Whether labels are the names of folders or files, and not what a table has.
bool areLabelsNames(const ReadRequest &request, const TextSettings &settings);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXTS_H
