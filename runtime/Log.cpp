// The one listener of a process, and the lock that it is called under.
#include "runtime/Log.h"

#include <mutex>

namespace nnc::runtime {

std::atomic<LogLevel> mostLogged{LogLevel::Off};

namespace {
struct Listener {
  nnc_log_fn function = nullptr;
  void *context = nullptr;
};
} // namespace

static std::mutex mutex;
static Listener listener;
/// The thread is in a log function: it holds the mutex.
static thread_local bool isLogging = false;

Status setLog(nnc_log_fn function, void *context, LogLevel most) {
  if (isLogging)
    return {Code::InvalidArgument,
            "the log function cannot be changed from inside of itself"};
  std::lock_guard<std::mutex> lock(mutex);
  listener = {function, context};
  mostLogged = function ? most : LogLevel::Off;
  return {};
}

void writeLog(LogLevel level, const std::string &message) {
  if (isLogging)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  if (!listener.function)
    return;
  isLogging = true;
  try {
    listener.function(static_cast<nnc_log_level_t>(level), message.c_str(),
                      listener.context);
  } catch (const std::exception &) {
    // C++ behind a C interface: what it throws goes no further.
  }
  isLogging = false;
}

} // namespace nnc::runtime
