// Multiplies in registers and copies in memory, on all threads.
#include "tools/MachinePeak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace nnc::tools {

using Clock = std::chrono::steady_clock;

/// Independent chains of multiply-adds: enough to hide the latency of any
/// pipeline so far (4 to 5 cycles, two a cycle), few enough for 16 registers.
template <typename Vector> static inline float fmaChains(int64_t rounds) {
  constexpr int chains = 12;
  Vector sums[chains];
  for (int c = 0; c < chains; ++c)
    sums[c] = Vector{} + float(c);
  Vector a = Vector{} + 0.999f, b = Vector{} + 1e-3f;
  for (int64_t i = 0; i < rounds; ++i)
    for (int c = 0; c < chains; ++c)
      sums[c] = sums[c] * a + b;
  float sum = 0;
  for (int c = 0; c < chains; ++c)
    sum += sums[c][0];
  return sum;
}

using Vector8 = float __attribute__((vector_size(32)));
using Vector16 = float __attribute__((vector_size(64)));

__attribute__((target("avx512f"), flatten)) static float
chains512(int64_t rounds) {
  return fmaChains<Vector16>(rounds);
}
__attribute__((target("avx2,fma"), flatten)) static float
chains256(int64_t rounds) {
  return fmaChains<Vector8>(rounds);
}
static float chainsPlain(int64_t rounds) { return fmaChains<Vector8>(rounds); }

/// The wall time of `body` on each of the threads at once.
static double secondsOn(int numThreads, const std::function<void(int)> &body) {
  Clock::time_point begin = Clock::now();
  std::vector<std::thread> threads;
  for (int t = 1; t < numThreads; ++t)
    threads.emplace_back(body, t);
  body(0);
  for (std::thread &thread : threads)
    thread.join();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

static double measureFlop(int numThreads) {
  bool wide = __builtin_cpu_supports("avx512f");
  bool fused = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  auto run = wide ? chains512 : fused ? chains256 : chainsPlain;
  constexpr int64_t rounds = 1 << 21;
  double flop = double(rounds) * 12 * 2 * (wide ? 16 : 8) * numThreads;
  double best = 0;
  [[maybe_unused]] static volatile float sink;
  for (int trial = 0; trial < 5; ++trial)
    best = std::max(
        best, flop / secondsOn(numThreads, [&](int) { sink = run(rounds); }));
  return best;
}

/// Copies half of `workingSetBytes` to the other half, a share a thread.
static double measureBandwidth(int numThreads, int64_t workingSetBytes,
                               char *memory) {
  // Much against the start of the threads.
  constexpr int64_t movedBytes = 128 << 20;
  const int64_t rounds = movedBytes / workingSetBytes;
  const size_t half = workingSetBytes / 2, share = half / numThreads;
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    double seconds = secondsOn(numThreads, [&](int t) {
      for (int64_t round = 0; round < rounds; ++round) {
        std::memcpy(memory + half + t * share, memory + t * share, share);
        // Or the rounds would be one.
        asm volatile("" ::: "memory");
      }
    });
    best = std::max(best, 2.0 * share * numThreads * rounds / seconds);
  }
  return best;
}

double MachinePeak::bytesPerSecondFor(int64_t bytes) const {
  double best = 0;
  for (auto [workingSetBytes, rate] : bytesPerSecond)
    if (workingSetBytes >= bytes ||
        workingSetBytes == bytesPerSecond.back().first)
      best = std::max(best, rate);
  return best;
}

MachinePeak measurePeak(int numThreads) {
  constexpr int64_t smallest = 1 << 15, largest = 1 << 27;
  MachinePeak peak{measureFlop(numThreads)};
  std::unique_ptr<char[]> memory(new char[largest]());
  for (int64_t bytes = smallest; bytes <= largest; bytes *= 4)
    peak.bytesPerSecond.emplace_back(
        bytes, measureBandwidth(numThreads, bytes, memory.get()));
  return peak;
}

} // namespace nnc::tools
