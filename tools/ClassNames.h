// What the classes that a model tells apart are called.
#ifndef NNC_TOOLS_CLASSNAMES_H
#define NNC_TOOLS_CLASSNAMES_H

#include "runtime/data/DataFacts.h"
#include "tools/Averages.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// The names of `count` classes: those of an input whose labels the model's
/// confusion matrices count. Where that is not known, those of an input that is
/// read by no prediction. Null where not exactly one such input has so many.
const std::vector<std::string> *classNames(const runtime::Plan &plan,
                                           const runtime::DataFacts &facts,
                                           size_t count);

/// The names of the classes that are counted; null where there are none.
const std::vector<std::string> *classNames(const runtime::Plan &plan,
                                           const runtime::DataFacts &facts,
                                           const ClassCounts &classes);

/// Of an output, the names of the classes that it has a number for each of;
/// null where it is no such output.
const std::vector<std::string> *classNames(const runtime::Plan &plan,
                                           const runtime::DataFacts &facts,
                                           const runtime::TensorInfo &output);

} // namespace nnc::tools

#endif // NNC_TOOLS_CLASSNAMES_H
