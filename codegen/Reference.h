// Kernels as upstream's plain loops: what serves a kernel that no emitter
// claims, and what every emitter is tested against.
#ifndef NNC_CODEGEN_REFERENCE_H
#define NNC_CODEGEN_REFERENCE_H

#include "codegen/Refusal.h"
#include "codegen/Target.h"

namespace nnc {

/// Schedules any kernel as one phase of extent 1 that runs on one thread:
/// one-shot bufferization into workspace buffers, then a loop nest an op. The
/// phase is inserted after the kernel and named "<kernel>.reference". Fails
/// after a diagnostic where upstream's bufferization does.
mlir::FailureOr<ScheduledKernel> scheduleReference(mlir::func::FuncOp kernel);

/// The same loops, with the same result bit for bit, on all cores: a phase a
/// nest, shared out where its outermost loop is parallel. What is left to one
/// thread is the reason that `refusal` gives.
mlir::FailureOr<ScheduledKernel> scheduleLoops(mlir::func::FuncOp kernel,
                                               Refusal &refusal);

/// The bytes of a row-major tensor, booleans as one byte each.
Extent sizeBytes(mlir::RankedTensorType type);

} // namespace nnc

#endif // NNC_CODEGEN_REFERENCE_H
