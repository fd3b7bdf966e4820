// One binding of a data block: its reader, and what its samples go through.
#ifndef NNC_RUNTIME_DATA_READBINDING_H
#define NNC_RUNTIME_DATA_READBINDING_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// What the reading of one split goes by.
struct ReadContext {
  const Recipe &recipe;
  const ReadOptions &options;
  DataFacts &facts;
  /// May be null.
  std::string *source;
};

/// Finds the files of a request's binding.
Status fillRequest(ReadRequest &request, const ReadContext &context);

/// A column each of `inputs`, but for those that are not wanted and that the
/// reader left out, in their order.
StatusOr<std::vector<Column>>
readBinding(const DataBinding &binding, std::vector<const TensorInfo *> inputs,
            const ReadContext &context);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_READBINDING_H
