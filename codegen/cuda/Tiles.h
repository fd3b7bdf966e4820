// Contractions as tiles that blocks of threads sum from shared memory.
#ifndef NNC_CODEGEN_CUDA_TILES_H
#define NNC_CODEGEN_CUDA_TILES_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// Schedules a contraction over one dimension or several, its operands read
/// through slices, reshapes, padding and windows and with elementwise ops on
/// them, and elementwise ops on its result: what no library call can be. Fails
/// with a reason where the kernel is none, or too small to fill tiles.
///
/// A sum is cut into parts that depend on shapes alone; a part is added up in
/// the order of its terms, and parts in their order.
mlir::FailureOr<ScheduledKernel> scheduleTiles(mlir::func::FuncOp kernel,
                                               const GpuModel &model,
                                               Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILES_H
