// What printers of a GPU's phases are told beside the phases themselves.
#ifndef NNC_CODEGEN_CUDA_DESCRIBEPHASES_H
#define NNC_CODEGEN_CUDA_DESCRIBEPHASES_H

#include "codegen/Target.h"

namespace nnc {

/// Gives the phases of `kernel` names that are identifiers, and the attributes
/// that codegen/cuda/EmitCuda.h lists.
void describePhases(mlir::func::FuncOp kernel, ScheduledKernel &scheduled);

/// A size as these attributes have it; toExtent() reads it.
mlir::Attribute toAttribute(mlir::MLIRContext *context, Extent extent);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_DESCRIBEPHASES_H
