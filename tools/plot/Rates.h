// Draws what `nnc find-rate --log DIR` wrote: the loss over the learning rate.
#ifndef NNC_TOOLS_PLOT_RATES_H
#define NNC_TOOLS_PLOT_RATES_H

#include <string>

namespace nnc::tools {

/// Draws `folder`/rates.jsonl as rates.png beside it, and prints its name.
/// Returns an exit status, after a message.
int plotRates(const std::string &folder);

} // namespace nnc::tools

#endif // NNC_TOOLS_PLOT_RATES_H
