// Draws what `nnc train --log DIR` wrote: a curve a quantity over the epochs,
// and the confusion matrix of the test split.
#ifndef NNC_TOOLS_PLOT_TRAININGLOG_H
#define NNC_TOOLS_PLOT_TRAININGLOG_H

#include <string>

namespace nnc::tools {

/// Draws `folder`/log.jsonl, a PNG a quantity and confusion.png beside it, and
/// prints their names. Returns an exit status, after a message.
int plotTrainingLog(const std::string &folder);

} // namespace nnc::tools

#endif // NNC_TOOLS_PLOT_TRAININGLOG_H
