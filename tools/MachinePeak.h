// What this machine can do at best, measured: the two lines of a roofline.
#ifndef NNC_TOOLS_MACHINEPEAK_H
#define NNC_TOOLS_MACHINEPEAK_H

#include <cstdint>
#include <utility>
#include <vector>

namespace nnc::tools {

struct MachinePeak {
  /// f32 operations, a fused multiply-add counted as two.
  double flopPerSecond = 0;
  /// Read and written per second, by how many bytes are gone through again and
  /// again: from and to a cache that holds them, or the memory. Ascending.
  std::vector<std::pair<int64_t, double>> bytesPerSecond = {};

  /// Of what goes through `bytes` bytes. At least that of anything larger.
  double bytesPerSecondFor(int64_t bytes) const;
};

/// Takes about 0.5 s and, while it runs, 128 MiB.
MachinePeak measurePeak(int numThreads);

} // namespace nnc::tools

#endif // NNC_TOOLS_MACHINEPEAK_H
