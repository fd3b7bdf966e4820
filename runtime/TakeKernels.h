// The kernels by which a GPU takes the samples of a batch from a set that it
// holds. Plans that train have them; no command launches them.
//
// A sample is `units` units; taken[b, u] = samples[order[b], u]. Parameters are
// the buffers samples, order (i64), units (one i64) and taken, then the batch,
// as of every kernel; a thread takes a unit.
#ifndef NNC_RUNTIME_TAKEKERNELS_H
#define NNC_RUNTIME_TAKEKERNELS_H

#include <cstdint>

namespace nnc::runtime {

struct TakeKernel {
  const char *name;
  /// What the bytes of a sample are a multiple of.
  int64_t unitBytes;
};

/// The first that fits the samples is the fastest.
inline constexpr TakeKernel takeKernels[] = {
    {"take_samples_16", 16}, {"take_samples_4", 4}, {"take_samples_1", 1}};

/// Threads a block.
inline constexpr int64_t takeThreads = 256;

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TAKEKERNELS_H
