// Sums of rows by index on a GPU: the indices are sorted, and each sum is in
// parts of a fixed size, one thread a column.
#ifndef NNC_CODEGEN_CUDA_SCATTERPARTS_H
#define NNC_CODEGEN_CUDA_SCATTERPARTS_H

#include "codegen/MovementAnalysis.h"
#include "codegen/Target.h"

namespace nnc {

/// Whether the sums can be sorted: those of one outer slice.
bool sumsInGpuParts(const ScatterAdd &scatter);

/// Zeros; a sort in two phases, of tiles and then of all; sums of parts, which
/// write the rows that lie within one; what the parts of longer rows add up to.
/// Nothing is added by two threads, so that sums are the same in each run.
ScheduledKernel scheduleGpuScatterParts(mlir::func::FuncOp kernel,
                                        const Movement &movement);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SCATTERPARTS_H
