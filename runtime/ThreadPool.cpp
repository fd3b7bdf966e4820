// Chunks of a loop are claimed from one atomic ticket; workers spin for a while
// before they sleep.
#include "runtime/ThreadPool.h"

#include "runtime/Log.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nnc::runtime {

// Longer than the serial commands between two split ones usually take, short
// against a scheduler's time slice.
static constexpr auto spinTime = std::chrono::microseconds(100);

// More chunks than threads, so that a thread which the system took away holds
// up the others by a fraction of its share.
static constexpr int64_t chunksPerThread = 8;

static void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

static uint32_t generationOf(uint64_t ticket) { return ticket >> 32; }
static uint32_t unclaimedOf(uint64_t ticket) {
  return static_cast<uint32_t>(ticket);
}

ThreadPool::~ThreadPool() {
  if (!workers)
    return;
  if (!process.isHere()) {
    // Threads of the parent's that wait on what the child has copied: to join
    // them fails, and to destroy the condition waits for ever.
    static_cast<void>(workers.release());
    return;
  }
  {
    std::lock_guard<std::mutex> lock(workers->mutex);
    stopping = true;
  }
  workers->wake.notify_all();
  for (std::thread &thread : workers->threads)
    thread.join();
}

void ThreadPool::startWorkers() {
  try {
    workers = std::make_unique<Workers>();
    std::vector<std::thread> &threads = workers->threads;
    threads.reserve(threadCount - 1);
    for (int thread = 1; thread < threadCount; ++thread)
      threads.emplace_back([this, thread] { work(thread); });
  } catch (const std::exception &) {
    // The system gives no more threads. Those that there are, and the caller,
    // come to the same result.
    size_t numThreads = workers ? workers->threads.size() + 1 : 1;
    log(LogLevel::Warning, "computing on ", numThreads,
        " threads: the system gives no more than that of ", threadCount);
  }
}

void ThreadPool::runSplit(int64_t extent, int64_t grain, Task task,
                          void *context) {
  if (!workers)
    startWorkers();
  int64_t mostChunks = threadCount * chunksPerThread;
  int64_t chunkSize =
      std::max(grain, extent / mostChunks + (extent % mostChunks != 0));
  int64_t numChunks = extent / chunkSize + (extent % chunkSize != 0);

  // No thread reads `loop` now: each reads it only while it holds a chunk, and
  // the previous loop's chunks are all finished.
  loop = {task, context, extent, chunkSize, numChunks};
  unfinishedChunks.store(numChunks, std::memory_order_relaxed);
  uint64_t generation =
      generationOf(ticket.load(std::memory_order_relaxed)) + 1;
  // Sequentially consistent, as is the sleepers' check in waitForWork: either
  // this thread sees the sleeper, or the sleeper sees the ticket.
  ticket.store(generation << 32 | static_cast<uint64_t>(numChunks));
  if (sleepers.load() > 0) {
    {
      std::lock_guard<std::mutex> lock(workers->mutex);
    }
    workers->wake.notify_all();
  }

  while (runOneChunk(0)) {
  }
  // A worker that the system took away may need this processor to finish.
  for (int spins = 0; unfinishedChunks.load(std::memory_order_acquire); ++spins)
    if (spins < 1000)
      pause();
    else
      std::this_thread::yield();
}

bool ThreadPool::runOneChunk(int thread) {
  uint64_t seen = ticket.load(std::memory_order_acquire);
  do {
    if (unclaimedOf(seen) == 0)
      return false;
    // Generations repeat after 2^32 loops; no thread sleeps that long between
    // the load and the exchange.
  } while (
      !ticket.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire));
  int64_t chunk = loop.numChunks - unclaimedOf(seen);
  int64_t begin = chunk * loop.chunkSize;
  int64_t end = std::min(begin + loop.chunkSize, loop.extent);
  loop.task(loop.context, begin, end, thread);
  unfinishedChunks.fetch_sub(1, std::memory_order_release);
  return true;
}

void ThreadPool::work(int thread) {
  for (;;) {
    while (runOneChunk(thread)) {
    }
    if (!waitForWork())
      return;
  }
}

// Returns false when the pool is being destroyed.
bool ThreadPool::waitForWork() {
  using Clock = std::chrono::steady_clock;
  auto hasWork = [&] { return unclaimedOf(ticket.load()) > 0; };
  Clock::time_point deadline = Clock::now() + spinTime;
  do {
    // Reading the clock costs as much as a few pauses.
    for (int i = 0; i < 32; ++i) {
      if (hasWork())
        return true;
      pause();
    }
    if (stopping)
      return false;
  } while (Clock::now() < deadline);

  std::unique_lock<std::mutex> lock(workers->mutex);
  sleepers.fetch_add(1);
  workers->wake.wait(lock, [&] { return stopping || hasWork(); });
  sleepers.fetch_sub(1);
  return !stopping;
}

} // namespace nnc::runtime
