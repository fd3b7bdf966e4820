// Attention on a CPU, without its scores in memory.
#ifndef NNC_CODEGEN_CPU_ATTENTION_H
#define NNC_CODEGEN_CPU_ATTENTION_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// One phase. Forward it is parallel over samples, heads and blocks of queries;
/// the gradient over samples and heads of keys, each of which has the sums of
/// its keys to itself. Fails with a reason and without a trace on any other
/// kernel.
mlir::FailureOr<ScheduledKernel> scheduleAttention(mlir::func::FuncOp kernel,
                                                   const CpuModel &model,
                                                   Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ATTENTION_H
