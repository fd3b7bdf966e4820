// What the library tells a program beyond statuses: what it opened, made, saved
// and loaded. Failures are statuses, and are not said twice.
//
// One log a process: plans are opened before there is a session to ask, and a
// program has one place for its messages.
#ifndef NNC_RUNTIME_LOG_H
#define NNC_RUNTIME_LOG_H

#include "runtime/Status.h"
#include "runtime/nnc.h"

#include <atomic>

namespace nnc::runtime {

/// Values are those of nnc_log_level_t in nnc.h.
enum class LogLevel { Off = 0, Warning = 1, Info = 2, Debug = 3 };

/// From now on, messages up to `most` go to `function`; null: nowhere. Returns
/// when no call of the previous one is under way. InvalidArgument from inside
/// of a log function.
Status setLog(nnc_log_fn function, void *context, LogLevel most);

extern std::atomic<LogLevel> mostLogged;

/// Whether anybody listens; for messages that take work to make.
inline bool isLogged(LogLevel level) {
  return level <= mostLogged.load(std::memory_order_relaxed);
}

/// Hands over one message. One thread at a time; nothing from inside of a log
/// function.
void writeLog(LogLevel level, const std::string &message);

/// Costs a load where nobody listens. A message that finds no memory is lost:
/// what it is about has happened all the same.
template <typename... Parts>
void log(LogLevel level, const Parts &...parts) noexcept {
  if (!isLogged(level))
    return;
  try {
    writeLog(level, concat(parts...));
  } catch (const std::exception &) {
  }
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_LOG_H
