// What this machine can do at best, measured: the two lines of a roofline.
#ifndef NNC_TOOLS_MACHINEPEAK_H
#define NNC_TOOLS_MACHINEPEAK_H

namespace nnc::tools {

struct MachinePeak {
  /// f32 operations, a fused multiply-add counted as two.
  double flopPerSecond;
  /// Read and written, from and to memory beyond the caches.
  double bytesPerSecond;
};

/// Takes about 0.3 s and, while it runs, 128 MiB.
MachinePeak measurePeak(int numThreads);

} // namespace nnc::tools

#endif // NNC_TOOLS_MACHINEPEAK_H
