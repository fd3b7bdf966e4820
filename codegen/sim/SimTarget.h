// The simulator as a target: the CUDA target's text, compiled for the host.
#ifndef NNC_CODEGEN_SIM_SIMTARGET_H
#define NNC_CODEGEN_SIM_SIMTARGET_H

#include "codegen/Target.h"
#include "codegen/cuda/EmitCuda.h"

namespace nnc {

/// "sim", whose kernels have every access checked, and "sim:fast".
const TargetFamily &simTargets();

/// Compiles text for the simulator: a shared object that runtime/device/
/// SimDevice loads. Fails after a diagnostic at `loc`, such as that there is no
/// C++ compiler.
mlir::FailureOr<CodeImage> compileForSim(const CudaText &text, bool isChecked,
                                         mlir::Location loc);

} // namespace nnc

#endif // NNC_CODEGEN_SIM_SIMTARGET_H
