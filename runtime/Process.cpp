// Counts the forks that led to this process.
#include "runtime/Process.h"

#include <atomic>
#include <pthread.h>

namespace nnc::runtime {

/// How many forks lie between the first process and this one.
static std::atomic<uint64_t> numForks{0};

static void countFork() { numForks.fetch_add(1, std::memory_order_relaxed); }

ProcessMark::ProcessMark() {
  // Without memory for it, which is a list's entry, forks are not noticed.
  static const int registered = pthread_atfork(nullptr, nullptr, countFork);
  static_cast<void>(registered);
  generation = numForks.load(std::memory_order_relaxed);
}

bool ProcessMark::isHere() const {
  return generation == numForks.load(std::memory_order_relaxed);
}

} // namespace nnc::runtime
