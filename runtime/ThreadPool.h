// Splits one loop after another over a fixed set of threads.
#ifndef NNC_RUNTIME_THREADPOOL_H
#define NNC_RUNTIME_THREADPOOL_H

#include "runtime/Process.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace nnc::runtime {

/// The caller of `run` is one of the threads and works too. Workers spin for a
/// while after a loop, since the next one usually follows within microseconds,
/// and then sleep. They start with the first loop that is worth splitting, so
/// a program of small kernels never has any.
///
/// One thread at a time may call `run`, and none in a child by fork(), which
/// has no workers; it may destroy the pool.
class ThreadPool {
public:
  /// Runs indices [begin, end). `thread` is below numThreads() and differs
  /// between calls that run at the same time.
  using Task = void (*)(void *context, int64_t begin, int64_t end, int thread);

  /// `numThreads` counts the caller; at least 1.
  explicit ThreadPool(int numThreads) : threadCount(numThreads) {}
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int numThreads() const { return threadCount; }

  /// Calls `task` on disjoint ranges that cover [0, extent), and returns when
  /// all are done. An extent of at most `grain` is one call on this thread, and
  /// no range but the last is shorter than `grain`.
  void run(int64_t extent, int64_t grain, Task task, void *context) {
    if (extent <= grain || threadCount == 1) {
      if (extent > 0)
        task(context, 0, extent, 0);
      return;
    }
    runSplit(extent, grain, task, context);
  }

private:
  struct Loop {
    Task task;
    void *context;
    int64_t extent;
    int64_t chunkSize;
    int64_t numChunks;
  };

  void runSplit(int64_t extent, int64_t grain, Task task, void *context);
  void startWorkers();
  void work(int thread);
  bool runOneChunk(int thread);
  bool waitForWork();

  /// What only the process has that made it.
  struct Workers {
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::thread> threads;
  };

  int threadCount;
  ProcessMark process;
  std::unique_ptr<Workers> workers;

  Loop loop;
  /// Upper half: the generation of the loop; lower half: chunks not yet
  /// claimed. One word, so that a thread that comes late cannot claim a chunk
  /// of a loop it has not seen.
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<int64_t> unfinishedChunks{0};

  alignas(64) std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_THREADPOOL_H
