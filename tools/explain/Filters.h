// The first layer's weights as pictures: what each of its units looks for.
#ifndef NNC_TOOLS_EXPLAIN_FILTERS_H
#define NNC_TOOLS_EXPLAIN_FILTERS_H

#include "tools/explain/Features.h"

#include "runtime/Session.h"

#include <string>
#include <vector>

namespace nnc::tools {

struct FilterSheet {
  std::string parameter;
  int64_t height = 0, width = 0, channels = 0;
  /// Each [height, width, channels], row-major.
  std::vector<std::vector<double>> filters;
};

/// Reads the first parameter that has filters: one of
/// [height, width, channels, filters], or of [elements, filters] with as many
/// elements as one of `views` that is a picture. `layer` is what its name
/// begins with, empty for any. InvalidArgument if there is none.
runtime::StatusOr<FilterSheet> readFilters(const runtime::Session &session,
                                           const std::vector<View> &views,
                                           const std::string &layer);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_FILTERS_H
