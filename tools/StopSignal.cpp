// The handler, and the flag that it sets.
#include "tools/StopSignal.h"

#include <csignal>
#include <cstdlib>

namespace nnc::tools {

static volatile std::sig_atomic_t askedToStop = 0;

static void restoreDefaults() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

// Does nothing but what a handler may.
static void askToStop(int signal) {
  askedToStop = signal;
  restoreDefaults();
}

void catchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = askToStop;
  // A read or write under way goes on.
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int stopSignal() { return askedToStop; }

void endBySignal(int signal) {
  restoreDefaults();
  std::raise(signal);
  // Only a blocked signal comes here; what a shell says of a killed program.
  std::_Exit(128 + signal);
}

} // namespace nnc::tools
