// Ctrl-C as a request: the step under way is finished first.
#ifndef NNC_TOOLS_STOPSIGNAL_H
#define NNC_TOOLS_STOPSIGNAL_H

namespace nnc::tools {

/// From now on the first SIGINT or SIGTERM only asks to stop; the next one ends
/// the process at once, as it would have before.
void catchStopSignals();

/// The signal that asks to stop; 0: none.
int stopSignal();

/// Ends the process by `signal`, for whoever waits for it: a shell ends its
/// script on Ctrl-C only if the program did.
[[noreturn]] void endBySignal(int signal);

} // namespace nnc::tools

#endif // NNC_TOOLS_STOPSIGNAL_H
