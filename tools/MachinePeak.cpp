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

static double measureBandwidth(int numThreads) {
  constexpr size_t sizeBytes = 64 << 20;
  std::unique_ptr<char[]> from(new char[sizeBytes]()),
      to(new char[sizeBytes]());
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    double seconds = secondsOn(numThreads, [&](int t) {
      size_t share = sizeBytes / numThreads;
      std::memcpy(to.get() + t * share, from.get() + t * share, share);
    });
    best = std::max(best, 2.0 * sizeBytes / seconds);
  }
  return best;
}

MachinePeak measurePeak(int numThreads) {
  return {measureFlop(numThreads), measureBandwidth(numThreads)};
}

} // namespace nnc::tools
