// Claims pieces under a lock, does them without it.
#include "runtime/data/Prefetch.h"

#include <algorithm>
#include <chrono>

namespace nnc::runtime {

Prefetch::Prefetch(int numThreads, int numSlots, Work work, Size size)
    : work(std::move(work)), size(std::move(size)), numThreads(numThreads),
      slots(size_t(numSlots)) {}

Prefetch::~Prefetch() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isStopping = true;
  }
  hasWork.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

/// The next piece that nobody does, if a slot is free for its job. Small enough
/// that all threads have some of a job, and that the last is soon done.
bool Prefetch::claim(Piece &piece) {
  const int64_t oldest = nextJob - (isTaken ? 1 : 0);
  if (isStopping || claimedJob >= endJob ||
      claimedJob - oldest >= int64_t(slots.size()))
    return false;
  const int64_t items = size(claimedJob);
  if (claimedItems == 0) {
    slotOf(claimedJob).unfinished = items;
    slotOf(claimedJob).status = {};
  }
  const int64_t most =
      std::clamp<int64_t>(items / (4 * (numThreads + 1)), 1, 64);
  piece.job = claimedJob;
  piece.slot = int(size_t(claimedJob) % slots.size());
  piece.begin = claimedItems;
  piece.end = std::min(items, claimedItems + most);
  claimedItems = piece.end;
  if (claimedItems == items) {
    ++claimedJob;
    claimedItems = 0;
  }
  ++numRunning;
  return true;
}

void Prefetch::finish(const Piece &piece, Status status) {
  --numRunning;
  Slot &slot = slots[size_t(piece.slot)];
  slot.unfinished -= piece.end - piece.begin;
  if (!status.isOk() && (slot.status.isOk() || piece.begin < slot.failedAt)) {
    slot.failedAt = piece.begin;
    slot.status = std::move(status);
  }
  isDone.notify_all();
}

void Prefetch::run(std::unique_lock<std::mutex> &lock, Piece &piece) {
  lock.unlock();
  Status status = guardMemory([&] { return work(piece); });
  lock.lock();
  finish(piece, std::move(status));
}

void Prefetch::serve(int thread) {
  std::unique_lock<std::mutex> lock(mutex);
  while (!isStopping) {
    Piece piece;
    piece.thread = thread;
    if (claim(piece))
      run(lock, piece);
    else
      hasWork.wait(lock);
  }
}

// Where the system has no more threads or memory for them, those that there are
// do the work; take does it alone if there are none.
void Prefetch::startThreads() {
  while (int(threads.size()) < numThreads) {
    const int thread = int(threads.size());
    try {
      threads.emplace_back([this, thread] { serve(thread); });
    } catch (const std::exception &) {
      return;
    }
  }
}

void Prefetch::start(int64_t begin, int64_t end) {
  std::unique_lock<std::mutex> lock(mutex);
  claimedJob = endJob = 0;
  isDone.wait(lock, [&] { return numRunning == 0; });
  nextJob = claimedJob = begin;
  claimedItems = 0;
  endJob = end;
  isTaken = false;
  if (threads.empty() && begin < end)
    startThreads();
  hasWork.notify_all();
}

StatusOr<int> Prefetch::take() {
  const auto begin = std::chrono::steady_clock::now();
  std::unique_lock<std::mutex> lock(mutex);
  isTaken = false;
  if (nextJob == endJob)
    return -1;
  hasWork.notify_all();
  const int64_t job = nextJob;
  Slot &slot = slotOf(job);
  // Its last piece is claimed, and none of it is under way.
  auto isReady = [&] { return claimedJob > job && slot.unfinished == 0; };
  while (!isReady()) {
    Piece piece;
    piece.thread = numThreads;
    if (claimedJob <= job && claim(piece))
      run(lock, piece);
    else
      isDone.wait(lock);
  }
  nextJob = job + 1;
  isTaken = true;
  waited +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (!slot.status.isOk())
    return slot.status;
  return int(size_t(job) % slots.size());
}

} // namespace nnc::runtime
