// Contractions as tiles that blocks of threads sum from shared memory.
#ifndef NNC_CODEGEN_CUDA_TILES_H
#define NNC_CODEGEN_CUDA_TILES_H

#include "codegen/Refusal.h"
#include "codegen/cuda/GpuModel.h"
#include "codegen/cuda/KernelParts.h"

namespace nnc {

/// Schedules a contraction over one dimension or several, its operands read
/// through slices, reshapes, padding and windows and with elementwise ops on
/// them, and elementwise ops on its result, or several such products side by
/// side in one result: what no call of the library can be. Where no product is,
/// `schedulePart` writes. Fails with a reason where the kernel is none of
/// these, or too small to fill tiles.
///
/// A sum is cut into parts that depend on shapes alone; a part is added up in
/// the order of its terms, and parts in their order.
mlir::FailureOr<ScheduledKernel> scheduleTiles(mlir::func::FuncOp kernel,
                                               const GpuModel &model,
                                               PartScheduler schedulePart,
                                               Refusal &refusal);

/// Schedules a product of two matrices, or a batch of them, that a call of the
/// library would take longer for, by the estimate of SmallProducts.h, with
/// elementwise ops on operands and result: one phase. Fails with a reason.
mlir::FailureOr<ScheduledKernel> scheduleSmallProduct(mlir::func::FuncOp kernel,
                                                      const GpuModel &model,
                                                      Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILES_H
