// Chooses whether attention has phases of its own on a GPU, and emits them.
#include "codegen/cuda/Attention.h"

#include "codegen/ScheduleKernels.h"
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
  if (sizes.time > kMostPositions || sizes.keys > kMostPositions)
    return refusal.because("a sequence is longer than 2^28");
  bool isByTensors = attention->elementType.getIntOrFloatBitWidth() < 32;
  std::optional<GpuAttentionTile> tile =
      isByTensors
          ? chooseTensorScoreTile(*attention, model)
          : chooseThreadScoreTile(*attention, typicalBatch(kernel), model);
  if (!tile)
    return refusal.because(isByTensors ? "its heads are no whole matrices of "
                                         "tensor cores, or too large"
                                       : "a head is too large for shared "
                                         "memory");
  auto makeTiles = isByTensors ? makeTensorScoreTiles : makeThreadScoreTiles;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  if (!attention->isGradient) {
    scheduled.phases.push_back(
        GpuAttentionForward(b, kernel, *attention, *tile, makeTiles).emit());
    return scheduled;
  }
  scheduled.phases.push_back(
      GpuKeyGradient(b, kernel, *attention, *tile, makeTiles).emit());
  Operation *last = scheduled.phases.back().function;
  scheduled.phases.push_back(
      GpuQueryGradient(b, kernel, last, *attention, *tile, makeTiles).emit());
  // Gradients of queries and keys are apart, also where one tensor has both.
  scheduled.phases.back().function->setAttr("nnc.apart", b.getUnitAttr());
  return scheduled;
}
