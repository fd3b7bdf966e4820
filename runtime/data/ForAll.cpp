// Each range ends at its first failure; the first of all is among these.
#include "runtime/data/ForAll.h"

#include <mutex>

namespace nnc::runtime {

namespace {
struct Loop {
  const std::function<Status(int64_t, int)> &work;
  std::mutex mutex = {};
  int64_t failedAt = INT64_MAX;
  Status failure = {};
};
} // namespace

static void runRange(void *context, int64_t begin, int64_t end, int thread) {
  auto &loop = *static_cast<Loop *>(context);
  for (int64_t i = begin; i < end; ++i) {
    Status status = guardMemory([&] { return loop.work(i, thread); });
    if (status.isOk())
      continue;
    std::lock_guard<std::mutex> lock(loop.mutex);
    if (i < loop.failedAt) {
      loop.failedAt = i;
      loop.failure = std::move(status);
    }
    return;
  }
}

Status forAll(ThreadPool &pool, int64_t count, int64_t grain,
              const std::function<Status(int64_t index, int thread)> &work) {
  Loop loop{work};
  pool.run(count, grain, runRange, &loop);
  return loop.failure;
}

} // namespace nnc::runtime
