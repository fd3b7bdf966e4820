// Draws what `nnc explain --out DIR` wrote: explanations over pictures or as
// bars, sheets of filters and of misclassified samples.
#ifndef NNC_TOOLS_PLOT_EXPLANATIONS_H
#define NNC_TOOLS_PLOT_EXPLANATIONS_H

#include <string>

namespace nnc::tools {

/// Draws `folder`/explain.jsonl, a PNG an explanation, filters.png and
/// misclassified.png beside it, and prints their names. The file may be
/// anybody's. Returns an exit status, after a message.
int plotExplanations(const std::string &folder);

} // namespace nnc::tools

#endif // NNC_TOOLS_PLOT_EXPLANATIONS_H
