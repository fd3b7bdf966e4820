// Chooses whether attention has a phase of its own, and emits it.
#include "codegen/cpu/Attention.h"

#include "codegen/cpu/AttentionPhases.h"
#include "codegen/lower/KernelBuilder.h"

using namespace mlir;
using namespace nnc;

/// What a thread may need of its own for sums that 16 bits cannot hold.
static constexpr int64_t kMostScratchBytes = int64_t(256) << 20;

/// Whether blocks of such heads have room: bounds far beyond what is of use, so
/// that no scratch overflows.
static LogicalResult checkSizes(const AttentionKernel &attention,
                                Refusal &refusal) {
  constexpr int64_t kMostElements = 4096;
  const AttentionSizes &sizes = attention.sizes;
  if (sizes.size > kMostElements || sizes.valueSize > kMostElements)
    return refusal.because("a head has more than 4096 elements");
  // Positions are compared in 32 bits.
  if (sizes.time >= int64_t(1) << 30 || sizes.keys >= int64_t(1) << 30)
    return refusal.because("a sequence is longer than 2^30");
  bool isNarrow = attention.elementType.getIntOrFloatBitWidth() < 32;
  int64_t sums = sizes.keys * (sizes.size + sizes.valueSize) * sizeof(float);
  if (attention.isGradient && isNarrow && sums > kMostScratchBytes)
    return refusal.because("a head's sums take more than 256 MiB");
  return success();
}

FailureOr<ScheduledKernel> nnc::scheduleAttention(func::FuncOp kernel,
                                                  const CpuModel &model,
                                                  Refusal &refusal) {
  FailureOr<AttentionKernel> attention = analyzeAttention(kernel, refusal);
  if (failed(attention) || failed(checkSizes(*attention, refusal)))
    return failure();
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  AttentionTiling tiling(*attention, model);
  ScheduledKernel scheduled;
  if (attention->isGradient)
    AttentionGradient(b, kernel, *attention, tiling).emit(scheduled);
  else
    AttentionForward(b, kernel, *attention, tiling).emit(scheduled);
  return scheduled;
}
