// Attention on a GPU, without its scores in memory.
#ifndef NNC_CODEGEN_CUDA_ATTENTION_H
#define NNC_CODEGEN_CUDA_ATTENTION_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// Forward one phase, a block of threads a tile of queries. The gradient has
/// two, whose blocks have tiles of keys and of queries. Products are those of
/// multiply-adds, and of tensor cores where numbers have 16 bits. Fails with a
/// reason and without a trace on any other kernel.
mlir::FailureOr<ScheduledKernel> scheduleGpuAttention(mlir::func::FuncOp kernel,
                                                      const GpuModel &model,
                                                      Refusal &refusal);

/// A head of so many bytes has room in shared memory, both ways.
inline constexpr int64_t kLargestGpuHeadBytes = 640;
/// A head of so many 16-bit numbers has sums of whole rows in registers.
inline constexpr int64_t kLargestGpuHalfHead = 128;

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ATTENTION_H
