// Samples of a set that a device holds for many runs, and the order in which
// batches take them.
#ifndef NNC_RUNTIME_HELDSAMPLES_H
#define NNC_RUNTIME_HELDSAMPLES_H

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// Samples of one input, behind each other, in its element type.
struct HeldColumn {
  /// How many units of runtime/TakeKernels.h a sample has, an i64, then from
  /// `headBytes` on the samples.
  const char *memory;
  int64_t sampleBytes;
  static constexpr int64_t headBytes = 256;

  const char *samples() const { return memory + headBytes; }
};

/// A batch of held samples: number order[first + b] is its sample b.
struct HeldBatch {
  /// One an input.
  std::vector<HeldColumn> inputs;
  /// On the device.
  const int64_t *order;
  int64_t first, size;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_HELDSAMPLES_H
