// Work that is done ahead, piece by piece, on threads of its own: what fills
// batches while the step before them runs.
#ifndef NNC_RUNTIME_DATA_PREFETCH_H
#define NNC_RUNTIME_DATA_PREFETCH_H

#include "runtime/Status.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nnc::runtime {

/// Jobs are numbered and taken in order. Each has a slot while it is done and
/// until the next is taken; there are never more under way than slots. Which
/// thread does a piece says nothing of what comes out.
class Prefetch {
public:
  struct Piece {
    int64_t job = 0;
    int slot = 0;
    int64_t begin = 0, end = 0;
    /// From 0 to numThreads; the last is the thread that takes.
    int thread = 0;
  };
  using Work = std::function<Status(const Piece &)>;
  /// How many items a job has.
  using Size = std::function<int64_t(int64_t)>;

  /// `work` may be called by several threads at once. Threads are started when
  /// there is something to do, and none where `numThreads` is 0.
  Prefetch(int numThreads, int numSlots, Work work, Size size);
  /// Waits for pieces under way.
  ~Prefetch();
  Prefetch(const Prefetch &) = delete;
  Prefetch &operator=(const Prefetch &) = delete;

  /// Jobs from `begin` on, `end` excluded, after what is under way is done or
  /// dropped.
  void start(int64_t begin, int64_t end);

  /// Ends the use of the slot that was taken before, and waits until the next
  /// job is done, with a hand in it: its slot, or -1 after the last.
  StatusOr<int> take();

  /// How long take() has waited or worked, in all.
  double waitedSeconds() const { return waited; }

private:
  struct Slot {
    int64_t unfinished = 0;
    /// Of the failure nearest to the job's start.
    int64_t failedAt = 0;
    Status status;
  };

  Slot &slotOf(int64_t job) { return slots[size_t(job) % slots.size()]; }
  bool claim(Piece &piece);
  void finish(const Piece &piece, Status status);
  void run(std::unique_lock<std::mutex> &lock, Piece &piece);
  void startThreads();
  void serve(int thread);

  Work work;
  Size size;
  const int numThreads;

  std::mutex mutex;
  std::condition_variable hasWork, isDone;
  std::vector<std::thread> threads;
  std::vector<Slot> slots;
  /// The next to take, the next to claim a piece of, and where they end.
  int64_t nextJob = 0, claimedJob = 0, endJob = 0;
  int64_t claimedItems = 0;
  /// Whether the slot of nextJob - 1 is in use.
  bool isTaken = false;
  int64_t numRunning = 0;
  bool isStopping = false;
  double waited = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_PREFETCH_H
