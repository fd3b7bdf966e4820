// Sums of rows by index where there are many indices, on a CPU: sorted first,
// so that the work does not depend on which of them are equal.
#ifndef NNC_CODEGEN_CPU_SCATTERPARTS_H
#define NNC_CODEGEN_CPU_SCATTERPARTS_H

#include "codegen/MovementAnalysis.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Whether the sums are worth being sorted: of one outer slice, and of more
/// indices than a part has.
bool sumsInParts(const ScatterAdd &scatter);

/// Four phases: indices sorted with their places, by counting; rows whose
/// indices lie in one part of the sorted ones; sums of the parts of the others;
/// and what these parts add up to. The parts are of a fixed size, so that each
/// sum is the same at any number of threads.
ScheduledKernel scheduleScatterParts(mlir::func::FuncOp kernel,
                                     const Movement &movement,
                                     const CpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_SCATTERPARTS_H
