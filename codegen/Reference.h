// Kernels as upstream's plain loops: what serves a kernel that no emitter
// claims, and what every emitter is tested against.
#ifndef NNC_CODEGEN_REFERENCE_H
#define NNC_CODEGEN_REFERENCE_H

#include "codegen/Target.h"

namespace nnc {

/// Schedules any kernel as one phase of extent 1 that runs on one thread:
/// one-shot bufferization into workspace buffers, then a loop nest an op. The
/// phase is inserted after the kernel and named "<kernel>.reference". Fails
/// after a diagnostic where upstream's bufferization does.
mlir::FailureOr<ScheduledKernel> scheduleReference(mlir::func::FuncOp kernel);

/// The bytes of a row-major tensor, booleans as one byte each.
Extent sizeBytes(mlir::RankedTensorType type);

} // namespace nnc

#endif // NNC_CODEGEN_REFERENCE_H
