// Chooses whether attention has phases of its own on a GPU, and emits them.
#include "codegen/cuda/Attention.h"

#include "codegen/cuda/AttentionPhases.h"

using namespace mlir;
using namespace nnc;

FailureOr<ScheduledKernel> nnc::scheduleGpuAttention(func::FuncOp kernel,
                                                     const GpuModel &model,
                                                     Refusal &refusal) {
  // Sums of a few positions stay within 32 bits.
  constexpr int64_t kMostPositions = int64_t(1) << 28;
  FailureOr<AttentionKernel> attention = analyzeAttention(kernel, refusal);
  if (failed(attention))
    return failure();
  const AttentionSizes &sizes = attention->sizes;
  if (attention->elementType.getIntOrFloatBitWidth() < 32)
    return refusal.because("its numbers have 16 bits, whose products are those "
                           "of tensor cores");
  if (sizes.time > kMostPositions || sizes.keys > kMostPositions)
    return refusal.because("a sequence is longer than 2^28");
  std::optional<GpuAttentionTile> tile = chooseAttentionTile(*attention, model);
  if (!tile)
    return refusal.because("a head is too large for shared memory");
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  if (!attention->isGradient) {
    scheduled.phases.push_back(
        GpuAttentionForward(b, kernel, *attention, *tile).emit());
    return scheduled;
  }
  scheduled.phases.push_back(
      GpuKeyGradient(b, kernel, *attention, *tile).emit());
  Operation *last = scheduled.phases.back().function;
  scheduled.phases.push_back(
      GpuQueryGradient(b, kernel, last, *attention, *tile).emit());
  return scheduled;
}
