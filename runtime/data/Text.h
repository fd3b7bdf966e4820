// Text as numbers: a sample a text, or windows of a long one.
#ifndef NNC_RUNTIME_DATA_TEXT_H
#define NNC_RUNTIME_DATA_TEXT_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// text("path", ...): docs/text-data.md has the arguments.
StatusOr<std::vector<Column>> readText(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXT_H
