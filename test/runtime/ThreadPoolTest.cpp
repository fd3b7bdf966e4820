// Every index exactly once, at any number of threads.
#include "runtime/ThreadPool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

using namespace nnc::runtime;

namespace {
struct Visits {
  explicit Visits(int64_t extent) : counts(extent) {}
  std::vector<std::atomic<int>> counts;
  std::atomic<int> numCalls{0};
  std::atomic<int> threadsOutOfRange{0};
  int numThreads = 0;
};
} // namespace

static void visit(void *context, int64_t begin, int64_t end, int thread) {
  auto &visits = *static_cast<Visits *>(context);
  ++visits.numCalls;
  if (thread < 0 || thread >= visits.numThreads)
    ++visits.threadsOutOfRange;
  for (int64_t i = begin; i < end; ++i)
    ++visits.counts[i];
}

TEST(ThreadPool, VisitsEachIndexOnce) {
  for (int numThreads : {1, 2, 3, 8}) {
    ThreadPool pool(numThreads);
    for (int64_t extent : {0, 1, 2, 7, 64, 1000})
      for (int64_t grain : {1, 3, 64, 5000}) {
        Visits visits(extent);
        visits.numThreads = numThreads;
        pool.run(extent, grain, visit, &visits);
        EXPECT_TRUE(std::all_of(visits.counts.begin(), visits.counts.end(),
                                [](const auto &count) { return count == 1; }))
            << numThreads << " threads, extent " << extent << ", grain "
            << grain;
        EXPECT_EQ(visits.threadsOutOfRange, 0);
      }
  }
}

TEST(ThreadPool, SmallLoopIsOneCall) {
  ThreadPool pool(4);
  Visits visits(64);
  visits.numThreads = 1;
  pool.run(64, 64, visit, &visits);
  EXPECT_EQ(visits.numCalls, 1);
  EXPECT_EQ(visits.threadsOutOfRange, 0);
}

TEST(ThreadPool, RunsManyLoopsInARow) {
  ThreadPool pool(3);
  Visits visits(48);
  visits.numThreads = 3;
  constexpr int numLoops = 20000;
  for (int i = 0; i < numLoops; ++i)
    pool.run(48, 1, visit, &visits);
  for (const auto &count : visits.counts)
    EXPECT_EQ(count, numLoops);
}

TEST(ThreadPool, WakesAfterSleep) {
  ThreadPool pool(2);
  for (int i = 0; i < 20; ++i) {
    Visits visits(8);
    visits.numThreads = 2;
    pool.run(8, 1, visit, &visits);
    EXPECT_TRUE(std::all_of(visits.counts.begin(), visits.counts.end(),
                            [](const auto &count) { return count == 1; }));
    // Longer than a worker spins.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A child has a copy of the pool and none of its threads, which may spin or
// sleep at the fork.
TEST(ThreadPool, AChildDestroysACopy) {
  for (bool isAsleep : {false, true}) {
    auto pool = std::make_unique<ThreadPool>(3);
    Visits visits(48);
    visits.numThreads = 3;
    pool->run(48, 1, visit, &visits);
    if (isAsleep)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pid_t child = fork();
    if (child == 0) {
      alarm(10); // should it wait for ever
      pool.reset();
      _exit(0);
    }
    int state = -1;
    waitpid(child, &state, 0);
    EXPECT_EQ(state, 0);
    pool->run(48, 1, visit, &visits);
    EXPECT_TRUE(std::all_of(visits.counts.begin(), visits.counts.end(),
                            [](const auto &count) { return count == 2; }));
  }
}
